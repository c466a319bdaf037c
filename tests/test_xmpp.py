"""XMPP on a real Prosody: nothing lost whatever breaks, nothing heard that nobody said."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import signal
import struct
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
import slixmpp
import slixmpp.xmlstream.xmlstream
from slixmpp.exceptions import IqError

import adapters.xmpp.sending
from adapters.xmpp import Xmpp, adhoc, archive, stanzas
from adapters.xmpp.acks import WRAP, Acks, Given
from adapters.xmpp.sending import Sending
from adapters.xmpp.stream import Stream
from core.language import RLM
from core.message import (
    Address,
    Down,
    Event,
    File,
    Gone,
    Inbound,
    Later,
    Outbound,
    Refused,
    Unknown,
    Unsent,
)
from core.words import Commands
from tests.conftest import need_program
from tests.platforms.prosody import DOMAIN, PASSWORD, Network, Prosody, free_port
from tests.platforms.xmpp import MENU, XmppPhone, XmppPlatform
from tests.safes import Pocket
from tests.test_contract import Gateway, text, to


@pytest.fixture(params=[False, True], ids=["no archive", "archive"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    """A bot that hears and is started again when it is down."""
    need_program("prosody")
    platform = XmppPlatform(archive=request.param)
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await platform.stop()


def without_archive(test: Any) -> Any:
    return pytest.mark.parametrize("gateway", [False], indirect=True, ids=["no archive"])(test)


def with_archive(test: Any) -> Any:
    return pytest.mark.parametrize("gateway", [True], indirect=True, ids=["archive"])(test)


@pytest.fixture
async def server() -> AsyncIterator[Prosody]:
    """A server of this test's own, to be killed."""
    need_program("prosody")
    server = await asyncio.to_thread(Prosody().start)
    yield server
    await asyncio.to_thread(server.remove)


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the bot asks of its server."""
    asked: list[str] = []
    ask = Stream.ask

    async def noted(self: Stream, query: Element, *args: Any) -> Element:
        asked.append(query.tag)
        return await ask(self, query, *args)

    monkeypatch.setattr(Stream, "ask", noted)
    return asked


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the bot writes, as it is before TLS."""
    written: list[str] = []
    send_raw = Stream.send_raw

    def noted(self: Stream, data: str) -> None:
        written.append(data)
        send_raw(self, data)

    monkeypatch.setattr(Stream, "send_raw", noted)
    return written


QUERY = f"{{{stanzas.MAM}}}query"


def network(gateway: Gateway) -> Network:
    assert isinstance(gateway.platform, XmppPlatform)
    return gateway.platform.network


def adapter(gateway: Gateway) -> Xmpp:
    assert isinstance(gateway.adapter, Xmpp)
    return gateway.adapter


async def person(gateway: Gateway) -> XmppPhone:
    phone = await gateway.platform.phone()
    assert isinstance(phone, XmppPhone)
    return phone


async def crash(gateway: Gateway) -> None:
    """The process is gone: no acknowledgement, no goodbye."""
    network(gateway).refuse = True
    network(gateway).cut()
    await gateway.stop()
    network(gateway).refuse = False


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # nothing tells when it changes
            await asyncio.sleep(0.01)


async def deliver(gateway: Gateway, out: Outbound) -> str:
    """As the courier does: again, under the same key, until the server has it."""
    while True:
        try:
            return await gateway.adapter.send(out)
        except (Unsent, Unknown):
            await until(lambda: gateway.adapter.up.is_set())


# ------------------------------------------------------------------- whatever breaks


async def test_a_bad_network_loses_and_reorders_nothing_either_way(gateway: Gateway) -> None:
    phone = await person(gateway)
    await phone.say("0")
    await gateway.until(1)
    bad, written = network(gateway), asyncio.Queue[int]()

    async def courier() -> None:
        for _ in range(59):
            i = await written.get()
            await deliver(gateway, to(phone, str(i), f"k{i}"))

    courier_task = asyncio.create_task(courier())
    for i in range(1, 60):
        await phone.say(str(i))
        written.put_nowait(i)
        if i % 13 == 5:
            bad.cut()
        if i == 20:  # a tunnel
            bad.swallow = True
            await asyncio.sleep(0.3)
            bad.cut()
            bad.swallow = False
        if i == 30:
            bad.refuse = True
            bad.cut()
            await asyncio.sleep(0.3)
            bad.refuse = False
        if i == 45:
            await crash(gateway)
            await gateway.start()
        await asyncio.sleep(0.02)
    await asyncio.wait_for(courier_task, 30)
    assert [text(e) for e in await gateway.until(60)] == [str(i) for i in range(60)]
    seen: dict[str, str] = {}
    while len(seen) < 59:
        message = await phone.next()
        seen.setdefault(message.native, message.text)
    assert list(seen.values()) == [str(i) for i in range(1, 60)]


