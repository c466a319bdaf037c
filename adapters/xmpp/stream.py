"""One connection to the server: login, TLS, proxy, raw messages in and out.

slixmpp does the dialling, TLS, SASL and binding. Messages go past its stanza classes: matching
each of them against every handler costs more than everything else that happens to a message.
The private names of slixmpp that are used are listed in `tests/test_xmpp.py`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree.ElementTree import Element

import slixmpp
from python_socks.async_.asyncio import Proxy
from slixmpp.plugins.xep_0198.stanza import StreamManagement
from slixmpp.stanza import Iq, Message, Presence, StreamFeatures
from slixmpp.xmlstream import StanzaBase, register_stanza_plugin

from adapters.xmpp.acks import Acks, Given
from adapters.xmpp.stanzas import IQ, MESSAGE, PRESENCE, attribute, bare
from core.message import Down

SM = "urn:xmpp:sm:3"
R, A = f"{{{SM}}}r", f"{{{SM}}}a"
ANSWERS = (f"{{{SM}}}enabled", f"{{{SM}}}resumed", f"{{{SM}}}failed")
SCRAM = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"}
FEATURES = ("urn:xmpp:reply:0", "urn:xmpp:message-correct:0", "urn:xmpp:receipts")
TICK = 0.01
"""Seconds in which acknowledgements gather, ours and the server's: one for a burst, not one each.
For the server each costs about as much as a message."""

FEW = 3
"""So many messages on their way wait for no others to share the question whether they arrived."""

QUICKACK = getattr(socket, "TCP_QUICKACK", None)

# slixmpp logs whole stanzas, to DEBUG and in errors: what people write and where they are
logging.getLogger("slixmpp").setLevel(logging.CRITICAL + 1)
log = logging.getLogger(__name__)

register_stanza_plugin(StreamFeatures, StreamManagement)


class Stream(slixmpp.ClientXMPP):
    """acks: the session to resume, or a new one. over: done when the connection is; its result is
    the condition of the stream error that ended it, or "". page: where the answers to an archive
    query gather, while there is one."""

    def __init__(
        self, jid: str, password: str, trust: ssl.SSLContext, proxy: str | None, acks: Acks
    ) -> None:
        super().__init__(jid, password, ssl_context=trust)
        self.acks = acks
        self.proxy_url = proxy
        self.enable_direct_tls, self.enable_starttls = False, True
        self.plugin["feature_mechanisms"].use_mechs = SCRAM  # else it falls back to PLAIN
        self.register_plugin("xep_0030")
        self.offer(*FEATURES)
        self.ready: asyncio.Future[bool] = self.loop.create_future()
        self.over: asyncio.Future[str] = self.loop.create_future()
        self.on_message: Callable[[Element, int], None] = lambda xml, number: None
        self.on_iq: Callable[[Element], bool] = lambda xml: False
        self.last_heard = self.loop.time()
        self.asked_at: float | None = None
        self.page: list[Element] | None = None
        self._condition = ""
        self._counts_in = self._counts_out = False
        self._answer: asyncio.Future[Element] | None = None
        self._owes = self._wants = False
        self._timer: asyncio.TimerHandle | None = None
        for order in (9000, 10100):  # to resume before binding, to enable after it
            self.register_feature("sm", self._manage, restart=True, order=order)
        self.add_filter("out_sync", self._count)
        for event, handler in (
            ("stream_negotiated", self._negotiated),
            ("failed_auth", self._refused),
            ("failed_all_auth", self._no_login),
            ("ssl_invalid_chain", self._untrusted),
            ("reconnect_delay", self._unreachable),
            ("disconnected", self._ended),
        ):
            self.add_event_handler(event, handler)

    def offer(self, *features: str) -> None:
        """Says that it can do this, to whoever asks (XEP-0030)."""
        for feature in features:
            self.plugin["xep_0030"].add_feature(feature)

    # ----------------------------------------------------------------------------- login

    async def login(self, host: str | None, port: int, seconds: float = 30.0) -> bool:
        """-> True if the session was resumed. Raises Down, with the setting that is wrong."""
        self.default_port = port
        self.connect(host, port) if host else self.connect()
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self.ready)
        except TimeoutError:
            raise Down("the server did not answer in time", "host") from None

    async def _attempt_connection(
        self, host: str, port: int, tls: bool, server_hostname: str | None
    ) -> bool:
        """Dials through the proxy, which resolves the name too. Replaces slixmpp's own way."""
        if self.proxy_url is None:
            return bool(await super()._attempt_connection(host, port, tls, server_hostname))
        self.event_when_connected = "connected"
        self._connect_loop_wait += 1
        try:
            proxy = Proxy.from_url(self.proxy_url, rdns=True)
            sock = await proxy.connect(host, port, timeout=25)
            await self.loop.create_connection(lambda: self, sock=sock)
        except Exception:  # python-socks has error classes of its own; slixmpp wants False
            return False
        return True

    async def get_dns_records(
        self, domain: str, port: int | None = None
    ) -> list[tuple[str, str, str, int]]:
        """No look-up outside the proxy: slixmpp then dials the JID's domain itself."""
        if self.proxy_url is not None:
            return []
        return list(await super().get_dns_records(domain, port))

    async def _manage(self, features: StanzaBase) -> bool:
        """Resumes or enables stream management. -> True if negotiation ends here."""
        if "bind" not in self.features:
            if self.acks.id is None:
                return False
            h, previd = self.acks.resume(), attribute(self.acks.id)
            answer = await self._ask(f"<resume xmlns='{SM}' h='{h}' previd={previd}/>")
            if (known := answer.get("h", "")).isdecimal():
                self.acks.acknowledged(int(known))  # after a failed resume too: XEP-0198, 5
            if answer.tag != f"{{{SM}}}resumed":
                self.acks = Acks()
                return False
            self._counts_out = True
            self.event("session_resumed")
            self.send_raw("".join(g.xml for g in self.acks.unacked))
            self.request_ack()
            self._succeed(True)
            return True
        answer = await self._ask(f"<enable xmlns='{SM}' resume='true'/>")
        if answer.tag == f"{{{SM}}}enabled":
            self.acks.id = answer.get("id") if answer.get("resume") in ("true", "1") else None
            self.features.add("stream_management")
        return False

    async def _ask(self, xml: str) -> Element:
        self._answer = self.loop.create_future()
        self.send_raw(xml)
        self._counts_out = xml.startswith("<enable")
        return await self._answer

    def _negotiated(self, _: Any) -> None:
        if "stream_management" in self.features:
            self._succeed(False)
        else:  # without it neither side could know what arrived
            self._fail(Down("the server has no stream management (XEP-0198)", "jid"))

    def _refused(self, _: Any) -> None:
        self._fail(Down("the server refused the login", "password_file"))

    def _no_login(self, _: Any) -> None:
        self._fail(Down("the server offers no safe login (SCRAM over TLS)", "host"))

    def _untrusted(self, _: Any) -> None:
        self._fail(Down("the server's certificate is not trusted", "ca_file"))

    def _unreachable(self, _: Any) -> None:
        key = "host" if self.proxy_url is None else "proxy"
        self._fail(Down("the server cannot be reached", key))

    def _succeed(self, resumed: bool) -> None:
        if not self.ready.done():
            self.ready.set_result(resumed)

    def _fail(self, reason: Down) -> None:
        if not self.ready.done():
            self.ready.set_exception(reason)
            self.ready.exception()  # nobody may be waiting any more

    def _ended(self, _: Any) -> None:
        # a certificate that is not trusted ends the connection first and is reported after
        closed = Down("the server closed the connection during the login", "host")
        self.loop.call_later(0.1, self._fail, closed)
        if not self.over.done():
            self.over.set_result(self._condition)

    def _handle_stream_error(self, error: StanzaBase) -> None:
        """Replaces slixmpp's own, which may reconnect by itself, to wherever it is told."""
        self._condition = error["condition"]

    def exception(self, exception: Exception) -> None:
        """Something raised inside slixmpp: its state is unknown."""
        log.warning("xmpp stream: %s", type(exception).__name__)
        self.abort()

    # -------------------------------------------------------------------------------- in

    def _spawn_event(self, xml: Element) -> None:
        """One element of the stream. Replaces slixmpp's own for messages, presence and acks."""
        self.last_heard, self.asked_at = self.loop.time(), None
        if xml.tag in (MESSAGE, PRESENCE, IQ):
            number: int | None = 0
            if self._counts_in and (number := self.acks.receive()) is None:
                return
            assert number is not None
            if xml.tag == MESSAGE:
                try:
                    self.on_message(xml, number)
                except Exception as error:  # a stanza that we cannot read must not come for ever
                    log.warning("xmpp message skipped: %s", type(error).__name__)
                    self.acks.commit(number)
                return
            self.acks.commit(number)
            if xml.tag == IQ:
                if not self.on_iq(xml):
                    super()._spawn_event(xml)
            elif xml.get("type") == "subscribe":  # they may see the bot; it does not ask back
                sender = attribute(bare(xml.get("from", "")))
                self.give([Given(f"<presence to={sender} type='subscribed'/>")])
        elif xml.tag == A:
            self.acks.acknowledged(int(xml.get("h", "0")))
        elif xml.tag == R:
            self.ack_soon()
        elif xml.tag in ANSWERS and self._answer is not None:
            # at once: stanzas may follow in the same packet
            self._counts_in = xml.tag != ANSWERS[2]
            if not self._answer.done():
                self._answer.set_result(xml)
        else:
            super()._spawn_event(xml)

    def data_received(self, data: bytes | str) -> None:
        """Acknowledges in TCP at once: Prosody leaves Nagle's algorithm on, and then keeps the next
        message until the last few bytes are acknowledged, which the kernel puts off for 40 ms."""
        super().data_received(data)
        if QUICKACK is not None and self.transport is not None:
            tcp = self.transport.get_extra_info("socket")
            tcp.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)

    def ack_soon(self) -> None:
        self._owes = True
        self._tick_in(TICK)

    def request_ack(self) -> None:
        self._wants = True
        self.asked_at = self.asked_at or self.loop.time()
        self._tick_in(0 if len(self.acks.unacked) <= FEW else TICK)

    def _tick_in(self, seconds: float) -> None:
        if self._timer is not None and not seconds:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_later(seconds, self._tick)

    def _tick(self) -> None:
        self._timer = None
        owes, wants = self._owes and self._counts_in, self._wants and self._counts_out
        self._owes = self._wants = False
        if self.transport is not None and (owes or wants):
            acknowledges = f"<a xmlns='{SM}' h='{self.acks.h}'/>" if owes else ""
            self.send_raw(acknowledges + (f"<r xmlns='{SM}'/>" if wants else ""))

    async def ask(
        self, query: Element, kind: str = "get", seconds: float = 30.0, to: str | None = None
    ) -> Element:
        """-> the answer to an IQ about the own account, or to one of the server's services.
        Raises IqError, IqTimeout."""
        iq = self.make_iq_get() if kind == "get" else self.make_iq_set()
        if to is not None:
            iq["to"] = to
        iq.append(query)
        answer: Iq = await iq.send(timeout=seconds)  # type: ignore[no-untyped-call]
        xml: Element = answer.xml
        return xml

    @property
    def paused(self) -> bool:
        return self.transport is not None and not self.transport.is_reading()

    def pause(self, yes: bool) -> None:
        """Stops reading, so that the server and not our memory holds what waits."""
        if self.transport is not None and self.paused is not yes:
            (self.transport.pause_reading if yes else self.transport.resume_reading)()
            self.last_heard, self.asked_at = self.loop.time(), None

    # ------------------------------------------------------------------------------- out

    def _count(self, stanza: StanzaBase) -> StanzaBase:
        """What slixmpp itself sends counts as well."""
        if self._counts_out and isinstance(stanza, Message | Presence | Iq):
            self.acks.give(Given(str(stanza)))
        return stanza

    def give(self, stanzas: Sequence[Given]) -> None:
        """Writes them in one go, in order, and soon asks whether they arrived."""
        self.acks.unacked.extend(stanzas)
        if self.transport is not None:  # else: the next resume sends them
            self.send_raw("".join(s.xml for s in stanzas))
            self.request_ack()

    async def close(self) -> None:
        """Acknowledges what is committed, ends the stream, and lets go of everything."""
        if self._timer is not None:
            self._timer.cancel()
        if self.transport is not None:
            self._owes = True
            self._tick()
            self.send_raw(self.stream_footer)
            await asyncio.wait({self.over}, timeout=1)
        self.cancel_connection_attempt()
        self.abort()
        if self._run_out_filters is not None:  # slixmpp leaves it running
            self._run_out_filters.cancel()
            await asyncio.wait({self._run_out_filters})
