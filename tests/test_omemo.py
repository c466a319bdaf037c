"""Encrypted chats on a real Prosody: read once, kept, regained, and never in plain text.

The people's clients use slixmpp-omemo, which the gateway does not; `test_profanity` has one that
shares no line with either.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any
from xml.etree.ElementTree import Element

import pytest
import slixmpp
from oldmemo.oldmemo import BundleImpl
from omemo import SessionManager
from slixmpp.plugins.xep_0060 import XEP_0060

from adapters.xmpp import Xmpp, devices, published, stanzas
from adapters.xmpp.adhoc import COMMANDS
from adapters.xmpp.hearing import Hearing
from adapters.xmpp.omemo import Omemo
from adapters.xmpp.prekeys import PreKeys
from adapters.xmpp.ratchets import REMEMBERED, Unit
from adapters.xmpp.stream import Stream
from core.message import (
    CONFIRMED,
    Changed,
    Event,
    Exposed,
    File,
    Inbound,
    Later,
    Secret,
    Unsent,
)
from tests.conftest import need_program
from tests.platforms.omemo import Keys, OmemoPhone, OmemoPlatform
from tests.platforms.prosody import Network
from tests.test_contract import Gateway, text, to
from tests.test_xmpp import asked


@pytest.fixture(params=[False, True], ids=["no archive", "archive"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    need_program("prosody")
    platform = OmemoPlatform(archive=request.param)
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await platform.stop()


def without_archive(test: Any) -> Any:
    return pytest.mark.parametrize("gateway", [False], indirect=True, ids=["no archive"])(test)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the gateway writes, as it is before TLS."""
    written: list[str] = []
    send_raw = Stream.send_raw

    def noted(self: Stream, data: str) -> None:
        written.append(data)
        send_raw(self, data)

    monkeypatch.setattr(Stream, "send_raw", noted)
    return written


async def person(gateway: Gateway) -> OmemoPhone:
    phone = await gateway.platform.phone()
    assert isinstance(phone, OmemoPhone)
    return phone


def platform(gateway: Gateway) -> OmemoPlatform:
    assert isinstance(gateway.platform, OmemoPlatform)
    return gateway.platform


def hearing(gateway: Gateway) -> Hearing:
    assert isinstance(gateway.adapter, Xmpp)
    assert gateway.adapter._hearing is not None
    return gateway.adapter._hearing


def omemo(gateway: Gateway) -> Omemo:
    assert isinstance(gateway.adapter, Xmpp)
    assert gateway.adapter._private is not None
    return gateway.adapter._private.omemo


async def another(gateway: Gateway, phone: OmemoPhone, keys: Keys | None = None) -> OmemoPhone:
    """Another client of the same person's account. keys: of one that was there before."""
    user = phone.address.handle.partition("@")[0]
    return await platform(gateway).device(user, keys=keys)


async def hang_up(gateway: Gateway, phone: OmemoPhone) -> None:
    platform(gateway).phones.remove(phone)
    await phone.hang_up()


async def crash(gateway: Gateway) -> None:
    """The process is gone: no acknowledgement, no goodbye."""
    network: Network = platform(gateway).network
    network.refuse = True
    network.cut()
    await gateway.stop()
    network.refuse = False


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # nothing tells when it changes
            await asyncio.sleep(0.01)


def lists(patch: pytest.MonkeyPatch, phone: OmemoPhone, numbers: list[int]) -> None:
    """Their server says that they have these devices."""
    devices = published.devices

    async def said(ask: published.Ask, jid: str | None) -> list[int]:
        return numbers if jid == phone.address.handle else await devices(ask, jid)

    patch.setattr(published, "devices", said)


async def greeted(gateway: Gateway) -> OmemoPhone:
    """Somebody with whom a session stands, in both directions."""
    phone, before = await person(gateway), len(gateway.heard)
    await phone.say("hello")
    await gateway.until(before + 1)
    await gateway.adapter.send(to(phone, "welcome", "k0"))
    assert (await phone.next()).text == "welcome"
    return phone