async def test_a_crash_before_the_commit_brings_it_again(gateway: Gateway) -> None:
    phone = await person(gateway)
    await phone.say("before")
    await gateway.until(1)
    started = asyncio.Event()

    async def stuck(event: Event) -> bool:
        started.set()
        await asyncio.Event().wait()
        return False

    adapter(gateway)._hearing._hear = stuck  # type: ignore[union-attr]
    await phone.say("half heard")
    await started.wait()
    await phone.say("behind it")
    await crash(gateway)
    await gateway.start()
    assert [text(e) for e in await gateway.until(3)] == ["before", "half heard", "behind it"]


async def test_a_crash_after_the_commit_brings_it_under_the_same_id(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await person(gateway)
    await phone.say("before")
    await gateway.until(1)
    cursor = gateway.cursor
    with monkeypatch.context() as patch:
        patch.setattr(Stream, "ack_soon", lambda self: None)
        await phone.say("twice")
        await gateway.until(2)
        await crash(gateway)
    heard: list[str] = []

    async def noted(event: Event) -> bool:
        heard.append(text(event))
        return await Gateway.hear(gateway, event)

    gateway.hear = noted  # type: ignore[method-assign]
    gateway.cursor = cursor
    await gateway.start()
    await phone.say("after")
    await gateway.until(3)
    assert "twice" in heard
    assert [text(e) for e in gateway.heard] == ["before", "twice", "after"]


async def test_while_the_store_is_down_nothing_is_acknowledged(gateway: Gateway) -> None:
    phone, other = await person(gateway), await person(gateway)
    await phone.say("before")
    await gateway.until(1)
    gateway.refuse = 1_000_000
    await phone.say("one")
    await other.say("two")
    await until(lambda: gateway.refuse <= 1_000_000 - 4)
    await crash(gateway)
    gateway.refuse = 0
    await gateway.start()
    assert sorted(text(e) for e in await gateway.until(3)) == ["before", "one", "two"]


@pytest.mark.parametrize("end", ["said goodbye", "was cut off"])
async def test_what_is_written_to_a_bot_that_is_away_is_heard_once(
    gateway: Gateway, end: str
) -> None:
    phone = await person(gateway)
    await phone.say("before")
    await gateway.until(1)
    for round in range(2):  # the second time the session has a cursor to catch up from
        await (gateway.stop() if end == "said goodbye" else crash(gateway))
        for i in range(3):
            await phone.say(f"away {round} {i}")
        await gateway.start()
        await gateway.until(4 + 3 * round)
    away = [f"away {round} {i}" for round in range(2) for i in range(3)]
    assert [text(e) for e in gateway.heard] == ["before", *away]


async def test_the_archive_is_asked_only_where_there_is_one(
    gateway: Gateway, queries: list[str]
) -> None:
    phone = await person(gateway)
    await phone.say("before")
    await gateway.until(1)
    await gateway.stop()
    await gateway.start()
    await phone.say("after")
    await gateway.until(2)
    assert isinstance(gateway.platform, XmppPlatform)
    assert (QUERY in queries) is gateway.platform.archive
    assert (gateway.cursor is not None) is gateway.platform.archive


@with_archive
async def test_a_cut_while_catching_up_loses_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await person(gateway)
    await phone.say("before")
    await gateway.until(1)
    await gateway.stop()
    for i in range(120):
        await phone.say(str(i))
    ask, asked = Stream.ask, 0

    async def broken(self: Stream, query: Element, *args: Any) -> Element:
        nonlocal asked
        if query.tag == QUERY:
            asked += 1
            if asked == 2:
                network(gateway).cut()
        return await ask(self, query, *args)

    monkeypatch.setattr(Stream, "ask", broken)
    await gateway.start()
    assert [text(e) for e in (await gateway.until(121))[1:]] == [str(i) for i in range(120)]
    assert asked > 3


@with_archive
@pytest.mark.parametrize("stamp", [None, "9999-01-01T00:00:00Z", "no time at all", "0001-01-01"])
async def test_an_expired_cursor_starts_from_its_time(gateway: Gateway, stamp: str | None) -> None:
    phone = await person(gateway)
    await phone.say("before")
    await gateway.until(1)
    await crash(gateway)
    gateway.heard.clear()
    gateway.ids.clear()
    gateway.cursor = f"long-expired {stamp or datetime.now(UTC).strftime(archive.STAMP)}"
    await gateway.start()
    assert text((await gateway.until(1))[0]) == "before"


async def test_a_slow_message_holds_the_cursor_back_and_nobody_else(gateway: Gateway) -> None:
    slow, quick = await person(gateway), await person(gateway)
    await quick.say("before")
    await gateway.until(1)
    begun, go, hear, at = asyncio.Event(), asyncio.Event(), gateway.hear, gateway.cursor

    async def half(event: Event) -> bool:
        if event.sender == slow.address:
            begun.set()
            await go.wait()
        return await hear(event)

    adapter(gateway)._hearing._hear = half  # type: ignore[union-attr]
    await slow.say("slow")
    await begun.wait()
    await quick.say("quick")
    assert text((await gateway.until(2))[1]) == "quick"
    assert gateway.cursor == at
    go.set()
    assert text((await gateway.until(3))[2]) == "slow"


async def test_a_killed_server_gets_what_was_on_its_way_again(server: Prosody) -> None:
    platform = XmppPlatform(server=server)
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    phone = await person(gateway)
    await phone.say("hello")
    await gateway.until(1)
    platform.network.swallow = True
    sends = [
        asyncio.create_task(deliver(gateway, to(phone, str(i), f"k{i}", language="pt_BR")))
        for i in range(20)
    ]
    await asyncio.sleep(0)
    await asyncio.to_thread(server.kill, signal.SIGKILL)
    platform.network.cut()
    platform.network.swallow = False
    await asyncio.to_thread(server.start)
    platform.phones.clear()
    await phone.hang_up()
    again = await platform.device(phone.address.handle.partition("@")[0])
    ids = await asyncio.wait_for(asyncio.gather(*sends), 30)
    seen: dict[str, str] = {}
    while len(seen) < 20:
        message = await again.next()
        seen.setdefault(message.native, message.text)
    assert list(seen.items()) == [(id, str(i)) for i, id in enumerate(ids)]
    await gateway.stop()
    await platform.stop()


# ------------------------------------------------------------------- poison


ILLEGAL = [chr(c) for c in range(32) if chr(c) not in "\t\n\r"] + ["\ud800", "\ufffe", "\uffff"]
LEGAL = "\t\n\u0085\u2028\u200c\u202e\U0001f469\u200d\U0001f467 ]]> &amp; \U0001fffe"


@without_archive
async def test_every_character_arrives_or_is_replaced(gateway: Gateway) -> None:
    phone = await person(gateway)
    for i, character in enumerate(ILLEGAL):
        await gateway.adapter.send(to(phone, f"a{character}b", f"k{i}"))
        assert (await phone.next()).text == "a\ufffdb"
    await gateway.adapter.send(to(phone, LEGAL, "legal"))
    assert (await phone.next()).text == LEGAL
    assert network(gateway).connections == 1


@without_archive
async def test_a_message_that_kills_the_stream_is_found_and_refused(gateway: Gateway) -> None:
    phone = await person(gateway)
    words = ["one", "two", "x" * 300_000, "four", "five"]
    results = await asyncio.gather(
        *(gateway.adapter.send(to(phone, w, f"k{i}")) for i, w in enumerate(words)),
        return_exceptions=True,
    )
    assert [isinstance(r, Refused) for r in results] == [False, False, True, False, False]
    seen: dict[str, str] = {}
    while len(seen) < 4:
        message = await phone.next()
        seen.setdefault(message.native, message.text)
    assert list(seen.values()) == ["one", "two", "four", "five"]
    assert network(gateway).connections <= 3


# ------------------------------------------------------------------- what is heard


async def test_what_nobody_said_to_the_bot_is_not_heard_and_holds_up_no_acknowledgement(
    gateway: Gateway,
) -> None:
    phone = await person(gateway)
    bot = phone.bot
    for xml in (
        f"<message to='{bot}' type='error' id='e'><body>b</body><error type='cancel'>"
        "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        f"<message to='{bot}/gw' type='groupchat' id='g'><body>b</body></message>",
        f"<message to='{bot}' type='headline' id='h'><body>b</body></message>",
        f"<message to='{bot}' type='chat' id='m'><body>b</body>"
        "<x xmlns='http://jabber.org/protocol/muc#user'/></message>",
        f"<message to='{bot}' type='chat' id='c'><active "
        "xmlns='http://jabber.org/protocol/chatstates'/></message>",
        f"<message to='{bot}' type='chat' id='r'><body>+1</body><reactions id='x' "
        "xmlns='urn:xmpp:reactions:0'><reaction>+1</reaction></reactions></message>",
        f"<message to='{bot}' type='chat' id='a'><result xmlns='urn:xmpp:mam:2' id='x'>"
        "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' "
        f"from='eve@{DOMAIN}' type='chat'><body>b</body></message></forwarded></result></message>",
    ):
        phone.raw(xml)
    assert isinstance(gateway.platform, XmppPlatform)
    own = await gateway.platform.device(bot.partition("@")[0])
    await own.say("to myself")
    await own.next()
    await phone.say("a person")
    assert [text(e) for e in await gateway.until(1)] == ["a person"]
    stream = adapter(gateway)._stream
    assert stream is not None
    await until(lambda: stream.acks.h == stream.acks.received)


@without_archive
async def test_a_message_without_an_id_is_never_taken_for_a_repeat(gateway: Gateway) -> None:
    phone = await person(gateway)
    for _ in range(2):
        phone.raw(f"<message to='{phone.bot}' type='chat'><body>yes</body></message>")
    assert [text(e) for e in await gateway.until(2)] == ["yes", "yes"]


@without_archive
async def test_an_old_client_s_ids_that_start_again_make_no_repeat(gateway: Gateway) -> None:
    phone = await person(gateway)
    for body in ("yes", "no", "no"):
        phone.raw(f"<message to='{phone.bot}' type='chat' id='1'><body>{body}</body></message>")
    await phone.say("end")
    assert [text(e) for e in await gateway.until(3)] == ["yes", "no", "end"]


def heard(inside: str, attributes: str = "type='chat' id='m1'") -> Inbound | None:
    xml = f"<message xmlns='jabber:client' from='ana@a.org/x' to='bot@b.org' {attributes}>{inside}"
    return stanzas.read(fromstring(xml + "</message>"), "bot@b.org", None)


PICTURE = "<x xmlns='jabber:x:oob'><url>https://a.org/x/photo.JPG?s=1#k</url></x>"
FOUND = "a.org https://a.org/x/photo.JPG?s=1#k"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<body>hi</body>", {"text": "hi", "native": "m1", "files": ()}),
        ("<body>hi</body><origin-id xmlns='urn:xmpp:sid:0' id='o1'/>", {"native": "o1"}),
        ("<body xml:lang='fa'>hi</body>", {"locale": "fa"}),
        (PICTURE, {"text": "", "files": (File("picture", FOUND),)}),
        (f"<body>https://a.org/x/photo.JPG?s=1#k</body>{PICTURE}", {"text": ""}),
        (
            f"<body>look at this</body>{PICTURE}",
            {"text": "look at this", "files": (File("picture", FOUND),)},
        ),
        ("<body>geo:35.69,51.42;u=10</body>", {"text": "", "files": (File("location"),)}),
        ("<body>https://a.org/a.jpg</body>", {"text": "https://a.org/a.jpg", "files": ()}),
        (
            "<encrypted xmlns='eu.siacs.conversations.axolotl'/><body>cannot be shown</body>",
            {"text": "", "files": (File("encrypted"),), "encrypted": False},
        ),
        (
            "<retract xmlns='urn:xmpp:message-retract:1' id='m0'/><body>was taken back</body>",
            {"text": "", "native": "m0", "deleted": True},
        ),
        (
            "<reply xmlns='urn:xmpp:reply:0' id='b1'/><body>&gt; 💧 said\nyes</body>"
            "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>"
            "<body start='0' end='9'/></fallback>",
            {"text": "yes", "answers_to": "b1"},
        ),
        (
            "<reply xmlns='urn:xmpp:reply:0' id='b1'/><body>yes</body>"
            "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>"
            "<body start='0' end='90'/></fallback>",
            {"text": "yes"},
        ),
    ],
)
def test_a_message_is_read_as_what_it_is(inside: str, expected: dict[str, object]) -> None:
    event = heard(inside)
    assert event is not None
    assert {name: getattr(event, name) for name in expected} == expected
    assert event.sender == Address("xmpp", "ana@a.org")


