"""The keys of rooms: those that others gave us for what they write, and our own for what we write
(Megolm).

Our own are never kept on disk. After a start, or from an old copy of the safe, one could be used
twice at the same place, and both messages could be read; a new one costs one message to each
device. Nothing that others send raises anything but Unreadable.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vodozemac import (
    ExportedSessionKey,
    GroupSession,
    InboundGroupSession,
    MegolmMessage,
    SessionKey,
)

from adapters.matrix.olm import MEGOLM, PICKLE, Opened
from adapters.matrix.shelf import Shelf
from adapters.matrix.signing import part
from core.message import Secret

SESSIONS = 100
"""Of one user; of more, the oldest go, and what was written with them cannot be read any more."""
SEEN = 1000
"""Places in one session that are remembered; older ones count as used."""
MESSAGES, AGE = 100, 7 * 24 * 3600.0
"""After so many messages, or seconds, we take a new key (the specification's defaults)."""


class Unreadable(Exception):
    """What is written here cannot be read. session: the key that is missing, None if no key would
    help."""

    def __init__(self, session: str | None = None) -> None:
        super().__init__()
        self.session = session


@dataclass
class Outgoing:
    """A key of ours. shared: (user, curve25519) -> the key as that device got it. unreachable:
    curve25519 of devices that have no keys left to be reached by."""

    session: GroupSession = field(default_factory=GroupSession)
    made: float = field(default_factory=time.monotonic)
    shared: dict[tuple[str, str], str] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)

    def worn(self, devices: set[tuple[str, str]]) -> bool:
        """Too old, or known to somebody who is not to read on. devices: who is."""
        if self.session.message_index >= MESSAGES or time.monotonic() - self.made >= AGE:
            return True
        return not self.shared.keys() <= devices

    def letter(self, room: str, given: str) -> dict[str, Any]:
        """-> the m.room_key with which a device gets it, or got it. given: the key as it was."""
        body = {"algorithm": MEGOLM, "room_id": room}
        return body | {"session_id": self.session.session_id, "session_key": given}

    def seal(self, room: str, type: str, content: dict[str, Any], ours: str, device: str) -> Any:
        """-> the content of the m.room.encrypted. What it relates to stays in clear, for servers
        (section "m.room.encrypted")."""
        inner = {name: value for name, value in content.items() if name != "m.relates_to"}
        payload = {"type": type, "content": inner, "room_id": room}
        words = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        outer = {
            "algorithm": MEGOLM,
            "ciphertext": self.session.encrypt(words).to_base64(),
            "session_id": self.session.session_id,
            "sender_key": ours,  # deprecated since 1.3; older clients look for it
            "device_id": device,
        }
        if "m.relates_to" in content:
            outer["m.relates_to"] = content["m.relates_to"]
        return outer


@dataclass
class Request:
    """For a key. to: the device that has it, or "*"."""

    user: str
    to: str
    body: dict[str, str]
    due: bool = True

    def message(self, device: str) -> dict[str, dict[str, object]]:
        id = {"request_id": secrets.token_hex(16), "requesting_device_id": device}
        return {self.user: {self.to: {"action": "request", "body": self.body, **id}}}


