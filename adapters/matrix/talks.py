"""Which of a person's rooms belongs to which of their conversations, sealed in the safe.

A conversation has at most one room, made at its first message. The room is found again by a mark
that stands in its creation, should the process have been cut in between. Whatever room of our own
making is not on record here is left: its conversation is over, or its person forgotten.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from adapters.matrix.rooms import Rooms
from adapters.matrix.shelf import Shelf

GRACE = 60.0
"""Seconds until a room is left: what is to be deleted there is deleted before."""


@dataclass
class Talk:
    """One person's side of a conversation.

    root   the message in the direct room that opened it; at: that room
    room   its own; "": it has none
    mark   stands in the creation of its room; "": none was asked for
    first  the key of the message that is to open its room
    moved  messages go there, since she was there once
    never  it will have none (any more)
    """

    person: str
    conversation: str
    root: str = ""
    at: str = ""
    room: str = ""
    mark: str = ""
    first: str = ""
    moved: bool = False
    never: bool = False


class Talks:
    def __init__(self, shelf: Shelf, rooms: Rooms) -> None:
        self._shelf, self._rooms = shelf, rooms
        self._known: dict[tuple[str, str], Talk] = {}
        self._by_mark: dict[str, Talk] = {}
        self._by_room: dict[str, Talk] = {}
        for secret in shelf.all("talk"):
            self._know(Talk(**json.loads(secret.value or b"{}")))
        self._leaving: dict[str, float] = {}

    def of(self, person: str, conversation: str) -> Talk:
        return self._known.get((person, conversation)) or Talk(person, conversation)

    def put(self, talk: Talk) -> None:
        """Kept with the next `keep` of the shelf."""
        self._know(talk)
        self._shelf.put(_name(talk), json.dumps(asdict(talk)).encode(), talk.person)

    def _know(self, talk: Talk) -> None:
        self._known[talk.person, talk.conversation] = talk
        if talk.mark:
            self._by_mark[talk.mark] = talk
        if talk.room:
            self._by_room[talk.room] = talk

    def end(self, person: str, conversation: str) -> None:
        if talk := self._known.pop((person, conversation), None):
            self._shelf.drop(_name(talk))
            self._by_mark.pop(talk.mark, None)
            self._by_room.pop(talk.room, None)
            if talk.room:
                self._leaving.setdefault(talk.room, time.monotonic() + GRACE)

    def end_all(self, person: str) -> None:
        for who, conversation in [key for key in self._known if key[0] == person]:
            self.end(who, conversation)

    def forget(self, person: str) -> None:
        """What the safe had of them is gone."""
        self._known = {key: talk for key, talk in self._known.items() if key[0] != person}
        kept = self._known.values()
        self._by_mark = {talk.mark: talk for talk in kept if talk.mark}
        self._by_room = {talk.room: talk for talk in kept if talk.room}

    def in_room(self, room: str) -> Talk | None:
        return self._by_room.get(room)

    def marked(self, talk: Talk, key: str) -> None:
        """A room for it is about to be made, by the message with this key."""
        talk.mark, talk.first = secrets.token_hex(16), key
        self.put(talk)

    def made(self, talk: Talk, room: str) -> bool:
        """Whether this room, which the homeserver says it made, can be the conversation's. One that
        is known already, or was written in, is somebody's else: what is said there is not meant
        for this conversation."""
        if self.in_room(room) or not self._rooms.is_new(room) or self._shelf.get(f"room {room}"):
            return False
        talk.room = room
        self.put(talk)
        return True

    def fits(self, talk: Talk) -> bool:
        """Whether the two of us, and nobody else, are in its room."""
        here = self._rooms.has(talk.room, talk.person) and self._is_its(talk)
        return here and not talk.never and self._rooms.alone_with(talk.room, talk.person)

    def _is_its(self, talk: Talk) -> bool:
        return bool(talk.mark) and self._rooms.mark(talk.room) == talk.mark

    def written_in(self, room: str, person: str) -> str | None:
        """-> the conversation that is talked about in a room; "": it is over; None: in the room
        everything is talked about."""
        if not self._rooms.is_own(room):
            return None
        talk = self.in_room(room)
        return talk.conversation if talk and talk.person == person and self._is_its(talk) else ""

    # ---------------------------------------------------------------- what becomes of rooms

    def look(self, rooms: Iterable[str], *, all_known: bool = False) -> Iterator[Talk]:
        """After the members of these rooms may have changed (all_known: and nothing is known of any
        other room). -> those whose room somebody else can read now: `overheard` is next."""
        rooms = list(rooms)
        for room in rooms:
            found = self._by_mark.get(self._rooms.mark(room))
            if found and not found.room:
                self.made(found, room)
        touched = [talk for room in rooms if (talk := self._by_room.get(room))]
        for talk in list(self._known.values()) if all_known else touched:
            if not talk.room:
                if talk.mark:  # it was never made
                    self.unmarked(talk)
                continue
            is_in = self._rooms.is_in(talk.room)
            if is_in and not self._rooms.alone_with(talk.room, talk.person):
                talk.never = True
                self.put(talk)
                yield talk
            elif (all_known and not is_in) or self._rooms.went(talk.room, talk.person):
                self.without(talk)

    def without(self, talk: Talk) -> None:
        """It goes on without a room of its own; the one that it had is left at once."""
        if talk.room:
            self._leaving[talk.room] = 0.0
        self._by_room.pop(talk.room, None)
        talk.room, talk.moved, talk.never = "", False, True
        self.unmarked(talk)

    def unmarked(self, talk: Talk) -> None:
        """No room was made for it."""
        self._by_mark.pop(talk.mark, None)
        talk.mark = talk.first = ""
        self.put(talk)

    def dropped(self, room: str) -> None:
        """The bot is no longer in it."""
        if talk := self.in_room(room):
            self.without(talk)
        self._leaving.pop(room, None)

    def busy(self, room: str) -> None:
        """Something is being deleted there."""
        if room in self._leaving:
            self._leaving[room] = time.monotonic() + GRACE

    def to_leave(self) -> list[str]:
        """-> the rooms that it is time to leave."""
        now = time.monotonic()
        for room in self._rooms.own_rooms():
            talk = self._by_mark.get(self._rooms.mark(room))
            if talk is None or talk.room not in ("", room):
                self._leaving.setdefault(room, now + GRACE)
        return [room for room, due in self._leaving.items() if due <= now]


def _name(talk: Talk) -> str:
    return f"talk {talk.conversation} {talk.person}"