def test_an_archive_id_counts_only_from_the_own_server() -> None:
    inside = "<body>b</body>" + "".join(
        f"<stanza-id xmlns='urn:xmpp:sid:0' id='{id}' by='{by}'/>"
        for id, by in (("planted", "eve@a.org"), ("true", "bot@b.org"))
    )
    xml = fromstring(f"<message xmlns='jabber:client' from='eve@a.org/x'>{inside}</message>")
    assert stanzas.archive_id(xml, "bot@b.org") == "true"


async def test_the_time_in_a_message_is_its_sender_s_word_and_no_place_in_the_archive() -> None:
    delay = "<delay xmlns='urn:xmpp:delay' from='b.org' stamp='9999-01-01T00:00:00Z'/>"
    xml = fromstring(
        "<message xmlns='jabber:client' from='eve@a.org/x' type='chat'><body>b</body>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' id='7' by='bot@b.org'/>{delay}</message>"
    )
    adapter, places = Xmpp(jid="bot@b.org", password="x"), list[str | None]()
    adapter._archived = True
    adapter._put = lambda acks, number, said, receipt=None: places.append(said.place)  # type: ignore[method-assign]
    adapter._take(Acks(), xml, 1)
    assert places[0] is not None
    assert places[0] <= f"7 {datetime.now(UTC).strftime(archive.STAMP)}"


