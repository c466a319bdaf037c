"""Matrix, through a homeserver that the gateway has an account on (Client-Server API v1.11).

A person is their user id; they are answered in the room that holds only them and the bot, where
they wrote last, end-to-end encrypted if the room is. The position in the stream (`next_batch`) is
stored with what was heard, never before; what reading it changed is on disk before the next is
asked for. What cannot be read is heard as a file of the kind "keyless".
"""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from nio import SyncResponse  # type: ignore[import-untyped]

from adapters.matrix import events, media, talks
from adapters.matrix.asking import LoggedOut
from adapters.matrix.encryption import Encryption
from adapters.matrix.events import Event
from adapters.matrix.homeserver import PAUSES, Homeserver, down, stored
from adapters.matrix.lanes import Batch, Lanes
from adapters.matrix.placing import Placing
from adapters.matrix.reading import Read, Reading
from adapters.matrix.receipts import Receipts
from adapters.matrix.rooms import Rooms
from adapters.matrix.securing import Securing
from adapters.matrix.sending import Sending
from adapters.matrix.session import Session
from adapters.matrix.shelf import Shelf
from adapters.matrix.talks import Talk, Talks
from core.message import (
    Address,
    Changed,
    Down,
    Exposed,
    Facts,
    File,
    Gone,
    Hear,
    Inbound,
    Later,
    Left,
    Outbound,
    Overheard,
    Safe,
    Unsent,
)


