"""Market data: the catalog, importing, quality, adjusting, thinning.

What the engine uses is exported here and imports neither numpy nor pyarrow. Child processes import the rest; so that they need not load the database with
this package, what needs it is loaded when first named.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tino_engine.data.bar_type import BarType
from tino_engine.data.days import day_bounds, day_of
from tino_engine.data.series import Series

if TYPE_CHECKING:
    from tino_engine.data.catalog import Catalog, ResolvedSeries
    from tino_engine.data.downloads import Downloads
    from tino_engine.data.fundamentals import Fundamentals
    from tino_engine.data.imports import Imports
    from tino_engine.data.place import Place
    from tino_engine.data.quality import Quality
    from tino_engine.data.uploads import Uploads

__all__ = [
    "BarType",
    "Catalog",
    "Downloads",
    "Fundamentals",
    "Imports",
    "Place",
    "Quality",
    "ResolvedSeries",
    "Series",
    "Uploads",
    "day_bounds",
    "day_of",
]

_LATER = {
    "Catalog": "catalog",
    "ResolvedSeries": "catalog",
    "Downloads": "downloads",
    "Fundamentals": "fundamentals",
    "Imports": "imports",
    "Place": "place",
    "Quality": "quality",
    "Uploads": "uploads",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(import_module(f"tino_engine.data.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
