"""The running gateway: store, conversation, adapters, courier and clock, joined and kept going."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from adapters import Adapter
from bots.clock import Clock
from bots.config import RetentionSettings
from bots.courier import Courier
from bots.drafts import Drafts
from bots.engines import Engine
from bots.limits import Limits
from bots.logs import who
from bots.pictures import Pictures
from bots.safekeeping import Safekeeping
from bots.talk import Talk
from bots.unsending import Unsending
from core.message import Down, Event, Inbound
from core.store import Done, Job, Store, StoreDown
from core.text import numbers

log = logging.getLogger("movements")

_LONGEST_PAUSE = 300.0
_AWAY = 180.0
"""Seconds that a platform is down until those who have an address elsewhere are written to there.
"""
_STEADY = 60.0
"""After so many seconds up, the next failure is the first one again."""


@dataclass
class Condition:
    """How a platform is, for health and log: one line, no names."""

    since: float
    trouble: str | None = None


class Gateway:
    """One process. `run` until cancelled; `close` the store afterwards."""

    def __init__(
        self,
        store: Store,
        talk: Talk,
        adapters: Mapping[str, Adapter],
        limits: Limits | None = None,
        kept: RetentionSettings = RetentionSettings(),  # noqa: B008 - frozen
        engine: Engine | None = None,
    ) -> None:
        """limits: None where everything is to be heard, as when its speed is measured. engine: what
        drafts translations, if the operator wants that."""
        self.store, self.talk, self.adapters, self.limits = store, talk, adapters, limits
        if limits is not None:
            limits.begin(self._heard, self.do, self._opened)
        self.courier = Courier(self.do, talk.languages, adapters)
        self.pictures = Pictures(self.do, adapters)
        self.unsending = Unsending(self.do, store.clock, adapters, self.courier.paces)
        self.clock = Clock(self.do, store.clock, kept)
        self.drafts = Drafts(self.do, talk.languages, engine) if engine is not None else None
        self.conditions = {name: Condition(time.time(), "starting") for name in adapters}
        self.away_after = _AWAY
        self.heard = 0

    # ------------------------------------------------------------------ the store

    async def do(self, job: Job[Any]) -> Any:
        """Runs a job in the next commit. Raises what the job raised, or StoreDown."""
        done = asyncio.get_running_loop().create_future()
        self.store.submit(job, done)
        return await done

    def _given_back(
        self, loop: asyncio.AbstractEventLoop, done: list[Done], wakes: set[str]
    ) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._resolve, done, wakes)

    def _resolve(self, done: list[Done], wakes: set[str]) -> None:
        for wake in wakes:
            kind, _, what = wake.partition(":")
            if kind == "timers":
                self.clock.wake()
            elif kind == "forgotten":
                platform, _, handle = what.partition(":")
                if adapter := self.adapters.get(platform):
                    adapter.forget(handle)
            elif kind == "confirmed":
                platform, _, handle = what.partition(":")
                if adapter := self.adapters.get(platform):
                    adapter.confirmed(handle)
            elif kind == "unsends":
                self.unsending.wake()
            elif kind == "draft":
                if self.drafts is not None:
                    self.drafts.wake(what)
            elif kind == "erased":
                self.courier.doubt()
            elif kind == "person":  # "outbox": the courier's own job read it in the same commit
                self.courier.again(what)
        for end in done:
            if end.token is self.courier:
                self.courier.found(end)
            elif end.token.done():  # its caller was cancelled
                continue
            elif end.error is None:
                end.token.set_result(end.result)
            else:
                end.token.set_exception(end.error)

    # ------------------------------------------------------------------ hearing

    async def hear(self, event: Event) -> bool:
        """The adapters' `Hear`. A message beyond the limits is acknowledged and comes to nothing.
        Raises StoreDown: nothing is kept, the platform must keep it."""
        if isinstance(event, Inbound) and (event.answers_to or numbers(event.text[:20])):
            await self.courier.landed(event.sender)
        if self.limits is not None:
            return await self.limits.admit(event)
        return await self._heard(await self._opened(event) if isinstance(event, Inbound) else event)

    async def _opened(self, event: Inbound) -> Inbound:
        if any(file.ref for file in event.files):
            return await self.pictures.opened(event)
        return event

    async def _heard(self, event: Event) -> bool:
        """A message that can't be handled is set aside and its author told; it never comes again.
        Raises StoreDown."""
        self.heard += 1
        try:
            return bool(await self.do(partial(self.talk.hear, event=event)))
        except StoreDown:
            raise
        except Exception as error:
            log.error("a message was set aside: %s, %s", type(error).__name__, who(event.sender))
            if not isinstance(event, Inbound):
                return False
            try:
                return bool(await self.do(partial(self.talk.set_aside, event=event)))
            except StoreDown:
                raise
            except Exception as second:  # it would come for ever, and hold up everybody behind it
                log.error(
                    "a message was lost, nothing could be made of it: %s", type(second).__name__
                )
                return False

    # ------------------------------------------------------------------ running

    async def run(self) -> None:
        """Until cancelled: then what is on its way out is waited for, before the adapters end."""
        running = asyncio.create_task(self._run())
        try:
            await asyncio.shield(running)
        finally:
            try:
                await self.courier.finish()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self.store.give_back = partial(self._given_back, loop)
        self.store.ends_with = {"outbox": (self.courier.look, self.courier)}
        async with asyncio.TaskGroup() as group:
            if self.limits is not None:
                group.create_task(self.limits.run())
            group.create_task(self.courier.run())
            group.create_task(self.clock.run())
            group.create_task(self.unsending.run())
            if self.drafts is not None:
                group.create_task(self.drafts.run())
            group.create_task(self._reroute())
            for name, adapter in self.adapters.items():
                group.create_task(self._keep(name, adapter))
                group.create_task(self._watch(name, adapter))

    async def _keep(self, name: str, adapter: Adapter) -> None:
        """Runs one platform for ever; when it is down it is tried again, ever more slowly."""
        tries = 0
        while True:
            began = time.monotonic()
            try:
                since = await self.do(partial(_cursor, platform=name))
                await adapter.run(self.hear, since, Safekeeping(self.do, name))
                trouble = "ended"
            except Down as down:
                trouble = (
                    down.reason if down.key is None else f"{down.reason} ([{name}] {down.key})"
                )
            except StoreDown:  # not the platform's fault: it is not kept waiting
                trouble, tries = "the store is down", 0
            except Exception as error:
                trouble = type(error).__name__
            tries = 1 if time.monotonic() - began > _STEADY else tries + 1
            pause = min(_LONGEST_PAUSE, 0.5 * 2.0**tries) * random.uniform(0.5, 1.0)
            self._is_down(name, trouble)
            log.warning("%s is down: %s. Next try in %d s.", name, trouble, round(pause))
            await asyncio.sleep(pause)

    async def _watch(self, name: str, adapter: Adapter) -> None:
        while True:
            await adapter.up.wait()
            if self.conditions[name].trouble is not None:
                self.conditions[name] = Condition(time.time())
                log.info("%s is up", name)
            await asyncio.sleep(1)
            if not adapter.up.is_set() and self.conditions[name].trouble is None:
                self._is_down(name, "reconnecting")

    async def _reroute(self) -> None:
        while True:
            await asyncio.sleep(1)
            long_ago = time.time() - self.away_after
            self.courier.reroute(
                [n for n, c in self.conditions.items() if c.trouble and c.since < long_ago]
            )

    def _is_down(self, name: str, trouble: str) -> None:
        """Since its first trouble, however often it was tried again meanwhile."""
        before = self.conditions[name]
        since = time.time() if before.trouble is None else before.since
        self.conditions[name] = Condition(since, trouble)


def _cursor(book: Any, platform: str) -> str | None:
    found: str | None = book.value("select cursor from cursors where platform = :p", p=platform)
    return found
