"""Files that somebody wants to import: found below folders, opened through gzip and zip, read in blocks of whole lines.

A file of an archive is called by the archive's path, `!`, and its own name. Nothing is unpacked to the disk but Parquet,
which has to be read from its end.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MOST_FILES = 10_000
BLOCK = 8 << 20
"""Bytes of text that are read at a time."""

HEAD = 256 << 10
"""Bytes of text from which a layout is guessed."""

_TEXT = (".csv", ".txt", ".tsv")
_PARQUET = (".parquet", ".pq")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file, perhaps inside of a zip archive. `bytes` is its size on the disk, packed if it is."""

    path: Path
    bytes: int
    member: str | None = None

    @property
    def name(self) -> str:
        """What it is called in words to people."""
        return str(self.path) if self.member is None else f"{self.path}!{self.member}"

    @property
    def stem(self) -> str:
        """Its own name without endings."""
        name = Path(self.member or self.path.name).name
        while Path(name).suffix.lower() in (*_TEXT, *_PARQUET, ".gz"):
            name = Path(name).stem
        return name

    @property
    def is_parquet(self) -> bool:
        """Whether it holds Parquet, by its name."""
        return Path((self.member or self.path.name).lower().removesuffix(".gz")).suffix in _PARQUET

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open what it holds, unpacked. Raises `import_file_not_found` and `import_file_unreadable`, also while it is read."""
        with reading(self):
            if self.member is not None:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
                    yield file
            elif self.path.suffix.lower() == ".gz":
                with gzip.open(self.path) as file:
                    yield cast("IO[bytes]", file)
            else:
                with self.path.open("rb") as file:
                    yield file

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """Give a path where it lies unpacked."""
        if self.member is None and self.path.suffix.lower() != ".gz":
            yield self.path
            return
        with tempfile.NamedTemporaryFile(suffix=".parquet") as copy, self.open() as file:
            shutil.copyfileobj(file, copy)
            copy.flush()
            yield Path(copy.name)


def find_files(paths: Sequence[str]) -> list[SourceFile]:
    """Find all files that can be imported, in order of name within each path.

    Raises `import_file_not_found`, `import_no_files`, `import_too_many_files`, `import_file_unreadable`.
    """
    found: dict[str, SourceFile] = {}
    for text in paths:
        path = Path(text)
        if not path.is_absolute():
            raise TinoError("import_file_not_found", field="paths", path=text)
        try:
            files = list(_below(path)) if path.is_dir() else list(_inside(path)) if path.is_file() else None
        except (OSError, ValueError) as error:
            raise TinoError("import_file_unreadable", field="paths", path=text, reason=_words(error)) from error
        if files is None:
            raise TinoError("import_file_not_found", field="paths", path=text)
        if not files:
            raise TinoError("import_no_files", field="paths", path=text)
        found |= {file.name: file for file in files}
        if len(found) > MOST_FILES:
            raise TinoError("import_too_many_files", field="paths", path=text, limit=MOST_FILES)
    return list(found.values())


def _below(folder: Path) -> Iterator[SourceFile]:
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            count += 1
            if count > MOST_FILES:
                raise TinoError("import_too_many_files", field="paths", path=folder, limit=MOST_FILES)
            if not name.startswith(".") and _is_wanted(name):
                yield from _inside(Path(place) / name)


def _inside(path: Path) -> Iterator[SourceFile]:
    if path.suffix.lower() != ".zip":
        yield SourceFile(path, path.stat().st_size)
        return
    with reading(SourceFile(path, 0)), zipfile.ZipFile(path) as archive:
        for item in sorted(archive.infolist(), key=lambda item: item.filename):
            name = Path(item.filename).name
            if (
                not item.is_dir()
                and not name.startswith(".")
                and _is_wanted(name)
                and not name.lower().endswith(".zip")
            ):
                yield SourceFile(path, item.compress_size, item.filename)


def _is_wanted(name: str) -> bool:
    lower = name.lower()
    return lower.endswith(".zip") or lower.removesuffix(".gz").endswith((*_TEXT, *_PARQUET))


@contextmanager
def reading(file: SourceFile) -> Iterator[None]:
    """Turn whatever a damaged or missing file raises into words."""
    try:
        yield
    except FileNotFoundError as error:
        raise TinoError("import_file_not_found", field="paths", path=file.name) from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, KeyError, RuntimeError) as error:
        # RuntimeError: what zipfile raises for a file that is encrypted, or packed in a way it does not know.
        raise TinoError("import_file_unreadable", field="paths", path=file.name, reason=_words(error)) from error


def _words(error: BaseException) -> str:
    text = str(getattr(error, "strerror", None) or error).strip().partition("\n")[0].rstrip(".")
    return text or type(error).__name__


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a text file, as UTF-8. `first_line` counts from 1; `bytes_read` is how much of the file lies behind."""

    data: bytes
    first_line: int
    bytes_read: int


