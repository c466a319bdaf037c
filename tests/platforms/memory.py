"""Phones on the platform without a network."""

from __future__ import annotations

import asyncio
import re
import secrets

from adapters.memory import Memory, Server
from core.message import Address, Changed, File, Inbound, Left, Outbound
from tests.platforms import Seen

_MARKS = re.compile("[\u200e\u200f\u061c\u2066-\u2069]")


class MemoryPhone:
    """encrypts: what is written goes encrypted, if the platform can."""

    def __init__(
        self, server: Server, handle: str, locale: str, buttons: bool, encrypts: bool = False
    ) -> None:
        self.server, self.locale, self.buttons = server, locale, buttons
        self.encrypts = encrypts
        self.address = Address(server.name, handle)
        self.values: dict[tuple[str, str], str] = {}

    def _write(self, **what: object) -> str:
        id = f"u{next(self.server.ids)}"
        what = {"native": id, "encrypted": self.encrypts, **what}
        event = Inbound(id=id, sender=self.address, locale=self.locale, **what)  # type: ignore[arg-type]
        self.server.write(event)
        return id

    async def say(self, text: str, *, reply_to: str | None = None) -> str:
        return self._write(text=text, answers_to=reply_to)

    async def edit(self, native: str, text: str) -> str:
        return self._write(text=text, edits=native)

    async def delete(self, native: str) -> None:
        self._write(native=native, deleted=True)

    def changes_keys(self) -> None:
        """A new phone, or somebody else: what is written from now on comes from there."""
        self.server.doubted.add(self.address.handle)
        self.server.write(Changed(self.address))

    async def press(self, seen: Seen, label: str) -> None:
        if self.buttons:
            self._write(pressed=self.values[seen.native, label], native=seen.native)
            return
        found = re.search(
            rf"^(\d+) (?:✓ )?{re.escape(label)}$", _MARKS.sub("", seen.text), re.MULTILINE
        )
        assert found, f"no line with this label among {len(seen.text)} characters"
        await self.say(found[1])

    async def send_file(self, kind: str) -> str:
        return self._write(files=(File(kind),))

    async def send_picture(self, body: bytes, text: str = "", name: str = "a.jpg") -> str:
        ref = secrets.token_hex(4)
        self.server.files[ref] = body
        kind = "document" if name.endswith(".pdf") else "picture"
        return self._write(files=(File(kind, ref, len(body)),), text=text)

    def read(self, native: str, out: Outbound) -> Seen:
        for value, label in out.choices:
            self.values[native, label] = value
        labels = tuple(label for _, label in out.choices)
        return Seen(native, out.text, labels, out.answers_to, out.replaces, out.thread, out.picture)

    async def next(self, seconds: float = 10.0) -> Seen:
        async with asyncio.timeout(seconds):
            return self.read(*await self.server.phones[self.address.handle].get())

    async def unsent(self, seconds: float = 10.0) -> str:
        async with asyncio.timeout(seconds):
            return await self.server.unsent[self.address.handle].get()

    async def leave(self) -> None:
        self.server.gone.add(self.address.handle)
        self.server.write(Left(self.address))


class MemoryPlatform:
    """buttons=False: choices stand in the text as numbered lines, as on XMPP and Matrix. encrypts:
    as if everybody wrote end-to-end encrypted."""

    def __init__(
        self, name: str = "memory", *, buttons: bool = True, encrypts: bool = False
    ) -> None:
        self.name, self.buttons, self.encrypts = name, buttons, encrypts

    async def start(self) -> None:
        self.server = Server(self.name)

    async def stop(self) -> None: ...

    def adapter(self) -> Memory:
        self.current = Memory(self.server, buttons=self.buttons, encrypts=self.encrypts)
        return self.current

    async def phone(self, locale: str = "en") -> MemoryPhone:
        return MemoryPhone(self.server, secrets.token_hex(4), locale, self.buttons, self.encrypts)

    async def cut(self) -> None:
        self.current.cut.set()
