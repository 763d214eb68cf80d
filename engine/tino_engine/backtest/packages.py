"""The workspace's own packages: what its `requirements.txt` asks for beyond what the engine has, in a folder of their own.

The nearest `requirements.txt` counts, from the strategy's folder up to the outermost trusted one. uv is asked twice: first, as a dry run
against the engine's own environment, what would have to be installed; then to put exactly that, without looking for dependencies again,
into `environments/<hash>/packages` of tino's home. So what the engine has is not fetched a second time, and a file that asks for nothing
else costs nothing. A package that the worker itself runs on is never replaced: wanting another version of it is an error.

The hash is made of the file, those that it includes with `-r` or `-c`, Python and the engine's own packages. A folder is built beside and
renamed into place; it may be deleted at any time and is then made anew.

uv is `TINO_UV`, else the one beside the engine's Python, else the one that the set-up keeps in the checkout, else one on `PATH`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import re
import shutil
import sys
import sysconfig
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tino_engine import log
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PINNED = frozenset(
    "nautilus-trader numpy pyarrow pydantic pydantic-core annotated-types typing-extensions typing-inspection".split()
)
"""What a warm worker has loaded before it knows of a workspace."""

REQUIREMENTS = "requirements.txt"
_INSTALLED = "installed.json"
_BUILDING = ".building-"
_MAX_LEVELS = 8
_LAST_LINES = 4

_CHANGE = re.compile(r"^ ([-+~]) ([A-Za-z0-9._-]+)==(\S+?)(?: \(from (.+)\))?$", re.MULTILINE)
_INCLUDE = re.compile(r"^(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)", re.MULTILINE)
_FOUND_IN = re.compile(r"^((?:-f|--find-links)[ =]\s*)(\S+)")
_SOURCES = (
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--no-index",
    "--no-binary",
    "--only-binary",
)

logger = log.get("packages")


@dataclass(frozen=True, slots=True)
class Requirements:
    """A `requirements.txt` that asks for something; `hash` names what is made of it."""

    path: Path
    hash: str


@dataclass(frozen=True, slots=True)
class Packages:
    """What was installed for it: a folder for the module path, None when the engine has everything, and the versions."""

    folder: Path | None
    versions: dict[str, str]


@cache
def product_packages() -> str:
    """Give a hash over Python and every package that the engine's environment has."""
    names = sorted(path.name for path in Path(sysconfig.get_paths()["purelib"]).glob("*.dist-info"))
    text = "\n".join([platform.python_version(), sys.platform, platform.machine(), *names])
    return hashlib.sha256(text.encode()).hexdigest()


def find_requirements(path: str, roots: Iterable[str]) -> Requirements | None:
    """Find what a strategy's workspace asks for; None when there is no such file, or it is empty. Raises `requirements_failed`."""
    folder = Path(os.path.realpath(path)).parent
    holding = [root for root in map(Path, map(os.path.realpath, roots)) if folder.is_relative_to(root)]
    outermost = min(holding, key=lambda root: len(root.parts), default=folder)
    for above in (folder, *folder.parents):
        file = above / REQUIREMENTS
        if file.is_file():
            texts = list(_read(file))
            is_empty = all(not line.strip() or line.lstrip().startswith("#") for line in texts[0].splitlines())
            return None if is_empty else Requirements(file, _hash(texts))
        if above == outermost:
            break
    return None


def _hash(texts: list[str]) -> str:
    return hashlib.sha256(json.dumps([product_packages(), texts]).encode()).hexdigest()


