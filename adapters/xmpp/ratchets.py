"""Where the OMEMO library keeps keys and ratchets: in memory, and on disk through the safe.

One secret for each device of a person, one for what belongs to all of somebody's devices, one for
the gateway's own account: a message changes one of them. Whoever works with somebody's does it in
a `Unit`: nothing of it counts before it is kept, and what was not kept never was. That matters
because a ciphertext can be read only once: its text and the ratchet's step are on disk together.

Nothing here waits, so whatever the library does between two questions to a server is undivided.
The account's own part is shared by everybody's messages: nothing in it is used up before they are
committed, so it is written ahead of them, and never taken back.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from omemo.storage import Just, Maybe, Nothing, Storage
from omemo.types import JSONType

from core.message import CONFIRMED, Safe, Secret

ACCOUNT = "account"
ALL = 0
"""Stands for a person's devices together; a device's number is at least 1."""

IDENTITY = "device/identity_key"
READ, UNREAD = "read", "unread"

DIGEST = 6
REMEMBERED = 96
"""Of each device so many messages are known again at least, and twice as many at most."""

Group = dict[str, JSONType]


class Unit:
    """One person's part, while it is worked with. kept: how it was before, by device."""

    def __init__(self, jid: str, kept: dict[int, bytes]) -> None:
        self.jid, self.kept, self.new = jid, kept, not kept
        self.groups: dict[int, Group] = {}
        self.confirmed = False

    def group(self, device: int) -> Group:
        if device not in self.groups:
            before = self.kept.get(device)
            self.groups[device] = json.loads(before) if before else {}
        return self.groups[device]

    def drop(self, device: int) -> None:
        """The device was never seen."""
        self.groups[device] = {}
        everything = self.group(ALL)
        for field in ("list", "device_ids"):
            if field in everything:
                everything[field] = [n for n in _numbers(everything[field]) if n != device]

    def reset(self, device: int) -> None:
        """There is no session with it: the next message to it begins one."""
        group = self.group(device)
        for field in [field for field in group if field.startswith("session/")]:
            del group[field]

    @property
    def devices(self) -> list[int]:
        return _numbers(self.group(ALL).get("list"))

    @property
    def wrote(self) -> str:
        """How they wrote last: READ, or UNREAD if it could not be decrypted, or "" for plain."""
        return str(self.group(ALL).get("wrote", ""))

    @property
    def unread_from(self) -> int:
        """The device whose message could not be decrypted; 0: none."""
        device = self.group(ALL).get("unread from")
        return device if isinstance(device, int) else 0

    def writes(self, how: str, unread_from: int = 0) -> None:
        for field, value in (("wrote", how), ("unread from", unread_from)):
            if value:
                self.group(ALL)[field] = value
            else:
                self.group(ALL).pop(field, None)

    def repeats(self, device: int, nonce: str) -> bool:
        """Whether it was read before. nonce: what no other message has."""
        group, digest = self.group(device), _digest(nonce)
        known = [_bytes(group.get(field)) for field in ("read", "read before")]
        return any(
            digest == digests[at : at + DIGEST]
            for digests in known
            for at in range(0, len(digests), DIGEST)
        )

    def remember(self, device: int, nonce: str) -> None:
        group = self.group(device)
        digests = _bytes(group.get("read"))
        if len(digests) >= REMEMBERED * DIGEST:
            group["read before"], digests = group["read"], b""
        group["read"] = base64.b64encode(digests + _digest(nonce)).decode()

    def learn(self) -> bool:
        """-> whether a device of theirs has keys that are new, where others were known. They are
        doubted then."""
        group, found = self.group(ALL), (self.group(n).get(IDENTITY) for n in self.devices)
        keys, known = sorted(key for key in found if isinstance(key, str)), group.get("keys")
        if keys:
            group["keys"] = [*keys]
        new = isinstance(known, list) and not set(keys) <= set(known)
        if new:
            group["doubted"] = True
        return new

    @property
    def doubted(self) -> bool:
        """Some of their keys are new, and it is not confirmed that they are theirs."""
        return "doubted" in self.group(ALL)

    def confirm(self) -> None:
        self.confirmed = True
        self.group(ALL).pop("doubted", None)

    def changes(self) -> tuple[Secret, ...]:
        changed = []
        for device, group in self.groups.items():
            value = _packed(group) if group else None
            if value != self.kept.get(device):
                changed.append(Secret(f"{self.jid} {device}", value, self.jid))
        if self.confirmed:
            changed.append(Secret(f"{CONFIRMED} {self.jid}", None, self.jid))
        return tuple(changed)

    def count(self) -> None:
        """It is on disk: it counts from now on."""
        for device, group in self.groups.items():
            if group:
                self.kept[device] = _packed(group)
            else:
                self.kept.pop(device, None)


