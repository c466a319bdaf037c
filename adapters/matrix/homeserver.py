"""What is asked of the homeserver again and again, until it answers or counts as down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable

from nio import (  # type: ignore[import-untyped]
    AsyncClient,
    ErrorResponse,
    JoinResponse,
    LocalProtocolError,
    RoomMessagesResponse,
    SyncResponse,
)
from nio.api import MessageDirection  # type: ignore[import-untyped]

from adapters.matrix.events import Event
from adapters.matrix.session import LOGGED_OUT, NETWORK, Session, unreachable
from core.message import Down, Gone, Later, Refused, Undelivered, Unsent

log = logging.getLogger(__name__)

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between tries, of anything; when they are used up the platform is down."""
POLL = 30_000  # milliseconds
PAGE = 100  # Synapse gives no more at once

_KINDS = ("create", "member", "join_rules", "history_visibility", "encryption")
STATE = [f"m.room.{kind}" for kind in _KINDS]
SAID = ["m.room.message", "m.room.encrypted", "m.sticker", "m.room.redaction"]


async def stored(keep: Callable[[], Awaitable[object]]) -> None:
    """Until it is on disk. Raises Down."""
    for pause in (*PAUSES, None):
        try:
            await keep()
        except Exception as error:  # whatever the store raises: nothing was committed
            if pause is None:
                raise Down(f"nothing can be stored ({type(error).__name__})") from None
            await asyncio.sleep(pause)
        else:
            return


class Homeserver:
    """up: set by the caller after a sync, cleared here while there is trouble."""

    def __init__(self, session: Session, client: AsyncClient, up: asyncio.Event) -> None:
        self._session, self._client, self._up = session, client, up
        self._joining = asyncio.Semaphore(8)

    async def sync(self, position: str | None, full: bool) -> SyncResponse:
        """full: with every room's state. Without a position: no history, but all invitations.
        Raises Down."""
        timeline = self._filter() | {"limit": PAGE if position else 0}
        none: dict[str, list[str]] = {"types": []}
        room = {
            "timeline": timeline,
            "state": {"types": STATE},
            "ephemeral": none,
            "account_data": none,
        }
        for pause in (*PAUSES, None):
            token = self._client.access_token
            least = 0.0
            try:
                async with asyncio.timeout(300):  # nio gives a full sync all the time of the world
                    answer = await self._client.sync(
                        timeout=POLL if self._up.is_set() else 0,
                        since=position,
                        sync_filter={"room": room, "presence": none, "account_data": none},
                        full_state=full or None,
                    )
            except NETWORK as error:
                down = unreachable(error)
            except LocalProtocolError:  # after a soft logout nio has no token any more
                await self._session.renew(self._client, token)
                down = Down("the homeserver ends the session again and again")
            else:
                if isinstance(answer, SyncResponse):
                    return answer
                if answer.status_code in LOGGED_OUT:
                    await self._session.renew(self._client, token)
                least = (answer.retry_after_ms or 0) / 1000
                down = Down(f"the homeserver refuses to sync ({status(answer)})", "homeserver")
            self._up.clear()
            if pause is None:
                break
            await asyncio.sleep(max(pause, least))
        raise down

    def _filter(self) -> dict[str, object]:
        return {"types": SAID + STATE, "not_senders": [self._client.user_id]}

    async def missed(
        self, room: str, position: str | None, until: str | None
    ) -> AsyncIterator[Event]:
        """What a limited timeline left out, oldest first, page by page. Raises Down."""
        while position:
            for pause in (*PAUSES, None):
                with contextlib.suppress(*NETWORK, LocalProtocolError):
                    page = await self._client.room_messages(
                        room, position, until, MessageDirection.front, PAGE, self._filter()
                    )
                    if isinstance(page, RoomMessagesResponse):
                        break
                    if page.status_code == "M_FORBIDDEN":
                        log.warning("a room's missed messages may not be read")
                        return
                if pause is None:
                    raise Down("missed messages cannot be fetched", "homeserver")
                await asyncio.sleep(pause)
            for event in page.chunk:
                yield event.source
            position = page.end if page.end != position else None

    async def join(self, room: str) -> None:
        """Accepts an invitation. A dead server behind it costs a few tries, and nobody else."""
        for pause in (*PAUSES, None):
            answer = await self._try_to_join(room)
            if isinstance(answer, JoinResponse):
                return
            if pause is None or (answer and http(answer) < 500):
                break
            await asyncio.sleep(pause)
        log.warning("an invitation could not be accepted")
        with contextlib.suppress(*NETWORK, LocalProtocolError):
            await self._client.room_leave(room)  # otherwise every first sync shows it again

    async def _try_to_join(self, room: str) -> JoinResponse | ErrorResponse | None:
        """-> the answer about this room, None if that takes too long. Waits as long as the
        homeserver itself is away (`sync` decides when that is too long) or asks to wait."""
        while True:
            wait = PAUSES[-1]
            try:
                async with self._joining:
                    answer = await self._client.join(room)
            except TimeoutError:
                return None
            except (*NETWORK, LocalProtocolError):
                pass
            else:
                if isinstance(answer, JoinResponse):
                    return answer
                if http(answer) == 429:
                    wait = (answer.retry_after_ms or 5000) / 1000
                elif answer.status_code and answer.status_code not in LOGGED_OUT:
                    return answer
            await asyncio.sleep(wait)


def http(answer: ErrorResponse) -> int:
    return int(answer.transport_response.status)


def status(answer: ErrorResponse) -> str:
    return str(answer.status_code or http(answer))


def refusal(answer: ErrorResponse) -> Undelivered:
    """What an error means for the message that was sent."""
    if answer.status_code == "M_FORBIDDEN":
        return Gone()
    if http(answer) == 429:
        return Later((answer.retry_after_ms or 5000) / 1000, everywhere=True)
    return Refused() if http(answer) in (400, 413) else Unsent()


def down(error: Exception) -> Down:
    """The first Down in a group; anything else names only its type and place: messages of
    exceptions quote what people wrote."""
    while isinstance(error, ExceptionGroup):
        error = next((e for e in error.exceptions if isinstance(e, Down)), error.exceptions[0])
    if isinstance(error, Down):
        return error
    place = traceback.extract_tb(error.__traceback__)[-1]
    return Down(f"an unexpected {type(error).__name__} in {place.name}, line {place.lineno}")
