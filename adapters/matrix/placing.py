"""Where what the gateway says goes: into the direct room; what belongs to a conversation, into that
conversation's own room once its person is there. Until then, and if that can't be, it goes into a
thread of the direct room, so that nothing waits for a room.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from nio import AsyncClient  # type: ignore[import-untyped]

from adapters.matrix import own_rooms
from adapters.matrix.asking import Denied, Limited
from adapters.matrix.encryption import Encryption
from adapters.matrix.events import apart
from adapters.matrix.rooms import Rooms
from adapters.matrix.sending import Sending
from adapters.matrix.shelf import Shelf
from adapters.matrix.talks import Talk, Talks
from core.message import Gone, Outbound, Undelivered

MAKING = 10.0
"""Seconds that a room may take."""
_PAUSE = 60.0
"""Seconds without another room, when the homeserver makes no more."""


class Placing:
    def __init__(
        self,
        client: AsyncClient,
        shelf: Shelf,
        rooms: Rooms,
        talks: Talks,
        sending: Sending,
        encryption: Encryption,
    ) -> None:
        self._client, self._shelf, self._rooms, self._talks = client, shelf, rooms, talks
        self._sending, self._encryption = sending, encryption
        self._settled: set[tuple[str, str]] = set()
        self._not_before = 0.0

    async def send(self, direct: str, out: Outbound) -> str:
        """direct: the room to answer in. -> the native id; that of an event in a conversation's own
        room names the room. Raises what `Sending.send` raises."""
        if out.replaces:  # where it stands, or, if that room is gone, anew
            room, _ = apart(out.replaces)
            if not room:
                return await self._into(direct, out)
            found = self._talks.in_room(room)
            if found and found.person == out.to.handle and self._talks.fits(found):
                return await self._into(room, out)
            out = replace(out, replaces=None)
        if not out.conversation or not self._is_encrypted(direct):
            return await self._into(direct, out)
        talk = self._talks.of(out.to.handle, out.conversation)
        if await self._moved(talk):
            try:
                return await self._into(talk.room, out)
            except Gone:
                self._talks.without(talk)
        return await self._in_thread(direct, talk, out)

    def _is_encrypted(self, room: str) -> bool:
        return self._rooms.is_encrypted(room) or self._encryption.began(room)

    async def _into(self, room: str, out: Outbound) -> str:
        """Without what it would refer to in another room."""
        own = room if self._rooms.is_own(room) or self._talks.in_room(room) else ""

        def here(native: str | None) -> str | None:
            place, event = apart(native)
            return event if event and place == own else None

        answers, thread, replaces = map(here, (out.answers_to, out.thread, out.replaces))
        out = replace(out, answers_to=answers, thread=thread, replaces=replaces)
        encrypted = bool(own) or self._rooms.is_encrypted(room)
        native = await self._sending.send(room, out, encrypted=encrypted)
        return f"{own} {native}" if own else native

    async def _moved(self, talk: Talk) -> bool:
        """Whether it goes into its own room. The first message of a process does only if one did
        before: it may be another try of one that went into the thread."""
        if not talk.room or not self._talks.fits(talk):
            return False
        if not talk.moved:
            if (talk.person, talk.conversation) not in self._settled:
                return False
            talk.moved = True
            self._talks.put(talk)
            await self._shelf.keep()
        return True

    async def _in_thread(self, direct: str, talk: Talk, out: Outbound) -> str:
        root = talk.root if talk.at == direct else ""
        place, thread = apart(out.thread)
        inside = out.thread if thread and not place else root or None
        native = await self._into(direct, replace(out, thread=inside))
        if not out.opens:
            return native
        if not inside:
            talk.root, talk.at = native, direct
            self._talks.put(talk)
        await self._open(talk, out)
        self._settled.add((talk.person, talk.conversation))
        await self._shelf.keep()
        return native

    async def tidy(self) -> None:
        """Leaves the rooms of conversations that are over. Raises Unsent."""
        for room in self._talks.to_leave():
            await own_rooms.leave(self._client, room)
            self._talks.dropped(room)
            self._rooms.drop(room)

    async def _open(self, talk: Talk, out: Outbound) -> None:
        """Makes the conversation's room, if it has none, and says there what it is about. Whatever
        goes wrong, it goes on in the thread."""
        if talk.never or talk.first not in ("", out.key) or time.monotonic() < self._not_before:
            return
        try:
            async with asyncio.timeout(MAKING):
                if not talk.room and not await self._make(talk, out.key):
                    return
                if out.text:
                    first = replace(out, key=f"{out.key}/room", picture=None, conversation=None)
                    await self._into(talk.room, first)
        except (Undelivered, TimeoutError):
            return

    async def _make(self, talk: Talk, key: str) -> bool:
        if talk.mark:  # its making was cut short; it may still come
            return False
        self._talks.marked(talk, key)
        await self._shelf.keep()
        try:
            room = await own_rooms.make(self._client, talk.person, talk.mark)
        except Limited:
            self._talks.unmarked(talk)
            self._not_before = time.monotonic() + _PAUSE
            return False
        except Denied:
            self._talks.without(talk)
            return False
        if talk.room != room and not self._talks.made(talk, room):
            self._talks.without(talk)
            return False
        await self._shelf.keep()
        return True
