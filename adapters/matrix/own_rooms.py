"""Rooms of our own making, each for one person: made, left, encrypted.

The homeserver reads what stands in a room's state. There is nothing of the conversation in it: no
name, no topic, no alias. (Client-Server API v1.11, sections "Creation" and "Leaving rooms".)
"""

from __future__ import annotations

import contextlib
from urllib.parse import quote

from nio import AsyncClient  # type: ignore[import-untyped]

from adapters.matrix.asking import Denied, ask
from adapters.matrix.events import MARK
from adapters.matrix.olm import MEGOLM
from core.message import Unsent

ENCRYPTION = {"algorithm": MEGOLM}
_LEVELS = {"invite": 100, "kick": 100, "ban": 100, "state_default": 100, "users_default": 0}


async def make(client: AsyncClient, person: str, mark: str) -> str:
    """-> the id of a private room, encrypted from its first event, with the person invited, who
    will read what is written before she comes. Raises Unsent (perhaps it was made), Denied."""
    creation: dict[str, object] = {MARK: mark}
    if person.partition(":")[2] == client.user_id.partition(":")[2]:
        creation["m.federate"] = False
    state = {
        "m.room.encryption": ENCRYPTION,
        "m.room.history_visibility": {"history_visibility": "invited"},
        "m.room.guest_access": {"guest_access": "forbidden"},
    }
    wish = {
        "preset": "private_chat",
        "visibility": "private",
        "is_direct": True,  # clients list it among the chats
        "invite": [person],
        "creation_content": creation,
        "initial_state": [
            {"type": kind, "state_key": "", "content": content} for kind, content in state.items()
        ],
        "power_level_content_override": _LEVELS,
    }
    answer = await ask(client, "POST", "/createRoom", wish)
    room = answer.get("room_id")
    if not isinstance(room, str) or not room or " " in room:
        raise Unsent
    return room


async def leave(client: AsyncClient, room: str) -> None:
    """For good. Raises Unsent."""
    for what in ("leave", "forget"):
        with contextlib.suppress(Denied):  # we are not there any more
            await ask(client, "POST", f"/rooms/{quote(room)}/{what}", {})


async def encrypt(client: AsyncClient, room: str) -> bool:
    """Turns encryption on in somebody's room, for ever. False: we may not. Raises Unsent."""
    path = f"/rooms/{quote(room)}/state/m.room.encryption/"
    try:
        await ask(client, "PUT", path, ENCRYPTION)
    except Denied:
        return False
    return True