class Ratchets(Storage):
    """own: the gateway's bare JID. namespace: of the one protocol that is spoken."""

    def __init__(self, safe: Safe, own: str, namespace: str) -> None:
        super().__init__(disable_cache=True)
        self.owed: set[tuple[str, int]] = set()
        """Devices that wait for an answer of the library's own."""
        self._safe, self._own, self._namespace = safe, own, namespace
        self._account: Group = {}
        self._written = b""
        self._writing = asyncio.Lock()
        self._people: dict[str, dict[int, bytes]] = {}
        self.confirmed: set[str] = set()
        """Whose keys were confirmed; it counts with the next that is done with them."""
        self._unit: ContextVar[Unit] = ContextVar("unit")

    async def open(self) -> None:
        """Takes everything out of the safe."""
        for secret in await self._safe.load():
            assert secret.value is not None
            if secret.name == ACCOUNT:
                self._account, self._written = json.loads(secret.value), secret.value
                continue
            jid, _, device = secret.name.rpartition(" ")
            if jid == CONFIRMED:
                self.confirmed.add(device)
            else:
                self._people.setdefault(jid, {})[int(device)] = secret.value

    def knows(self, jid: str) -> bool:
        return jid in self._people

    def wrote(self, jid: str) -> str:
        return Unit(jid, self._people.get(jid, {})).wrote

    @contextmanager
    def unit(self, jid: str) -> Iterator[Unit]:
        """One at a time for each person: who works holds their lock."""
        unit = Unit(jid, self._people.get(jid, {}))
        if jid in self.confirmed:
            unit.confirm()
        token = self._unit.set(unit)
        try:
            yield unit
        finally:
            self._unit.reset(token)

    def count(self, unit: Unit) -> None:
        """Somebody forgotten meanwhile stays forgotten."""
        unit.count()
        if unit.confirmed:
            self.confirmed.discard(unit.jid)
        if unit.kept and (unit.new or unit.jid in self._people):
            self._people[unit.jid] = unit.kept

    async def keep(self, unit: Unit) -> None:
        """On disk when it returns. Raises if the store is down."""
        await self.write_account()
        await self._safe.keep(unit.changes())
        self.count(unit)

    async def write_account(self) -> None:
        async with self._writing:
            packed = _packed(self._account)
            if packed != self._written:
                await self._safe.keep([Secret(ACCOUNT, packed)])
                self._written = packed

    def forget(self, jid: str) -> None:
        self._people.pop(jid, None)
        self.confirmed.discard(jid)
        self.owed = {owed for owed in self.owed if owed[0] != jid}

    # ------------------------------------------------------------ what the library asks for

    async def _load(self, key: str) -> Maybe[JSONType]:
        if (place := self._place(key)) is None:
            return Nothing()
        group, field = place
        return Just(group[field]) if field in group else Nothing()

    async def _store(self, key: str, value: JSONType) -> None:
        if (place := self._place(key)) is not None:
            group, field = place
            group[field] = value
        elif key.startswith("/queue/") and key.count("/") == 3:
            jid = key.rpartition("/")[2]
            self.owed.update((jid, number) for number in _numbers(value))

    async def _delete(self, key: str) -> None:
        if (place := self._place(key)) is not None:
            group, field = place
            group.pop(field, None)

    def _place(self, key: str) -> tuple[Group, str] | None:
        """-> where it is kept; None for what is not: lists of everybody, whom nobody could then
        forget, and whom the library owes an answer."""
        first, *rest = key.strip("/").split("/")
        if first == "queue" or rest == ["bare_jids"]:
            return None
        about = first in ("devices", "trust", self._namespace) and len(rest) > 1
        if not about or rest[0] == self._own:
            return self._account, key
        unit = self._unit.get()
        assert rest[0] == unit.jid, "a message touches its own sender's keys alone"
        if not rest[1].isdecimal():
            return unit.group(ALL), "/".join(rest[1:])
        kind = "device" if first == "devices" else "session"
        return unit.group(int(rest[1])), "/".join([kind, *rest[2:]])


def _packed(group: Group) -> bytes:
    return json.dumps(group, separators=(",", ":"), sort_keys=True).encode()


def _digest(nonce: str) -> bytes:
    return hashlib.sha256(nonce.encode()).digest()[:DIGEST]


def _numbers(value: JSONType) -> list[int]:
    return [n for n in value if isinstance(n, int)] if isinstance(value, list) else []


def _bytes(value: JSONType) -> bytes:
    return base64.b64decode(value) if isinstance(value, str) else b""