def guess_encoding(head: bytes) -> str:
    """Guess by the byte order mark, by zero bytes, and by whether it is UTF-8."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    for name, zeros in (("utf-16-be", head[0:2000:2]), ("utf-16-le", head[1:2000:2])):
        # Every other byte of what is mostly ASCII.
        if zeros.count(0) * 2 > len(zeros):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def read_head(file: SourceFile) -> bytes:
    """Read the beginning of a text file, as it is."""
    with file.open() as stream:
        return stream.read(HEAD)


def read_blocks(file: SourceFile, encoding: str, skip_lines: int, on_read: Callable[[int], None]) -> Iterator[Block]:
    """Read a text file in blocks of whole lines, without the first `skip_lines`.

    `on_read` hears how many bytes of the disk have been read. Raises `import_encoding` and those of `SourceFile.open`.
    """
    plain = codecs.lookup(encoding).name in ("utf-8", "ascii")
    with file.open() as stream:
        packed = _packed(stream)
        decoder = None if plain else codecs.getincrementaldecoder(encoding)()
        line, rest, done = 1, b"", 0
        while True:
            data = stream.read(BLOCK)
            ended = not data
            if decoder is not None:
                data = _decode(partial(decoder.decode, final=ended), data, file, encoding, line).encode()
            done = packed() if packed is not None else stream.tell() if file.member is None else done + len(data) // 8
            if line == 1 and not rest:
                data = data.removeprefix(codecs.BOM_UTF8)  # Of UTF-8 itself, or what another encoding's mark became.
            data = rest + data
            cut = len(data) if ended else data.rfind(b"\n") + 1
            rest, data = data[cut:], data[:cut]
            if data:
                data, line = _skip(data, line, skip_lines)
            if data:
                if plain and not data.isascii():
                    _decode(partial(bytes.decode, encoding=encoding), data, file, encoding, line)
                if not data.endswith(b"\n"):
                    data += b"\n"
                on_read(min(done, file.bytes))
                yield Block(data, line, done)
                line += data.count(b"\n")
            if ended:
                return


def _packed(stream: IO[bytes]) -> Callable[[], int] | None:
    """Where a gzip reader stands in the packed file."""
    raw = getattr(stream, "fileobj", None)
    return raw.tell if isinstance(raw, io.BufferedReader) else None


def _decode(decode: Callable[[bytes], str], data: bytes, file: SourceFile, encoding: str, line: int) -> str:
    """Decode data that begins with this line. Raises `import_encoding` with the line that cannot be."""
    try:
        return decode(data)
    except UnicodeDecodeError as error:
        at = line + data[: error.start].count(b"\n")
        raise TinoError(
            "import_encoding", field="choices.encoding", path=file.name, encoding=encoding, line=at
        ) from error


def _skip(data: bytes, line: int, skip_lines: int) -> tuple[bytes, int]:
    start = 0
    while line <= skip_lines and start < len(data):
        end = data.find(b"\n", start)
        if end < 0:
            return b"", line + 1
        start, line = end + 1, line + 1
    return data[start:], line
