"""What was received, heard: one person's in order, different people's at once.

A position of the homeserver is given out for storing only when all that came before it is heard.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Job = Callable[[str | None], Awaitable[None]]
"""Hears one event; gets the position that may be stored with it. Raises Down if it cannot."""


@dataclass(eq=False)
class Batch:
    """One answer of the homeserver. unheard: jobs not yet done, and 1 while it is being read."""

    position: str
    unheard: int = 1


class Lanes:
    """group: the tasks run in it, and end with it. waiting: how many jobs may lie here; `put`
    waits when there are more, so that no flood fills the memory."""

    def __init__(self, group: asyncio.TaskGroup, waiting: int = 1000) -> None:
        self._group = group
        self._space = asyncio.Semaphore(waiting)
        self._batches: deque[Batch] = deque()
        self._lanes: dict[str, deque[tuple[Batch, Job]]] = {}
        self.position: str | None = None

    def open(self, position: str) -> Batch:
        batch = Batch(position)
        self._batches.append(batch)
        return batch

    async def put(self, batch: Batch, lane: str, job: Job) -> None:
        await self._space.acquire()
        batch.unheard += 1
        if lane in self._lanes:
            self._lanes[lane].append((batch, job))
            return
        self._lanes[lane] = deque([(batch, job)])
        self._group.create_task(self._drive(lane))

    def close(self, batch: Batch) -> None:
        """Nothing more will be put into the batch."""
        self._done(batch)

    async def _drive(self, lane: str) -> None:
        jobs = self._lanes[lane]
        while jobs:
            batch, job = jobs[0]
            await job(self._position_after(batch))
            jobs.popleft()
            self._space.release()
            self._done(batch)
        del self._lanes[lane]

    def _position_after(self, batch: Batch) -> str | None:
        """Where everything is heard up to, once one more job of the batch is."""
        position = self.position
        for each in self._batches:
            if each.unheard > (1 if each is batch else 0):
                break
            position = each.position
        return position

    def _done(self, batch: Batch) -> None:
        batch.unheard -= 1
        while self._batches and not self._batches[0].unheard:
            self.position = self._batches.popleft().position
