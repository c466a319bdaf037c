"""From the outbox to the people: in order for each address, at each platform's pace, answers before
alerts. What was sent is recorded with its native id, so that replies to it find their way."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from adapters import Adapter
from bots.logs import who
from bots.pace import Lane, Pace, pause
from bots.records import Records
from bots.rendering import LOST, quotes, rendered
from core import outbox
from core.actions import belonging
from core.language import Languages
from core.message import (
    Address,
    Exposed,
    Gone,
    Later,
    Outbound,
    Refused,
    Undelivered,
    Unknown,
    Unsent,
)
from core.outbox import Sent, Waiting
from core.store import Book, Done, StoreDown

log = logging.getLogger("movements.courier")

Do = Callable[[Any], Awaitable[Any]]
_LANDING = 2.0
_FRESH = 10.0
"""Seconds for which a row that was read counts as there still, unless somebody is forgotten."""


class Courier:
    """do: runs a job in the store. Wakes: `wake()` for new rows, `again(person)` for somebody who
    can be reached again, `doubt()` when rows may have been deleted.

    patience: seconds that `finish` waits."""

    patience = 5.0

    def __init__(self, do: Do, languages: Languages, adapters: Mapping[str, Adapter]) -> None:
        self.do, self.languages, self.adapters = do, languages, adapters
        self.paces = {name: Pace(adapter.facts) for name, adapter in adapters.items()}
        self.lanes: dict[tuple[str, int], Lane] = {}  # by person and address
        self.away: frozenset[str] = frozenset()
        """Platforms that have been down for so long that others take over."""
        self.known: dict[int, float] = {}
        """The rows that are held here, and when each was seen to be there."""
        self.last = 0
        self.loading = False
        self.began = False
        """What waited when this process began is loaded."""
        self.news = asyncio.Event()
        self.returned: set[str] = set()
        self.doubted = False
        self.sure = asyncio.Event()
        """Set unless what is held here may have been deleted: nothing is sent then."""
        self.sure.set()
        self.ending = False
        self.flying: dict[Address, asyncio.Future[None]] = {}
        self.records = Records(self._surely)
        self.delivered = 0

    def wake(self) -> None:
        self.news.set()

    def again(self, person: str) -> None:
        self.returned.add(person)
        self.news.set()

    def reroute(self, away: Collection[str]) -> None:
        """What waits for these platforms goes to the other addresses of whoever has some."""
        changed = self.away ^ frozenset(away)
        self.away = frozenset(away)
        for (person, _), lane in self.lanes.items():
            if changed and lane.rows:
                self.again(person)

    def doubt(self) -> None:
        self.doubted = True
        self.sure.clear()
        self.news.set()

    async def run(self) -> None:
        self.news.set()
        try:
            while True:
                await self.news.wait()
                self.news.clear()
                await self._load()
        finally:
            tasks = [lane.task for lane in self.lanes.values() if lane.task]
            tasks += [
                t for t in (self.records.task, *(p.ticking for p in self.paces.values())) if t
            ]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def finish(self) -> None:
        """Sends nothing more, and waits until what is on its way is out and recorded: Telegram
        would get it twice."""
        self.ending = True
        lanes = [lane for lane in self.lanes.values() if lane.task]
        for lane in lanes:
            if lane.task and not lane.flying:
                lane.task.cancel()
        if flying := [lane.task for lane in lanes if lane.task and lane.flying]:
            await asyncio.wait(flying, timeout=self.patience)

    async def _load(self) -> None:
        self.loading = True
        if self.doubted:
            await self._look_again()
        while self.returned:
            await self._readdress(self.returned.pop())
        while self._take(*await self._surely(self.look)):
            pass
        self.began, self.loading = True, False

    def look(self, book: Book) -> tuple[list[Waiting], int, bool]:
        """-> what waits after the last row that was taken: a job, and the last of each commit that
        put something there."""
        return outbox.waiting(book, after=self.last, away=self.away)

    def found(self, end: Done) -> None:
        """The end of a commit's last job. While other rows are looked for, or are to stand before
        these because somebody came back, these are looked for after them."""
        if self.loading or self.returned or end.error is not None or self._take(*end.result):
            self.wake()

    def _take(self, rows: list[Waiting], last: int, more: bool) -> bool:
        for row in rows:
            self._queue(row)
        self.last = max(self.last, last)
        return more

    def _queue(self, row: Waiting) -> None:
        if self.ending or row.id in self.known or row.to.platform not in self.adapters:
            return
        self.known[row.id] = asyncio.get_running_loop().time()
        lane = self.lanes.setdefault((row.person, row.address), Lane())
        lane.rows.append(row)
        if row.urgent:
            self.paces[row.to.platform].hurry(lane)
        if lane.task is None:
            if not self.began:  # an earlier process may have sent it just before it ended
                self.flying.setdefault(row.to, asyncio.get_running_loop().create_future())
            lane.task = asyncio.create_task(self._drain((row.person, row.address), lane))

    async def _readdress(self, person: str) -> None:
        """Somebody is reached elsewhere now: what waits goes there, in the same order. A message
        that is just being sent stays where it is, and so does one that may be there already on a
        platform that is away."""
        while True:
            for lane in self._lanes_of(person).values():
                if lane.task and not lane.flying:
                    lane.task.cancel()
                    await asyncio.gather(lane.task, return_exceptions=True)
                    lane.task = None  # one that had not begun yet does not say so itself
                    if lane.rows:
                        self._landed(lane.rows[0])
            rows = await self._surely(partial(outbox.waiting_for, person=person, away=self.away))
            lanes = self._lanes_of(person)
            if all(lane.task is None or lane.flying for lane in lanes.values()):
                break
        for lane in lanes.values():
            maybe = bool(lane.rows) and lane.maybe and lane.rows[0].to.platform in self.away
            ahead = [lane.rows[0]] if lane.task or maybe else []
            for row in list(lane.rows)[len(ahead) :]:
                self.known.pop(row.id, None)
            lane.rows = deque(ahead)
            if not ahead:
                lane.natives, lane.perhaps, lane.not_before = [], False, 0.0
        for row in rows:
            self._queue(row)
        ahead_of = [lane.task for lane in lanes.values() if lane.task and lane.flying]
        for key, lane in self._lanes_of(person).items():
            lane.behind = [] if lane.flying else ahead_of
            if not lane.rows:
                self.lanes.pop(key, None)
            elif lane.task is None:
                lane.task = asyncio.create_task(self._drain(key, lane))

    def _lanes_of(self, person: str) -> dict[tuple[str, int], Lane]:
        return {key: lane for key, lane in self.lanes.items() if key[0] == person}

    async def _look_again(self) -> None:
        """What was deleted while it waited here is let go: its author, or its reader, was forgotten
        meanwhile."""
        while self.doubted:
            self.doubted = False
            held = set(self.known)
            there = await self._surely(outbox.still_waiting)
            now, gone = asyncio.get_running_loop().time(), held - there
            self.known.update(dict.fromkeys(held & there & self.known.keys(), now))
            for person in {key[0] for key, lane in self.lanes.items() if lane.holds(gone)}:
                await self._readdress(person)
        self.sure.set()

    async def _drain(self, key: tuple[str, int], lane: Lane) -> None:
        tries = 0
        try:
            if lane.behind:
                await asyncio.wait(lane.behind)
            while lane.rows and not self.ending:
                row = lane.rows[0]
                try:
                    await self._send(lane, row)
                except Gone:  # what waits is readdressed, by the wake that `dead` gives
                    lane.natives, lane.perhaps = [], False
                    await self._surely(partial(outbox.dead, address=row.address))
                    return
                except Exposed:  # likewise: it waits for another route
                    lane.natives, lane.perhaps = [], False
                    await self._surely(partial(outbox.exposed, address=row.address))
                    return
                except Later as later:
                    lane.not_before = asyncio.get_running_loop().time() + later.seconds
                    if later.everywhere:
                        self.paces[row.to.platform].pause(later.seconds)
                    continue
                except (Unsent, StoreDown):
                    await pause(tries := tries + 1)
                    continue
                except Unknown:  # perhaps it went out: once more at most
                    if not lane.perhaps:
                        lane.perhaps = True
                        await pause(1)
                        continue
                    await self._surely(partial(outbox.dropped, id=row.id))
                except Refused:
                    log.warning("a message was refused by %s, %s", row.to.platform, who(row.to))
                    await self._surely(partial(outbox.dropped, id=row.id))
                except Exception as error:  # this notice is at fault: the next ones go on
                    log.error("a notice was dropped: %s, %s", type(error).__name__, who(row.to))
                    await self._surely(partial(outbox.dropped, id=row.id))
                tries, lane.natives, lane.perhaps = 0, [], False
                lane.rows.popleft()
                self.known.pop(row.id, None)
        finally:
            lane.task = None
            if not lane.rows and lane.not_before <= asyncio.get_running_loop().time():
                self.lanes.pop(key, None)

    async def _surely(self, job: Any) -> Any:
        """Does it as soon as the store is up."""
        while True:
            try:
                return await self.do(job)
            except StoreDown:
                await asyncio.sleep(1)

    # ------------------------------------------------------------------ one message

    async def _send(self, lane: Lane, row: Waiting) -> None:
        adapter, pace = self.adapters[row.to.platform], self.paces[row.to.platform]
        loop = asyncio.get_running_loop()
        try:
            if row.notice.answers or row.notice.replaces or row.notice.under:
                row = await self.do(partial(outbox.anchored, row=row))
            picture = None
            if row.notice.picture is not None:
                picture = await self.do(partial(outbox.picture, row=row))
            outs = rendered(self.languages, row, adapter.facts, picture)
            for out in outs[len(lane.natives) :]:
                await adapter.up.wait()
                if (wait := lane.not_before - loop.time()) > 0:
                    await asyncio.sleep(wait)
                await pace.turn(lane)
                if not lane.natives:
                    await self._still_there(row)
                self.flying.setdefault(row.to, loop.create_future())
                lane.flying = True
                lane.natives.append(await self._handed_over(adapter, out))
                lane.not_before = loop.time() + adapter.facts.gap
            values = () if adapter.facts.buttons else tuple(c.value for c in row.notice.choices)
            natives, lane.natives = tuple(lane.natives), []
            shows = row.notice.picture is not None or quotes(row.notice.say)
            fleeting = shows and adapter.facts.reader == "telegram"
            if row.notice.ends and (over := row.notice.conversation):
                for to in await self._surely(partial(outbox.everywhere, person=row.person)):
                    if to.platform in self.adapters:
                        await self.adapters[to.platform].end(to, over)
            await self.records.add(Sent(row, natives, values, fleeting))
            self.delivered += 1
            if row.key.startswith(outbox.FAREWELL):
                await self._surely(partial(belonging.unless_busy, who=row.person))
        finally:
            lane.flying = False
            self._landed(row)

    async def _still_there(self, row: Waiting) -> None:
        """Returns when a row is sure to wait still; its lane is cancelled if it does not."""
        if asyncio.get_running_loop().time() - self.known.get(row.id, 0.0) > _FRESH:
            self.doubt()  # commands delete beside the gateway, and wake nobody
        await self.sure.wait()

    async def _handed_over(self, adapter: Adapter, out: Outbound) -> str:
        try:
            try:
                return await adapter.send(out)
            except Refused:
                if out.picture is None:
                    raise
                log.warning("a picture was refused by %s, %s", out.to.platform, who(out.to))
                lost = self.languages.render(LOST, out.language)
                text = f"{out.text}\n{lost}".strip()
                return await adapter.send(replace(out, text=text, picture=None))
        except Undelivered:
            raise
        except Exception as error:
            kind = type(error).__name__
            log.error("%s could not send: %s, %s", out.to.platform, kind, who(out.to))
            raise Unknown from None

    def _landed(self, row: Waiting) -> None:
        if flight := self.flying.pop(row.to, None):
            flight.set_result(None)

    async def landed(self, to: Address) -> None:
        """Waits until what is on its way to an address is recorded: a quick answer to it may be
        heard before the platform has told us its id."""
        if flight := self.flying.get(to):
            await asyncio.wait({flight}, timeout=_LANDING)
