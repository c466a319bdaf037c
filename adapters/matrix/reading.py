"""What people wrote, read in the order in which they wrote it, though its key may come later.

A message whose key is missing waits, and all that its author writes after it; so much of it as
cannot be read after some seconds is told to them as unreadable, once for each key, and read after
all if the key ever comes.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.matrix.encryption import ENCRYPTED, Encryption
from adapters.matrix.events import Event
from adapters.matrix.megolm import Unreadable
from adapters.matrix.shelf import Shelf
from core.message import Secret

PATIENCE = 10.0
"""Seconds that a key may take."""
KEPT = 7 * 24 * 3600.0
WAITING = 100
"""Of one person: with more, they are told at once."""


@dataclass(frozen=True)
class Read:
    """An event of a timeline. encrypted: it was, and could be read; None: it could not be.
    secrets: what is to be kept with it. maker: the curve25519 of the device that encrypted it."""

    room: str
    event: Event
    encrypted: bool | None = False
    secrets: tuple[Secret, ...] = ()
    maker: str = ""


@dataclass
class _Kept:
    room: str
    event: dict[str, Any]
    at: float = field(default_factory=time.time)
    told: bool = False

    @property
    def name(self) -> str:
        return f"unread {self.event.get('event_id')}"

    @property
    def person(self) -> str:
        return str(self.event.get("sender"))

    def secret(self) -> Secret:
        value = json.dumps([self.room, self.event, self.at, self.told]).encode()
        return Secret(self.name, value, self.person)


class Reading:
    def __init__(self, shelf: Shelf, encryption: Encryption) -> None:
        self._shelf, self._encryption = shelf, encryption
        self._waiting: defaultdict[str, deque[_Kept]] = defaultdict(deque)
        self._told: defaultdict[str, deque[_Kept]] = defaultdict(deque)
        kept = [_Kept(*json.loads(secret.value or b"")) for secret in shelf.all("unread")]
        for each in sorted(kept, key=lambda each: each.at):
            if time.time() - each.at > KEPT:
                shelf.drop(each.name)
            else:
                (self._told if each.told else self._waiting)[each.person].append(each)

    def take(self, room: str, event: Event) -> list[Read]:
        """One more event of the timeline. -> what can be heard now, in order."""
        person = str(event.get("sender"))
        if not self._waiting.get(person):
            try:
                return [self._read(room, event)]
            except Unreadable as unreadable:
                if unreadable.session is None:
                    return [Read(room, event, None)]
        kept = _Kept(room, dict(event))
        if self._shelf.get(kept.name) is None:
            self._shelf.put(kept.name, kept.secret().value or b"", person)
            self._waiting[person].append(kept)
        return self._drain(person)

    def again(self, found: Iterable[tuple[str, str]] = ()) -> list[Read]:
        """-> what can be heard since these keys, (room, session), came, or since it got late."""
        read = []
        for room, session in found:
            for told in list(self._told.values()):
                for kept in [k for k in told if (k.room, _session(k.event)) == (room, session)]:
                    try:
                        read.append(self._done(kept, self._read(room, kept.event)))
                    except Unreadable:
                        continue
                    told.remove(kept)
        for person in list(self._waiting):
            read += self._drain(person)
        return read

    def late(self) -> float | None:
        """-> in how many seconds `again` is due; None if nothing waits."""
        heads = [waiting[0].at for waiting in self._waiting.values() if waiting]
        return max(0.0, min(heads) + PATIENCE - time.time()) if heads else None

    def forget(self, person: str) -> None:
        self._waiting.pop(person, None)
        self._told.pop(person, None)

    def _read(self, room: str, event: Event) -> Read:
        if event.get("type") != ENCRYPTED:
            return Read(room, event)
        try:
            clear, seen = self._encryption.megolm.open(room, event)
        except Unreadable as unreadable:
            if unreadable.session:
                self._encryption.missing(event, room, unreadable.session)
            raise
        return Read(room, clear, True, (seen,), self._encryption.megolm.maker(room, event))

    def _drain(self, person: str) -> list[Read]:
        waiting, read = self._waiting[person], []
        while waiting:
            kept = waiting[0]
            try:
                read.append(self._done(kept, self._read(kept.room, kept.event)))
            except Unreadable as unreadable:
                patient = abs(time.time() - kept.at) < PATIENCE and len(waiting) <= WAITING
                if unreadable.session and patient:
                    break
                read += self._tell(kept, unreadable.session)
            waiting.popleft()
        if not waiting:
            del self._waiting[person]
        return read

    def _done(self, kept: _Kept, read: Read) -> Read:
        gone = self._shelf.note(Secret(kept.name, None, kept.person))
        return replace(read, secrets=(*read.secrets, gone))

    def _tell(self, kept: _Kept, session: str | None) -> list[Read]:
        """Nobody waits for it any longer: told once for each key."""
        if session is None:
            return [self._done(kept, Read(kept.room, kept.event, None))]
        told = self._told[kept.person]
        known = any(_session(each.event) == session for each in told)
        kept.told = True
        told.append(kept)
        if len(told) > WAITING:
            self._shelf.drop(told.popleft().name)
        if known:
            self._shelf.put(kept.name, kept.secret().value or b"", kept.person)
            return []
        return [Read(kept.room, kept.event, None, (self._shelf.note(kept.secret()),))]


def _session(event: Event) -> object:
    content = event.get("content")
    return content.get("session_id") if isinstance(content, dict) else None
