"""A platform without a network: two queues, for tests and benchmarks."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.message import (
    LARGEST_FILE,
    Address,
    Down,
    Event,
    Exposed,
    Facts,
    File,
    Gone,
    Hear,
    Outbound,
    Refused,
    Safe,
)


@dataclass
class Server:
    """What outlives the adapter: events not yet acknowledged, and every phone's messages."""

    name: str = "memory"
    events: list[Event] = field(default_factory=list)
    phones: dict[str, asyncio.Queue[tuple[str, Outbound]]] = field(
        default_factory=lambda: defaultdict(asyncio.Queue)
    )
    files: dict[str, bytes] = field(default_factory=dict)
    unsent: dict[str, asyncio.Queue[str]] = field(
        default_factory=lambda: defaultdict(asyncio.Queue)
    )
    """Every phone's: the ids of messages that were there and are deleted."""
    sent: dict[str, str] = field(default_factory=dict)
    there: set[tuple[str, str]] = field(default_factory=set)
    """Handle and id of every message that stands on a phone."""
    gone: set[str] = field(default_factory=set)
    doubted: set[str] = field(default_factory=set)
    """Handles whose keys are others than before."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def write(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()


class Memory:
    """Events stay in the server until they are heard; a message with a known key is taken once."""

    def __init__(
        self, server: Server, *, buttons: bool = True, edits: bool = True, encrypts: bool = False
    ) -> None:
        self.server = server
        self.facts = Facts(
            buttons=buttons, edits=edits, max_length=100_000, unit="codepoints", caption=100_000,
            encrypts=encrypts, own=f"gateway@{server.name}",
        )  # fmt: skip
        self.up = asyncio.Event()
        self.cut = asyncio.Event()

    async def run(self, hear: Hear, since: str | None, safe: Safe) -> None:
        self.up.set()
        self.cut.clear()
        try:
            while not self.cut.is_set():
                while self.server.events:
                    await hear(self.server.events[0])
                    self.server.events.pop(0)
                self.server.news.clear()
                await self._news()
        except OSError as error:
            raise Down(type(error).__name__) from None
        finally:
            self.up.clear()
        raise Down("cut")

    async def _news(self) -> None:
        waits = [asyncio.create_task(e.wait()) for e in (self.server.news, self.cut)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def send(self, out: Outbound) -> str:
        if out.to.handle in self.server.gone:
            raise Gone
        if out.sensitive and (not self.facts.encrypts or out.to.handle in self.server.doubted):
            raise Exposed
        if out.key in self.server.sent:
            return self.server.sent[out.key]
        native = out.replaces or f"b{next(self.server.ids)}"
        self.server.sent[out.key] = native
        self.server.there.add((out.to.handle, native))
        self.server.phones[out.to.handle].put_nowait((native, out))
        return native

    async def unsend(self, to: Address, natives: Sequence[str]) -> None:
        if to.handle in self.server.gone:
            raise Gone
        for native in natives:
            if (to.handle, native) in self.server.there:
                self.server.there.remove((to.handle, native))
                self.server.unsent[to.handle].put_nowait(native)

    def forget(self, handle: str) -> None:
        """Nothing is encrypted here: nothing is held."""

    def confirmed(self, handle: str) -> None:
        self.server.doubted.discard(handle)

    async def end(self, to: Address, conversation: str) -> None:
        """No conversation has a chat of its own here."""

    async def fetch(self, file: File) -> bytes:
        body = self.server.files.get(file.ref)
        if body is None or len(body) > LARGEST_FILE:
            raise Refused
        return body

    async def check(self) -> str:
        return self.server.name
