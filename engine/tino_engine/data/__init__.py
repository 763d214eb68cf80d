"""Market data: the catalog, importing, adjusting, thinning.

What the engine uses is exported here and imports neither numpy nor pyarrow. Child processes import the rest; so that they need not load the database with this package, `Catalog` and `Imports` are loaded when first named.
"""

from typing import TYPE_CHECKING

from tino_engine.data.bar_type import BarType
from tino_engine.data.days import day_bounds, day_of
from tino_engine.data.series import Series

if TYPE_CHECKING:
    from tino_engine.data.catalog import Catalog, ResolvedSeries
    from tino_engine.data.imports import Imports

__all__ = ["BarType", "Catalog", "Imports", "ResolvedSeries", "Series", "day_bounds", "day_of"]


def __getattr__(name: str) -> object:
    if name in ("Catalog", "ResolvedSeries"):
        from tino_engine.data import catalog  # noqa: PLC0415

        return getattr(catalog, name)
    if name == "Imports":
        from tino_engine.data.imports import Imports  # noqa: PLC0415

        return Imports
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
