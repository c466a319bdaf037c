"""Deleting what the bot sent: redaction (Client-Server API v1.11, section "Redactions"), which is
the same in an encrypted room. The homeserver empties the event and tells the clients to."""

from __future__ import annotations

import contextlib
import hashlib

from nio import (  # type: ignore[import-untyped]
    AsyncClient,
    ErrorResponse,
    RoomRedactError,
    RoomRedactResponse,
)
from nio.api import RelationshipType  # type: ignore[import-untyped]


async def redact(
    client: AsyncClient, room: str, event: str
) -> RoomRedactResponse | RoomRedactError:
    """With its corrections, which are events of their own, first. -> the answer about the event
    itself, or the first that is an error. Raises what nio raises."""
    corrections: list[str] = []
    answer: RoomRedactResponse | RoomRedactError = None
    with contextlib.suppress(AttributeError):  # nio takes a refusal for a page of the list
        related = client.room_get_event_relations(room, event, RelationshipType.replacement)
        corrections = [found.event_id async for found in related if found.sender == client.user_id]
    for each in (*corrections, event):
        transaction = hashlib.sha256(f"redact {each}".encode()).hexdigest()[:32]
        answer = await client.room_redact(room, each, tx_id=transaction)
        if isinstance(answer, ErrorResponse):
            break
    return answer