async def test_a_receipt_comes_only_after_the_commit_and_only_if_asked(gateway: Gateway) -> None:
    phone = await person(gateway)
    receipts: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    phone.client.register_plugin("xep_0184", {"auto_ack": False})
    phone.client.add_event_handler(
        "receipt_received", lambda m: receipts.put_nowait((m["receipt"], len(gateway.heard)))
    )
    await phone.say("no receipt, please")
    await gateway.until(1)
    gateway.refuse = 1
    asking = phone.message("a receipt, please")
    asking["request_receipt"] = True
    asking.send()
    assert await asyncio.wait_for(receipts.get(), 10) == (asking["id"], 2)


async def asked(phone: XmppPhone, kind: str, inside: str, language: str = "fa") -> Element:
    """-> the answer to an IQ to the bot's connection, asked in a language."""
    iq = phone.client.make_iq(itype=kind, ito=f"{phone.bot}/gw")
    iq.xml.set(stanzas.LANG, language)
    iq.xml.append(fromstring(inside))
    try:
        answer = await iq.send(timeout=10)
    except IqError as error:
        answer = error.iq
    found: Element = answer.xml
    return found


async def test_a_client_s_menu_lists_and_runs_the_commands_in_its_language(
    gateway: Gateway,
) -> None:
    phone = await person(gateway)
    await phone.say("hello")
    await gateway.until(1)
    info = await asked(phone, "get", f"<query xmlns='{adhoc.INFO}'/>")
    assert adhoc.COMMANDS in {f.get("var") for f in info.iter(f"{{{adhoc.INFO}}}feature")}
    listing = f"<query xmlns='{adhoc.ITEMS}' node='{adhoc.COMMANDS}'/>"
    for hint, language in (("fa-IR", "fa"), ("tr", "tr"), ("zh-CN", "zh_Hans"), ("bo", "en")):
        items = await asked(phone, "get", listing, hint)
        there = [(i.get("node"), i.get("name")) for i in items.iter(f"{{{adhoc.ITEMS}}}item")]
        assert there == MENU(language)[1]
    assert dict(MENU("fa-IR")[1])["need"] == f"{RLM}درخواست کمک"
    one = await asked(phone, "get", f"<query xmlns='{adhoc.INFO}' node='need'/>")
    identity = one.find(f".//{{{adhoc.INFO}}}identity")
    assert identity is not None
    assert identity.get("name") == f"{RLM}درخواست کمک"
    command = f"<command xmlns='{adhoc.COMMANDS}' node='%s' action='%s'/>"
    done = await asked(phone, "set", command % ("needs", "execute"))
    assert done[0].get("status") == "completed"
    assert "در همین گفت‌وگو" in (done.findtext(f".//{{{adhoc.COMMANDS}}}note") or "")
    heard = gateway.heard[-1]
    assert isinstance(heard, Inbound)
    assert (heard.text, heard.sender, heard.locale) == ("/needs", phone.address, "fa")
    assert Commands().command(heard.text, ["fa"], strict=True) == ("needs", "")
    left = await asked(phone, "set", command % ("needs", "cancel"))
    assert left[0].get("status") == "canceled"
    wrong = await asked(phone, "set", command % ("audit", "execute"))
    assert wrong.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}item-not-found") is not None
    assert len(gateway.heard) == 2


