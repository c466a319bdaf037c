"""What is due: the next wave of alerts, digests, "still needed?", looking for translators, and
what `bots.retention` clears away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bots.config import RetentionSettings
from bots.retention import clear_away
from core import locks, outbox, people, safe, timers
from core.actions import alerts, belonging, desk, hiding, needs, translators
from core.message import Choice, Code, Notice, Say
from core.needs import ASKED_BEFORE, by_id
from core.store import Book, StoreDown

log = logging.getLogger("movements.clock")

_DAY = 86400
_LONGEST_SLEEP = 60.0


def wake_more(book: Book, need: str) -> list[Notice]:
    found = by_id(book, need)
    return alerts.next_wave(book, found) if found else []


def ask_still_needed(book: Book, need: str) -> list[Notice]:
    """Some days before the end its author is asked; without an answer it closes."""
    found = by_id(book, need)
    if found is None or found.state != "open":
        return []
    timers.remind(book, book.now + ASKED_BEFORE * _DAY, "close_unanswered", need)
    question = Say("Your need {code} closes in 3 days. Is it still needed?", code=Code(found.code))
    choices = (
        Choice(f"keep {found.code}", Say("Still needed")),
        # Translators: a button: close the need
        Choice(f"close {found.code}", Say("Close it")),
    )
    return [Notice(found.person, question, choices)]


def close_unanswered(book: Book, need: str) -> list[Notice]:
    found = by_id(book, need)
    if found is None or found.state != "open":
        return []
    closed = Say("{code} is closed. You can post it again at any time.", code=Code(found.code))
    return [Notice(found.person, closed), *needs.shut(book, found)]


def look_for_translators(book: Book, conversation: str) -> list[Notice]:
    timers.remind(book, book.now + translators.LOOK_AGAIN, "look_for_translators", conversation)
    notices = translators.find_translators(book, conversation)
    if not translators.wanted(book, conversation):
        timers.no_more(book, conversation)
    return notices


def daily(book: Book, _: str) -> list[Notice]:
    """Digests."""
    timers.remind(book, book.now + _DAY, "daily", "")
    waiting = book.column("select distinct person from alerts where state = 'digest'")
    readers = [reader for id in waiting if (reader := people.known(book, id))]
    return [n for who in readers if who.alerts == "daily" for n in alerts.digest(book, who)]


def freeze_idle(book: Book, person: str) -> list[Notice]:
    """Whoever chose so is frozen after some hours without a word."""
    who = people.known(book, person)
    if who and locks.of(book, who).idle:
        hiding.freeze(book, who, None)
    return []


def forget_newcomer(book: Book, person: str) -> list[Notice]:
    """Who was answered after a panic word, unless they began something."""
    belonging.unless_busy(book, person)
    return []


def forget_keys(book: Book, owner: str) -> list[Notice]:
    """What an encryption library keeps of whoever is not here (any more)."""
    safe.forget(book, owner)
    return []


def release(book: Book, person: str) -> list[Notice]:
    """What waited for its time may go to them."""
    book.wakes.add(f"person:{person}")
    return []


KINDS: dict[str, Callable[[Book, str], list[Notice]]] = {
    f.__name__: f
    for f in (
        wake_more, ask_still_needed, close_unanswered, look_for_translators, daily, freeze_idle,
        forget_newcomer, forget_keys, desk.nudge_translator, desk.return_task,
        release,
    )
}  # fmt: skip


def run_due(book: Book, kept: RetentionSettings) -> int | None:
    """Runs what is due. -> the time of the next timer. Raises StoreDown when there is no room."""
    if book.scarce:
        raise StoreDown("no room")
    for kind, first in (("daily", _DAY), ("clear_away", 0)):
        if not book.value("select 1 from timers where kind = :kind", kind=kind):
            timers.remind(book, book.now + first, kind, "")
    due = book.all(
        "select id, kind, about from timers where due <= :now order by due, id limit 100",
        now=book.now,
    )
    for id, kind, about in due:
        book.do("delete from timers where id = :id", id=id)
        if kind == "clear_away":
            outbox.put(book, clear_away(book, kept))
        else:
            outbox.put(book, KINDS[kind](book, about))
    next_due: int | None = book.value("select min(due) from timers")
    return next_due


class Clock:
    def __init__(
        self,
        do: Callable[[Any], Awaitable[Any]],
        now: Callable[[], float],
        kept: RetentionSettings,
    ) -> None:
        self.do, self.now, self.kept = do, now, kept
        self.changed = asyncio.Event()

    def wake(self) -> None:
        self.changed.set()

    async def run(self) -> None:
        while True:
            self.changed.clear()
            pause = _LONGEST_SLEEP
            try:
                if due := await self.do(partial(run_due, kept=self.kept)):
                    pause = min(pause, max(0.0, due - self.now()))
            except StoreDown:
                pause = 1.0
            except Exception as error:
                log.error("a timer failed: %s", type(error).__name__)
            try:
                async with asyncio.timeout(max(pause, 0.05)):
                    await self.changed.wait()
            except TimeoutError:
                continue
