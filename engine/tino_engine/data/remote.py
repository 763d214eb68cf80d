"""Files of the catalog in an object store, by pyarrow's file systems. In a child process.

A catalog may live at `s3://bucket/prefix`; `?endpoint_override=HOST:PORT&scheme=http&region=…` name another server than Amazon's. An object
appears whole or not at all, which is the store's own promise; what stands for a series is said by the engine's database, as with local files.
Files have the names and places that they have below the local catalog, so that NautilusTrader can read the bucket as its own.
"""

from __future__ import annotations

import errno
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pyarrow as pa
from pyarrow import fs

from tino_engine.data.store import sync_folder, writing
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_CHUNK = 1 << 22
_FETCHING = ".fetching"
_KINDS = ("bars", "quotes", "trades", "order_book_deltas")


class Remote:
    """One place in an object store. `key` is `ACCESS:SECRET`; without one the usual places of credentials are looked in."""

    def __init__(self, uri: str, key: str | None) -> None:
        """Raises `catalog_remote_failed` for an address that is none."""
        self._uri = uri
        with self._reaching():
            address = uri
            if key is not None and uri.startswith("s3://"):
                user, _, secret = key.partition(":")
                address = f"s3://{quote(user, safe='')}:{quote(secret, safe='')}@{uri.removeprefix('s3://')}"
            self._files, self._root = fs.FileSystem.from_uri(address)

    def push(self, catalog: Path, files: Sequence[str]) -> int:
        """Upload files that are not there yet, by their size and name, which holds first and last time; give how many."""
        done = 0
        with self._reaching():
            for file in files:
                local = catalog / file
                held = self._files.get_file_info(self._path(file))
                # The rows of a series decide the name of its file; an instrument's file keeps its name when it changes.
                fixed = file.split("/")[1] in _KINDS
                if fixed and held.type == fs.FileType.File and held.size == local.stat().st_size:
                    continue
                with local.open("rb") as source, self._files.open_output_stream(self._path(file)) as target:
                    while piece := source.read(_CHUNK):
                        target.write(piece)
                done += 1
        return done

    def fetch(self, catalog: Path, files: Sequence[str]) -> int:
        """Download files that are not here; each appears whole or not at all. Raises `disk_full`."""
        done = 0
        for file in files:
            local = catalog / file
            if local.exists():
                continue
            with writing(local):
                # Not where imports write: that is emptied when one begins.
                (catalog / _FETCHING).mkdir(parents=True, exist_ok=True)
                local.parent.mkdir(parents=True, exist_ok=True)
                temporary = catalog / _FETCHING / uuid.uuid4().hex
                with (
                    self._reaching(),
                    temporary.open("wb") as target,
                    self._files.open_input_stream(self._path(file)) as source,
                ):
                    while piece := source.read(_CHUNK):
                        target.write(piece)
                temporary.replace(local)
                sync_folder(local.parent)
            done += 1
        return done

    def prune(self, wanted: Sequence[str]) -> int:
        """Remove files of series that nothing refers to; give how many."""
        kept, done = set(wanted), 0
        with self._reaching():
            for kind in _KINDS:
                selector = fs.FileSelector(self._path(f"data/{kind}"), allow_not_found=True, recursive=True)
                for info in self._files.get_file_info(selector):
                    name = info.path.removeprefix(f"{self._root}/")
                    if info.type == fs.FileType.File and name.endswith(".parquet") and name not in kept:
                        self._files.delete_file(info.path)
                        done += 1
        return done

    def _path(self, file: str) -> str:
        return f"{self._root}/{file}"

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException, ValueError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            reason = str(error).partition("\n")[0][:300].rstrip(".")
            raise TinoError("catalog_remote_failed", uri=self._uri, reason=reason) from error


def instrument_files(catalog: Path, instrument_ids: Sequence[str]) -> list[str]:
    """Give the files of instruments, of whatever class."""
    return [
        file.relative_to(catalog).as_posix()
        for instrument_id in instrument_ids
        for file in (catalog / "data").glob(f"*/{instrument_id.replace('/', '')}/*.parquet")
        if file.parent.parent.name not in _KINDS
    ]
