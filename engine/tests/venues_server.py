"""The local servers of `test/venues`, which tests in both languages use."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any


def _load() -> Any:
    place = Path(__file__).parents[2] / "test" / "venues" / "venues.py"
    spec = importlib.util.spec_from_file_location("venues", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["venues"] = module
    spec.loader.exec_module(module)
    return module


venues: Any = _load()
Venues: Any = venues.Venues
