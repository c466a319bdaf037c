"""Long polling: hears updates, each person's in order, and confirms them once they are heard.

getUpdates (https://core.telegram.org/bots/api#getupdates) confirms everything below its offset.
python-telegram-bot's Updater confirms what merely waits in memory (6 of 12 lost by a SIGKILL),
ends for ever after one 401 or 404, and stops for good at an update that it cannot parse.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from telegram.error import TelegramError

from adapters.telegram.updates import read
from core.message import Hear, Inbound, Left

log = logging.getLogger(__name__)

FRESH = 5 * 86400  # seconds; after a week without updates their ids start anew, anywhere
PATIENCE = 1.0  # seconds that one slow person can hold up the next poll

Event = Inbound | Left


class Poller:
    """fetch: getUpdates with this offset. after: what to do when an event is heard, and whether it
    was handed on to another person. since: "last update id@unix time", as in `Inbound.cursor`."""

    def __init__(
        self,
        fetch: Callable[[int | None], Awaitable[Any]],
        hear: Hear,
        after: Callable[[Event, bool], None],
        since: str | None,
    ) -> None:
        self._fetch, self._hear, self._after = fetch, hear, after
        self._confirmed, self._at = _position(since)
        # Every update that is received and not yet confirmed, in the order received: heard or not.
        self._received: dict[int, bool] = {}
        self._lanes: dict[str, deque[tuple[int, Event]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused = 0  # how many hearings have failed since the last that did not
        self.unread = 0
        """Updates that were set aside because they could not be read."""

    async def round(self) -> None:
        """One getUpdates, and the hearing of what it brings. Raises TelegramError."""
        updates = await self._fetch(self._offset())
        if not isinstance(updates, list):
            raise TelegramError("the result is not a list")
        for update in updates:
            self._take(update)
        if updates and not self._received:
            raise TelegramError("no update has an id")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=PATIENCE)
        if self._refused:
            await asyncio.sleep(min(0.1 * 2**self._refused, 15))

    def _offset(self) -> int | None:
        """The last received id + 1, never the highest: ids can start anew below it."""
        while self._received:
            first = next(iter(self._received))
            if not self._received[first]:
                break
            self._confirmed = first
            del self._received[first]
        fresh = abs(time.time() - self._at) < FRESH
        return self._confirmed + 1 if self._confirmed is not None and fresh else None

    def _take(self, update: Any) -> None:
        id = update.get("update_id") if isinstance(update, dict) else None
        if type(id) is not int:
            self._set_aside("no id")
            return
        if id in self._received:
            return
        self._at = time.time()
        self._received[id] = False
        try:
            event = read(update)
        except Exception as error:  # whatever it is, those behind it must not wait for it
            self._set_aside(type(error).__name__)
            event = None
        if event is None:
            self._received[id] = True
            return
        lane = self._lanes.get(event.sender.handle)
        if lane is not None:
            lane.append((id, event))
            return
        self._lanes[event.sender.handle] = lane = deque([(id, event)])
        task = asyncio.create_task(self._walk(event.sender.handle, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _set_aside(self, why: str) -> None:
        self.unread += 1
        log.warning("an update cannot be read and is set aside: %s", why)

    async def _walk(self, handle: str, lane: deque[tuple[int, Event]]) -> None:
        """One person's updates, in order. One that is not heard comes again, with all behind."""
        try:
            while lane:
                id, event = lane[0]
                handed_on = await self._hear(self._with_cursor(id, event))
                lane.popleft()
                self._received[id] = True
                self._refused = 0
                self._after(event, handed_on)
        except Exception as error:
            self._refused += 1
            log.error("an update was not heard and will come again: %s", type(error).__name__)
            for id, _ in lane:
                del self._received[id]
        finally:
            del self._lanes[handle]

    def _with_cursor(self, id: int, event: Event) -> Event:
        """The cursor may lag: what comes again is known to the core. It may never run ahead."""
        if next(i for i, heard in self._received.items() if not heard) != id:
            return event
        return dataclasses.replace(event, cursor=f"{id}@{int(self._at)}")

    async def close(self) -> None:
        """Stops the hearing; what is not heard is not confirmed either."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _position(since: str | None) -> tuple[int | None, float]:
    """-> update id and its unix time. A cursor that can't be read is none: updates that are not
    confirmed come again in any case."""
    with contextlib.suppress(ValueError):
        id, at = (since or "").split("@")
        return int(id), float(at)
    return None, 0.0
