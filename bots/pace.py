"""Who is next: what waits for each person, in order, and how fast a platform takes it."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field

from core.message import Facts
from core.outbox import Waiting

_LONGEST_PAUSE = 60.0


@dataclass
class Lane:
    """What waits for one person at one address, in order."""

    rows: deque[Waiting] = field(default_factory=deque)
    natives: list[str] = field(default_factory=list)
    """The parts of the first row that are out already."""
    perhaps: bool = False
    """The first row may be out already: nothing says so."""
    flying: bool = False
    """The first row is out, or about to be, and not recorded yet."""
    not_before: float = 0.0
    place: asyncio.Future[None] | None = None
    """Where it waits for its platform's next turn."""
    task: asyncio.Task[None] | None = None
    behind: list[asyncio.Task[None]] = field(default_factory=list)
    """What was on its way to the person's other addresses when this began."""

    @property
    def maybe(self) -> bool:
        """Whether the first row, or a part of it, may be out already."""
        return self.perhaps or bool(self.natives)

    def holds(self, ids: set[int]) -> bool:
        """Whether any of these rows waits here, and is not out already."""
        return any(row.id in ids for row in list(self.rows)[int(self.flying) :])


class Pace:
    """A platform's sends a second, evenly spaced; those who wait with answers go first, and each
    lane asks for one message at a time, so nobody's backlog delays the others."""

    def __init__(self, facts: Facts) -> None:
        self.spacing = 0.0 if facts.rate >= 500 else 1.0 / facts.rate
        self.next = 0.0
        self.waiting: tuple[deque[asyncio.Future[None]], deque[asyncio.Future[None]]]
        self.waiting = (deque(), deque())
        self.ticking: asyncio.Task[None] | None = None

    def pause(self, seconds: float) -> None:
        self.next = max(self.next, asyncio.get_running_loop().time() + seconds)

    async def turn(self, lane: Lane) -> None:
        """A lane with an answer in it hurries, and so do the alerts that stand before the answer:
        order holds."""
        loop = asyncio.get_running_loop()
        if not self.spacing and self.next <= loop.time():
            return
        lane.place = loop.create_future()
        self.waiting[0 if any(row.urgent for row in lane.rows) else 1].append(lane.place)
        if self.ticking is None or self.ticking.done():
            self.ticking = asyncio.create_task(self._tick())
        try:
            await lane.place
        finally:
            lane.place = None

    def hurry(self, lane: Lane) -> None:
        if lane.place is not None:
            self.waiting[0].append(lane.place)  # its later place is passed over then

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while queue := next((q for q in self.waiting if q), None):
            if (wait := self.next - loop.time()) > 0:
                await asyncio.sleep(wait)
                continue
            place = queue.popleft()
            if not place.done():
                self.next = loop.time() + self.spacing
                place.set_result(None)


async def pause(tries: int) -> None:
    """Ever longer, and never for all at the same moment."""
    longest = min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(tries, 10))
    await asyncio.sleep(longest * random.uniform(0.5, 1.0))