async def they_talk(gateway: Gateway, phone: OmemoPhone, key: str) -> None:
    """Each reads the other."""
    before = len(gateway.heard)
    await phone.say(f"question {key}")
    event = (await gateway.until(before + 1))[-1]
    assert isinstance(event, Inbound)
    assert (event.text, event.encrypted) == (f"question {key}", True)
    await gateway.adapter.send(to(phone, f"answer {key}", key))
    assert (await phone.next()).text == f"answer {key}"


def inbound(event: Event) -> Inbound:
    assert isinstance(event, Inbound)
    return event


# ------------------------------------------------------------------- what is said


async def test_what_is_written_encrypted_is_heard_and_answered_encrypted(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    event = inbound(gateway.heard[0])
    assert (event.encrypted, event.files, event.native) != (False, (), "")
    for i in range(3):
        await they_talk(gateway, phone, str(i))


@without_archive
async def test_nothing_beside_an_encrypted_message_can_be_read(
    gateway: Gateway, wire: list[str]
) -> None:
    phone = await greeted(gateway)
    own = await phone.say("my brother was arrested")
    await gateway.until(2)
    out = to(phone, "in which city?", "k1", answers_to=own, quote="my brother", language="fa")
    native = await gateway.adapter.send(out)
    seen = await phone.next()
    assert (seen.text, seen.answers_to) == ("in which city?", own)
    await gateway.adapter.send(to(phone, "where?", "k2", replaces=native, language="fa"))
    seen = await phone.next()
    assert (seen.text, seen.replaces) == ("where?", native)
    written = "".join(wire)
    assert written.count("<payload") == 3
    assert set(phone.bodies) == {stanzas.UNREADABLE}
    for secret in ("city", "where", "brother", "welcome", "xml:lang='fa'"):
        assert secret not in written


@without_archive
async def test_twenty_messages_at_once_are_read_in_order_either_way(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    sealed = [await phone.encrypted(phone.message(f"in {i}")) for i in range(20)]
    for message in sealed:
        message.send()
    outs = [to(phone, f"out {i}", f"o{i}") for i in range(20)]
    await asyncio.gather(*(gateway.adapter.send(out) for out in outs))
    heard = await gateway.until(21)
    assert [text(e) for e in heard[1:]] == [f"in {i}" for i in range(20)]
    assert [(await phone.next()).text for _ in range(20)] == [f"out {i}" for i in range(20)]


@without_archive
async def test_strangers_who_picked_the_same_key_are_all_read(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.stop()
    gateway.safe.kept.clear()
    get_bundle = PreKeys.get_bundle

    async def with_one_key(self: PreKeys, jid: str, device: int) -> BundleImpl:
        whole = await get_bundle(self, jid, device)
        key, id = min(whole.pre_key_ids.items(), key=lambda item: item[1])
        bundle = whole.bundle._replace(pre_keys=frozenset({key}))
        return BundleImpl(jid, device, bundle, whole.signed_pre_key_id, {key: id})

    monkeypatch.setattr(PreKeys, "get_bundle", with_one_key)
    await gateway.start()
    await omemo(gateway).ready.wait()
    phones = [await person(gateway) for _ in range(3)]
    for message in [await phone.encrypted(phone.message("hello")) for phone in phones]:
        message.send()
    heard = [inbound(event) for event in await gateway.until(3)]
    assert [(event.text, event.encrypted) for event in heard] == [("hello", True)] * 3
    for phone in phones:
        await they_talk(gateway, phone, phone.address.handle)


@without_archive
async def test_a_used_key_is_destroyed_after_its_time(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def account() -> tuple[int, int]:
        """-> one-time keys that there are, and of those, used."""
        kept = json.loads(gateway.safe.kept["account"].value or b"")
        return len(kept[f"/{NS}/x3dh"]["pre_keys"]), len(kept.get("/used_pre_keys", {}))

    await greeted(gateway)
    await until(lambda: account() == (101, 1))
    await greeted(gateway)
    await until(lambda: account() == (102, 2))
    monkeypatch.setattr("adapters.xmpp.prekeys.KEPT", 0)
    await greeted(gateway)
    await until(lambda: account() == (101, 1))


async def test_whoever_writes_plain_is_answered_plain_until_they_encrypt_again(
    gateway: Gateway,
) -> None:
    phone = await greeted(gateway)
    phone.encrypts = False
    await phone.say("plain")
    assert inbound((await gateway.until(2))[1]).encrypted is False
    await gateway.adapter.send(to(phone, "plain as well", "k1"))
    while (seen := await phone.next_plain()).text == stanzas.UNREADABLE:
        pass
    assert seen.text == "plain as well"
    phone.encrypts = True
    await gateway.stop()
    await gateway.start()
    await they_talk(gateway, phone, "again")


async def test_a_command_of_the_menu_is_answered_encrypted_to_whoever_writes_so(
    gateway: Gateway, wire: list[str]
) -> None:
    """It names a command and no more; it does not open the chat to the server."""
    phone = await greeted(gateway)
    await asked(phone, "set", f"<command xmlns='{COMMANDS}' node='mine' action='execute'/>")
    heard = inbound((await gateway.until(2))[1])
    assert (heard.text, heard.encrypted) == ("/mine", True)
    await gateway.adapter.send(to(phone, "your needs", "k1"))
    assert (await phone.next()).text == "your needs"
    assert "your needs" not in "".join(wire)


@without_archive
async def test_whoever_wrote_encrypted_is_never_answered_plain(
    gateway: Gateway, wire: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await greeted(gateway)
    with monkeypatch.context() as patch:
        lists(patch, phone, [])
        omemo(gateway)._devices.listed.drop(phone.address.handle)
        with pytest.raises(Unsent):
            await gateway.adapter.send(to(phone, "for nobody else", "k1"))
    assert "for nobody else" not in "".join(wire)
    await gateway.adapter.send(to(phone, "for nobody else", "k1"))
    assert (await phone.next()).text == "for nobody else"


# ------------------------------------------------------------------- whatever breaks


@without_archive
async def test_what_was_not_committed_can_be_read_again_and_what_follows_too(
    gateway: Gateway,
) -> None:
    for begun in (False, True):  # the message that begins the session, and a later one
        phone = await greeted(gateway) if begun else await person(gateway)
        before = len(gateway.heard)
        gateway.refuse = 3
        await phone.say("one")
        await phone.say("two")
        heard = (await gateway.until(before + 2))[before:]
        assert [(text(e), inbound(e).encrypted) for e in heard] == [("one", True), ("two", True)]
        await they_talk(gateway, phone, f"after {begun}")


@pytest.mark.parametrize("begun", [False, True], ids=["the first", "a later one"])
async def test_a_crash_while_a_message_is_heard_loses_nothing(
    gateway: Gateway, begun: bool
) -> None:
    phone = await greeted(gateway) if begun else await person(gateway)
    before, started = len(gateway.heard), asyncio.Event()

    async def stuck(event: Event) -> bool:
        started.set()
        await asyncio.Event().wait()
        return False

    hearing(gateway)._hear = stuck
    await phone.say("half heard")
    await started.wait()
    await phone.say("behind it")
    await crash(gateway)
    await gateway.start()
    heard = (await gateway.until(before + 2))[before:]
    assert [text(e) for e in heard] == ["half heard", "behind it"]
    await they_talk(gateway, phone, "after")


async def test_what_comes_again_after_a_crash_is_known_and_breaks_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await greeted(gateway)
    cursor = gateway.cursor
    with monkeypatch.context() as patch:
        patch.setattr(Stream, "ack_soon", lambda self: None)
        for i in range(3):
            await they_talk(gateway, phone, str(i))
        await crash(gateway)
    gateway.cursor = cursor
    gateway.ids.clear()  # whatever is handed on again is seen
    count = len(gateway.heard)
    await gateway.start()
    await they_talk(gateway, phone, "after")
    assert len(gateway.heard) == count + 1


async def test_a_restart_keeps_every_session(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    device = (await omemo(gateway).device.information()).device_id
    for i in range(2):
        await gateway.stop()
        await phone.say(f"away {i}")
        await gateway.start()
        assert text((await gateway.until(2 + 2 * i))[-1]) == f"away {i}"
        await they_talk(gateway, phone, str(i))
    await omemo(gateway).ready.wait()
    assert (await omemo(gateway).device.information()).device_id == device


@without_archive
async def test_a_second_device_reads_along_and_is_told_of(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    second = await another(gateway, phone)
    await second.say("from my tablet")
    changed, event = (await gateway.until(3))[1:]
    assert changed == Changed(phone.address)
    assert (text(event), inbound(event).encrypted) == ("from my tablet", True)
    await gateway.adapter.send(to(phone, "to both", "k1"))
    assert [(await p.next()).text for p in (phone, second)] == ["to both"] * 2
    await phone.say("from my phone")
    assert [text(e) for e in (await gateway.until(4))[3:]] == ["from my phone"]


@without_archive
async def test_a_device_that_only_reads_is_told_of_before_it_does(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    await another(gateway, phone)
    omemo(gateway)._devices.listed.drop(phone.address.handle)
    await gateway.adapter.send(to(phone, "to whom?", "k1"))
    assert (await gateway.until(2))[1] == Changed(phone.address)
    await gateway.adapter.send(to(phone, "once", "k2"))
    assert len(gateway.heard) == 2


@without_archive
@pytest.mark.parametrize("restart", [False, True])
async def test_what_is_sensitive_goes_to_no_new_keys_before_they_are_confirmed(
    gateway: Gateway, restart: bool
) -> None:
    """The server adds a device to the account, or somebody signs in with a stolen password."""
    phone = await greeted(gateway)
    await gateway.adapter.send(to(phone, "for you", "k1", sensitive=True))
    assert (await phone.next()).text == "for you"
    thief = await another(gateway, phone)
    omemo(gateway)._devices.listed.drop(phone.address.handle)
    for key in ("k2", "k3"):
        with pytest.raises(Exposed):
            await gateway.adapter.send(to(phone, "secret", key, sensitive=True))
    assert gateway.heard[1:] == [Changed(phone.address)]
    await gateway.adapter.send(to(phone, "known to all", "k4"))
    for each in (phone, thief):
        assert (await each.next()).text == "known to all"
    confirmed = Secret(f"{CONFIRMED} {phone.address.handle}", b"1", phone.address.handle)
    if restart:
        await gateway.stop()
        gateway.safe.put([confirmed])
        await gateway.start()
    else:
        gateway.safe.put([confirmed])
        gateway.adapter.confirmed(phone.address.handle)
    await gateway.adapter.send(to(phone, "secret", "k5", sensitive=True))
    for each in (phone, thief):
        assert (await each.next()).text == "secret"
    assert confirmed.name not in gateway.safe.kept


async def test_a_client_put_in_anew_goes_on_with_new_keys(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    await hang_up(gateway, phone)
    again = await another(gateway, phone)
    await again.say("I lost my phone")
    changed, event = (await gateway.until(3))[1:]
    assert changed == Changed(phone.address)
    assert (text(event), inbound(event).encrypted) == ("I lost my phone", True)
    await they_talk(gateway, again, "new")


@without_archive
async def test_the_same_device_number_with_new_keys_goes_on(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await greeted(gateway)
    number, nothing = phone.number, slixmpp.Iq()
    nothing["type"], nothing["error"]["condition"] = "error", "item-not-found"
    await hang_up(gateway, phone)

    async def empty(*args: object, **more: object) -> None:
        raise slixmpp.exceptions.IqError(nothing)

    with monkeypatch.context() as patch:  # it sees no list on which the number stands
        dice = "omemo.session_manager.secrets.randbelow"
        patch.setattr(dice, lambda _: number - SessionManager.DEVICE_ID_MIN)
        patch.setattr(XEP_0060, "get_items", empty)
        again = await another(gateway, phone)
    assert again.number == number
    await again.say("me again")
    changed, event = (await gateway.until(3))[1:]
    assert (changed, text(event)) == (Changed(phone.address), "me again")
    await they_talk(gateway, again, "new")


@without_archive
async def test_after_a_lost_database_people_find_the_new_keys(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    lost = (await omemo(gateway).device.information()).device_id
    await gateway.stop()
    gateway.safe.kept.clear()
    await gateway.start()
    await omemo(gateway).ready.wait()
    new = (await omemo(gateway).device.information()).device_id
    await until(lambda: phone.knows(new))
    assert new != lost
    assert phone.active() == [new]
    await they_talk(gateway, phone, "new")


@without_archive
async def test_an_old_backup_regains_the_conversation(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    kept = dict(gateway.safe.kept)
    for i in range(3):
        await they_talk(gateway, phone, str(i))
    await gateway.stop()
    gateway.safe.kept = kept
    await gateway.start()
    await phone.say("can you read me?")
    event = inbound((await gateway.until(5))[4])
    assert (event.files, event.text, event.encrypted) == ((File("encrypted"),), "", False)
    await gateway.adapter.send(to(phone, "please send it again", "again"))
    assert (await phone.next()).text == "please send it again"
    await they_talk(gateway, phone, "regained")


@without_archive
async def test_whoever_was_forgotten_can_come_back(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    handle = phone.address.handle
    assert any(secret.of == handle for secret in gateway.safe.kept.values())
    gateway.adapter.forget(handle)
    gateway.safe.kept = {n: s for n, s in gateway.safe.kept.items() if s.of != handle}
    ours = b"".join(secret.value or b"" for secret in gateway.safe.kept.values())
    assert handle.encode() not in ours
    await phone.say("I am back")
    assert inbound((await gateway.until(2))[1]).files == (File("encrypted"),)
    await gateway.adapter.send(to(phone, "please send it again", "again"))
    assert (await phone.next()).text == "please send it again"
    await they_talk(gateway, phone, "back")


# ------------------------------------------------------------------- hostile and broken


NS = "eu.siacs.conversations.axolotl"
BROKEN = [
    f"<encrypted xmlns='{NS}'/>",
    f"<encrypted xmlns='{NS}'><header sid='1'/><payload>AAAA</payload></encrypted>",
    f"<encrypted xmlns='{NS}'><header><iv>AAAA</iv></header><payload>AAAA</payload></encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='x'><iv>AA</iv></header><payload>A</payload></encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='-1'><iv>A</iv></header><payload>A</payload></encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='{10**40}'><iv>AA==</iv></header><payload/></encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='٣'><iv>AA==</iv></header><payload/></encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='99'><iv>AAAA</iv></header><payload>AAAA</payload>"
    "</encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='SID'><iv>AAAA</iv><key rid='RID'>AAAA</key></header>"
    "<payload>AAAA</payload></encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='SID'><iv>AAAB</iv><key rid='RID' prekey='true'>MwgB"
    "</key></header><payload>AAAA</payload></encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='SID'><iv>AAAC</iv><key rid='5'>AAAA</key></header>"
    "<payload>AAAA</payload></encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='SID'><iv>!!</iv><key rid='RID'/></header><payload/>"
    "<surprise/></encrypted>",
    f"<encrypted xmlns='{NS}'><header sid='SID'><iv>AAAD</iv>" + "<key rid='5'>AAAA</key>" * 3000 +
    "</header><payload>AAAA</payload></encrypted>",
    f"<encrypted xmlns='{NS}'/><encrypted xmlns='{NS}'/>",
    "<encrypted xmlns='urn:omemo:2'/><encryption xmlns='urn:xmpp:eme:0' namespace='x'/>",
]  # fmt: skip


@without_archive
async def test_broken_messages_are_told_of_and_break_nothing(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    own = (await omemo(gateway).device.information()).device_id
    for i, broken in enumerate(BROKEN):
        inside = broken.replace("SID", str(phone.number)).replace("RID", str(own))
        count = len(gateway.heard)
        phone.raw(f"<message to='{phone.bot}' type='chat' id='b{i}'>{inside}</message>")
        await phone.say(f"good {i}")
        heard = await gateway.until(count + 1)
        if inbound(heard[-1]).files:
            assert inbound(heard[-1]).files == (File("encrypted"),)
            heard = await gateway.until(count + 2)
        assert text(heard[-1]) == f"good {i}", i
    await they_talk(gateway, phone, "after")


@without_archive
async def test_a_stranger_s_broken_message_leaves_nothing_behind(gateway: Gateway) -> None:
    phone = await person(gateway)
    inside = BROKEN[7]
    for i in range(5):
        phone.raw(f"<message to='{phone.bot}' type='chat' id='b{i}'>{inside}</message>")
    await gateway.until(5)
    mine = [s.value or b"" for s in gateway.safe.kept.values() if s.of == phone.address.handle]
    assert sum(map(len, mine)) < 400
    await they_talk(gateway, phone, "good")


@without_archive
async def test_a_giant_list_of_devices_is_cut_and_its_owner_still_heard(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await person(gateway)
    asked: list[str] = []
    ask = Stream.ask

    async def noted(self: Stream, query: Element, *args: Any) -> Element:
        asked.append(query.tag)
        return await ask(self, query, *args)

    monkeypatch.setattr(Stream, "ask", noted)
    for turn in range(3):  # others each time
        first = 10_000 * (turn + 1)
        with monkeypatch.context() as patch:
            lists(patch, phone, [*range(first, first + 900), phone.number])
            omemo(gateway)._devices.listed.drop(phone.address.handle)
            await they_talk(gateway, phone, str(turn))
    theirs = [s for s in gateway.safe.kept.values() if s.of == phone.address.handle]
    assert len(theirs) <= devices.MOST + 1
    assert len(asked) < 3 * (devices.MOST + 5)


@without_archive
async def test_garbage_for_keys_holds_up_nobody(gateway: Gateway) -> None:
    phone, bad = await greeted(gateway), await person(gateway)
    for garbage in ("<x xmlns='y'/>", f"<bundle xmlns='{NS}'/>", f"<list xmlns='{NS}'/>"):
        await bad.publish(f"{NS}.bundles:{bad.number}", garbage)
        count = len(gateway.heard)
        await bad.say("hello")
        assert inbound((await gateway.until(count + 1))[-1]).files == (File("encrypted"),)
        await they_talk(gateway, phone, garbage)
    await bad.publish(f"{NS}.devicelist", "<list xmlns='y'><device id='x'/></list>")
    await bad.say("hello")
    await gateway.until(len(gateway.heard) + 1)


@without_archive
async def test_a_server_that_does_not_answer_holds_up_its_own_people_alone(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, slow = await greeted(gateway), await person(gateway)
    ask, asked = Stream.ask, asyncio.Event()

    async def silent(self: Stream, query: Element, *args: Any) -> Element:
        if slow.address.handle in args:
            asked.set()
            await asyncio.Event().wait()
        return await ask(self, query, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Stream, "ask", silent)
        await slow.say("hello")
        await asked.wait()
        await they_talk(gateway, phone, "meanwhile")
    platform(gateway).network.cut()  # the question is asked again on the next connection
    await until(lambda: "hello" in [text(e) for e in gateway.heard[2:]])


@without_archive
async def test_an_answer_waits_for_no_message_that_waits_for_it(gateway: Gateway) -> None:
    """The gateway hears somebody's quick reply only once what they reply to is recorded as sent."""
    phone = await greeted(gateway)
    sent, hear = asyncio.Event(), gateway.hear

    async def waits(event: Event) -> bool:
        await sent.wait()
        return await hear(event)

    hearing(gateway)._hear = waits
    await phone.say("1")
    await until(lambda: phone.address.handle in omemo(gateway)._locks)
    with pytest.raises(Later):
        await gateway.adapter.send(to(phone, "2", "k2"))
    sent.set()
    await gateway.until(2)
    hearing(gateway)._hear = hear
    await gateway.adapter.send(to(phone, "2", "k2"))
    assert (await phone.next()).text == "2"


@without_archive
async def test_whoever_shows_keys_to_contacts_alone_is_asked_to_let_the_gateway_be_one(
    gateway: Gateway,
) -> None:
    phone = await person(gateway)
    await phone.only_for_contacts()
    phone.client.auto_authorize = None
    asked: asyncio.Queue[str] = asyncio.Queue()
    phone.client.add_event_handler(
        "presence_subscribe", lambda presence: asked.put_nowait(presence["from"].bare)
    )
    for _ in range(2):  # asked once
        await phone.say("hello")
    heard = await gateway.until(2)
    assert {inbound(event).files for event in heard} == {(File("encrypted"),)}
    assert await asyncio.wait_for(asked.get(), 10) == phone.bot
    phone.client.send_presence(pto=phone.bot, ptype="subscribed")
    await they_talk(gateway, phone, "as contacts")
    assert asked.empty()


# ------------------------------------------------------------------- for the operator


async def test_the_fingerprint_is_logged_and_shown(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    phone = await greeted(gateway)
    fingerprint = await omemo(gateway).device.fingerprint()
    assert fingerprint == phone.fingerprint_of_the_bot()
    assert fingerprint in await gateway.platform.adapter().check()
    caplog.set_level(logging.INFO)
    await gateway.stop()
    await gateway.start()
    await until(lambda: fingerprint in caplog.text)


@without_archive
async def test_what_others_published_for_the_account_is_taken_off(gateway: Gateway) -> None:
    phone = await greeted(gateway)
    own = await platform(gateway).device(phone.bot.partition("@")[0])
    await until(lambda: phone.knows(own.number))
    assert own.number in phone.active()
    await hang_up(gateway, own)
    await gateway.stop()
    await gateway.start()
    await until(lambda: own.number not in phone.active())
    await they_talk(gateway, phone, "alone")


async def test_without_pep_everything_else_works(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await greeted(gateway)
    await gateway.stop()
    gateway.safe.kept.clear()
    monkeypatch.setattr("adapters.xmpp.published.PUBSUB", "urn:nothing:of:the:kind")
    await gateway.start()
    await phone.say("encrypted")
    assert inbound((await gateway.until(2))[1]).files == (File("encrypted"),)
    await gateway.adapter.send(to(phone, "I can't read that", "k1"))
    while (seen := await phone.next_plain()).text == stanzas.UNREADABLE:
        pass
    assert seen.text == "I can't read that"


# ------------------------------------------------------------------- what is remembered


def test_messages_are_known_again_and_not_for_ever() -> None:
    unit = Unit("ana@a.org", {})
    nonces = [f"nonce {i}" for i in range(5 * REMEMBERED)]
    for nonce in nonces:
        assert not unit.repeats(1, nonce)
        unit.remember(1, nonce)
    assert all(unit.repeats(1, nonce) for nonce in nonces[-REMEMBERED:])
    assert not unit.repeats(2, nonces[-1])
    (secret,) = unit.changes()
    assert isinstance(secret, Secret)
    assert len(secret.value or b"") < 2500
    unit.count()
    assert unit.changes() == ()
    unit.drop(1)
    assert unit.changes() == (Secret("ana@a.org 1", None, "ana@a.org"),)


async def test_the_library_waits_for_nothing_but_servers(gateway: Gateway) -> None:
    """Two people's messages share the account's keys without a lock: between two questions to a
    server the library must never let go."""
    phone = await greeted(gateway)
    await phone.say("now")
    await gateway.until(2)
    own = omemo(gateway)
    async with own.alone(phone.address.handle) as unit:
        own._devices.listed.note(phone.address.handle)
        step = own.encrypt(unit, "at once")
        with pytest.raises(StopIteration):
            step.send(None)
