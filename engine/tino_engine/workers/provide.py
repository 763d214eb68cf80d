"""The `provide` child: asks providers of market data, in a process of its own for each download.

    providers {packages}                                → {providers: [[from, capabilities]], problems}
    search {provider, access, text, limit}              → {symbols}
    prepare {provider, access, symbol, kind, step}      → {instrument, series}
    fetch {…, spans, data}                              → {rows}; `progress` on the way
    store {…, spans, data, known, stored, ticks, others} → see `data.download.store`; `progress` on the way
    forget {…, data}                                    → {}

`access` is {key, mirror, packages}. Before each request the child says `permit {seconds}` and waits for the notice `permit`; what a
source says about waiting it passes on as `hold {seconds, reason}`. The one limit of a provider is the engine's.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from dataclasses import asdict
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id
from tino_engine.workers.port import Port

if TYPE_CHECKING:
    from tino_engine.data.download import Wanted
    from tino_engine.data.providers import Provider
    from tino_engine.workers.protocol import Frame


def main() -> int:
    """Serve until the engine closes the pipe; give the exit status."""
    port = Port()
    with tempfile.TemporaryDirectory(prefix="tino-provide-") as scratch:
        child = _Child(port, Path(scratch))
        port.listen(child.take)
        port.ready()
        return child.serve()


class _Child:
    def __init__(self, port: Port, scratch: Path) -> None:
        self._port = port
        self._scratch = scratch
        self._waiting: SimpleQueue[Frame] = SimpleQueue()
        self._permits: SimpleQueue[None] = SimpleQueue()
        self._request = 0
        self._provider: Provider | None = None
        self._wanted: dict[tuple[str, str, str], Wanted] = {}

    def take(self, frame: Frame) -> None:
        """Take a frame, on the port's thread."""
        if frame.header["call"] == "permit":
            self._permits.put(None)
        else:
            self._waiting.put(frame)

    def serve(self) -> int:
        """Answer one call after the other, for as long as the process lives."""
        handlers = {
            "providers": self._providers,
            "search": self._search,
            "prepare": self._prepare,
            "fetch": self._fetch,
            "store": self._store,
            "forget": self._forget,
        }
        while True:
            frame = self._waiting.get()
            self._request = frame.header["id"]
            try:
                result = handlers[frame.header["call"]](frame.header["params"])
            except TinoError as error:
                self._port.fail(self._request, error.body)
            except Exception as error:  # noqa: BLE001 - the engine's log gets it whole, the caller what it says
                self._port.fail(self._request, self._failed(frame.header["params"], error).body)
            else:
                self._port.reply(self._request, result)

    def _failed(self, params: dict[str, Any], error: Exception) -> TinoError:
        reference = new_id("err")
        print(f"{reference} {''.join(traceback.format_exception(error))}", file=sys.stderr, flush=True)  # noqa: T201
        if "provider" not in params:
            return TinoError("internal", reference=reference, log="engine.log")
        reason = f"{type(error).__name__}: {error}"[:300]
        return TinoError("provider_failed", provider=params["provider"], reason=reason, log="engine.log")

    def _providers(self, params: dict[str, Any]) -> dict[str, Any]:
        from tino_engine.data.providers import registry  # noqa: PLC0415 - see `main`: after the port

        registry.add_packages(Path(params["packages"]))
        found, problems = registry.list_providers()
        return {
            "providers": [[origin, asdict(capabilities)] for origin, capabilities in found],
            "problems": [{"name": name, "reason": reason} for name, reason in problems],
        }

    def _search(self, params: dict[str, Any]) -> dict[str, Any]:
        found = self._reach(params).search(params["text"], params["limit"])
        return {"symbols": [item.model_dump(mode="json") for item in found]}

    def _prepare(self, params: dict[str, Any]) -> dict[str, Any]:
        from tino_engine.data.providers import registry  # noqa: PLC0415 - as above

        provider = self._reach(params)
        capabilities = registry.capabilities_of(params["provider"])
        if params["kind"] not in capabilities.kinds:
            available = ", ".join(capabilities.kinds)
            raise TinoError(
                "provider_kind_missing",
                field="kind",
                provider=params["provider"],
                kind=params["kind"],
                available=available,
            )
        if params["kind"] == "bars" and params["step"] not in capabilities.steps:
            kind, available = f"bars of {params['step']}", ", ".join(capabilities.steps)
            raise TinoError(
                "provider_kind_missing", field="step", provider=params["provider"], kind=kind, available=available
            )
        if capabilities.key == "required":
            provider.access.require_key()
        wanted = self._want(provider, params)
        return {"instrument": wanted.instrument.model_dump(mode="json"), "series": wanted.name}

    def _fetch(self, params: dict[str, Any]) -> dict[str, Any]:
        from tino_engine.data import download  # noqa: PLC0415 - as above

        provider = self._reach(params)
        wanted = self._want(provider, params)
        progress = download.Progress(self._tell)
        staging = download.staging_of(Path(params["data"]), params["provider"], wanted)
        return {"rows": download.fetch_parts(provider, wanted, _spans(params), staging, progress.say)}

    def _store(self, params: dict[str, Any]) -> dict[str, Any]:
        from tino_engine.contracts import Instrument  # noqa: PLC0415 - as above
        from tino_engine.data import download  # noqa: PLC0415 - as above
        from tino_engine.data.series import Series  # noqa: PLC0415 - as above

        provider, data = self._reach(params), Path(params["data"])
        wanted = self._want(provider, params)
        return download.store(
            data,
            provider,
            wanted,
            download.staging_of(data, params["provider"], wanted),
            _spans(params),
            {item["id"]: Instrument.model_validate(item) for item in params["known"]},
            {item["barType"]: Series.from_params(item) for item in params["stored"]},
            [Path(file) for file in params["ticks"]],
            params["others"],
            lambda _: None,
        )

    def _forget(self, params: dict[str, Any]) -> dict[str, Any]:
        from tino_engine.data import download  # noqa: PLC0415 - as above

        wanted = self._want(self._reach(params), params)
        download.forget_parts(download.staging_of(Path(params["data"]), params["provider"], wanted))
        return {}

    def _reach(self, params: dict[str, Any]) -> Provider:
        """Give the provider, made when it is first asked for."""
        from tino_engine.data.providers import Access, registry  # noqa: PLC0415 - as above

        if self._provider is None or self._provider.access.name != params["provider"]:
            how = params["access"]
            registry.add_packages(Path(how["packages"]))
            capabilities = registry.capabilities_of(params["provider"])
            access = Access(
                params["provider"],
                key=how["key"],
                mirror=how["mirror"],
                requests_a_second=capabilities.requests_a_second,
                permit=self._permit,
                hold=self._hold,
                scratch=self._scratch,
            )
            if params["provider"] in ("databento", "tardis"):
                # NautilusTrader alone reads their files; it takes half a second to load, which others need not wait for.
                from tino_engine.nautilus.decoding import Decoding  # noqa: PLC0415

                access.decode = Decoding()
            self._provider = registry.build(access)
        return self._provider

    def _want(self, provider: Provider, params: dict[str, Any]) -> Wanted:
        from tino_engine.data.download import Wanted  # noqa: PLC0415 - as above

        key = params["symbol"], params["kind"], params["step"]
        if key not in self._wanted:
            self._wanted[key] = Wanted(*key, provider.instrument(params["symbol"]))
        return self._wanted[key]

    def _permit(self, seconds: float) -> None:
        self._port.event("permit", {"seconds": seconds}, request=self._request)
        self._permits.get()

    def _hold(self, seconds: float, reason: str) -> None:
        self._port.event("hold", {"seconds": seconds, "reason": reason}, request=self._request)

    def _tell(self, change: dict[str, Any]) -> None:
        self._port.event("progress", change, request=self._request)


def _spans(params: dict[str, Any]) -> list[Any]:
    from tino_engine.data.providers import Span  # noqa: PLC0415 - as above

    return [Span(date.fromisoformat(first), date.fromisoformat(last)) for first, last in params["spans"]]