class Megolm:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._sessions: dict[str, InboundGroupSession] = {}
        self._of: dict[str, list[str]] = {}
        for secret in shelf.all("megolm"):
            self._of.setdefault(secret.of, []).append(secret.name)

    def add(self, key: Opened) -> tuple[str, str] | None:
        """Takes an m.room_key in. -> (room, session) that can be read now, or from earlier on."""
        session, text = part(key.content, "session_id"), part(key.content, "session_key")
        try:
            found = InboundGroupSession(SessionKey(str(text)))
        except ValueError:
            return None
        return self._take(key, found, session)

    def add_again(self, key: Opened) -> tuple[str, str] | None:
        """Takes an m.forwarded_room_key in, from the device that made it: from any other it would
        let a stranger write in somebody's name."""
        session, text = part(key.content, "session_id"), part(key.content, "session_key")
        maker = part(key.content, "sender_key"), part(key.content, "sender_claimed_ed25519_key")
        if maker != (key.curve25519, key.ed25519):
            return None
        if part(key.content, "forwarding_curve25519_key_chain"):
            return None
        try:
            found = InboundGroupSession.import_session(ExportedSessionKey(str(text)))
        except ValueError:
            return None
        return self._take(key, found, session)

    def _take(
        self, key: Opened, found: InboundGroupSession, session: object
    ) -> tuple[str, str] | None:
        room = part(key.content, "room_id")
        if part(key.content, "algorithm") != MEGOLM or found.session_id != session:
            return None
        if not isinstance(room, str) or not room or " " in room:
            return None
        name = f"megolm {room} {session}"
        if (kept := self._kept(name)) and (
            kept[0] != [key.sender, key.curve25519]
            or self._session(name).first_known_index <= found.first_known_index
        ):
            return None
        meta = json.dumps([key.sender, key.curve25519]).encode()
        self._shelf.put(name, meta + b"\n" + found.pickle(PICKLE).encode(), key.sender)
        self._sessions[name] = found
        names = self._of.setdefault(key.sender, [])
        if name not in names:
            names.append(name)
        for old in names[:-SESSIONS]:
            self._sessions.pop(old, None)
            self._shelf.drop(old)
            self._shelf.drop(old.replace("megolm", "seen", 1))
        del names[:-SESSIONS]
        return room, found.session_id

    def _kept(self, name: str) -> tuple[list[str], str] | None:
        """-> [user, curve25519] of who made it, its pickle."""
        value = self._shelf.get(name)
        if value is None:
            return None
        meta, _, pickle = value.partition(b"\n")
        return json.loads(meta), pickle.decode()

    def _session(self, name: str) -> InboundGroupSession:
        if name not in self._sessions:
            kept = self._kept(name)
            assert kept
            self._sessions[name] = InboundGroupSession.from_pickle(kept[1], PICKLE)
        return self._sessions[name]

    def maker(self, room: str, event: Mapping[str, Any]) -> str:
        """-> the curve25519 of the device that made the key which opened this."""
        kept = self._kept(f"megolm {room} {part(event, 'content', 'session_id')}")
        return kept[0][1] if kept else ""

    def open(self, room: str, event: Mapping[str, Any]) -> tuple[dict[str, Any], Secret]:
        """An m.room.encrypted of a timeline -> the event as it was written, and what is to be kept
        with it. Raises Unreadable."""
        content = event.get("content")
        session, ciphertext = part(content, "session_id"), part(content, "ciphertext")
        if part(content, "algorithm") != MEGOLM or not isinstance(session, str):
            raise Unreadable
        name = f"megolm {room} {session}"
        kept = self._kept(name)
        if kept is None:
            raise Unreadable(session)
        if kept[0][0] != event.get("sender"):
            raise Unreadable  # a key of somebody else: nothing that they can have written
        try:
            message = MegolmMessage.from_base64(str(ciphertext))
            known = self._session(name)
            if message.message_index() < known.first_known_index:
                raise Unreadable(session)
            found = known.decrypt(message)
            payload = json.loads(found.plaintext)
        except (ValueError, RecursionError, OverflowError):
            raise Unreadable from None
        inner, type = part(payload, "content"), part(payload, "type")
        if part(payload, "room_id") != room or not isinstance(inner, dict):
            raise Unreadable
        if not isinstance(type, str) or "state_key" in payload:
            raise Unreadable  # state that only looks like it: the server has never checked it
        seen = self._seen(room, session, found.message_index, str(event.get("event_id")), kept[0])
        if "m.relates_to" not in inner and "m.relates_to" in (content or {}):
            inner = inner | {"m.relates_to": (content or {})["m.relates_to"]}
        return {**event, "type": type, "content": inner}, seen

    def _seen(self, room: str, session: str, index: int, event: str, owner: list[str]) -> Secret:
        """The same ciphertext in another event is somebody's replay of it. Raises Unreadable."""
        name, mark = f"seen {room} {session}", hashlib.sha256(event.encode()).hexdigest()[:16]
        seen: dict[str, str] = json.loads(self._shelf.get(name) or b"{}")
        before = seen.get(str(index))
        full = len(seen) >= SEEN and index < min(map(int, seen))
        if before not in (None, mark) or (before is None and full):
            raise Unreadable
        seen[str(index)] = mark
        if len(seen) > SEEN:
            del seen[str(min(map(int, seen)))]
        return self._shelf.note(Secret(name, json.dumps(seen).encode(), owner[0]))

    def forget(self, user: str) -> None:
        for name in self._of.pop(user, []):
            self._sessions.pop(name, None)
