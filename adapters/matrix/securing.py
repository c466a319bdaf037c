"""A chat that somebody opened in clear is encrypted from the first answer on, where it can be.

It cannot be undone (Client-Server API v1.11, section "m.room.encryption"), so not for whoever could
not read then: an account without any device that has keys, or one that wrote in clear into a chat
after it was encrypted in this way.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from nio import AsyncClient  # type: ignore[import-untyped]

from adapters.matrix import own_rooms
from adapters.matrix.asking import Denied
from adapters.matrix.encryption import Encryption
from adapters.matrix.rooms import Rooms
from adapters.matrix.shelf import Shelf
from core.message import Inbound, Undelivered

PATIENCE = 10.0
"""Seconds that it may hold up the message that was written in clear."""
_BY_THEN = 60.0
"""Seconds after which a client must have noticed."""


class Securing:
    def __init__(
        self, client: AsyncClient, shelf: Shelf, rooms: Rooms, encryption: Encryption
    ) -> None:
        self._client, self._shelf, self._rooms = client, shelf, rooms
        self._encryption = encryption
        self._refused: set[str] = set()

    async def heard(self, room: str, event: Inbound) -> Inbound:
        """Before it is answered. -> the same, and what became of the chat that it came from."""
        person = event.sender.handle
        if event.encrypted or event.deleted or event.conversation is not None:
            return event
        if self._rooms.is_encrypted(room) or self._encryption.began(room):
            since = self._shelf.get(f"secured {room}")
            if since is not None and time.time() - float(since) > _BY_THEN:
                self._shelf.put(f"plain {person}", b"", person)
            return event
        if self._shelf.get(f"plain {person}") is not None:
            return event
        if room in self._refused:
            return replace(event, secured=False)
        try:
            async with asyncio.timeout(PATIENCE):
                if not await self._encryption.devices.of(self._client, person):
                    return event
                secured = await own_rooms.encrypt(self._client, room)
        except (Undelivered, Denied, TimeoutError):  # with the next message, then
            return event
        if secured:
            self._rooms.is_encrypted_now(room)
            self._shelf.put(f"secured {room}", str(time.time()).encode(), person)
        else:
            self._refused.add(room)
        return replace(event, secured=secured)
