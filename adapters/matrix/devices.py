"""Whose device is whose: what people's own keys vouch for, and the identities they had first.

A homeserver can add a device to anybody's account. What it cannot do is sign it: a person's master
key signs their self-signing key, which signs their devices (section "Cross-signing"). The first
master key that is seen is remembered until the person is forgotten; another in its place counts for
nothing, since whoever took an account over would say as well that it is theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nio import AsyncClient  # type: ignore[import-untyped]

from adapters.matrix.asking import ask
from adapters.matrix.shelf import Shelf
from adapters.matrix.signing import part, vouched
from core.message import CONFIRMED, Later

MOST = 100
"""Devices of one person that are written to."""


AWAY = 60.0


@dataclass(frozen=True)
class Device:
    """signed: by its owner, whose identity is the one that was seen first."""

    user: str
    id: str
    curve25519: str
    ed25519: str
    signed: bool


def key_of(signed: object, user: str, usage: str) -> str | None:
    """-> the public key in a cross-signing key object; None if it is not what it should be."""
    keys, uses = part(signed, "keys"), part(signed, "usage")
    if part(signed, "user_id") != user or not isinstance(keys, Mapping) or len(keys) != 1:
        return None
    ((id, public),) = keys.items()
    right = isinstance(public, str) and id == f"ed25519:{public}"
    return public if right and isinstance(uses, list) and usage in uses else None


class Devices:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._known: dict[str, list[Device]] = {}
        self._asked: dict[str, int] = {}
        self._doubted: set[str] = set()
        self.changed: set[str] = set()
        """People whose identity is another since they were last asked about: to be told."""
        for secret in list(shelf.all(CONFIRMED)):
            self.confirm(secret.of)

    def outdated(self, users: Iterable[object]) -> None:
        """What is known of their devices is no longer true."""
        for user in users:
            if isinstance(user, str):
                self._known.pop(user, None)
                self._asked[user] = self._asked.get(user, 0) + 1
                if self._pin(user):
                    self._doubted.add(user)

    def doubted(self) -> set[str]:
        """-> whose identity we know and have not looked at since their devices changed; once."""
        doubted, self._doubted = self._doubted, set()
        return doubted

    async def of(self, client: AsyncClient, user: str) -> list[Device]:
        """-> a person's devices that can be written to. Raises Unsent, Denied, Later (their own
        homeserver is away)."""
        while user not in self._known:
            asked = self._asked.setdefault(user, 0)
            answer = await ask(client, "POST", "/keys/query", {"device_keys": {user: []}})
            shown = part(answer, "device_keys", user)
            if shown is None and part(answer, "failures"):
                raise Later(AWAY)
            read = self._read(answer, user, shown if isinstance(shown, Mapping) else {})
            if self._asked[user] == asked:  # nothing changed while we asked
                self._known[user] = read
        return self._known[user]

    def known(self, user: str) -> list[Device]:
        return self._known.get(user, [])

    def _read(self, answer: Mapping[str, Any], user: str, shown: Mapping[str, Any]) -> list[Device]:
        signer = self._signer(answer, user)
        found = [self._device(user, id, keys, signer) for id, keys in list(shown.items())[:MOST]]
        return [device for device in found if device]

    def _device(self, user: str, id: str, keys: object, signer: str | None) -> Device | None:
        curve25519 = part(keys, "keys", f"curve25519:{id}")
        ed25519 = part(keys, "keys", f"ed25519:{id}")
        if (part(keys, "user_id"), part(keys, "device_id")) != (user, id):
            return None  # else somebody's signed keys would pass for another device's
        if not isinstance(curve25519, str) or not isinstance(ed25519, str) or " " in curve25519:
            return None
        if not vouched(keys, user, id, ed25519):
            return None
        signed = bool(signer and vouched(keys, user, signer, signer))
        return Device(user, id, curve25519, ed25519, signed)

    def _signer(self, answer: Mapping[str, Any], user: str) -> str | None:
        """-> the key that signs this person's devices, if the identity we know vouches for it."""
        master = key_of(part(answer, "master_keys", user), user, "master")
        if master is None or not self._is_theirs(user, master):
            return None
        signing = part(answer, "self_signing_keys", user)
        public = key_of(signing, user, "self_signing")
        return public if public and vouched(signing, user, master, master) else None

    # ---------------------------------------------------------------- identities

    def _pin(self, user: str) -> dict[str, str]:
        pin: dict[str, str] = json.loads(self._shelf.get(f"pin {user}") or b"{}")
        return pin

    def _is_theirs(self, user: str, master: str) -> bool:
        pin = self._pin(user)
        if pin.get("master") == master:
            return True
        if pin and pin.get("shown") == master:
            return False
        if pin:
            self.changed.add(user)
        # the first one that is seen is trusted, and only that
        new = pin | {"shown": master} if pin else {"master": master}
        self._shelf.put(f"pin {user}", json.dumps(new).encode(), user)
        return not pin

    def confirm(self, user: str) -> None:
        """The identity that was shown last is theirs as well: it counts from now on."""
        pin = self._pin(user)
        if "shown" in pin:
            self._shelf.put(f"pin {user}", json.dumps({"master": pin["shown"]}).encode(), user)
        self._shelf.put(f"{CONFIRMED} {user}", b"", user)  # the core did
        self._shelf.drop(f"{CONFIRMED} {user}")
        self.outdated([user])

    def forget(self, user: str) -> None:
        self._known.pop(user, None)
        self._doubted.discard(user)
        self.changed.discard(user)
