"""How much anybody may write, decided in memory before anything is written to disk.

Somebody who is known here has a bucket of messages that refills; who empties it is told once, and
not heard for a while, each time longer. Strangers share one bucket for each platform and come in
one by one (`bots.strangers`): a flood of new accounts slows new accounts, and nobody else. Trusted
people never wait for the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from bots.bucket import Bucket
from bots.strangers import Strangers
from core import newcomers, outbox, people, safe
from core.message import Address, Changed, Event, Hear, Inbound, Notice, Overheard, SayMany
from core.store import Book, Job, StoreDown

BURST = 100.0
RATE = 1.0
"""Messages at once, and messages a second after that, from one address."""
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 3600.0
AFTER_PAUSE = 5.0
"""Messages that a bucket holds after a pause, until it refills."""
FORGIVEN = 3600.0
"""Seconds after a pause in which the next one is longer."""
_SHARE = 64
"""Messages of people nobody vouched for that may be on their way to the store at once: whoever is
trusted has the rest of the next commit."""
_REMEMBERED = 50_000
_FRESH = 3600.0
"""Seconds after which the store is asked again who somebody is."""


class Verdict(Enum):
    HEAR = "hear"
    TELL = "tell"
    """Not heard, and told so: the first refusal of a pause."""
    DROP = "drop"


@dataclass(slots=True)
class Known:
    """An address of somebody here. asked: when the store said so."""

    bucket: Bucket
    trusted: bool
    asked: float
    paused_until: float = 0.0
    strikes: int = 0

    def ask(self, now: float) -> Verdict:
        if now < self.paused_until:
            return Verdict.DROP
        if self.bucket.take(now, BURST, RATE):
            return Verdict.HEAR
        if now - self.paused_until > FORGIVEN:
            self.strikes = 0
        self.paused_until = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self.strikes)
        self.strikes += 1
        self.bucket = Bucket(AFTER_PAUSE, self.paused_until)
        return Verdict.TELL


def refuse(book: Book, sender: Address, seconds: float) -> None:
    """Tells somebody who wrote too much that they are not heard for a while."""
    too_much = SayMany(
        "That is more than I can take in. Your last messages were not passed on."
        " Write again in {n} minute.",
        "That is more than I can take in. Your last messages were not passed on."
        " Write again in {n} minutes.",
        max(1, math.ceil(seconds / 60)),
    )
    if found := people.at(book, sender):
        outbox.put(book, [Notice(found[0].id, too_much)])


def trust(book: Book, senders: list[Address]) -> list[int | None]:
    """How far whoever is at each address is trusted; None: nobody is there."""
    found = [people.at(book, sender) for sender in senders]
    return [who[0].trust if who else None for who in found]


class Limits:
    """Stands between the adapters and `hear`. now: a clock that only goes forward, seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.known: OrderedDict[Address, Known] = OrderedDict()
        self.strangers: dict[str, Strangers] = {}
        self.share = asyncio.Semaphore(_SHARE)
        self.refused = 0
        self._questions: list[tuple[Address, asyncio.Future[int | None]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    def begin(
        self,
        hear: Hear,
        do: Callable[[Job[Any]], Awaitable[Any]],
        opened: Callable[[Inbound], Awaitable[Inbound]],
    ) -> None:
        """hear: what stands behind it. do: runs a job in the store. opened: the message with what
        came along."""
        self.hear, self.do, self.opened = hear, do, opened

    async def run(self) -> None:
        """Until cancelled. Nothing is admitted before it knows who waits since before the start."""
        async with asyncio.TaskGroup() as self._group:
            for event in await self._waiting():
                self._strangers_on(event.sender.platform).restore(event)
            self._ready.set()
            await asyncio.Event().wait()

    async def _waiting(self) -> list[Inbound]:
        while True:
            try:
                found: list[Inbound] = await self.do(newcomers.waiting)
                return found
            except StoreDown:
                await asyncio.sleep(1)

    async def admit(self, event: Event) -> bool:
        """Has it heard, or not. Returns and raises what hearing it did; False if it is not heard,
        or later. What decrypting it changed is kept in any case."""
        await self._ready.wait()
        handed_on = await self._judged(event)
        if handed_on is None and isinstance(event, Inbound) and event.secrets:
            platform, secrets = event.sender.platform, event.secrets
            await self.do(partial(safe.keep, platform=platform, secrets=secrets))
        return bool(handed_on)

    async def _judged(self, event: Event) -> bool | None:
        """-> None: not heard, or later."""
        sender = event.sender
        strangers = self._strangers_on(sender.platform)
        if sender in strangers.waiting:
            if isinstance(event, Inbound):
                await strangers.wait(event)
            return None
        known = self.known.get(sender)
        if known is None or self.now() - known.asked > _FRESH:
            known = await self._look_up(sender)
        if known is None:
            return await strangers.hears(event) if isinstance(event, Inbound) else None
        self.known.move_to_end(sender)
        verdict = known.ask(self.now())
        if verdict is Verdict.HEAR or isinstance(event, Changed | Overheard):
            if isinstance(event, Inbound):
                event = await self.opened(event)
            async with contextlib.nullcontext() if known.trusted else self.share:
                return await self.hear(event)
        self.refused += 1
        if verdict is Verdict.TELL and isinstance(event, Inbound):
            await self._refuse(sender, known.paused_until - self.now())
        return None

    async def _refuse(self, sender: Address, seconds: float = 0.0) -> None:
        await self.do(partial(refuse, sender=sender, seconds=seconds))

    # ------------------------------------------------------------------ who is known

    async def _look_up(self, sender: Address) -> Known | None:
        """What the store knows of an address; all who are unclear meanwhile in one question."""
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._questions.append((sender, answer))
        if self._asking is None or self._asking.done():
            self._asking = self._group.create_task(self._ask_all())
        level = await answer
        if level is None:
            self.known.pop(sender, None)
            return None
        return self._let_in(sender, level)

    async def _ask_all(self) -> None:
        while self._questions:
            asked, self._questions = self._questions, []
            try:
                levels = await self.do(partial(trust, senders=[sender for sender, _ in asked]))
            except Exception as error:
                for _, answer in asked:
                    if not answer.done():
                        answer.set_exception(StoreDown(type(error).__name__))
                continue
            for (_, answer), level in zip(asked, levels, strict=True):
                if not answer.done():
                    answer.set_result(level)

    def _let_in(self, sender: Address, level: int) -> Known:
        now = self.now()
        known = self.known.get(sender)
        if known is None:
            known = self.known[sender] = Known(Bucket(BURST, now), False, now)
            if len(self.known) > _REMEMBERED:
                self.known.popitem(last=False)
        known.trusted, known.asked = level >= people.VOUCHED, now
        return known

    # ------------------------------------------------------------------ strangers

    def _strangers_on(self, platform: str) -> Strangers:
        if platform not in self.strangers:
            made = Strangers(platform, self.now, self.do, self._meet, self._refuse)
            self.strangers[platform] = made
            self._group.create_task(made.keep())
            self._group.create_task(made.call())
        return self.strangers[platform]

    async def _meet(self, event: Inbound) -> bool:
        handed_on = await self.hear(event)
        self._let_in(event.sender, people.NEW)
        return handed_on