def _read(file: Path, level: int = 0) -> Iterator[str]:
    """Give the text of a file and of those it includes."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TinoError("requirements_failed", path=file, reason=f"{file.name} cannot be read") from error
    yield text
    if level < _MAX_LEVELS:
        for included in _INCLUDE.findall(text):
            if "://" not in included:
                yield from _read(file.parent / included, level + 1)


class PackageFolders:
    """The folders of one home. Two runs that need the same one wait for one installation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._installing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ensure(self, requirements: Requirements) -> Packages:
        """Install what is asked for unless it is there. Raises `requirements_failed`, `requirements_conflict`."""
        async with self._installing[requirements.hash]:
            place = self._folder / requirements.hash
            found = await asyncio.to_thread(_installed, place)
            if found is None:
                await self._install(requirements, place)
                found = await asyncio.to_thread(_installed, place)
            if found is None:
                raise TinoError("requirements_failed", path=requirements.path, reason=f"{place} cannot be read")
            return found

    async def _install(self, requirements: Requirements, place: Path) -> None:
        file = requirements.path
        if await asyncio.to_thread(lambda: _hash(list(_read(file)))) != requirements.hash:
            raise TinoError("requirements_failed", path=file, reason="it was changed since the run was asked for")
        logger.info("installing", path=str(file))
        planned = await _uv(file, "--dry-run", "-r", file.name)
        versions, targets = _plan(file, planned)
        building = self._folder / f"{_BUILDING}{new_id('new')}"
        try:
            await asyncio.to_thread((building / "packages").mkdir, mode=0o700, parents=True)
            if targets:
                wanted = building / "wanted.txt"
                text = await asyncio.to_thread(file.read_text, "utf-8-sig")
                await asyncio.to_thread(wanted.write_text, "\n".join([*_sources(text, file.parent), *targets, ""]))
                target = ("--target", str(building / "packages"))
                await _uv(file, "--no-deps", "--compile-bytecode", *target, "-r", str(wanted))
            await asyncio.to_thread((building / _INSTALLED).write_text, json.dumps(versions))
            await asyncio.to_thread(_replace, building, place)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise TinoError("requirements_failed", path=file, reason=reason) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, building, ignore_errors=True)


def _installed(place: Path) -> Packages | None:
    try:
        versions = json.loads((place / _INSTALLED).read_bytes())
    except (OSError, ValueError):
        return None
    return Packages(place / "packages" if versions else None, dict(versions))


def _replace(building: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    building.replace(place)


def _plan(file: Path, planned: str) -> tuple[dict[str, str], list[str]]:
    """Read what uv would do: the versions to be installed, and lines that ask for exactly these."""
    versions: dict[str, str] = {}
    targets, own = [], {}
    for sign, name, version, source in _CHANGE.findall(planned):
        if sign == "-":
            own[_canonical(name)] = version
        elif sign == "+":
            versions[name] = version
            targets.append(f"{name} @ {source}" if source else f"{name}=={version}")
    for name, version in versions.items():
        if _canonical(name) in PINNED and _canonical(name) in own:
            raise TinoError(
                "requirements_conflict", path=file, wanted=f"{name} {version}", own=f"{name} {own[_canonical(name)]}"
            )
    return versions, targets


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _sources(text: str, folder: Path) -> Iterator[str]:
    """Give the lines that say where packages come from, with their paths made absolute."""
    for line in map(str.strip, text.splitlines()):
        if line.split("=")[0].split(" ")[0] in _SOURCES:
            found = _FOUND_IN.match(line)
            if found and "://" not in found[2]:
                yield f"{found[1]}{folder / found[2]}"
            else:
                yield line


async def _uv(file: Path, *arguments: str) -> str:
    """Run `uv pip install` in the file's folder; give what it says. Raises `requirements_failed` with its last lines."""
    uv = await asyncio.to_thread(_find_uv)
    if uv is None:
        raise TinoError("requirements_failed", path=file, reason="there is no uv to install them with")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "CONDA"))}
    try:
        process = await asyncio.create_subprocess_exec(
            uv,
            *("pip", "install", "--no-config", "--python", sys.executable, "--break-system-packages"),
            *arguments,
            cwd=file.parent,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**kept, "UV_NO_PROGRESS": "1", "NO_COLOR": "1"},
        )
    except OSError as error:
        raise TinoError("requirements_failed", path=file, reason=f"uv does not start ({error.strerror})") from error
    try:
        _, printed = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    text = printed.decode(errors="replace")
    if process.returncode:
        logger.warning("not_installed", path=str(file), output=text[-4000:])
        lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
        raise TinoError("requirements_failed", path=file, reason=" ".join(lines[-_LAST_LINES:]).rstrip("."))
    return text


def _find_uv() -> str | None:
    if told := os.environ.get("TINO_UV"):
        return told
    name = "uv.exe" if sys.platform == "win32" else "uv"
    checkout = Path(__file__).parents[3]
    kept = sorted((checkout / ".setup").glob(f"uv-*/*/{name}"))
    beside = Path(sys.executable).with_name(name)
    return next((str(path) for path in (beside, *reversed(kept)) if path.is_file()), shutil.which("uv"))