async def test_a_command_that_is_not_committed_yet_is_not_answered(gateway: Gateway) -> None:
    phone = await person(gateway)
    await phone.say("hello")
    await gateway.until(1)
    gateway.refuse = 2
    done = await asked(
        phone, "set", f"<command xmlns='{adhoc.COMMANDS}' node='help' action='execute'/>", "en"
    )
    assert gateway.refuse == 0
    assert done.findtext(f".//{{{adhoc.COMMANDS}}}note") == "I answer in the chat."
    assert [e.text for e in gateway.heard if isinstance(e, Inbound)] == ["hello", "/help"]


async def test_a_subscription_is_granted_and_not_asked_for(gateway: Gateway) -> None:
    phone = await person(gateway)
    presences: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    phone.client.add_event_handler(
        "presence", lambda p: presences.put_nowait((p["type"], p["from"].full))
    )
    phone.client.send_presence_subscription(phone.bot)
    seen = []
    while ("available", f"{phone.bot}/gw") not in seen:
        seen.append(await asyncio.wait_for(presences.get(), 10))
    assert "subscribe" not in {kind for kind, _ in seen}


# ------------------------------------------------------------------- what is sent


def test_a_message_says_what_it_replaces_and_answers() -> None:
    ana = Address("xmpp", "ana@a.org")
    out = Outbound("k1", ana, "a<b>&c", answers_to="x'\"<", quote="two\nlines", language="zh_Hans")
    xml = fromstring(stanzas.write(out, "bot@b.org").replace("<message ", "<message xmlns='' ", 1))
    assert xml.findtext("body") == "> two\n> lines\na<b>&c"
    assert xml.get(stanzas.LANG) == "zh-Hans"
    reply = xml.find("{urn:xmpp:reply:0}reply")
    assert reply is not None
    assert (reply.get("id"), reply.get("to")) == ("x'\"<", "ana@a.org")
    again = Outbound("k1", ana, "other text", replaces=xml.get("id"))
    assert stanzas.message_id(again) == xml.get("id")
    assert stanzas.message_id(Outbound("k2", ana, "")) != xml.get("id")


