"""Our device's keys, and the ratchets between it and each other device (Olm).

https://spec.matrix.org/latest/client-server-api/#end-to-end-encryption. The cryptography is
vodozemac's; the pickles' own key is a constant, for the safe seals them. Nothing that others send
raises: it opens, or it does not.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vodozemac import (
    Account,
    AnyOlmMessage,
    Curve25519PublicKey,
    PreKeyMessage,
    Session,
)

from adapters.matrix.shelf import Shelf
from adapters.matrix.signing import canonical, decoded, encoded, part

OLM = "m.olm.v1.curve25519-aes-sha2"
MEGOLM = "m.megolm.v1.aes-sha2"
PICKLE = bytes(32)
SESSIONS = 32
"""Ratchets with one user's devices; of more, those go that were longest unused."""

_USED = struct.Struct(">Q")


@dataclass(frozen=True)
class Opened:
    """What one device sent to ours alone."""

    sender: str
    curve25519: str
    ed25519: str
    type: str
    content: Mapping[str, Any]


class Olm:
    """user, device: our own."""

    def __init__(self, shelf: Shelf, user: str, device: str) -> None:
        self._shelf, self.user, self.device = shelf, user, device
        kept = json.loads(shelf.get("account") or b"{}")
        if kept.get("device") == device:
            self._account = Account.from_pickle(kept["pickle"], PICKLE)
        else:  # keys of another device are of no use to this one
            self._account = Account()
            for secret in list(shelf.all("olm")):
                shelf.drop(secret.name)
        self.published = bool(kept.get("published")) and kept["device"] == device
        self.curve25519 = self._account.curve25519_key.to_base64()
        self.ed25519 = self._account.ed25519_key.to_base64()
        self._names: dict[str, dict[str, int]] = {}
        self._users: dict[str, set[str]] = {}
        self._sessions: dict[str, Session] = {}
        self._clock = 0
        for secret in shelf.all("olm"):
            (used,) = _USED.unpack_from(secret.value or b"")
            self._index(secret.name, secret.of, used)
            self._clock = max(self._clock, used)
        self.save()

    # ---------------------------------------------------------------- our keys

    def save(self) -> None:
        kept = {
            "device": self.device,
            "pickle": self._account.pickle(PICKLE),
            "published": self.published,
        }
        self._shelf.put("account", json.dumps(kept).encode())

    def sign(self, signed: dict[str, Any]) -> dict[str, Any]:
        """-> the same object with our device's signature."""
        signature = self._account.sign(canonical(signed)).to_base64()
        return signed | {"signatures": {self.user: {f"ed25519:{self.device}": signature}}}

    def device_keys(self) -> dict[str, Any]:
        keys = {f"curve25519:{self.device}": self.curve25519}
        keys |= {f"ed25519:{self.device}": self.ed25519}
        who = {"user_id": self.user, "device_id": self.device}
        return self.sign(who | {"algorithms": [OLM, MEGOLM], "keys": keys})

    def wanting(self, count: int | None, fallback: bool) -> dict[str, Any]:
        """-> the body of /keys/upload; empty if there is nothing to upload. count: one-time keys
        that the homeserver has left, None if it does not say; fallback: whether it has an unused
        fallback key. To be kept on disk before it is sent."""
        body: dict[str, Any] = {} if self.published else {"device_keys": self.device_keys()}
        room = self._account.max_number_of_one_time_keys
        lacking = 0 if count is None else max(0, room - count)
        if lacking > room // 4:
            waiting = len(self._account.one_time_keys)  # made, and perhaps not received
            self._account.generate_one_time_keys(max(0, lacking - waiting))
            body["one_time_keys"] = self._signed(self._account.one_time_keys)
        if not fallback:
            account: Any = self._account  # vodozemac's stubs lack the fallback key
            if not account.fallback_key:
                account.generate_fallback_key()
            body["fallback_keys"] = self._signed(account.fallback_key, fallback=True)
        if body:
            self.save()
        return body

    def _signed(self, keys: Mapping[str, Curve25519PublicKey], **more: bool) -> dict[str, Any]:
        return {
            f"signed_curve25519:{id}": self.sign({"key": key.to_base64(), **more})
            for id, key in keys.items()
        }

    def uploaded(self) -> None:
        self._account.mark_keys_as_published()
        self.published = True
        self.save()

    # ---------------------------------------------------------------- ratchets

    def _index(self, name: str, user: str, used: int) -> None:
        _, curve25519, _ = name.split(" ")
        self._names.setdefault(curve25519, {})[name] = used
        self._users.setdefault(user, set()).add(curve25519)

    def _ratchets(self, curve25519: str) -> list[str]:
        """-> names, the one used last first."""
        names = self._names.get(curve25519, {})
        return sorted(names, key=lambda name: names[name], reverse=True)

    def _session(self, name: str) -> Session:
        """Unpickled when it is needed: after a start most are not."""
        if name not in self._sessions:
            pickle = (self._shelf.get(name) or b"")[_USED.size :]
            self._sessions[name] = Session.from_pickle(pickle.decode(), PICKLE)
        return self._sessions[name]

    def _keep(self, curve25519: str, session: Session, user: str) -> None:
        name = f"olm {curve25519} {session.session_id}"
        self._clock += 1
        self._sessions[name] = session
        pickle = session.pickle(PICKLE).encode()
        self._shelf.put(name, _USED.pack(self._clock) + pickle, user)
        self._index(name, user, self._clock)
        every = [n for curve in self._users[user] for n in self._names.get(curve, {}).items()]
        for name, _ in sorted(every, key=lambda each: each[1])[:-SESSIONS]:
            self._remove(name)

    def _remove(self, name: str) -> None:
        curve25519 = name.split(" ")[1]
        self._names[curve25519].pop(name)
        if not self._names[curve25519]:
            del self._names[curve25519]
        self._sessions.pop(name, None)
        self._shelf.drop(name)

    def knows(self, curve25519: str) -> bool:
        return curve25519 in self._names

    def meet(self, user: str, curve25519: str, one_time_key: str) -> None:
        """A new ratchet with a device. Raises ValueError on keys that are none."""
        session = self._account.create_outbound_session(
            Curve25519PublicKey.from_base64(curve25519),
            Curve25519PublicKey.from_base64(one_time_key),
        )
        self._keep(curve25519, session, user)

    def seal(self, user: str, curve25519: str, ed25519: str, type: str, content: object) -> Any:
        """-> the content of an m.room.encrypted for a device that `knows`. To be kept on disk
        before it is sent: a ratchet that goes back would use a key twice."""
        session = self._session(self._ratchets(curve25519)[0])
        payload = {
            "type": type,
            "content": content,
            "sender": self.user,
            "sender_device": self.device,
            "keys": {"ed25519": self.ed25519},
            "recipient": user,
            "recipient_keys": {"ed25519": ed25519},
        }
        kind, body = session.encrypt(json.dumps(payload).encode()).to_parts()
        self._keep(curve25519, session, user)
        ciphertext = {curve25519: {"type": kind, "body": encoded(body)}}
        return {"algorithm": OLM, "sender_key": self.curve25519, "ciphertext": ciphertext}

    def open(self, sender: str, content: object) -> Opened | None:
        """The content of an m.room.encrypted sent to our device -> what is in it, None if it cannot
        be opened or is not what it says."""
        key, body = part(content, "sender_key"), part(content, "ciphertext", self.curve25519)
        try:
            plaintext = self._decrypt(sender, str(key), part(body, "type"), str(part(body, "body")))
            payload = json.loads(plaintext)
        except (ValueError, RecursionError):  # all of vodozemac's are ValueErrors
            return None
        said = (part(payload, "sender"), part(payload, "recipient"))
        ours = part(payload, "recipient_keys", "ed25519")
        ed25519, type = part(payload, "keys", "ed25519"), part(payload, "type")
        inner = part(payload, "content")
        if said != (sender, self.user) or ours != self.ed25519:
            return None
        if not all(isinstance(x, str) for x in (ed25519, type)) or not isinstance(inner, Mapping):
            return None
        return Opened(sender, str(key), ed25519, type, inner)

    def _decrypt(self, sender: str, curve25519: str, kind: object, body: str) -> bytes:
        """Raises ValueError."""
        if kind == 0:
            first = PreKeyMessage.from_base64(body)
            for name in self._ratchets(curve25519):
                session = self._session(name)
                if session.session_matches(first):
                    plaintext = session.decrypt(first.to_any())
                    self._keep(curve25519, session, sender)
                    return plaintext
            key = Curve25519PublicKey.from_base64(curve25519)
            session, plaintext = self._account.create_inbound_session(key, first)
            self.save()  # its one-time key is used up
            self._keep(key.to_base64(), session, sender)
            return plaintext
        message = AnyOlmMessage.normal(decoded(body))
        for name in self._ratchets(curve25519):
            session = self._session(name)
            try:
                plaintext = session.decrypt(message)
            except ValueError:
                continue
            self._keep(curve25519, session, sender)
            return plaintext
        raise ValueError("no ratchet opens this")

    def forget(self, user: str) -> None:
        """Their ratchets are gone from the shelf."""
        for curve25519 in self._users.pop(user, set()):
            for name in self._names.pop(curve25519, {}):
                self._sessions.pop(name, None)
