"""A Matrix device made by hand, straight on vodozemac: it can do wrong what a client does right."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from vodozemac import Account, Curve25519PublicKey, GroupSession

from adapters.matrix.olm import MEGOLM, OLM, Olm
from adapters.matrix.signing import SigningKey, encoded

ROOM = "!room"
_ids = itertools.count(1)


class Device:
    """user's; identity: the three cross-signing keys (use -> key) that vouch for it."""

    def __init__(self, user: str, id: str = "PHONE") -> None:
        self.user, self.id, self.account = user, id, Account()
        self.curve25519 = self.account.curve25519_key.to_base64()
        self.ed25519 = self.account.ed25519_key.to_base64()
        self.group = GroupSession()
        self.identity: dict[str, SigningKey] = {}

    # ---------------------------------------------------------------- what its homeserver shows

    def sign(self, signed: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        signature = self.account.sign(text.encode()).to_base64()
        return signed | {"signatures": {self.user: {f"ed25519:{self.id}": signature}}}

    def keys(self, **wrong: object) -> dict[str, Any]:
        made = {
            "user_id": self.user,
            "device_id": self.id,
            "algorithms": [OLM, MEGOLM],
            "keys": {
                f"curve25519:{self.id}": self.curve25519,
                f"ed25519:{self.id}": self.ed25519,
            },
        }
        signed = self.sign(made | wrong)
        if self.identity:
            signed = self.identity["self_signing"].sign(signed, self.user)
        return signed

    def takes_identity(self, seed: int = 1) -> None:
        uses = ("master", "self_signing", "user_signing")
        self.identity = {use: SigningKey(bytes([seed + n] * 32)) for n, use in enumerate(uses)}

    def shown(self, *others: Device) -> dict[str, Any]:
        """The answer to /keys/query."""
        devices = {device.id: device.keys() for device in (self, *others)}
        answer: dict[str, Any] = {"device_keys": {self.user: devices}}
        for use, key in self.identity.items():
            public = {f"ed25519:{key.public}": key.public}
            signed = {"user_id": self.user, "usage": [use], "keys": public}
            if use != "master":
                signed = self.identity["master"].sign(signed, self.user)
            answer[f"{use}_keys"] = {self.user: signed}
        return answer

    def one_time_key(self) -> dict[str, Any]:
        """The answer to /keys/claim."""
        self.account.generate_one_time_keys(1)
        ((id, key),) = self.account.one_time_keys.items()
        self.account.mark_keys_as_published()
        signed = {f"signed_curve25519:{id}": self.sign({"key": key.to_base64()})}
        return {"one_time_keys": {self.user: {self.id: signed}}}

    # ---------------------------------------------------------------- what it sends

    def payload(self, bot: Olm, kind: str, inner: object, /, **wrong: object) -> dict[str, object]:
        made = {
            "type": kind,
            "content": inner,
            "sender": self.user,
            "sender_device": self.id,
            "keys": {"ed25519": self.ed25519},
            "recipient": bot.user,
            "recipient_keys": {"ed25519": bot.ed25519},
        }
        return made | wrong

    def to_device(self, bot: Olm, payload: object, **wrong: object) -> dict[str, Any]:
        """An m.room.encrypted to the bot's device, in a new ratchet. payload: raw, or JSON."""
        one_time_key = next(iter(bot.wanting(0, True)["one_time_keys"].values()))["key"]
        bot.uploaded()
        session = self.account.create_outbound_session(
            Curve25519PublicKey.from_base64(bot.curve25519),
            Curve25519PublicKey.from_base64(one_time_key),
        )
        kind, body = session.encrypt(raw(payload)).to_parts()
        return self.event(bot, kind, encoded(body), **wrong)

    def event(self, bot: Olm, kind: object, body: object, **wrong: object) -> dict[str, Any]:
        content = {
            "algorithm": OLM,
            "sender_key": self.curve25519,
            "ciphertext": {bot.curve25519: {"type": kind, "body": body}},
        }
        return {"type": "m.room.encrypted", "sender": self.user, "content": content | wrong}

    def room_key(self, **wrong: object) -> dict[str, object]:
        key = {"algorithm": MEGOLM, "room_id": ROOM, "session_id": self.group.session_id}
        return key | {"session_key": self.group.session_key.to_base64()} | wrong

    def gives(self, bot: Olm, **wrong: object) -> dict[str, Any]:
        """The to-device event that gives the bot this device's key of the room."""
        return self.to_device(bot, self.payload(bot, "m.room_key", self.room_key(**wrong)))

    def message(self, text: str) -> dict[str, object]:
        content = {"msgtype": "m.text", "body": text}
        return {"type": "m.room.message", "room_id": ROOM, "content": content}

    def writes(self, payload: object, **wrong: object) -> dict[str, Any]:
        """An event of a timeline. payload: raw, or JSON."""
        content = {
            "algorithm": MEGOLM,
            "ciphertext": self.group.encrypt(raw(payload)).to_base64(),
            "session_id": self.group.session_id,
        }
        event = {"type": "m.room.encrypted", "event_id": f"${next(_ids)}", "sender": self.user}
        return event | {"origin_server_ts": 1, "content": content | wrong}


def raw(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def answer(*to_device: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """An answer to /sync."""
    return {"to_device": {"events": list(to_device)}, "next_batch": "s", **more}
