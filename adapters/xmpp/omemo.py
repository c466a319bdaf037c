"""Encrypted chats: OMEMO 0.3 (XEP-0384), with python-omemo and its Double Ratchet.

slixmpp-omemo is not used: it also announces omemo:2, whose messages it cannot read. Whatever keys
somebody's server shows are trusted blindly: there is nobody here who could compare them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary
from xml.etree.ElementTree import Element

from doubleratchet import DuplicateMessageException
from oldmemo.etree import parse_message, serialize_message
from oldmemo.oldmemo import NAMESPACE
from omemo import Message
from omemo.backend import DecryptionFailed, KeyExchangeFailed
from omemo.session import Initiation
from omemo.session_manager import NoSession, PublicDataInconsistency, XMPPInteractionFailed
from slixmpp.exceptions import IqError, IqTimeout

from adapters.xmpp import devices
from adapters.xmpp.devices import Devices
from adapters.xmpp.own_device import OwnDevice
from adapters.xmpp.prekeys import PreKeys
from adapters.xmpp.published import Ask, Unpublished
from adapters.xmpp.ratchets import Ratchets, Unit
from core.message import Safe

log = logging.getLogger(__name__)

ENCRYPTED, HEADER, IV = (f"{{{NAMESPACE}}}{name}" for name in ("encrypted", "header", "iv"))


class Unreadable(Exception):
    """A message that cannot be decrypted, and never will."""


class NoKeys(Exception):
    """There is no device of theirs that a message can be encrypted for."""


class Cut(Exception):
    """The connection ended before a server's answer came: what needed it is tried again."""


class Omemo:
    """own: the gateway's bare JID. ask: `Stream.ask` of the connection that there is; raises
    Cut when it ends, or without one. post: sends an element to somebody, and does not wait.
    befriend: asks somebody to let the gateway be their contact."""

    def __init__(
        self,
        own: str,
        safe: Safe,
        ask: Ask,
        post: Callable[[str, Element], None],
        befriend: Callable[[str], None],
    ) -> None:
        self.ratchets = Ratchets(safe, own, NAMESPACE)
        self.ready = asyncio.Event()
        """Set once it is known whether there can be encrypted chats."""
        self._own, self._post, self._befriend = own, post, befriend
        self._backend = PreKeys(self.ratchets)
        self._devices = Devices(ask)
        self.device = OwnDevice(own, self.ratchets, self._backend, ask, self._devices.bundle)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def begin(self) -> None:
        """For each session. Raises Cut; the next session begins again."""
        try:
            await self.device.begin()
        except (Unpublished, IqError, IqTimeout, XMPPInteractionFailed) as error:
            what = type(error).__name__
            log.warning("xmpp: no encrypted chats, the server keeps no keys (XEP-0163): %s", what)
        self.ready.set()

    def forget(self, jid: str) -> None:
        self.ratchets.forget(jid)
        self._devices.listed.drop(jid)

    @asynccontextmanager
    async def alone(self, jid: str) -> AsyncIterator[Unit]:
        """With somebody's keys, until what became of them is on disk."""
        lock = self._locks.setdefault(jid, asyncio.Lock())
        async with lock:
            with self.ratchets.unit(jid) as unit:
                yield unit

    async def _relist(self, unit: Unit, wanted: int | None = None) -> None:
        """Learns which devices they have now. Raises Unpublished."""
        assert self.device.manager is not None
        kept = await self._devices.numbers(unit.jid, unit.devices, wanted)
        silent = [number for number in unit.devices if number not in kept]
        for number in silent[devices.MOST - len(kept) :]:
            unit.drop(number)
        await self.device.manager.update_device_list(NAMESPACE, unit.jid, dict.fromkeys(kept))

    # ------------------------------------------------------------ in

    async def decrypt(self, unit: Unit, xml: Element) -> str | None:
        """-> what a message says; None if it was read before, or says nothing. Raises Unreadable,
        after which what is sent to its device begins a new session where that may help; Cut."""
        await self.ready.wait()
        encrypted = xml.find(ENCRYPTED)
        header = encrypted.find(HEADER) if encrypted is not None else None
        if encrypted is None or header is None or self.device.manager is None:
            raise Unreadable
        number, nonce = header.get("sid", ""), (header.findtext(IV) or "").strip()
        if not nonce or not number.isdecimal() or not 0 < int(number) < 2**32:
            raise Unreadable
        device = int(number)
        if unit.repeats(device, nonce):
            return None
        try:
            text = await self._decrypted(unit, device, encrypted)
        except Cut:
            raise
        except Exception as error:  # the libraries below have each their own
            if isinstance(error.__cause__, DuplicateMessageException):
                return None
            log.warning("xmpp: not decrypted: %s", type(error).__name__)
            if self._devices.is_to_be_asked(unit.jid):
                self._befriend(unit.jid)
            if isinstance(error, DecryptionFailed | KeyExchangeFailed | NoSession):
                unit.reset(device)
            raise Unreadable from None
        unit.remember(device, nonce)
        return text

    async def _decrypted(self, unit: Unit, device: int, encrypted: Element) -> str | None:
        manager = self.device.manager
        assert manager is not None
        self._devices.keyless.drop((unit.jid, device))
        if device not in unit.devices:
            await self._relist(unit, device)
        try:
            message = await parse_message(encrypted, unit.jid, self._own, manager)
            text, _, _ = await manager.decrypt(message)
        except PublicDataInconsistency:  # the same number with new keys: a client put in anew
            unit.drop(device)
            await self._relist(unit, device)
            message = await parse_message(encrypted, unit.jid, self._own, manager)
            text, _, _ = await manager.decrypt(message)
        return text.decode() if text is not None else None

    async def answer(self, jid: str) -> None:
        """After the commit of what was read: the key that began a session is used up, and the
        device that began it learns that it stands."""
        owed = {(who, device) for who, device in self.ratchets.owed if who == jid}
        self.ratchets.owed -= owed
        for _, device in owed:
            async with self.alone(jid) as unit:
                session = await self._backend.load_session(jid, device)
                if session is None:
                    continue
                if await self._backend.use_up(session):
                    self.device.publish_soon()
                if session.sending_chain_length:
                    continue
                content, material = await self._backend.encrypt_empty()
                key = await self._backend.encrypt_key_material(session, material)
                begins = session.initiation is Initiation.ACTIVE and not session.confirmed
                own = (await self.device.information()).device_id
                keys = frozenset({(key, session.key_exchange if begins else None)})
                await self._backend.store_session(session)
                await self.ratchets.keep(unit)
                self._post(
                    jid, serialize_message(Message(NAMESPACE, self._own, own, content, keys))
                )

    # ------------------------------------------------------------ out

    async def encrypt(self, unit: Unit, text: str) -> Element:
        """-> it, for all of somebody's devices. What it changed must be on disk before it is on its
        way, and it on its way before anything else is encrypted for them. Raises NoKeys, Cut."""
        await self.ready.wait()
        if self.device.manager is None:
            raise NoKeys
        if unit.jid not in self._devices.listed:
            with suppress(Unpublished):
                await self._relist(unit)
        plain = {NAMESPACE: text.encode()}
        try:
            messages, _ = await self.device.manager.encrypt(frozenset({unit.jid}), plain)
        except Cut:
            raise
        except Exception as error:
            log.warning("xmpp: not encrypted: %s", type(error).__name__)
            self._devices.listed.drop(unit.jid)
            raise NoKeys from None
        (message,) = messages
        if unit.unread_from not in (0, *(key.device_id for key, _ in message.keys)):
            raise NoKeys  # another of their devices could read it: not the one that wrote
        return serialize_message(message)