@without_archive
async def test_an_account_that_does_not_exist_is_gone(gateway: Gateway) -> None:
    nobody = Address("xmpp", f"nobody@{DOMAIN}")
    with pytest.raises(Gone):
        await gateway.adapter.send(Outbound("k1", nobody, "hello"))
    phone = await person(gateway)
    await gateway.adapter.send(to(phone, "others go on", "k2"))
    assert (await phone.next()).text == "others go on"


class Line:
    """Stands for a stream: takes everything, acknowledges when told."""

    def __init__(self) -> None:
        self.given: list[Given] = []

    def give(self, stanzas: list[Given]) -> None:
        self.given += stanzas


@pytest.mark.parametrize(
    ("condition", "kind", "error"),
    [
        ("service-unavailable", "cancel", Gone),
        ("item-not-found", "cancel", Gone),
        ("resource-constraint", "wait", Later),
        ("remote-server-not-found", "cancel", Later),
        ("not-acceptable", "modify", Refused),
    ],
)
async def test_a_bounce_is_told_to_whoever_sends(
    condition: str, kind: str, error: type[Exception]
) -> None:
    sending, line = Sending(), Line()
    sending.start(line)  # type: ignore[arg-type]
    task = asyncio.create_task(sending.send("m1", "ana@a.org", "<m1/>"))
    await until(lambda: bool(line.given))
    assert not sending.bounced(stanzas.Bounce("m1", "ana@a.org", condition, kind))
    with pytest.raises(error):
        await task
    late = stanzas.Bounce("long ago", "ana@a.org", condition, kind)
    assert sending.bounced(late) is (error is Gone)


async def test_a_message_that_comes_back_for_now_is_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapters.xmpp.sending, "AGAIN", 0.0)
    sending, line = Sending(), Line()
    sending.start(line)  # type: ignore[arg-type]
    task = asyncio.create_task(sending.send("m1", "ana@a.org", "<m1/>"))
    await until(lambda: len(line.given) == 1)
    arrived = line.given[0].acked
    assert arrived is not None
    arrived()
    await task
    away = stanzas.Bounce("m1", "ana@a.org", "remote-server-timeout", "wait")
    assert not sending.bounced(away)
    await until(lambda: [g.xml for g in line.given] == ["<m1/>", "<m1/>"])


async def sent(sending: Sending, line: Line, id: str, to: str) -> None:
    """Until the server has it."""
    task = asyncio.create_task(sending.send(id, to, f"<{id}/>"))
    await until(lambda: any(g.xml == f"<{id}/>" for g in line.given))
    for given in line.given:
        if given.acked is not None:
            given.acked()
    await task


