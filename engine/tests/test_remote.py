"""A catalog in an object store, against a local server that speaks S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.rig import Rig, rig
from tino_engine.contracts import BarsQuery, CatalogPlaceRequest
from tino_engine.data import Place
from tino_engine.errors import TinoError
from tino_engine.secrets import Keys, MemoryKeychain
from tino_engine.workers.child import Child
from venues_server import Venues

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

BAR_TYPE = "AAPL.XNAS-1-DAY-LAST-EXTERNAL"


def spawn_data() -> Awaitable[Child]:
    return Child.spawn("data")


async def ids(opened: Rig) -> list[str]:
    return [entry.instrument.id for entry in (await opened.catalog.symbols()).symbols]


async def test_a_catalog_lives_in_a_bucket_and_its_copies_come_and_go(tmp_path: Path) -> None:
    with Venues() as venues:
        uri = f"s3://bucket/tino?endpoint_override=127.0.0.1:{venues.port}&scheme=http&region=us-east-1"
        async with rig(tmp_path) as opened:
            keys = Keys(opened.database, opened.writer, lambda: 1, MemoryKeychain)
            await keys.set("s3", "user:sec/ret+")
            catalog = opened.folder / "catalog"
            place = opened.catalog.place = Place(opened.database, opened.writer, keys, spawn_data, catalog, lambda: 1)
            await opened.catalog.import_sample()
            assert venues.objects == {}, "a local catalog goes nowhere"
            files = await opened.catalog.files()
            before = await opened.catalog.bars(BarsQuery(bar_type=BAR_TYPE, adjustment="none"))

            await place.change(uri, files, await ids(opened))
            told = await place.describe(files)
            assert (told.uri, told.files, told.local_files) == (uri, 5, 5)
            parts = {name: data for name, data in venues.objects.items() if name.endswith(".parquet")}
            assert {name.removeprefix("bucket/tino/") for name in parts} == {
                file.relative_to(catalog).as_posix() for file in catalog.rglob("*.parquet")
            }, "series and instruments, at the places they have here"
            for name, data in parts.items():
                assert (catalog / name.removeprefix("bucket/tino/")).read_bytes() == data

            # What runs and pages need comes back by itself; what they do not stays away.
            assert await place.free(files) == 5
            assert (await place.describe(files)).local_files == 0
            assert await opened.catalog.bars(BarsQuery(bar_type=BAR_TYPE, adjustment="none")) == before
            assert (await place.describe(files)).local_files == 1
            series = (await opened.catalog.resolve(["MSFT"], []))[0]
            assert all(file.exists() for file in series.files)

            # An object is gone with its series; a store that cannot be reached is said, and nothing is lost.
            await opened.catalog.remove([BAR_TYPE])
            assert not [name for name in venues.objects if BAR_TYPE in name and name.endswith(".parquet")]
            files = await opened.catalog.files()
            await place.free(files)
            # Another engine, which knows what the database says.
            again = Place(opened.database, opened.writer, keys, spawn_data, catalog, lambda: 1)
            assert await again.uri() == uri
            held = dict(venues.objects)
            for name in list(venues.objects):
                if "MSFT" in name:
                    del venues.objects[name]
            with pytest.raises(TinoError) as caught:
                await opened.catalog.resolve(["MSFT"], [])
            assert caught.value.code == "catalog_remote_failed"
            assert "sec/ret" not in str(caught.value.body)
            venues.objects.update(held)
            await again.change(None, files, [])
            assert await again.uri() is None
            assert all(file.exists() for file in files)


@pytest.mark.parametrize("uri", ["s3://", "/tmp/x", "s3://key:secret@bucket/x", "https://bucket"])
def test_addresses_that_are_none_are_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="uri"):
        CatalogPlaceRequest.model_validate({"uri": uri})
