"""What the gateway says, into a room: once, in order, and encrypted where the room is."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from nio import (  # type: ignore[import-untyped]
    AsyncClient,
    ErrorResponse,
    LocalProtocolError,
    RoomRedactError,
    RoomRedactResponse,
    RoomSendError,
    RoomSendResponse,
)

from adapters.matrix import events, media, redaction
from adapters.matrix.asking import LoggedOut
from adapters.matrix.encryption import ENCRYPTED, Encryption
from adapters.matrix.events import Event
from adapters.matrix.homeserver import http, refusal
from adapters.matrix.session import LOGGED_OUT, NETWORK, Session
from core.message import Exposed, Outbound, Unsent

Answer = TypeVar("Answer")


class Sending:
    """up: whether anything can be sent."""

    def __init__(
        self, session: Session, client: AsyncClient, encryption: Encryption, up: asyncio.Event
    ) -> None:
        self._session, self._client = session, client
        self._encryption, self._up = encryption, up
        self._expired: asyncio.Queue[str] = asyncio.Queue()

    async def renew(self) -> None:
        """A send finds out first that the session has ended: the sync that waits was let in."""
        while True:
            await self._session.renew(self._client, await self._expired.get())

    async def send(self, room: str, out: Outbound, *, encrypted: bool) -> str:
        """-> the event's id; of a correction, that of the event it corrects. encrypted: the room
        is, as the homeserver says.

        A resend with the same key is the same event for the homeserver (section "Transaction
        identifiers"), so that "perhaps sent" is as good as unsent."""
        sealed = encrypted or self._encryption.began(room)
        if out.sensitive and not sealed:
            raise Exposed
        picture = None
        if out.picture is not None:
            picture = await media.upload(self._client, out.picture, sealed=sealed)
        answer = await self._put(room, out, picture, sealed)
        related = out.thread or out.answers_to or out.replaces
        if related and isinstance(answer, ErrorResponse) and http(answer) == 400:
            # to a message in another room, or to a thread's root that is in a thread itself
            out = replace(out, thread=None, answers_to=None, replaces=None)
            answer = await self._put(room, out, picture, sealed)
        if isinstance(answer, ErrorResponse):
            raise refusal(answer)
        return out.replaces or str(answer.event_id)

    async def _put(
        self, room: str, out: Outbound, picture: Event | None, sealed: bool
    ) -> RoomSendResponse | RoomSendError:
        content = events.written(out, picture)
        if not sealed:
            return await self._put_event(room, out.key, "m.room.message", content)
        try:
            async with self._encryption.sealed(
                room, out.to.handle, content, sensitive=out.sensitive
            ) as ciphertext:
                return await self._put_event(room, out.key, ENCRYPTED, ciphertext)
        except LoggedOut as gone:
            self._expired.put_nowait(gone.token)
            raise

    async def _put_event(
        self, room: str, key: str, type: str, content: dict[str, Any]
    ) -> RoomSendResponse | RoomSendError:
        if not self._up.is_set():
            raise Unsent
        token = self._client.access_token
        transaction = hashlib.sha256(key.encode()).hexdigest()[:32]
        try:
            answer = await self._client.room_send(room, type, content, tx_id=transaction)
        except NETWORK:
            raise Unsent from None
        except LocalProtocolError:
            answer = None
        return self._let_in(answer, token)

    async def unsend(self, rooms: Sequence[str], natives: Sequence[str]) -> None:
        """Takes back what was sent: into the room that a native names, or one of these."""
        for native in natives:
            named, event = events.apart(native)
            for room in [named] if named else rooms:
                answer = await self._redact(room, event)
                if not isinstance(answer, ErrorResponse):
                    break
                if http(answer) not in (400, 403, 404):
                    raise refusal(answer)

    async def _redact(self, room: str, native: str) -> RoomRedactResponse | RoomRedactError:
        token = self._client.access_token
        try:
            answer = await redaction.redact(self._client, room, native)
        except NETWORK:
            raise Unsent from None
        except LocalProtocolError:
            answer = None
        return self._let_in(answer, token)

    def _let_in(self, answer: Answer | None, token: str) -> Answer:
        """Raises Unsent if the homeserver no longer knew the token."""
        if answer is None or getattr(answer, "status_code", None) in LOGGED_OUT:
            self._expired.put_nowait(token)
            raise Unsent
        return answer
