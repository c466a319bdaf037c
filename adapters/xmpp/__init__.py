"""XMPP: an ordinary account on any server, over TLS, also through a SOCKS proxy.

Nothing is lost, with or without an archive on the server: a stanza is acknowledged when it is
committed (XEP-0198), and where the server archives, what the acknowledgement does not cover is
fetched from there (XEP-0313).
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.jid import JID, InvalidJID

from adapters.xmpp import adhoc, archive, stanzas
from adapters.xmpp.acks import Acks, Given
from adapters.xmpp.files import Files, locked
from adapters.xmpp.hearing import Hearing, Said
from adapters.xmpp.omemo import Cut, NoKeys
from adapters.xmpp.own_device import fingerprints
from adapters.xmpp.private import Private
from adapters.xmpp.sending import Sending
from adapters.xmpp.stream import Stream
from core.message import Address, Down, Exposed, Facts, File, Hear, Left, Outbound, Safe, Unsent

log = logging.getLogger(__name__)

RESOURCE = "gw"
"""Always the same: under another one the server would keep what a cut left over for a session
that never comes back."""

MOST_WAITING = 1000
"""Messages heard and not yet committed; beyond that the server has to hold them."""

STEADY = 30.0
"""Seconds that a connection must have held for the next one to be tried at once."""

TRIES = 5
PASSING = ("host", "proxy")
"""What can be wrong for a moment; a wrong password cannot."""


class Xmpp:
    """quiet: seconds without a word from the server before it is asked whether it is still there;
    patience: seconds that it then has to answer."""

    facts = Facts(
        buttons=False, edits=True, max_length=50_000, unit="codepoints", rate=500, encrypts=True
    )
    quiet = 60.0
    patience = 15.0

    def __init__(
        self,
        *,
        jid: str,
        password: str,
        host: str | None = None,
        port: int = 5222,
        ca_file: str | None = None,
        proxy: str | None = None,
        menu: adhoc.Menu | None = None,
    ) -> None:
        """host: where to connect if not where DNS says; the certificate must be the JID's domain's
        all the same. ca_file: trust this authority alone. menu: what clients list. Raises Down."""
        self.facts = replace(type(self).facts, own=jid)
        self.up = asyncio.Event()
        self._password, self._host, self._port = password, host, port
        self._ca_file, self._proxy, self._menu = ca_file, proxy, menu
        self._jid = self._own = jid
        self._sending = Sending()
        self._hearing: Hearing | None = None
        self._private: Private | None = None
        self._stream: Stream | None = None
        self._settled: Acks | None = None
        self._archived = False
        self._held: list[tuple[Acks, Element, int]] = []

    # ------------------------------------------------------------------------------ seams

    async def check(self) -> str:
        """As the server shows it, with the fingerprints of the keys that people find there."""
        stream = self._dial(Acks(), "check")
        try:
            await stream.login(self._host, self._port)
            found = await fingerprints(stream.ask, self._own)
        finally:
            await stream.close()
        return ", ".join([self._own, *(f"OMEMO {one}" for one in found)])

    async def send(self, out: Outbound) -> str:
        """A correction keeps the id of what it corrects (XEP-0308)."""
        id, private = stanzas.message_id(out), self._private
        if private is None:
            raise Unsent
        if out.sensitive or out.private or private.wanted(out.to.handle):
            try:
                await private.send(out, await self._locked(out.picture))
                return out.replaces or id
            except NoKeys:
                if out.sensitive:
                    raise Exposed from None
        picture = None
        if out.picture is not None:
            picture = await self._files.upload(self._connected(), out.picture)
        await self._sending.send(id, out.to.handle, stanzas.write(out, self._own, picture))
        return out.replaces or id

    async def unsend(self, to: Address, natives: Sequence[str]) -> None:
        for native in natives:
            if native.startswith(stanzas.OWN_ID):
                self._sending.drop(native)
                id, xml = stanzas.retraction(native, to.handle)
                await self._sending.send(id, to.handle, xml)

    def forget(self, handle: str) -> None:
        self._sending.forget(handle)
        if self._private is not None:
            self._private.omemo.forget(handle)

    def confirmed(self, handle: str) -> None:
        if self._private is not None:
            self._private.omemo.ratchets.confirmed.add(handle)

    async def end(self, to: Address, conversation: str) -> None:
        """No conversation has a chat of its own here."""

    async def _locked(self, picture: bytes | None) -> str | None:
        """Uploads it encrypted. -> the link, with what opens it (XEP-0454)."""
        if picture is None:
            return None
        body, opener = locked(picture)
        there = await self._files.upload(self._connected(), body)
        return f"{there.replace('https', 'aesgcm', 1)}#{opener}"

    async def fetch(self, file: File) -> bytes:
        return await self._files.fetch(self._connected(), file)

    def _connected(self) -> Stream:
        if self._stream is None or not self.up.is_set():
            raise Unsent
        return self._stream

    async def run(self, hear: Hear, since: str | None, safe: Safe) -> None:
        self._hearing = Hearing(hear, since)
        self._own = self._address(RESOURCE).bare
        self._private = private = Private(self._own, hear, safe, self._ask, self._sending)
        await private.omemo.ratchets.open()
        acks, failures, pause, lived = Acks(), 0, 0.0, False
        clock = asyncio.get_running_loop().time
        try:
            while True:
                self._stream = stream = self._dial(acks, RESOURCE)
                stream.on_message = partial(self._receive, stream)
                if self._menu is not None:
                    stream.offer(adhoc.COMMANDS)
                    stream.on_iq = partial(self._menued, stream, self._menu)
                begun = clock()
                try:
                    resumed = await stream.login(self._host, self._port)
                    failures, lived = 0, True
                    condition = await self._live(stream, resumed)
                    if condition == "conflict":  # fighting over it would lose messages
                        raise Down("another process uses this account", "jid")
                    acks = stream.acks if self._sending.pause(condition) else Acks()
                except Down as down:
                    failures += 1
                    if not lived or failures == TRIES or down.key not in PASSING:
                        raise
                finally:
                    self.up.clear()
                    await stream.close()
                pause = 0.0 if clock() - begun > STEADY else min(10.0, max(0.2, pause * 2))
                log.info("xmpp: connecting again")
                await asyncio.sleep(pause * random.uniform(0.7, 1.3))
        finally:
            self._sending.stop()
            await self._hearing.close()
            await private.omemo.device.close()

    # --------------------------------------------------------------------- one connection

    def _dial(self, acks: Acks, resource: str) -> Stream:
        try:
            trust = ssl.create_default_context(cafile=self._ca_file or None)
        except OSError:
            raise Down("the certificate authority's file cannot be read", "ca_file") from None
        jid = self._address(resource)
        self._own = jid.bare
        self._files = Files(jid.domain, trust, self._proxy)
        return Stream(jid.full, self._password, trust, self._proxy, acks)

    def _address(self, resource: str) -> JID:
        try:
            jid = JID(self._jid)
            jid.resource = resource
            return jid
        except InvalidJID:
            raise Down("this is no XMPP address", "jid") from None

    async def _ask(
        self, query: Element, kind: str = "get", seconds: float = 30.0, to: str | None = None
    ) -> Element:
        """`Stream.ask` of the connection that there is. Raises Cut as well."""
        stream = self._stream
        if stream is None or stream.over.done():
            raise Cut
        asking = asyncio.ensure_future(stream.ask(query, kind, seconds, to))
        # whoever asked may be gone: asyncio would log the error, which names people
        asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        ends: set[asyncio.Future[Any]] = {asking, stream.over}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise Cut
            return asking.result()
        finally:
            asking.cancel()

    async def _live(self, stream: Stream, resumed: bool) -> str:
        """-> the condition under which the connection ended."""
        if resumed:
            self._sending.resume(stream)
        else:
            stream.give([Given("<presence/>")])  # before anything else: offline messages
            self._sending.start(stream)
        self.up.set()
        tasks = [asyncio.create_task(self._watch(stream))]
        assert self._private is not None
        if not resumed or not self._private.omemo.ready.is_set():
            tasks.append(asyncio.create_task(self._private.omemo.begin()))
        if stream.acks is not self._settled:
            tasks.append(asyncio.create_task(self._settle(stream)))
        try:
            return await asyncio.shield(stream.over)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, stream: Stream) -> None:
        """Ends a connection that has died without saying so."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(min(self.quiet, self.patience) / 3)
            if stream.paused:
                continue
            if stream.asked_at is not None and clock() - stream.asked_at > self.patience:
                log.warning("xmpp: the server has fallen silent")
                stream.abort()
            elif stream.asked_at is None and clock() - stream.last_heard > self.quiet:
                stream.request_ack()

    async def _settle(self, stream: Stream) -> None:
        """Decides for this session whether there is an archive, and reads it up to now. What
        arrives meanwhile is held back, so that order and cursor stay right."""
        assert self._hearing is not None
        try:
            self._archived = await archive.is_on(stream)
            if self._archived:
                log.warning("xmpp: the server archives what people write to the bot")
            if self._archived and self._hearing.cursor is not None:
                async for id, place, message in archive.since(stream, self._hearing.cursor):
                    self._hearing.put(self._said(message, id, place))
        except (IqError, IqTimeout) as error:
            log.warning("xmpp: the archive did not answer: %s", type(error).__name__)
            stream.abort()
            return
        self._settled = stream.acks
        held, self._held = self._held, []
        for acks, xml, number in held:
            self._take(acks, xml, number)

    # -------------------------------------------------------------------------------- in

    def _receive(self, stream: Stream, xml: Element, number: int) -> None:
        acks = stream.acks
        if stream.page is not None and (result := archive.result(xml, self._own)) is not None:
            stream.page.append(result)
            acks.commit(number)
        elif xml.get("type") == "error":
            bounce = stanzas.bounce(xml)
            if bounce is not None and self._sending.bounced(bounce) and bounce.sender:
                self._put(acks, number, Said(Left(Address("xmpp", bounce.sender)), None))
            else:
                acks.commit(number)
        elif acks is not self._settled:
            self._held.append((acks, xml, number))
        else:
            self._take(acks, xml, number)

    def _take(self, acks: Acks, xml: Element, number: int) -> None:
        id = stanzas.archive_id(xml, self._own) if self._archived else None
        said = self._said(xml, id, archive.place(id) if id else None)
        self._put(acks, number, said, stanzas.receipt(xml) if said.event is not None else None)

    def _menued(self, stream: Stream, menu: adhoc.Menu, xml: Element) -> bool:
        """-> whether an IQ was about the menu. One that runs a command is answered once that is
        committed."""
        asked = adhoc.read(xml, self._own, menu)
        if asked is None:
            return False
        if asked.runs is None:
            stream.give([Given(asked.answer)])
        elif stream.acks is not self._settled:  # it would overtake what was written before
            stream.give([Given(adhoc.error(xml, "wait", "resource-constraint"))])
        else:
            assert self._hearing is not None
            assert self._private is not None
            # it names a command and no more; the answer goes as that to a message would
            encrypted = self._private.wanted(asked.runs.sender.handle)
            then = partial(stream.give, [Given(asked.answer)])
            self._hearing.put(Said(replace(asked.runs, encrypted=encrypted), None, then))
        return True

    def _said(self, xml: Element, id: str | None, place: str | None) -> Said:
        event, private = stanzas.read(xml, self._own, id), self._private
        said = Said(event, place)
        if event is not None and private is not None:
            said.through = partial(private.hear, xml)
        return said

    def _put(self, acks: Acks, number: int, said: Said, receipt: str | None = None) -> None:
        """Hands it on; what it said is acknowledged, to server and person, once committed."""
        assert self._hearing is not None
        hearing = self._hearing

        def committed() -> None:
            acks.commit(number)
            stream = self._stream
            if stream is None:
                return
            if receipt is not None and self.up.is_set():
                stream.give([Given(receipt)])
            stream.ack_soon()
            if hearing.waiting < MOST_WAITING // 2:
                stream.pause(False)

        said.then = committed
        hearing.put(said)
        if hearing.waiting > MOST_WAITING and self._stream is not None:
            self._stream.pause(True)