class Matrix:
    """homeserver: its URL. user: "@movements:example.org". folder: keeps the log-in, nothing
    about people. proxy: "socks5://user:password@host:port"; names are resolved there."""

    facts = Facts(
        buttons=False,
        edits=True,
        max_length=40_000,
        unit="bytes",
        gap=0,
        rate=50,
        reader="server",
        caption=40_000,
        encrypts=True,
    )

    def __init__(
        self,
        *,
        homeserver: str,
        user: str,
        password: str,
        folder: pathlib.Path,
        proxy: str | None = None,
    ) -> None:
        self.facts = replace(type(self).facts, own=user)
        self.up = asyncio.Event()
        self._session = Session(homeserver, user, password, folder, proxy)
        self._shelf: Shelf | None = None

    async def check(self) -> str:
        try:
            return await self._session.check()
        except Exception as error:
            raise down(error) from None

    async def run(self, hear: Hear, since: str | None, safe: Safe) -> None:
        try:
            with self._session.alone():
                shelf = Shelf(safe)
                await shelf.load()
                self._client = await self._session.open(keys_lost=shelf.get("account") is None)
                try:
                    await self._run(hear, since, shelf)
                finally:
                    self.up.clear()
                    await self._client.close()
        except Exception as error:
            raise down(error) from None

    async def _run(self, hear: Hear, since: str | None, shelf: Shelf) -> None:
        async with asyncio.TaskGroup() as group:
            self._hear, self._lanes, self._shelf = hear, Lanes(group), shelf
            self._encryption = Encryption(self._client, shelf, self._session.password)
            self._reading = Reading(shelf, self._encryption)
            await self._keep()
            self._session.has_keys()
            self._waits, self._answer = asyncio.Event(), asyncio.Event()
            self._rooms = Rooms(self._client.user_id)
            self._server = Homeserver(self._session, self._client, self.up)
            self._receipts = Receipts(self._client)
            self._securing = Securing(self._client, shelf, self._rooms, self._encryption)
            self._sending = Sending(self._session, self._client, self._encryption, self.up)
            self._talks = Talks(shelf, self._rooms)
            self._placing = Placing(
                self._client, shelf, self._rooms, self._talks, self._sending, self._encryption
            )
            group.create_task(self._receipts.tell())
            group.create_task(self._sending.renew())
            group.create_task(self._give_up())
            group.create_task(self._answer_others())
            await self._listen(since)

    # ---------------------------------------------------------------- in

    async def _listen(self, since: str | None) -> None:
        if since is not None and self._session.beginning is not None:
            self._session.beginning = None
        position, full = since or await self._begin(), since is not None
        while True:
            answer = await self._server.sync(position, full)
            batch = self._lanes.open(answer.next_batch)
            await self._take(batch, answer, position, full)
            await self._keep()
            self._lanes.close(batch)
            await self._tend()
            position, full = answer.next_batch, False
            self.up.set()

    async def _begin(self) -> str:
        """No position is stored yet. -> the one to hear from: where the very first start found
        the server. Later starts ask again without a position, as only that repeats invitations."""
        answer = await self._server.sync(None, full=True)
        if self._session.beginning is None:
            self._session.beginning = answer.next_batch
        position = self._session.beginning
        batch = self._lanes.open(position)
        await self._take(batch, answer, None, full=True)
        await self._keep()
        self._lanes.close(batch)
        return position

    async def _keep(self) -> None:
        await stored(self._encryption.keep)

    async def _tend(self) -> None:
        """Before the platform counts as up, others must be able to reach this device."""
        for pause in (*PAUSES, None):
            try:
                await self._encryption.tend(self._session.wants_reset())
            except LoggedOut as out:
                await self._session.renew(self._client, out.token)
            except Unsent:
                pass
            else:
                self._answer.set()
                return
            if pause is None:
                raise Down("keys cannot be passed on", "homeserver")
            await asyncio.sleep(pause)

    async def _answer_others(self) -> None:
        while True:
            await self._answer.wait()
            self._answer.clear()
            try:
                await self._encryption.answer()
                await self._placing.tidy()
            except Unsent:
                await asyncio.sleep(PAUSES[-1])
                self._answer.set()
            await self._tell_of_changes()

    async def _tell_of_changes(self) -> None:
        for person in self._encryption.changed():
            changed = Changed(Address("matrix", person))
            await self._lanes.put(Batch(""), person, partial(self._heard, changed, None))

    async def _take(
        self, batch: Batch, answer: SyncResponse, position: str | None, full: bool
    ) -> None:
        """Everything in one answer into the lanes; members first, they decide who is answered, and
        keys, they decide what is read."""
        found = self._encryption.receive(await answer.transport_response.json())
        for room in answer.rooms.invite:  # told once by the server, hence part of the batch
            await self._lanes.put(batch, room, partial(self._join, room))
        for room, info in answer.rooms.join.items():
            for event in (*info.state, *info.timeline.events):
                self._rooms.note(room, event.source)
        for talk in self._talks.look(answer.rooms.join, all_known=full):
            await self._lanes.put(batch, talk.person, partial(self._overheard, talk))
        await self._take_read(batch, self._reading.again(found))
        for room, info in answer.rooms.join.items() if position else ():
            if info.timeline.limited:
                async for missed in self._server.missed(room, position, info.timeline.prev_batch):
                    await self._take_event(batch, room, missed)
            for event in info.timeline.events:
                await self._take_event(batch, room, event.source)
        for room, info in answer.rooms.leave.items():
            for event in info.timeline.events:
                await self._take_event(batch, room, event.source)
            self._client.rooms.pop(room, None)  # matrix-nio#46: nio never does
            self._talks.dropped(room)
            for person in self._rooms.drop(room):
                await self._take_left(batch, person)

    async def _take_event(self, batch: Batch, room: str, event: Event) -> None:
        gone = events.left(event)
        if gone:
            removed = gone == self._rooms.own
            await self._take_left(batch, str(event.get("sender")) if removed else gone)
        elif "state_key" not in event and self._rooms.alone_with(room, str(event.get("sender"))):
            await self._take_read(batch, self._reading.take(room, event))
            if self._reading.late() is not None:
                self._waits.set()

    async def _take_read(self, batch: Batch, found: list[Read]) -> None:
        for read in found:
            said, sender = events.read(read.event), str(read.event.get("sender"))
            if said is None or sender == self._rooms.own:
                continue  # the filter leaves our own out; a server that forgets must make no loop
            if not self._rooms.alone_with(read.room, sender):
                continue
            conversation = self._talks.written_in(read.room, sender)
            if conversation is None:
                self._rooms.wrote(sender, read.room)
            else:
                said = replace(events.named(read.room, said), conversation=conversation)
            said = replace(said, encrypted=bool(read.encrypted), secrets=read.secrets)
            if read.encrypted is None:  # should it be read one day, it is another event
                said = replace(said, id=f"{said.id} unread")
            await self._lanes.put(batch, sender, partial(self._heard_by, said, read))

    async def _give_up(self) -> None:
        """What cannot be read in time is told as unreadable."""
        while True:
            wait = self._reading.late()
            if wait is None:
                self._waits.clear()
                await self._waits.wait()
            else:
                await asyncio.sleep(wait)
                await self._take_read(Batch(""), self._reading.again())
                await self._keep()

    async def _take_left(self, batch: Batch, person: str) -> None:
        if person != self._rooms.own and self._rooms.of(person) is None:
            self._talks.end_all(person)  # who leaves the chat with us leaves everything here
            left = Left(Address("matrix", person))
            await self._lanes.put(batch, person, partial(self._heard, left, None))

    async def _overheard(self, talk: Talk, position: str | None) -> None:
        said = Overheard(Address("matrix", talk.person), talk.conversation)
        await self._heard(said, None, position)
        self._talks.without(talk)

    async def _join(self, room: str, _: str | None) -> None:
        await self._server.join(room)

    async def _heard_by(self, said: Inbound, read: Read, position: str | None) -> None:
        """First, whose device it is: a homeserver may have added it."""
        person = said.sender.handle
        for pause in (*PAUSES, None) if read.encrypted else ():
            try:
                vouched = await self._encryption.vouches(person, read.maker)
            except (Unsent, Later):
                vouched = False
                if pause is not None:
                    await asyncio.sleep(pause)
                    continue
            said = replace(said, vouched=vouched)
            break
        if self._encryption.has_changed(person):
            await self._heard(Changed(said.sender), None, None)
        await self._heard(said, read.room, position)

    async def _heard(self, event: events.Heard, room: str | None, position: str | None) -> None:
        if room and isinstance(event, Inbound):
            event = await self._securing.heard(room, event)
        await stored(partial(self._hear, replace(event, cursor=position)))
        if room and isinstance(event, Inbound):
            (_, thread), (_, native) = events.apart(event.thread), events.apart(event.native)
            self._receipts.due(room, thread or None, native or event.id)

    # ---------------------------------------------------------------- out

    async def send(self, out: Outbound) -> str:
        if not self.up.is_set():
            raise Unsent
        room = self._rooms.of(out.to.handle)
        if room is None:
            raise Gone
        try:
            native = await self._placing.send(room, out)
        except Exposed:
            if self._encryption.has_changed(out.to.handle):
                await self._heard(Changed(out.to), None, None)
            raise
        finally:
            await self._tell_of_changes()
        room, (_, thread) = events.apart(native)[0] or room, events.apart(out.thread)
        self._receipts.answered(room, thread or None)
        return native

    async def unsend(self, to: Address, natives: Sequence[str]) -> None:
        if not self.up.is_set():
            raise Unsent
        rooms = self._rooms.shared(to.handle)
        if not rooms:
            raise Gone
        for native in natives:
            self._talks.busy(events.apart(native)[0])
        await self._sending.unsend(rooms, natives)

    async def end(self, to: Address, conversation: str) -> None:
        if self._shelf is not None and self.up.is_set():
            self._talks.end(to.handle, conversation)
            asyncio.get_running_loop().call_later(talks.GRACE, self._answer.set)
            with contextlib.suppress(Exception):  # else it is kept with what comes next
                await self._shelf.keep()

    def forget(self, handle: str) -> None:
        if self._shelf is not None:  # else what is in memory is from the safe, later
            self._reading.forget(handle)
            self._talks.forget(handle)
            self._encryption.forget(handle)

    def confirmed(self, handle: str) -> None:
        if self._shelf is not None:
            self._encryption.devices.confirm(handle)

    async def fetch(self, file: File) -> bytes:
        if not self.up.is_set():
            raise Unsent
        return await media.fetch(self._client, file)
