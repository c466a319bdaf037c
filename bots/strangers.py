"""The first messages of new addresses on one platform: heard one by one, so many a second. Beyond
that they wait on disk, in their order, and are acknowledged: nothing of them is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bots.bucket import Bucket
from core import newcomers
from core.message import Address, Inbound
from core.store import StoreDown

BURST = 50.0
RATE = 10.0
"""First messages of new addresses at once, and a second after that."""
_ROOM = 20_000
_SPACE = 10_000_000
_EACH = 5
"""Messages that wait, the characters in all of them, and the messages of one address."""
_AT_ONCE = 64
"""Messages that are put on disk together; the others' commits come in between."""

Do = Callable[[Any], Awaitable[Any]]


class Strangers:
    """meet: hears one, and returns when that is committed. missed: tells somebody that some of
    their messages were not kept. do: runs a job in the store."""

    def __init__(
        self,
        platform: str,
        now: Callable[[], float],
        do: Do,
        meet: Callable[[Inbound], Awaitable[bool]],
        missed: Callable[[Address], Awaitable[None]],
    ) -> None:
        self._platform, self._now, self._do = platform, now, do
        self._meet, self._missed = meet, missed
        self._bucket = Bucket(BURST, now())
        self._door = asyncio.Lock()
        self.waiting: dict[Address, dict[str, int]] = {}
        """By sender: the ids of the messages, and their lengths."""
        self._places = self._space = 0
        self._unkept: set[Address] = set()
        self._coming: list[tuple[Inbound, asyncio.Future[None]]] = []
        self._news, self._here = asyncio.Event(), asyncio.Event()
        self._keeping = False

    async def hears(self, event: Inbound) -> bool | None:
        """Has it heard -> what that did; None: it waits on disk for its turn, or has no place.
        Raises StoreDown."""
        if not self.waiting and self._takes_turn():
            return await self._come_in(event)
        await self.wait(event)
        return None

    async def wait(self, event: Inbound) -> None:
        """Returns when it is on disk. Raises StoreDown."""
        if not self._seated(event):
            return
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._coming.append((event, kept))
        self._news.set()
        await kept

    def restore(self, event: Inbound) -> None:
        """It is on disk since before the start."""
        self._sit(event)
        self._here.set()

    async def _come_in(self, event: Inbound) -> bool:
        async with self._door:
            return await self._meet(event)

    def _takes_turn(self) -> bool:
        return self._bucket.take(self._now(), BURST, RATE)

    # ------------------------------------------------------------------ places

    def _seated(self, event: Inbound) -> bool:
        """False: there is no place. Who has others waiting is told so when they are heard."""
        theirs = self.waiting.get(event.sender, {})
        if event.id in theirs:  # it came again
            return True
        full = self._places >= _ROOM or self._space + len(event.text) > _SPACE
        if full or len(theirs) >= _EACH:
            if theirs:
                self._unkept.add(event.sender)
            return False
        self._sit(event)
        return True

    def _sit(self, event: Inbound) -> None:
        self.waiting.setdefault(event.sender, {})[event.id] = len(event.text)
        self._places += 1
        self._space += len(event.text)

    def _rise(self, event: Inbound) -> None:
        theirs = self.waiting.get(event.sender, {})
        if (length := theirs.pop(event.id, None)) is not None:
            self._places -= 1
            self._space -= length
        if not theirs:
            self.waiting.pop(event.sender, None)

    # ------------------------------------------------------------------ until cancelled

    async def keep(self) -> None:
        """Puts on disk what comes: some together, and then whoever else has something to write."""
        while True:
            await self._news.wait()
            some, self._coming = self._coming[:_AT_ONCE], self._coming[_AT_ONCE:]
            if not self._coming:
                self._news.clear()
            self._keeping = True
            try:
                await self._do(partial(newcomers.keep, events=[event for event, _ in some]))
            except Exception as error:
                for event, kept in some:
                    self._rise(event)
                    if not kept.done():
                        kept.set_exception(StoreDown(type(error).__name__))
            else:
                for _, kept in some:
                    if not kept.done():
                        kept.set_result(None)
            self._keeping = False
            self._here.set()

    async def call(self) -> None:
        """Has those heard that wait, in their order."""
        heard: str | None = None
        while True:
            if not self.waiting and heard is None:
                await self._here.wait()
            self._here.clear()
            if self.waiting and not self._takes_turn():
                await asyncio.sleep(1 / RATE)
                continue
            try:
                found = await self._do(
                    partial(newcomers.first, platform=self._platform, heard=heard)
                )
                heard = None
                if found is not None:
                    await self._come_in(found.event)
            except StoreDown:
                await asyncio.sleep(1)
                continue
            if found is not None:
                heard = found.mark
                self._rise(found.event)
                await self._tell(found.event.sender)
            elif self._coming or self._keeping:
                await self._here.wait()
            else:  # whoever is left was forgotten meanwhile
                self.waiting.clear()
                self._places = self._space = 0

    async def _tell(self, sender: Address) -> None:
        if sender in self._unkept and sender not in self.waiting:
            self._unkept.discard(sender)
            await self._missed(sender)
