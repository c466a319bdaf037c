"""Encrypted chats, message by message: who is answered how, and what is kept when.

Whoever wrote encrypted last is answered encrypted, or not at all: a server that could make the
gateway fall back to plain text would read along. Whoever wrote plain gets plain text.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import replace
from xml.etree.ElementTree import Element

from adapters.xmpp import stanzas
from adapters.xmpp.omemo import NoKeys, Omemo, Unreadable
from adapters.xmpp.published import Ask
from adapters.xmpp.ratchets import READ, UNREAD, Unit
from adapters.xmpp.sending import Sending
from core.message import (
    Address,
    Changed,
    Hear,
    Inbound,
    Later,
    Left,
    Outbound,
    Safe,
    Undelivered,
    Unsent,
)

log = logging.getLogger(__name__)

AGAIN = 0.1
"""Seconds that a message to somebody waits for one of theirs that is being heard. Not longer: the
gateway may be waiting, before it hears that one, for this to be sent."""


class Private:
    """own, ask: as for `Omemo`."""

    def __init__(self, own: str, hear: Hear, safe: Safe, ask: Ask, sending: Sending) -> None:
        self.omemo = Omemo(own, safe, ask, self._post, self._befriend)
        self._own, self._hear, self._safe, self._sending = own, hear, safe, sending

    # ------------------------------------------------------------ in

    async def hear(self, xml: Element, hear: Hear, event: Inbound | Left) -> None:
        """Has a message heard together with what became of the keys. Raises if nothing was
        committed: then the keys are as they were."""
        assert isinstance(event, Inbound)
        jid, ratchets = event.sender.handle, self.omemo.ratchets
        if not stanzas.is_omemo(xml) and not ratchets.wrote(jid):
            await hear(event)
            return
        async with self.omemo.alone(jid) as unit:
            said: Inbound | None = event
            if stanzas.is_omemo(xml):
                said = await self._opened(unit, xml, event, hear)
            else:
                unit.writes("")
            await ratchets.write_account()
            if said is None:
                await self._safe.keep(unit.changes())
            else:
                await hear(replace(said, cursor=event.cursor, secrets=unit.changes()))
            ratchets.count(unit)
        try:
            await self.omemo.answer(jid)
        except Exception as error:  # heard it is; the next message brings the answer
            log.warning("xmpp: a key exchange went unanswered: %s", type(error).__name__)

    async def _opened(self, unit: Unit, xml: Element, event: Inbound, hear: Hear) -> Inbound | None:
        """-> what an encrypted message says; None if nothing, or nothing new."""
        try:
            text = await self.omemo.decrypt(unit, xml)
        except Unreadable:
            if unit.wrote != READ:
                unit.writes(UNREAD, stanzas.sending_device(xml))
            return event if stanzas.has_payload(xml) or event.deleted else None
        unit.writes(READ)
        await self._learn(unit, hear)
        if event.deleted:
            return replace(event, encrypted=True)
        if text is None:
            return None
        inside = stanzas.read(stanzas.opened(xml, text), self._own, event.id)
        return replace(inside, encrypted=True) if inside is not None else None

    async def _learn(self, unit: Unit, hear: Hear) -> None:
        """Tells that somebody's keys changed, before that is taken for known."""
        if unit.learn():
            await hear(Changed(Address("xmpp", unit.jid)))

    # ------------------------------------------------------------ out

    def wanted(self, jid: str) -> bool:
        return bool(self.omemo.ratchets.wrote(jid))

    async def send(self, out: Outbound, link: str | None) -> None:
        """link: to the picture, with what opens it. Raises NoKeys if it may go in plain text
        instead, and what `Adapter.send` raises."""
        try:
            async with asyncio.timeout(AGAIN) as patience:
                async with self.omemo.alone(out.to.handle) as unit:
                    patience.reschedule(None)
                    arrived = await self._put(unit, out, link)
        except TimeoutError:
            raise Later(AGAIN) from None
        await asyncio.shield(arrived)

    async def _put(self, unit: Unit, out: Outbound, link: str | None) -> asyncio.Future[None]:
        try:
            sealed = await self.omemo.encrypt(unit, stanzas.body(out, link))
            await self._learn(unit, self._hear)
            await self.omemo.ratchets.keep(unit)
            if out.sensitive and unit.doubted:
                raise NoKeys  # what was encrypted for the new keys is never sent
        except NoKeys:
            if (out.private or unit.wrote == READ) and not out.sensitive:
                raise Unsent from None
            raise
        except Undelivered:
            raise
        except Exception:  # the connection is gone, or the store is down
            raise Unsent from None
        xml = stanzas.write_encrypted(out, self._own, sealed, link is not None)
        return self._sending.put(stanzas.message_id(out), out.to.handle, xml)

    def _post(self, jid: str, sealed: Element) -> None:
        id = stanzas.OWN_ID + uuid.uuid4().hex[:24]
        self._sending.put(id, jid, stanzas.enveloped(jid, id, sealed))

    def _befriend(self, jid: str) -> None:
        id = stanzas.OWN_ID + uuid.uuid4().hex[:24]
        self._sending.put(id, jid, stanzas.contact_request(jid))
