"""What is to be deleted from people's chats, until their platform has done it: slowly, behind
everything that is sent, and again when it was down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from adapters import Adapter
from bots.logs import who
from bots.pace import Lane, Pace
from core import unsends
from core.message import Gone, Later, Refused, Undelivered
from core.store import StoreDown
from core.unsends import Unsend

log = logging.getLogger("movements.unsending")

_LOOK = 60.0
"""Seconds: a command beside the gateway wakes nobody."""
_LONGEST_PAUSE = 300.0


class Unsending:
    """do: runs a job in the store. now: its clock. paces: how fast each platform takes anything."""

    def __init__(
        self,
        do: Callable[[Any], Awaitable[Any]],
        now: Callable[[], float],
        adapters: Mapping[str, Adapter],
        paces: Mapping[str, Pace],
    ) -> None:
        self.do, self.now, self.adapters, self.paces = do, now, adapters, paces
        self.news = asyncio.Event()
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        self.news.set()

    async def run(self) -> None:
        try:
            while True:
                self.news.clear()
                with contextlib.suppress(StoreDown):
                    self._take(await self.do(unsends.waiting))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self.news.wait()
        finally:
            for task in self.tasks.values():
                task.cancel()
            await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    def _take(self, found: list[Unsend]) -> None:
        there = {one.id for one in found}
        for id in self.tasks.keys() - there:  # too old, or carried over when they were forgotten
            self.tasks.pop(id).cancel()
        for one in found:
            if one.id not in self.tasks and one.to.platform in self.adapters:
                self.tasks[one.id] = asyncio.create_task(self._unsend(one))

    async def _unsend(self, one: Unsend) -> None:
        """Whatever the platform says, it ends: deleted, or impossible."""
        adapter = self.adapters[one.to.platform]
        natives, size = list(one.natives), adapter.facts.unsend_at_once
        tries = 0
        while natives := self._young(adapter, natives):
            trouble = await self._try(adapter, one, [native for native, _ in natives[:size]])
            if isinstance(trouble, Gone):
                break
            if trouble is None or isinstance(trouble, Refused):
                natives, tries = natives[size:], 0
            elif isinstance(trouble, Later):
                if trouble.everywhere:
                    self.paces[one.to.platform].pause(trouble.seconds)
                await asyncio.sleep(trouble.seconds)
            else:
                tries += 1
                longest = min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(tries, 10))
                await asyncio.sleep(longest * random.uniform(0.5, 1.0))
        while True:
            with contextlib.suppress(StoreDown):
                await self.do(partial(unsends.done, id=one.id))
                break
            await asyncio.sleep(1)

    def _young(self, adapter: Adapter, natives: list[tuple[str, int]]) -> list[tuple[str, int]]:
        within = adapter.facts.unsend_within
        return [n for n in natives if within is None or self.now() - n[1] < within]

    async def _try(self, adapter: Adapter, one: Unsend, natives: list[str]) -> Undelivered | None:
        await adapter.up.wait()
        await self.paces[one.to.platform].turn(Lane())
        try:
            await adapter.unsend(one.to, natives)
        except Undelivered as trouble:
            return trouble
        except Exception as error:
            kind = type(error).__name__
            log.error("%s could not unsend: %s, %s", one.to.platform, kind, who(one.to))
            return Refused()
        return None