async def test_what_was_sent_is_remembered_for_a_time_and_not_after_forgetting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapters.xmpp.sending, "AGAIN", 0.05)
    sending, line = Sending(), Line()
    sending.start(line)  # type: ignore[arg-type]
    for id, who in (("m1", "ana@a.org"), ("m2", "ana@a.org"), ("m3", "vic@v.org")):
        await sent(sending, line, id, who)
    for id, who in (("m1", "ana@a.org"), ("m3", "vic@v.org")):
        sending.bounced(stanzas.Bounce(id, who, "remote-server-timeout", "wait"))
    sending.forget("ana@a.org")
    await until(lambda: len(line.given) == 4)
    assert line.given[3].xml == "<m3/>"
    line.given[3].acked()  # type: ignore[misc]
    assert list(sending._kept) == ["m3"]
    assert not sending._late
    monkeypatch.setattr(adapters.xmpp.sending, "KEPT_FOR", 0.01)
    later = Sending()
    later.start(line)  # type: ignore[arg-type]
    await sent(later, line, "m4", "ana@a.org")
    await sent(later, line, "m5", "ana@a.org")
    await until(lambda: not later._kept)
    sending.stop()


async def test_nothing_is_sent_while_there_is_no_connection() -> None:
    with pytest.raises(Unsent):
        await Sending().send("m1", "ana@a.org", "<m1/>")


# ------------------------------------------------------------------- acknowledgements


def test_an_acknowledgement_covers_only_what_is_committed() -> None:
    acks = Acks()
    first, second, third = acks.receive(), acks.receive(), acks.receive()
    assert (first, acks.h) == (1, 0)
    assert second is not None
    assert third is not None
    acks.commit(second)
    acks.commit(third)
    assert acks.h == 0
    acks.commit(1)
    assert acks.h == 3


def test_a_resume_asks_for_what_is_open_and_knows_it_again() -> None:
    acks = Acks()
    for number in range(1, 6):
        assert acks.receive() == number
        if number != 3:
            acks.commit(number)
    assert acks.resume() == 2
    assert [acks.receive() for _ in range(4)] == [None, None, None, 6]
    assert acks.h == 2
    acks.commit(3)
    acks.commit(6)
    assert acks.h == 6


def test_the_server_s_count_may_pass_the_end_of_its_range() -> None:
    acks, seen = Acks(), []
    acks._acked = WRAP - 2
    for name in "abc":
        acks.unacked.append(Given(name, lambda name=name: seen.append(name)))  # type: ignore[misc]
    acks.acknowledged(WRAP - 1)
    acks.acknowledged(0)
    acks.acknowledged(0)
    assert seen == ["a", "b"]
    acks.acknowledged(WRAP - 5)
    acks.acknowledged(900)
    assert seen == ["a", "b", "c"]


# ------------------------------------------------------------------- the way there


def xmpp(server: Prosody, **other: Any) -> Xmpp:
    server.account("check")
    return Xmpp(
        **{
            "jid": f"check@{DOMAIN}",
            "password": PASSWORD,
            "host": "127.0.0.1",
            "port": server.port,
            "ca_file": str(server.ca_file),
            **other,
        }
    )


async def refusal(adapter: Xmpp) -> str | None:
    """-> the setting that is blamed, by `check` and by `run` alike."""

    async def hear(event: Event) -> bool:
        return False

    with pytest.raises(Down) as check:
        await adapter.check()
    with pytest.raises(Down) as run:
        await adapter.run(hear, None, Pocket())
    assert check.value.key == run.value.key
    return check.value.key


async def test_check_says_who_the_bot_is(server: Prosody) -> None:
    assert await xmpp(server).check() == f"check@{DOMAIN}"


async def test_a_wrong_password_is_never_shown_to_the_server(
    server: Prosody, wire: list[str]
) -> None:
    assert await refusal(xmpp(server, password="wrong")) == "password_file"
    mechanisms = re.findall(r"mechanism=\W([A-Z0-9-]+)", "".join(wire))
    assert mechanisms
    assert all(m.startswith("SCRAM-") for m in mechanisms)


async def test_an_untrusted_certificate_ends_it_before_the_login(
    server: Prosody, wire: list[str]
) -> None:
    assert await refusal(xmpp(server, ca_file=None)) == "ca_file"
    assert await refusal(xmpp(server, jid="check@another.test")) is not None
    assert "<auth" not in "".join(wire)


