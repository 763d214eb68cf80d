"""The `data` child: holds pyarrow and the catalog's files, so that the engine need not.

Calls, one at a time; `folder` is the data folder of the home, with the catalog and the cache of adjusted prices in it:

    importSample {folder, sample}                        → {instruments, coverage, actions, notes}; `progress` on the way
    previewImport {request, known}                       → `ImportPreview`
    importFiles {folder, request, known, stored}         → {instruments, coverage, series, problems}; `progress` on the way
    bars {folder, series, adjustment, from, to, points, step} → {} and an Arrow IPC stream, see `data.serving`
    resample {folder, series, step}                      → {instruments, coverage}
    inspect {series: [...]}                              → {reports}: a `SeriesQuality` each
    readFundamentals {request}                           → {} and JSON rows, see `data.fundamentals_file`

    tearsheet {folder, id, version}                      → {} and a `Tearsheet` as JSON
    export {folder, run, as, table}                      → {} and the bytes of a file, see `backtest.export`

Of the last two, `folder` is that of a finished run.     pushFiles, fetchFiles {catalog, uri, key, files, instruments}, pruneFiles     → {files}: to and from an object store, see `data.remote`

`known` are the instruments of the catalog, `stored` its series. What takes long or
loads more than pyarrow (imports of files, `resample`, `inspect`, `readFundamentals`) gets a child of its own.
"""

from __future__ import annotations

import json
import sys
import traceback
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tino_engine.data.series import Series
from tino_engine.errors import TinoError
from tino_engine.workers.port import Port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tino_engine.workers.protocol import Frame


def main() -> int:
    """Serve until the engine closes the pipe; give the exit status."""
    port = Port()
    # After the port: what these libraries may print must not reach the pipe.
    import pyarrow as pa  # noqa: PLC0415

    from tino_engine.contracts import FundamentalsImportRequest, ImportRequest, Instrument  # noqa: PLC0415
    from tino_engine.data import bar_import, importing, serving  # noqa: PLC0415

    def tearsheet(_request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from tino_engine.backtest.stored import StoredRun  # noqa: PLC0415
        from tino_engine.backtest.tearsheet import make_tearsheet  # noqa: PLC0415

        return {}, make_tearsheet(StoredRun(Path(params["folder"]), params["id"]), params["version"]).to_json()

    def export_run(_request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from tino_engine.backtest.export import export  # noqa: PLC0415
        from tino_engine.backtest.stored import StoredRun  # noqa: PLC0415

        run = params["run"]
        return {}, export(StoredRun(Path(params["folder"]), run["id"]), run, params["as"], params["table"])

    def import_sample(request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        def progress(bar_type: str, done: int, total: int) -> None:
            port.event("progress", {"barType": bar_type, "done": done, "total": total}, request=request)

        catalog = Path(params["folder"]) / "catalog"
        return importing.import_sample(catalog, progress, which=params["sample"]).to_result(), b""

    def known_of(params: dict[str, Any]) -> dict[str, Instrument]:
        return {item["id"]: Instrument.model_validate(item) for item in params["known"]}

    def preview_import(_request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        read = bar_import.preview(ImportRequest.model_validate(params["request"]), known_of(params))
        return read.model_dump(mode="json"), b""

    def import_files(request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        stored = {item["barType"]: Series.from_params(item) for item in params["stored"]}
        wanted = ImportRequest.model_validate(params["request"])

        def tell(progress: dict[str, Any]) -> None:
            port.event("progress", progress, request=request)

        catalog = Path(params["folder"]) / "catalog"
        return bar_import.import_files(catalog, wanted, known_of(params), stored, tell), b""

    def bars(_request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        series, cache = Series.from_params(params["series"]), Path(params["folder"]) / "adjusted"
        adjustment, points = params["adjustment"], params["points"]
        return {}, serving.stream_bars(series, adjustment, cache, params["from"], params["to"], points, params["step"])

    def resample(_request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        series = Series.from_params(params["series"])
        return importing.store_resampled(Path(params["folder"]) / "catalog", series, params["step"]), b""

    def inspect(_request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from tino_engine.data import inspection  # noqa: PLC0415

        reports = [inspection.inspect(Series.from_params(item)) for item in params["series"]]
        return {"reports": [report.model_dump(mode="json") for report in reports]}, b""

    def read_fundamentals(_request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from tino_engine.data import fundamentals_file  # noqa: PLC0415

        rows = fundamentals_file.read_fundamentals(FundamentalsImportRequest.model_validate(params["request"]))
        return {}, json.dumps(rows).encode()

    def transfer(name: str) -> Callable[[int, dict[str, Any]], tuple[dict[str, Any], bytes]]:
        def call(_request: int, params: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
            from tino_engine.data.remote import Remote, instrument_files  # noqa: PLC0415 - few have a store

            remote, catalog = Remote(params["uri"], params["key"]), Path(params["catalog"])
            if name == "prune":
                return {"files": remote.prune(params["files"])}, b""
            if name == "fetch":
                return {"files": remote.fetch(catalog, params["files"])}, b""
            files = [*params["files"], *instrument_files(catalog, params["instruments"])]
            return {"files": remote.push(catalog, files)}, b""

        return call

    handlers = {
        "pushFiles": transfer("push"),
        "fetchFiles": transfer("fetch"),
        "pruneFiles": transfer("prune"),
        "importSample": import_sample,
        "previewImport": preview_import,
        "importFiles": import_files,
        "bars": bars,
        "tearsheet": tearsheet,
        "export": export_run,
        "resample": resample,
        "inspect": inspect,
        "readFundamentals": read_fundamentals,
    }
    port.ready(pyarrow=pa.__version__)
    while (frame := port.receive()) is not None:
        _answer(port, frame, handlers)
        pa.default_memory_pool().release_unused()
    return 0


def _answer(port: Port, frame: Frame, handlers: dict[str, Any]) -> None:
    request = frame.header["id"]
    try:
        result, body = handlers[frame.header["call"]](request, frame.header["params"])
    except TinoError as error:
        port.fail(request, error.body)
    except Exception:  # noqa: BLE001 - the engine's log gets it whole, the caller a reference to it
        reference = uuid.uuid4().hex[:8]
        print(f"{reference} {traceback.format_exc()}", file=sys.stderr, flush=True)  # noqa: T201
        port.fail(request, TinoError("internal", reference=reference, log="engine.log").body)
    else:
        port.reply(request, result, body)
