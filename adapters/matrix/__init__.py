"""Matrix, through a homeserver that the gateway has an account on (Client-Server API v1.11).

A person is their user id; they are answered in the room that holds only them and the bot, where
they wrote last. The position in the stream (`next_batch`) is stored with what was heard, never
before. Encryption is not read: such a message is heard as a file of the kind "encrypted".
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import pathlib
import traceback
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from nio import (  # type: ignore[import-untyped]
    ErrorResponse,
    LocalProtocolError,
    RoomRedactError,
    RoomRedactResponse,
    RoomSendError,
    RoomSendResponse,
    SyncResponse,
)

from adapters.matrix import events, media, redaction
from adapters.matrix.events import Event
from adapters.matrix.homeserver import PAUSES, Homeserver, http
from adapters.matrix.lanes import Batch, Lanes
from adapters.matrix.rooms import Rooms
from adapters.matrix.session import LOGGED_OUT, NETWORK, Session
from core.message import (
    Address,
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
    Refused,
    Safe,
    Undelivered,
    Unsent,
)

RECEIPT_AFTER = 1.0
"""Seconds in which an answer makes a receipt unnecessary: each costs the server like a message."""


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

    async def check(self) -> str:
        try:
            return await self._session.check()
        except Exception as error:
            raise _down(error) from None

    async def run(self, hear: Hear, since: str | None, safe: Safe) -> None:
        try:
            with self._session.alone():
                self._client = await self._session.open()
                try:
                    await self._run(hear, since)
                finally:
                    self.up.clear()
                    await self._client.close()
        except Exception as error:
            raise _down(error) from None

    async def _run(self, hear: Hear, since: str | None) -> None:
        async with asyncio.TaskGroup() as group:
            self._hear, self._lanes = hear, Lanes(group)
            self._rooms = Rooms(self._client.user_id)
            self._server = Homeserver(self._session, self._client, self.up)
            self._read: dict[tuple[str, str], str] = {}
            self._receipt_due = asyncio.Event()
            self._expired: asyncio.Queue[str] = asyncio.Queue()
            group.create_task(self._tell_what_is_read())
            group.create_task(self._renew())
            await self._listen(since)

    # ---------------------------------------------------------------- in

    async def _listen(self, since: str | None) -> None:
        if since is not None and self._session.beginning is not None:
            self._session.beginning = None
        position, full = since or await self._begin(), since is not None
        while True:
            answer = await self._server.sync(position, full)
            batch = self._lanes.open(answer.next_batch)
            await self._take(batch, answer, position)
            self._lanes.close(batch)
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
        await self._take(batch, answer, None)
        self._lanes.close(batch)
        return position

    async def _take(self, batch: Batch, answer: SyncResponse, position: str | None) -> None:
        """Everything in one answer into the lanes; members first, they decide who is answered."""
        for room in answer.rooms.invite:  # told once by the server, hence part of the batch
            await self._lanes.put(batch, room, partial(self._join, room))
        for room, info in answer.rooms.join.items():
            for event in (*info.state, *info.timeline.events):
                self._rooms.note(room, event.source)
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
            for person in self._rooms.drop(room):
                await self._take_left(batch, person)

    async def _take_event(self, batch: Batch, room: str, event: Event) -> None:
        said, gone = events.read(event), events.left(event)
        if said and said.sender.handle == self._rooms.own:
            return  # the filter leaves it out; a server that forgets must not make a loop
        if said and self._rooms.alone_with(room, said.sender.handle):
            self._rooms.wrote(said.sender.handle, room)
            heard = partial(self._heard, said, room)
            await self._lanes.put(batch, said.sender.handle, heard)
        elif gone:
            removed = gone == self._rooms.own
            await self._take_left(batch, str(event.get("sender")) if removed else gone)

    async def _take_left(self, batch: Batch, person: str) -> None:
        if person != self._rooms.own and self._rooms.of(person) is None:
            left = Left(Address("matrix", person))
            await self._lanes.put(batch, person, partial(self._heard, left, None))

    async def _join(self, room: str, _: str | None) -> None:
        await self._server.join(room)

    async def _heard(self, event: Inbound | Left, room: str | None, position: str | None) -> None:
        for pause in (*PAUSES, None):
            try:
                await self._hear(replace(event, cursor=position))
            except Exception as error:  # whatever the store raises: nothing was committed
                if pause is None:
                    raise Down(f"nothing can be stored ({type(error).__name__})") from None
                await asyncio.sleep(pause)
            else:
                break
        if room and isinstance(event, Inbound):
            self._read[room, event.thread or "main"] = event.id
            self._receipt_due.set()

    async def _tell_what_is_read(self) -> None:
        """One receipt a thread for all that was heard since the last one; a lost one is no loss.
        An answer says the same (section "Receipts"), so there is one only where none was given.
        (Without a thread it would be one for all, but nio sends null for that: M_INVALID_PARAM.)"""
        while True:
            await self._receipt_due.wait()
            await asyncio.sleep(RECEIPT_AFTER)
            self._receipt_due.clear()
            read, self._read = self._read, {}
            for (room, thread), event in read.items():
                with contextlib.suppress(*NETWORK, LocalProtocolError):
                    await self._client.update_receipt_marker(room, event, thread_id=thread)

    async def _renew(self) -> None:
        """A send finds out first that the session has ended: the sync that waits was let in."""
        while True:
            await self._session.renew(self._client, await self._expired.get())

    # ---------------------------------------------------------------- out

    async def send(self, out: Outbound) -> str:
        """A resend with the same key is the same event for the homeserver (section "Transaction
        identifiers"), so that "perhaps sent" is as good as unsent."""
        if not self.up.is_set():
            raise Unsent
        if out.sensitive:
            raise Exposed
        room = self._rooms.of(out.to.handle)
        if room is None:
            raise Gone
        picture = None
        if out.picture is not None:
            picture = await media.upload(self._client, out.picture)
        answer = await self._put(room, out, picture)
        related = out.thread or out.answers_to or out.replaces
        if related and isinstance(answer, ErrorResponse) and http(answer) == 400:
            # to a message in another room, or to a thread's root that is in a thread itself
            out = replace(out, thread=None, answers_to=None, replaces=None)
            answer = await self._put(room, out, picture)
        if isinstance(answer, ErrorResponse):
            raise _refusal(answer)
        self._read.pop((room, out.thread or "main"), None)
        return out.replaces or str(answer.event_id)

    async def unsend(self, to: Address, natives: Sequence[str]) -> None:
        if not self.up.is_set():
            raise Unsent
        rooms = self._rooms.shared(to.handle)
        if not rooms:
            raise Gone
        for native in natives:
            for room in rooms:  # it stands in one of them
                answer = await self._redacted(room, native)
                if not isinstance(answer, ErrorResponse):
                    break
                if http(answer) not in (400, 403, 404):
                    raise _refusal(answer)

    async def _redacted(self, room: str, native: str) -> RoomRedactResponse | RoomRedactError:
        token = self._client.access_token
        try:
            answer = await redaction.redact(self._client, room, native)
        except NETWORK:
            raise Unsent from None
        except LocalProtocolError:
            answer = None
        if answer is None or getattr(answer, "status_code", None) in LOGGED_OUT:
            self._expired.put_nowait(token)
            raise Unsent
        return answer

    def forget(self, handle: str) -> None:
        """Nothing is encrypted here: nothing is held."""

    async def fetch(self, file: File) -> bytes:
        if not self.up.is_set():
            raise Unsent
        return await media.fetch(self._client, file)

    async def _put(
        self, room: str, out: Outbound, picture: str | None
    ) -> RoomSendResponse | RoomSendError:
        if not self.up.is_set():
            raise Unsent
        token = self._client.access_token
        transaction = hashlib.sha256(out.key.encode()).hexdigest()[:32]
        try:
            answer = await self._client.room_send(
                room, "m.room.message", events.written(out, picture), tx_id=transaction
            )
        except NETWORK:
            raise Unsent from None
        except LocalProtocolError:
            answer = None
        if answer is None or getattr(answer, "status_code", None) in LOGGED_OUT:
            self._expired.put_nowait(token)
            raise Unsent
        return answer


def _refusal(answer: ErrorResponse) -> Undelivered:
    if answer.status_code == "M_FORBIDDEN":
        return Gone()
    if http(answer) == 429:
        return Later((answer.retry_after_ms or 5000) / 1000, everywhere=True)
    return Refused() if http(answer) in (400, 413) else Unsent()


def _down(error: Exception) -> Down:
    """The first Down in a group; anything else names only its type and place: messages of
    exceptions quote what people wrote."""
    while isinstance(error, ExceptionGroup):
        error = next((e for e in error.exceptions if isinstance(e, Down)), error.exceptions[0])
    if isinstance(error, Down):
        return error
    place = traceback.extract_tb(error.__traceback__)[-1]
    return Down(f"an unexpected {type(error).__name__} in {place.name}, line {place.lineno}")