async def test_the_setting_that_is_wrong_is_named(server: Prosody) -> None:
    assert await refusal(xmpp(server, port=free_port())) == "host"
    assert await refusal(xmpp(server, ca_file="nowhere.pem")) == "ca_file"
    assert await refusal(xmpp(server, jid="a@b@c/d e")) == "jid"
    proxy = f"socks5://127.0.0.1:{free_port()}"
    assert await refusal(xmpp(server, proxy=proxy)) == "proxy"


async def test_a_second_process_on_the_same_account_ends_the_first(server: Prosody) -> None:
    async def hear(event: Event) -> bool:
        return False

    first, second = xmpp(server), xmpp(server)
    running = asyncio.create_task(first.run(hear, None, Pocket()))
    await first.up.wait()
    await second.check()
    assert first.up.is_set()
    other = asyncio.create_task(second.run(hear, None, Pocket()))
    with pytest.raises(Down) as down:
        await asyncio.wait_for(running, 10)
    assert down.value.key == "jid"
    await asyncio.wait_for(second.up.wait(), 10)
    other.cancel()
    await asyncio.wait({other})


class Socks:
    """A SOCKS5 proxy (RFC 1928) that notes what it is asked for, and leads to one port."""

    def __init__(self, port: int) -> None:
        self.target, self.asked = port, list[tuple[str, int]]()

    async def start(self) -> Socks:
        self.network = await Network(self.target).start()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port: int = self.server.sockets[0].getsockname()[1]
        return self

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        methods = (await reader.readexactly(2))[1]
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        length = (await reader.readexactly(1))[0] if kind == 3 else {1: 4, 4: 16}[kind]
        host = await reader.readexactly(length)
        port = struct.unpack("!H", await reader.readexactly(2))[0]
        self.asked.append((host.decode() if kind == 3 else "an address", port))
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        await self.network._serve(reader, writer)

    async def stop(self) -> None:
        self.server.close()
        await self.network.stop()


@pytest.mark.parametrize("host", [None, "hidden.onion"])
async def test_through_a_proxy_names_go_unresolved(
    server: Prosody, monkeypatch: pytest.MonkeyPatch, host: str | None
) -> None:
    async def leak(*_: Any, **__: Any) -> None:
        raise AssertionError("a name was looked up outside the proxy")

    monkeypatch.setattr(slixmpp.xmlstream.xmlstream, "resolve", leak)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", leak)
    socks = await Socks(server.port).start()
    adapter = xmpp(server, host=host, proxy=f"socks5://127.0.0.1:{socks.port}")
    adapter._port = 5222
    assert await adapter.check() == f"check@{DOMAIN}"
    assert socks.asked == [(host or DOMAIN, 5222)]
    await socks.stop()


# ------------------------------------------------------------------- what leaks, what may break


async def test_no_log_holds_a_word_or_an_address(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    phone = await person(gateway)
    gateway.refuse = 1
    await phone.say("planted-word-in")
    await gateway.until(1)
    await gateway.adapter.send(to(phone, "planted-word-out\x00", "planted-key"))
    with pytest.raises(Refused):
        await gateway.adapter.send(to(phone, "planted-word-long" * 30_000, "planted-key-2"))
    network(gateway).cut()
    await phone.say("planted-word-again")
    await gateway.until(2)
    assert any(record.name.startswith("adapters.xmpp") for record in caplog.records)
    for secret in ("planted", phone.address.handle.partition("@")[0], phone.bot):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_attempt_connection", ["self", "host", "port", "tls", "server_hostname"]),
        ("get_dns_records", ["self", "domain", "port"]),
        ("data_received", ["self", "data"]),
        ("_spawn_event", ["self", "xml"]),
        ("_handle_stream_error", ["self", "error"]),
        ("exception", ["self", "exception"]),
    ],
)
def test_slixmpp_still_has_what_the_stream_replaces(name: str, parameters: list[str]) -> None:
    """Private names: a new slixmpp that drops or changes one must not pass unseen."""
    assert list(inspect.signature(getattr(slixmpp.ClientXMPP, name)).parameters) == parameters


async def test_slixmpp_still_has_the_private_state_that_the_stream_uses() -> None:
    client = slixmpp.ClientXMPP("a@b.test", "pw")
    for name in ("event_when_connected", "_connect_loop_wait", "_run_out_filters"):
        assert hasattr(client, name), name
    assert client.plugin["feature_mechanisms"].use_mechs is None
