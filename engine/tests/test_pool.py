"""The warm spare: one, however many ask for it."""

from __future__ import annotations

import asyncio

import psutil

from tino_engine.workers.pool import Spare


async def test_eight_clients_that_come_at_once_make_one_spare() -> None:
    spare = Spare()
    before = {child.pid for child in psutil.Process().children()}
    await asyncio.gather(*(spare.warm_up() for _ in range(8)))
    assert spare.running is not None
    assert {child.pid for child in psutil.Process().children()} - before == {spare.running.pid}
    await spare.close()
    assert {child.pid for child in psutil.Process().children()} <= before
