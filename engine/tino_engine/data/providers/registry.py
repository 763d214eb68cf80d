"""Which providers there are: those of tino, the exchanges of ccxt, and the packages that the user installed.

A package is found by its entry point of the group `tino.providers`, in this Python or in the folder `providers` of tino's home; see
`docs/providers.md`. One that cannot be loaded, or that takes the name of another, is a problem that is told, not a failure.
"""

from __future__ import annotations

import difflib
import re
import site
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from tino_engine.data.providers.provider import Capabilities, Provider
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from pathlib import Path

    from tino_engine.data.providers.access import Access

GROUP = "tino.providers"
_OWN = {
    "yahoo": "tino_engine.data.providers.yahoo:Yahoo",
    "databento": "tino_engine.data.providers.databento:Databento",
    "tardis": "tino_engine.data.providers.tardis:Tardis",
}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def add_packages(folder: Path) -> None:
    """Let packages in a folder be found, after all that comes with tino."""
    if folder.is_dir() and str(folder) not in sys.path:
        site.addsitedir(str(folder))


def list_providers() -> tuple[list[tuple[str, Capabilities]], list[tuple[str, str]]]:
    """Give the providers with where they come from, `tino`, `package` or `ccxt`; and packages that cannot be used, with the reason."""
    from tino_engine.data.providers import exchanges  # noqa: PLC0415 - a second, which nobody waits for who has another provider

    found = [("tino", load(name).capabilities) for name in _OWN]
    problems: list[tuple[str, str]] = []
    for name in _packages():
        try:
            found.append(("package", load(name).capabilities))
        except TinoError as error:
            problems.append((name, str(error.parameters.get("reason", error))))
    taken = {capabilities.name for _, capabilities in found}
    for name in exchanges.exchange_names():
        capabilities = exchanges.capabilities_of(name)
        if capabilities.kinds and name not in taken:
            found.append(("ccxt", capabilities))
    return found, problems


def load(name: str) -> type[Provider]:
    """Give the class of a provider. Raises `provider_unknown`, `provider_failed`."""
    if name in _OWN:
        return _imported(name, _OWN[name])
    packages = _packages()
    if name in packages:
        return _imported(name, packages[name])
    from tino_engine.data.providers import exchanges  # noqa: PLC0415 - see above

    if name in exchanges.exchange_names():
        return exchanges.Exchange
    near = difflib.get_close_matches(name, [*_OWN, *packages, *exchanges.exchange_names()], 3)
    raise TinoError(
        "provider_unknown", field="provider", provider=name, near=f" (similar: {', '.join(near)})" if near else ""
    )


def capabilities_of(name: str) -> Capabilities:
    """Give what a provider can do. Raises as `load` does."""
    own = getattr(load(name), "capabilities", None)
    if own is not None:
        return own
    from tino_engine.data.providers import exchanges  # noqa: PLC0415 - see above

    return exchanges.capabilities_of(name)


def build(access: Access) -> Provider:
    """Make the provider that an access is for. Raises as `load` does."""
    return load(access.name)(access)


def _packages() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP) if point.name not in _OWN}


def _imported(name: str, place: str) -> type[Provider]:
    module, _, attribute = place.partition(":")
    try:
        __import__(module)
        found = getattr(sys.modules[module], attribute)
    except Exception as error:
        raise _failed(name, f"{type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Provider)):
        raise _failed(name, f"{place} is not a class that derives from Provider")
    told = getattr(found, "capabilities", None)
    if not isinstance(told, Capabilities) or told.name != name or not _NAME.fullmatch(name):
        raise _failed(name, f"{place} has no capabilities with the name of its entry point")
    return found


def _failed(name: str, reason: str) -> TinoError:
    return TinoError("provider_failed", provider=name, reason=reason[:300], log="engine.log")
