"""End-to-end encryption as the adapter needs it: what was received is read, what is sent is sealed.

Everything that a homeserver or a stranger sends passes `receive` or `read`: neither raises on what
they send. What one answer of the homeserver changes is on disk before the next is asked for, as
that acknowledges it; what is sent is on disk before it leaves.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from nio import AsyncClient  # type: ignore[import-untyped]

from adapters.matrix.asking import Denied, ask
from adapters.matrix.cross_signing import Estranged, device_keys, introduce
from adapters.matrix.devices import Device, Devices
from adapters.matrix.megolm import Megolm, Outgoing, Request
from adapters.matrix.olm import MEGOLM, Olm, Opened
from adapters.matrix.shelf import Shelf
from adapters.matrix.signing import part, vouched
from core.message import Exposed, Later, Unsent

log = logging.getLogger(__name__)

ENCRYPTED = "m.room.encrypted"
_MENDED = 3600.0
"""Seconds between two new ratchets with a device whose messages cannot be opened."""
_ASKED = 1000
_LONELY = 60.0


class Encryption:
    """One device. client: logged in as it. password: for the account's own identity."""

    def __init__(self, client: AsyncClient, shelf: Shelf, password: str) -> None:
        self._client, self._shelf, self._password = client, shelf, password
        self.olm = Olm(shelf, client.user_id, client.device_id)
        self.megolm, self.devices = Megolm(shelf), Devices(shelf)
        self._keys: tuple[int | None, bool] = (None, True)
        self._introduced = False
        self._outgoing: dict[tuple[str, bool], Outgoing] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._before: dict[bytes, None] = {}
        self._mended: dict[str, float] = {}
        self._broken: set[tuple[str, str]] = set()
        self._asked: dict[tuple[str, str], Request] = {}
        self._again: list[tuple[Device, dict[str, Any] | None]] = []

    # ---------------------------------------------------------------- in

    def receive(self, answer: Mapping[str, Any]) -> set[tuple[str, str]]:
        """Takes in what one answer of /sync says to this device. -> the (room, session)s that can
        be read now. To be kept on disk before the next is asked for."""
        counts, unused = (part(answer, f"device_{name}") for name in _COUNTS)
        count = part(counts, "signed_curve25519") or 0 if counts is not None else None
        fresh = unused is None or (isinstance(unused, list) and "signed_curve25519" in unused)
        self._keys = (count if isinstance(count, int) else None, fresh)
        changed = part(answer, "device_lists", "changed")
        self.devices.outdated(changed if isinstance(changed, list) else [])
        events = part(answer, "to_device", "events")
        found = [self._to_us(event) for event in events] if isinstance(events, list) else []
        return {each for each in found if each}

    def _to_us(self, event: object) -> tuple[str, str] | None:
        sender, content = part(event, "sender"), part(event, "content")
        if not isinstance(sender, str) or not isinstance(content, Mapping):
            return None
        if part(event, "type") == "m.room_key_request":
            self._requested(sender, content)
        if part(event, "type") != ENCRYPTED:
            return None
        opened = self.olm.open(sender, content)
        if opened is None:
            if part(content, "ciphertext", self.olm.curve25519) and not self._known(content):
                self._broken.add((sender, str(part(content, "sender_key"))))
            return None
        self._known(content)
        if opened.type == "m.room_key":
            return self.megolm.add(opened)
        if opened.type == "m.forwarded_room_key":
            return self._answered(opened)
        if opened.type == "m.dummy":  # they could not open what we sent last
            self._repeat(sender, opened.curve25519)
        return None

    def _known(self, content: Mapping[str, Any]) -> bool:
        """Whether this very message came before: an answer of the homeserver may come twice."""
        body = str(part(content, "ciphertext", self.olm.curve25519, "body"))
        mark = hashlib.sha256(body.encode(errors="replace")).digest()
        known = mark in self._before
        self._before[mark] = None
        if len(self._before) > _ASKED:
            del self._before[next(iter(self._before))]
        return known

    def _answered(self, key: Opened) -> tuple[str, str] | None:
        wanted = (str(part(key.content, "room_id")), str(part(key.content, "session_id")))
        asked = self._asked.get(wanted)
        if asked is None or asked.user != key.sender:
            return None  # nobody asked for it
        found = self.megolm.add_again(key)
        if found:
            del self._asked[wanted]
        return found

    def _requested(self, sender: str, content: Mapping[str, Any]) -> None:
        """A device asks for a key of ours that it was given already, and lost."""
        session, id = part(content, "body", "session_id"), part(content, "requesting_device_id")
        for device in self.devices.known(sender):
            if device.id == id and part(content, "action") == "request":
                self._repeat(sender, device.curve25519, str(session))

    def _repeat(self, user: str, curve25519: str, session: str | None = None) -> None:
        """The keys that a device was given will be given to it again, as they were."""
        for (room, _), key in self._outgoing.items():
            given = key.shared.get((user, curve25519))
            if given and session in (None, key.session.session_id) and len(self._again) < _ASKED:
                for device in self.devices.known(user):
                    if device.curve25519 == curve25519:
                        self._again.append((device, key.letter(room, given)))

    def missing(self, event: Mapping[str, Any], room: str, session: str) -> None:
        """A key that we never got: it is asked for with the next `tend`."""
        if (room, session) in self._asked:
            return
        device, maker = (part(event, "content", name) for name in ("device_id", "sender_key"))
        body = {"algorithm": MEGOLM, "room_id": room, "session_id": session}
        body["sender_key"] = maker if isinstance(maker, str) else ""
        to = device if isinstance(device, str) else "*"
        self._asked[room, session] = Request(str(event.get("sender")), to, body)
        if len(self._asked) > _ASKED:
            del self._asked[next(iter(self._asked))]

    async def keep(self) -> None:
        """All that was received so far is on disk. Raises what the safe raises."""
        await self._shelf.keep()

    async def vouches(self, user: str, curve25519: str) -> bool:
        """Whether somebody's identity vouches for this device of theirs."""
        return any(d.signed and d.curve25519 == curve25519 for d in await self._devices(user))

    def has_changed(self, user: str) -> bool:
        """Whether they have another identity since this, or `changed`, was last asked."""
        has = user in self.devices.changed
        self.devices.changed.discard(user)
        return has

    def changed(self) -> list[str]:
        """-> people who have another identity since this was last asked."""
        changed, self.devices.changed = self.devices.changed, set()
        return sorted(changed)

    # ---------------------------------------------------------------- between two answers

    async def tend(self, replace: bool = False) -> None:
        """What is due towards our own homeserver: keys that others can reach us by, our identity
        (replace: another than it shows). Raises Unsent."""
        if body := self.olm.wanting(*self._keys):
            if not self.olm.published:
                body["device_keys"] = device_keys(self._shelf, self.olm)
            await self._shelf.keep()
            try:
                await ask(self._client, "POST", "/keys/upload", body)
            except Denied:
                log.error("the homeserver refuses the keys of this device: nobody new can write")
            else:
                self.olm.uploaded()
            self._keys = (None, True)  # until the next answer says
        if not self._introduced or replace:
            await self._introduce(replace)
        await self._shelf.keep()

    async def answer(self) -> None:
        """What is due towards others, whose homeservers may be slow. Raises Unsent."""
        await self._mend()
        for request in [request for request in self._asked.values() if request.due]:
            await self._send("m.room_key_request", request.message(self.olm.device))
            request.due = False
        again, self._again = self._again, []
        await self._give(again)
        for user in self.devices.doubted():
            await self._devices_or_none(user)
        await self._shelf.keep()

    async def _introduce(self, replace: bool) -> None:
        try:
            master = await introduce(
                self._client, self._shelf, self.olm, self._password, replace=replace
            )
            log.info("the identity that vouches for this device: %s", master)
        except Estranged as strange:
            log.error(
                "%s: clients that exclude insecure devices will not talk to us."
                ' docs/running.md, "Matrix", says what to do',
                strange,
            )
        self._introduced = True

    async def _mend(self) -> None:
        """A new ratchet with each device whose messages could not be opened."""
        now = time.monotonic()
        for user, curve25519 in list(self._broken):
            if now - self._mended.get(curve25519, -_MENDED) >= _MENDED:
                due = [d for d in await self._devices_or_none(user) if d.curve25519 == curve25519]
                await self._meet(due, anew=True)
                await self._give([(d, None) for d in due if self.olm.knows(d.curve25519)])
                self._mended = {k: t for k, t in self._mended.items() if now - t < _MENDED}
                self._mended[curve25519] = now
                for request in self._asked.values():  # the answer could not be opened either
                    request.due = request.due or request.user == user
            self._broken.discard((user, curve25519))

    # ---------------------------------------------------------------- out

    @asynccontextmanager
    async def sealed(
        self, room: str, user: str, content: dict[str, Any], *, sensitive: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        """The content of an m.room.message -> that of the m.room.encrypted, for the devices of the
        one person who is in the room; one at a time in a room. sensitive: only for those that the
        person vouches for.

        Raises Unsent, Later (there is nobody who could read it), Exposed (sensitive, and there is
        no device that the person vouches for)."""
        async with self._locks[room]:
            devices = await self._devices(user)
            if sensitive:
                devices = [device for device in devices if device.signed]
                if not devices:
                    raise Exposed
            if not devices:
                raise Later(_LONELY)
            key = await self._shared(room, sensitive, devices)
            if not self.began(room):
                self._shelf.put(f"room {room}", b"", user)
            await self._shelf.keep()
            yield key.seal(room, "m.room.message", content, self.olm.curve25519, self.olm.device)

    def began(self, room: str) -> bool:
        """Whether we ever encrypted there: then nobody can take it back."""
        return self._shelf.get(f"room {room}") is not None

    async def _devices(self, user: str) -> list[Device]:
        try:
            return await self.devices.of(self._client, user)
        except Denied:
            raise Unsent from None

    async def _devices_or_none(self, user: str) -> list[Device]:
        try:
            return await self._devices(user)
        except Later:
            return []

    async def _shared(self, room: str, signed: bool, devices: list[Device]) -> Outgoing:
        """-> our key of a room, which all of these devices have."""
        key = self._outgoing.get((room, signed))
        if key is None or key.worn({(d.user, d.curve25519) for d in devices}):
            key = self._outgoing[room, signed] = Outgoing()
        lack = [d for d in devices if (d.user, d.curve25519) not in key.shared]
        lack = [d for d in lack if d.curve25519 not in key.unreachable]
        if lack:
            await self._meet(lack)
            reached = [d for d in lack if self.olm.knows(d.curve25519)]
            given = key.session.session_key.to_base64()
            await self._give([(device, key.letter(room, given)) for device in reached])
            for device in reached:
                key.shared[device.user, device.curve25519] = given
            key.unreachable |= {d.curve25519 for d in lack} - {d.curve25519 for d in reached}
        if not key.shared:
            del self._outgoing[room, signed]
            raise Later(_LONELY)
        return key

    async def _meet(self, devices: Iterable[Device], *, anew: bool = False) -> None:
        """A ratchet with each that has none (anew: another with all), from its one-time key.
        Those that have no such key are passed over."""
        new = [d for d in devices if anew or not self.olm.knows(d.curve25519)]
        if not new:
            return
        wanted: dict[str, dict[str, str]] = {}
        for device in new:
            wanted.setdefault(device.user, {})[device.id] = "signed_curve25519"
        try:
            answer = await ask(self._client, "POST", "/keys/claim", {"one_time_keys": wanted})
        except Denied:
            raise Unsent from None
        for device in new:
            keys = part(answer, "one_time_keys", device.user, device.id)
            for key in keys.values() if isinstance(keys, Mapping) else ():
                one_time_key = part(key, "key")
                if vouched(key, device.user, device.id, device.ed25519):
                    try:
                        self.olm.meet(device.user, device.curve25519, str(one_time_key))
                    except ValueError:
                        continue
                    break

    async def _give(self, to: Iterable[tuple[Device, dict[str, Any] | None]]) -> None:
        """Sends each device a key, or (None) nothing but the new ratchet."""
        waiting = list(to)
        while waiting:
            later, messages = [], defaultdict[str, dict[str, Any]](dict)
            for device, content in waiting:
                if device.id in messages[device.user]:
                    later.append((device, content))  # one message for each device in a request
                    continue
                kind = "m.room_key" if content else "m.dummy"
                messages[device.user][device.id] = self.olm.seal(
                    device.user, device.curve25519, device.ed25519, kind, content or {}
                )
            await self._shelf.keep()
            await self._send(ENCRYPTED, messages)
            waiting = later

    async def _send(self, kind: str, messages: Mapping[str, object]) -> None:
        path = f"/sendToDevice/{kind}/{secrets.token_hex(16)}"
        try:
            await ask(self._client, "PUT", path, {"messages": messages})
        except Denied:
            log.warning("the homeserver refuses to pass a key on")

    def forget(self, user: str) -> None:
        for part_ in (self.olm, self.megolm, self.devices):
            part_.forget(user)
        self._shelf.forget(user)
        for key in self._outgoing.values():
            for given in [given for given in key.shared if given[0] == user]:
                del key.shared[given]


_COUNTS = ("one_time_keys_count", "unused_fallback_key_types")
