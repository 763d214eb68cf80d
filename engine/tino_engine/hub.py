"""The event stream: every event numbered once, kept for a while, given to every viewer.

Numbers count from 1 within one start of the engine and have no gaps. A viewer that lost its connection says which number
it has; if everything after it is still in the ring it gets just that, otherwise it starts from a snapshot. A viewer that
reads too slowly is cut off, not waited for: its queue is bounded, and it comes back by its number.

Durable events also carry their number in the ledger, which counts on across starts. They are published in its order, so
the newest one published says which of them a snapshot contains, and the ledger itself has what a viewer missed before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tino_engine.contracts import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tino_engine.contract_model import ContractModel

RING = 10_000
QUEUE = 1_000


class Subscription:
    """One viewer's queue of encoded envelopes."""

    def __init__(self, wants: Callable[[ContractModel], bool] | None) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE)
        self._wants = wants
        self.overrun = False

    def offer(self, event: ContractModel, data: bytes) -> None:
        """Hand over one event, or mark the viewer as too slow."""
        if self.overrun or (self._wants is not None and not self._wants(event)):
            return
        try:
            self._queue.put_nowait(data)
        except asyncio.QueueFull:
            self.overrun = True

    async def next(self) -> bytes | None:
        """Wait for the next envelope; None when the viewer was too slow or the stream ended."""
        if self.overrun and self._queue.empty():
            return None
        return await self._queue.get()

    def end(self) -> None:
        """Let the viewer's loop finish."""
        try:
            self._queue.put_nowait(None)
        except asyncio.QueueFull:
            self.overrun = True


@dataclass(slots=True)
class Hub:
    """The numbered stream of one engine instance."""

    instance: str
    now_ms: Callable[[], int]
    seq: int = 0
    ledger_seq: int = 0
    """The newest durable event published, or left by earlier engines."""
    _ring: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=RING))
    _subscriptions: set[Subscription] = field(default_factory=set)

    def publish(self, event: ContractModel, ledger_seq: int | None = None) -> int:
        """Number an event and give it to every viewer; give its number."""
        self.seq += 1
        self.ledger_seq = max(self.ledger_seq, ledger_seq or 0)
        envelope = Envelope(
            kind="event",
            instance=self.instance,
            seq=self.seq,
            ledger_seq=ledger_seq,
            at=self.now_ms(),
            event=event,  # type: ignore[arg-type]
        )
        data = envelope.to_json()
        self._ring.append((self.seq, data))
        for subscription in tuple(self._subscriptions):
            subscription.offer(event, data)
        return self.seq

    def subscribe(self, wants: Callable[[ContractModel], bool] | None = None) -> Subscription:
        """Add a viewer; it gets every event from now on that `wants` accepts."""
        subscription = Subscription(wants)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a viewer."""
        self._subscriptions.discard(subscription)

    def since(self, resume: Any | None) -> Iterator[bytes] | None:
        """Give what a viewer missed, or None when it must start from a snapshot."""
        if resume is None or resume.instance != self.instance or resume.seq > self.seq:
            return None
        if self._ring and self._ring[0][0] > resume.seq + 1:
            return None
        return iter([data for seq, data in self._ring if seq > resume.seq])

    def close(self) -> None:
        """End every viewer's stream."""
        for subscription in tuple(self._subscriptions):
            subscription.end()
