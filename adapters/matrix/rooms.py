"""What is known of rooms. A person is answered in one that holds them, the bot, and nobody else.

The person owns the room they made and may invite others at any time. Members are read from the
raw events: nio drops a member whose profile it finds malformed, and a room with an unseen third
person would pass for a private one.
"""

from __future__ import annotations

from collections import defaultdict

from adapters.matrix.events import MARK, Event


class Rooms:
    """What is known of the rooms that the bot is in; built from the full state at each start."""

    def __init__(self, own: str) -> None:
        self.own = own
        self._here: defaultdict[str, set[str]] = defaultdict(set)
        self._expected: defaultdict[str, set[str]] = defaultdict(set)
        self._overheard: defaultdict[str, set[str]] = defaultdict(set)
        self._since: dict[str, int] = {}
        self._encrypted: set[str] = set()
        self._made: dict[str, str] = {}
        self._went: defaultdict[str, set[str]] = defaultdict(set)
        self._of: defaultdict[str, set[str]] = defaultdict(set)
        self._last: dict[str, str] = {}

    def note(self, room: str, event: Event) -> None:
        """Takes in one event of the room, in order; those that change nothing are passed over."""
        content, key = event.get("content"), event.get("state_key")
        if not isinstance(content, dict) or not isinstance(key, str):
            return
        kind = event.get("type")
        if kind == "m.room.member":
            self._member(room, key, content.get("membership"))
            if key == self.own:
                when = event.get("origin_server_ts")
                self._since[room] = when if isinstance(when, int) else 0
        elif kind == "m.room.create" and event.get("sender") == self.own:
            self._made[room] = str(content.get(MARK, ""))
        elif kind == "m.room.encryption":
            self._encrypted.add(room)  # for ever, whatever a later event says
        elif kind == "m.room.join_rules":
            self._mark(room, "anyone may join", content.get("join_rule") == "public")
        elif kind == "m.room.history_visibility":
            world = content.get("history_visibility") == "world_readable"
            self._mark(room, "anyone may read", world)

    def _member(self, room: str, person: str, membership: object) -> None:
        self._here[room].discard(person)
        if person == self.own:
            return
        self._expected[room].discard(person)
        self._of[person].discard(room)
        self._went[room].discard(person)
        if membership == "join":
            self._here[room].add(person)
            self._of[person].add(room)
        elif membership == "invite":
            self._expected[room].add(person)
        else:
            self._went[room].add(person)

    def _mark(self, room: str, why: str, overheard: bool) -> None:
        (self._overheard[room].add if overheard else self._overheard[room].discard)(why)

    def drop(self, room: str) -> set[str]:
        """The bot is no longer in it. -> who was."""
        people = self._here.pop(room, set())
        for person in people:
            self._of[person].discard(room)
        self._expected.pop(room, None)
        self._overheard.pop(room, None)
        self._since.pop(room, None)
        self._went.pop(room, None)
        self._made.pop(room, None)
        return people

    def alone_with(self, room: str, person: str) -> bool:
        """Nobody else is there, invited, or able to read it. True if the person has left."""
        if room not in self._here or self._overheard.get(room):
            return False
        return not (self._here[room] | self._expected.get(room, set())) - {person}

    def is_encrypted_now(self, room: str) -> None:
        """By ourselves, which the homeserver does not tell us."""
        self._encrypted.add(room)

    def is_encrypted(self, room: str) -> bool:
        return room in self._encrypted

    # ---------------------------------------------------------------- of our own making

    def own_rooms(self) -> list[str]:
        """-> those that we made, each for one conversation, and are in. Nobody is answered there in
        general."""
        return list(self._made)

    def is_own(self, room: str) -> bool:
        return room in self._made

    def mark(self, room: str) -> str:
        """-> what stands in its creation."""
        return self._made.get(room, "")

    def is_new(self, room: str) -> bool:
        """Whether it can be one that we made just now."""
        return room not in self._since or room in self._made

    def is_in(self, room: str) -> bool:
        return room in self._since

    def has(self, room: str, person: str) -> bool:
        return person in self._here.get(room, ())

    def went(self, room: str, person: str) -> bool:
        """Whether they declined an invitation, or left."""
        return person in self._went.get(room, ())

    # ---------------------------------------------------------------- where to answer

    def wrote(self, person: str, room: str) -> None:
        self._last[person] = room

    def of(self, person: str) -> str | None:
        """The room to answer in: where they wrote last, else the newest; None if there is none."""
        rooms = [room for room in self._of[person] if self.alone_with(room, person)]
        rooms = [room for room in rooms if not self.is_own(room)]
        last = self._last.get(person)
        if last in rooms:
            return last
        return max(rooms, key=lambda room: self._since.get(room, 0), default=None)

    def shared(self, person: str) -> list[str]:
        """Every room that they and the bot are in, also with others; the one to answer in first.
        Without those of our own making."""
        rooms = [room for room in self._of[person] if not self.is_own(room)]
        return sorted(rooms, key=lambda room: room != self.of(person))
