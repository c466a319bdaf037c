"""What people said, on its way to the core: one person's in order, different people's at once."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from core.message import Hear, Inbound, Left

log = logging.getLogger(__name__)

LONGEST_PAUSE = 5.0
"""Seconds between two tries while the store is down."""


@dataclass(eq=False)
class Said:
    """One event; None if there was nothing to hear. place: its place in the server's archive;
    then: called once it is committed. through: has it heard instead, for it may have to be
    decrypted first; raises if nothing was committed."""

    event: Inbound | Left | None
    place: str | None = field(repr=False)
    then: Callable[[], None] | None = None
    through: Callable[[Hear, Inbound | Left], Awaitable[None]] | None = None
    committed: bool = False


class Hearing:
    """cursor: the place in the archive up to which everything is committed. It may lag behind, so
    that after a crash something comes twice; it never runs ahead of somebody's slow message."""

    def __init__(self, hear: Hear, since: str | None) -> None:
        self.cursor = since
        self.waiting = 0
        self._hear = hear
        self._people: dict[str, deque[Said]] = {}
        self._order: deque[Said] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, said: Said) -> None:
        if said.place is not None:
            self._order.append(said)
        if said.event is None:
            self._done(said)
            return
        self.waiting += 1
        person = said.event.sender.handle
        if (queue := self._people.get(person)) is not None:
            queue.append(said)
            return
        self._people[person] = deque([said])
        task = asyncio.create_task(self._listen(person))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _done(self, said: Said) -> None:
        said.committed = True
        while self._order and self._order[0].committed:
            self.cursor = self._order.popleft().place
        if said.then is not None:
            said.then()

    async def _listen(self, person: str) -> None:
        queue = self._people[person]
        while queue:
            said = queue[0]
            assert said.event is not None
            event = said.event
            await self._commit(said, event)
            queue.popleft()
            self.waiting -= 1
            self._done(said)
        del self._people[person]

    async def _commit(self, said: Said, event: Inbound | Left) -> None:
        """Nothing is acknowledged before this returns, so the server keeps it meanwhile; the
        person's later messages wait behind it."""
        pause = 0.1
        while True:
            if said.place is not None:
                place = said.place if self._order[0] is said else self.cursor
                event = replace(event, cursor=place)
            try:
                if said.through is None:
                    await self._hear(event)
                else:
                    await said.through(self._hear, event)
                return
            except Exception as error:
                log.warning("xmpp: not committed, trying again: %s", type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def close(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
