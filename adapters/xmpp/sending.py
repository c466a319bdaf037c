"""What the bot says, in order, until the server has it: through cuts and failed resumes.

Resending is the application's job in XMPP: a failed resume loses silently what was on its way
(horazont/aioxmpp#253). A message keeps its id however often it is sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from functools import partial

from adapters.xmpp.acks import Given
from adapters.xmpp.stanzas import Bounce
from adapters.xmpp.stream import Stream
from core.message import Gone, Later, Refused, Undelivered, Unknown, Unsent

AT_ONCE = 500
"""Messages given to the server and not yet acknowledged."""

POISON = ("not-well-formed", "policy-violation", "invalid-xml", "bad-format", "restricted-xml")
"""Stream errors (RFC 6120, 4.9.3) that tell of a message that the server cannot stomach. The
stream dies with it, and would again at each resend."""

FINAL = ("service-unavailable", "item-not-found", "gone", "jid-malformed")
"""Bounces that mean a dead address. Servers answer "service-unavailable" alike for an account that
never was, one that blocked the bot (XEP-0191), and one that is offline and keeps no messages
(RFC 6121, 8.5): nobody shall learn which. In all three nothing arrives until the person writes."""

TEMPORARY = ("remote-server-not-found", "remote-server-timeout", "recipient-unavailable")
AGAIN = 60.0
"""Seconds until another try, doubled at each."""

TRIES = 8
KEPT, KEPT_FOR = 1000, 900.0
"""Messages, and seconds, remembered after the own server took them: a server farther on that cannot
be reached is reported only minutes later."""


@dataclass(eq=False)
class Message:
    id: str
    to: str = field(repr=False)
    xml: str = field(repr=False)
    arrived: asyncio.Future[None] = field(repr=False)
    given: bool = False
    bounces: int = 0
    until: float = 0.0
    """When it is not remembered any more."""


class Sending:
    def __init__(self) -> None:
        self._kept: dict[str, Message] = {}
        self._late: dict[str, Message] = {}
        """What came back and is to be sent again in a while."""
        self._expiry: asyncio.TimerHandle | None = None
        self._stream: Stream | None = None
        self._waiting: deque[Message] = deque()
        self._given: dict[str, Message] = {}
        self._at_once = AT_ONCE
        self._suspects = 0
        self._scheduled = False

    async def send(self, id: str, to: str, xml: str) -> None:
        """Returns once the server has it. Raises what `Adapter.send` raises."""
        await asyncio.shield(self.put(id, to, xml))

    def put(self, id: str, to: str, xml: str) -> asyncio.Future[None]:
        """Its place in the order is taken. -> done once the server has it. Raises Unsent."""
        if self._stream is None:
            raise Unsent
        message = self._given.get(id) or next((m for m in self._waiting if m.id == id), None)
        if message is None:
            message = Message(id, to, xml, asyncio.get_running_loop().create_future())
            self._waiting.append(message)
            self._flush_soon()
        return message.arrived

    def resume(self, stream: Stream) -> None:
        """The session goes on: the stream sends again what it had been given."""
        self._stream = stream
        self._flush_soon()

    def start(self, stream: Stream) -> None:
        """A new session: what the old one did not acknowledge goes first."""
        self._waiting.extendleft(reversed(self._given.values()))
        self._given.clear()
        self.resume(stream)

    def pause(self, condition: str) -> bool:
        """The stream is gone, and why. -> False if it must not be resumed: it died of one of the
        messages, which is then looked for by sending one at a time."""
        self._stream = None
        if condition not in POISON or not self._given:
            return True
        if len(self._given) == 1:
            (message,) = self._given.values()
            self._end(message, Refused())
        else:
            self._at_once, self._suspects = 1, len(self._given)
        return False

    def stop(self) -> None:
        self._stream = None
        self._kept.clear()
        self._late.clear()
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        for message in (*self._given.values(), *self._waiting):
            self._end(message, Unknown() if message.given else Unsent())

    def bounced(self, bounce: Bounce) -> bool:
        """-> True if the address is dead and no `send` was there to be told."""
        final = bounce.condition in FINAL and bounce.kind != "wait"
        temporary = bounce.kind == "wait" or bounce.condition in TEMPORARY
        message = self._given.get(bounce.id)
        if message is None or message.arrived.done():
            kept = self._kept.pop(bounce.id, None)
            if temporary and kept is not None and kept.bounces < TRIES:
                loop = asyncio.get_running_loop()
                self._late[kept.id] = kept
                loop.call_later(AGAIN * 2**kept.bounces, self._again, kept.id)
            return final
        if final:
            message.arrived.set_exception(Gone())
        elif temporary:
            message.arrived.set_exception(Later(AGAIN))
        else:
            message.arrived.set_exception(Refused())
        return False

    def _again(self, id: str) -> None:
        if message := self._late.pop(id, None):
            message.bounces += 1
            self._waiting.append(message)
            self._flush_soon()

    def drop(self, id: str) -> None:
        """Remembers one message no longer, and does not send it again."""
        self._kept.pop(id, None)
        self._late.pop(id, None)

    def forget(self, to: str) -> None:
        """The same with everything that was sent to an address."""
        for message in [*self._kept.values(), *self._late.values()]:
            if message.to == to:
                self.drop(message.id)

    def _keep(self, message: Message) -> None:
        loop = asyncio.get_running_loop()
        message.until = loop.time() + KEPT_FOR
        self._kept[message.id] = message
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        if self._expiry is None:
            self._expiry = loop.call_at(message.until, self._expire)

    def _expire(self) -> None:
        """Those kept first are the first to go."""
        loop, self._expiry = asyncio.get_running_loop(), None
        while oldest := next(iter(self._kept.values()), None):
            if oldest.until > loop.time():
                self._expiry = loop.call_at(oldest.until, self._expire)
                break
            del self._kept[oldest.id]

    # -------------------------------------------------------------------------------

    def _flush_soon(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        burst = []
        while self._stream and self._waiting and len(self._given) < self._at_once:
            message = self._waiting.popleft()
            message.given = True
            self._given[message.id] = message
            burst.append(Given(message.xml, partial(self._end, message)))
        if burst and self._stream:
            self._stream.give(burst)

    def _end(self, message: Message, error: Undelivered | None = None) -> None:
        self._given.pop(message.id, None)
        if self._suspects:
            self._suspects = 0 if isinstance(error, Refused) else self._suspects - 1
        if not self._suspects:
            self._at_once = AT_ONCE
        if error is None:
            self._keep(message)
        if not message.arrived.done():
            if error is None:
                message.arrived.set_result(None)
            else:
                message.arrived.set_exception(error)
        message.arrived.exception()  # whoever asked may have been cancelled
        if self._waiting:
            self._flush_soon()
