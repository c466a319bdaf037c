"""A conversation's own encrypted room on Matrix, and the thread where it goes on without one. Real
Synapse; people on the library under Element."""

from __future__ import annotations

import json
import pathlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web

from core import outbox, people
from core.actions import needs, offers
from core.message import Address, Event, Gone, Overheard
from core.store import Book
from tests.echo import begin
from tests.forked import Forked
from tests.platforms.element import ElementPhone, ElementPlatform
from tests.platforms.matrix import API, PASSWORD, MatrixPhone, MatrixPlatform
from tests.test_contract import JPEG, Gateway, to
from tests.test_element import introduced, node
from tests.test_matrix import inbound, until
from tests.world import World, database

__all__ = ["node"]


@pytest.fixture
async def gateway(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    monkeypatch.setattr("adapters.matrix.talks.GRACE", 0.0)
    platform = ElementPlatform()
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await platform.stop()


async def say(gateway: Gateway, phone: ElementPhone, words: str, **more: Any) -> str:
    """The gateway says something that belongs to the conversation "c1"."""
    return await gateway.adapter.send(to(phone, words, words, **({"conversation": "c1"} | more)))


async def heard(gateway: Gateway, number: int) -> Event:
    return (await gateway.until(number + 1))[number]


async def with_a_room(gateway: Gateway) -> tuple[ElementPhone, str, str]:
    """-> somebody who accepted the invitation into a conversation's room, her direct room, that."""
    phone = await introduced(gateway)
    direct = phone.room or ""
    await say(gateway, phone, "you talk with Grey Heron")
    assert (await phone.hears())["room"] == direct
    room = (await phone.invited())["room"]
    await phone.join(room)
    event = await phone.hears()
    assert (event["room"], event["content"]["body"]) == (room, "you talk with Grey Heron")
    await until(lambda: in_room(gateway, phone, room))
    return phone, direct, room


async def in_room(gateway: Gateway, phone: ElementPhone, room: str) -> bool:
    """Whether the gateway knows that she is there."""
    talks = gateway.adapter._talks  # type: ignore[attr-defined]
    return bool(talks.fits(talks.of(phone.user, "c1")))


async def bot(gateway: Gateway, method: str, path: str, body: object) -> Any:
    """What the bot's account is made to do, by whoever has its homeserver."""
    folder = pathlib.Path(gateway.platform.disk.name)  # type: ignore[attr-defined]
    token = json.loads((folder / "matrix" / "session.json").read_text())["access_token"]
    synapse = gateway.platform.synapse  # type: ignore[attr-defined]
    return synapse.ask(method, path, body, token)


async def bot_is_gone(phone: ElementPhone, room: str) -> bool:
    return not await phone.joined(room, phone.bot)


async def test_a_conversation_has_a_room_of_its_own_that_says_nothing(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    direct = phone.room
    first = await say(gateway, phone, "you talk with Grey Heron")
    event = await phone.hears()
    assert (event["room"], event["id"], event["relation"]) == (direct, first, None)
    invitation = await phone.invited()
    assert invitation["direct"]
    shows = invitation["shows"]
    assert not {"m.room.name", "m.room.topic", "m.room.avatar", "m.room.canonical_alias"} & {*shows}
    assert "Heron" not in str(shows)

    await say(gateway, phone, "before she comes")
    event = await phone.hears()
    assert event["room"] == direct
    assert (event["relation"]["rel_type"], event["relation"]["event_id"]) == ("m.thread", first)

    await phone.join(invitation["room"])
    event = await phone.hears()
    assert event["room"] == invitation["room"]
    assert event["content"]["body"] == "you talk with Grey Heron"
    assert (event["encrypted"], event["shield"], event["failed"]) == (True, 0, None)
    await until(lambda: in_room(gateway, phone, invitation["room"]))
    await say(gateway, phone, "do you know who took him?")
    event = await phone.hears()
    assert (event["room"], event["relation"]) == (invitation["room"], None)
    assert (event["encrypted"], event["shield"]) == (True, 0)
    await gateway.adapter.send(to(phone, "an alert", "alert"))
    assert (await phone.hears())["room"] == direct
    state = await phone.ask("GET", f"{API}/rooms/{quote(invitation['room'])}/state")
    kinds = {each["type"]: each["content"] for each in state}
    assert kinds["m.room.encryption"]["algorithm"] == "m.megolm.v1.aes-sha2"
    assert kinds["m.room.join_rules"]["join_rule"] == "invite"
    assert kinds["m.room.history_visibility"]["history_visibility"] == "invited"
    assert kinds["m.room.create"]["m.federate"] is False
    assert not {"m.room.name", "m.room.topic", "m.room.canonical_alias"} & {*kinds}
    third = {"user_id": "@third:test.local"}
    with pytest.raises(
        aiohttp.ClientResponseError, match="403"
    ):  # she can be made to let nobody in
        await phone.ask("POST", f"{API}/rooms/{quote(invitation['room'])}/invite", third)


async def test_all_that_a_chat_can_do_works_in_the_room(gateway: Gateway) -> None:
    phone, direct, room = await with_a_room(gateway)
    native = await say(gateway, phone, "first")
    assert (await phone.next()).text == "first"
    own = await phone.say("mine")
    event = inbound(await heard(gateway, 1))
    assert (event.text, event.conversation, event.encrypted) == ("mine", "c1", True)
    assert event.native == f"{room} {own}"
    await phone.say("to the first", reply_to=native.split()[1])
    event = inbound(await heard(gateway, 2))
    assert (event.answers_to, event.conversation) == (native, "c1")
    await phone.edit(own, "mine, but better")
    event = inbound(await heard(gateway, 3))
    assert (event.edits, event.text) == (f"{room} {own}", "mine, but better")
    await say(gateway, phone, "to yours", answers_to=f"{room} {own}")
    seen = await phone.next()
    assert (seen.text, seen.answers_to) == ("to yours", own)
    assert await say(gateway, phone, "corrected", replaces=native) == native
    assert (await phone.next()).replaces == native.split()[1]
    await say(gateway, phone, "a picture", picture=JPEG)
    assert (await phone.hears())["content"]["file"]["v"] == "v2"
    await phone.say_in_thread("inside", native.split()[1])
    event = inbound(await heard(gateway, 4))
    assert (event.thread, event.answers_to) == (native, native)
    await say(gateway, phone, "inside too", thread=native)
    assert (await phone.next()).thread == native.split()[1]
    await phone.delete(own)
    event = inbound(await heard(gateway, 5))
    assert (event.native, event.deleted, event.conversation) == (f"{room} {own}", True, "c1")
    await gateway.adapter.unsend(phone.address, [native])
    path = f"{API}/rooms/{quote(room)}/event/{quote(native.split()[1])}"
    assert (await phone.ask("GET", path))["content"] == {}

    # what refers to the other room refers to nothing
    await phone.enter(direct)
    asked = await phone.say("in the direct room")
    assert inbound(await heard(gateway, 6)).conversation is None
    await say(gateway, phone, "no reply", answers_to=asked)
    assert (await phone.hears())["relation"] is None


async def test_two_conversations_are_never_mixed_up(gateway: Gateway) -> None:
    phone, _, room = await with_a_room(gateway)
    await say(gateway, phone, "you talk with Blue Lark", conversation="c2")
    assert (await phone.hears())["room"] != room
    other = (await phone.invited())["room"]
    assert other != room
    await phone.join(other)
    await phone.hears()
    for place, conversation in ((room, "c1"), (other, "c2"), (room, "c1")):
        await phone.enter(place)
        await phone.say(f"to {conversation}")
    said = [inbound(event) for event in (await gateway.until(4))[1:]]
    assert [(e.text, e.conversation) for e in said] == [
        ("to c1", "c1"), ("to c2", "c2"), ("to c1", "c1"),
    ]  # fmt: skip


async def test_a_restart_keeps_the_rooms(gateway: Gateway) -> None:
    phone, _, room = await with_a_room(gateway)
    await say(gateway, phone, "first")
    assert (await phone.hears())["room"] == room
    await gateway.stop()
    await phone.say("while you were away")
    await gateway.start()
    event = inbound(await heard(gateway, 1))
    assert (event.text, event.conversation) == ("while you were away", "c1")
    await say(gateway, phone, "second")
    event = await phone.hears()
    assert (event["room"], event["content"]["body"]) == (room, "second")
    assert phone.user not in str(gateway.safe.kept.keys() - {*_names_of(gateway, phone)})


def _names_of(gateway: Gateway, phone: ElementPhone) -> list[str]:
    """What is erased with her: everything that names her must be of her."""
    return [name for name, secret in gateway.safe.kept.items() if secret.of == phone.user]


@pytest.mark.parametrize("after", ["declining", "leaving"])
async def test_without_the_room_it_goes_on_in_a_thread(gateway: Gateway, after: str) -> None:
    phone = await introduced(gateway)
    direct = phone.room
    first = await say(gateway, phone, "you talk with Grey Heron")
    await phone.hears()
    room = (await phone.invited())["room"]
    if after == "leaving":
        await phone.join(room)
        await phone.hears()
        await until(lambda: in_room(gateway, phone, room))
        await say(gateway, phone, "here")
        assert (await phone.hears())["room"] == room
    await phone.leave(room)
    await phone.enter(direct)
    await until(lambda: never(gateway, phone))
    await say(gateway, phone, "going on")
    event = await phone.hears()
    if event["room"] == room:  # what a declined invitation lets a client read, sooner or later
        event = await phone.hears()
    assert (event["room"], event["relation"]["event_id"]) == (direct, first)
    await phone.say_in_thread("I too", first)
    event = inbound(await heard(gateway, 1))
    assert (event.thread, event.answers_to, event.conversation) == (first, first, None)
    await gateway.stop()
    await gateway.start()
    await say(gateway, phone, "also after a restart")
    event = await phone.hears()
    assert (event["room"], event["relation"]["event_id"]) == (direct, first)
    assert gateway.platform.line.count("/createRoom") == 1  # type: ignore[attr-defined]


async def never(gateway: Gateway, phone: ElementPhone) -> bool:
    talk = gateway.adapter._talks.of(phone.user, "c1")  # type: ignore[attr-defined]
    return bool(talk.never and not talk.room)


async def test_a_third_person_ends_the_room_and_she_is_told(gateway: Gateway) -> None:
    phone, direct, room = await with_a_room(gateway)
    third = await gateway.platform.phone()
    assert isinstance(third, ElementPhone)
    await bot(gateway, "POST", f"{API}/rooms/{quote(room)}/invite", {"user_id": third.user})
    await third.ask("POST", f"{API}/rooms/{quote(room)}/join", {})
    assert (await heard(gateway, 1)) == Overheard(phone.address, "c1", gateway.cursor)
    await phone.say("is somebody there?")
    await until(lambda: bot_is_gone(phone, room))
    await say(gateway, phone, "a secret")
    event = await phone.hears()
    assert (event["room"], event["content"]["body"]) == (direct, "a secret")
    await phone.enter(direct)
    await phone.say("here")
    assert inbound(await heard(gateway, 2)).text == "here"


async def test_a_conversation_that_is_over_takes_its_room_with_it(gateway: Gateway) -> None:
    phone, direct, room = await with_a_room(gateway)
    await gateway.adapter.end(phone.address, "c1")
    await gateway.adapter.end(phone.address, "c1")
    assert not [name for name in gateway.safe.kept if name.startswith("talk")]
    await phone.enter(direct)
    await phone.say("still here")
    assert inbound(await heard(gateway, 1)).conversation is None
    await until(lambda: bot_is_gone(phone, room))


async def test_what_is_written_where_a_conversation_was_is_of_none(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.matrix.talks.GRACE", 3600.0)
    phone, direct, _ = await with_a_room(gateway)
    await gateway.adapter.end(phone.address, "c1")
    await phone.say("are you there?")
    event = inbound(await heard(gateway, 1))
    assert (event.text, event.conversation) == ("are you there?", "")
    await gateway.adapter.send(to(phone, "no", "k"))
    assert (await phone.hears())["room"] == direct


@pytest.mark.parametrize("restarted", [False, True])
async def test_whoever_is_forgotten_leaves_nothing_there(
    gateway: Gateway, restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.matrix.talks.GRACE", 3600.0)
    phone, _, room = await with_a_room(gateway)
    native = await say(gateway, phone, "first")
    assert (await phone.next()).text == "first"
    safe = gateway.safe
    if restarted:
        await gateway.stop()
    safe.kept = {n: s for n, s in safe.kept.items() if s.of != phone.user}
    if restarted:
        await gateway.start()
    else:
        gateway.adapter.forget(phone.user)
    await gateway.adapter.unsend(phone.address, [native])  # as the gateway does, then
    path = f"{API}/rooms/{quote(room)}/event/{quote(native.split()[1])}"
    assert (await phone.ask("GET", path))["content"] == {}
    monkeypatch.setattr("adapters.matrix.talks.GRACE", 0.0)
    gateway.adapter._talks._leaving.clear()  # type: ignore[attr-defined]
    await phone.say("hello again")
    await until(lambda: bot_is_gone(phone, room))


async def test_a_lost_safe_leaves_the_rooms_and_goes_on(gateway: Gateway) -> None:
    phone, direct, room = await with_a_room(gateway)
    await gateway.stop()
    gateway.safe.kept = {"seeds": gateway.safe.kept["seeds"]}
    await gateway.start()
    await until(lambda: bot_is_gone(phone, room))
    await phone.enter(direct)
    await phone.say("hello?")
    assert inbound(await heard(gateway, 1)).text == "hello?"
    await say(gateway, phone, "it goes on")
    event = await phone.hears()
    assert (event["room"], event["relation"]) == (direct, None)
    again = (await phone.invited())["room"]
    assert again != room


async def test_a_homeserver_that_makes_no_rooms_holds_up_nothing(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    line = gateway.platform.line  # type: ignore[attr-defined]
    for count, (status, code) in enumerate(
        [(403, "M_FORBIDDEN"), (502, "?"), (429, "M_LIMIT_EXCEEDED")], 1
    ):
        refusal = (status, {"errcode": code})
        line.lie = lambda r, refusal=refusal: refusal if "createRoom" in r.path else None
        first = await say(gateway, phone, f"{code} begins", conversation=code)
        await say(gateway, phone, f"{code} goes on", conversation=code)
        assert (await phone.next()).native == first
        assert (await phone.next()).thread == first
        assert line.count("/createRoom") == count
        await phone.say_in_thread("I too", first)
        assert inbound(await heard(gateway, count)).answers_to == first


async def test_a_homeserver_gives_no_room_that_is_somebody_else_s(gateway: Gateway) -> None:
    """It names a room where she talks about everything as the one that it made."""
    phone, other = await introduced(gateway), await introduced_too(gateway)
    line = gateway.platform.line  # type: ignore[attr-defined]
    for room in (phone.room, other.room):
        line.lie = lambda r, room=room: (200, {"room_id": room}) if "createRoom" in r.path else None
        await say(gateway, phone, f"you talk, {room}", conversation=f"about {room}")
        await phone.hears()
        await say(gateway, phone, f"going on, {room}", conversation=f"about {room}")
        assert (await phone.hears())["relation"]["rel_type"] == "m.thread"
    await phone.say("to the gateway")
    assert inbound(await heard(gateway, 2)).conversation is None


async def introduced_too(gateway: Gateway) -> ElementPhone:
    phone = await gateway.platform.phone()
    assert isinstance(phone, ElementPhone)
    await phone.say("hello")
    await gateway.until(2)
    return phone


async def test_whoever_leaves_the_chat_with_us_leaves_their_conversations(
    gateway: Gateway,
) -> None:
    phone, direct, room = await with_a_room(gateway)
    await phone.leave(direct)
    await until(lambda: bot_is_gone(phone, room))
    with pytest.raises(Gone):
        await say(gateway, phone, "anybody?")


async def test_in_clear_everything_stays_in_one_line(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    assert isinstance(phone, ElementPhone)
    await phone.make_room(encrypted=False, preset="private_chat")
    await phone.say("hello")
    await gateway.until(1)
    for words in ("you talk with Grey Heron", "going on"):
        await say(gateway, phone, words)
        assert (await phone.hears())["relation"] is None
    assert not gateway.platform.line.count("/createRoom")  # type: ignore[attr-defined]


@pytest.mark.parametrize("cut", ["createRoom", "send"])
async def test_killed_while_it_makes_a_room_it_makes_one_and_says_everything_once(
    cut: str, tmp_path: pathlib.Path
) -> None:
    """With SIGKILL, when the homeserver has done it and the answer is on its way."""
    platform = ElementPlatform()
    await platform.start()
    line = platform.line

    def start() -> Forked:
        return Forked(begin, line.url, platform.bot, PASSWORD, str(tmp_path))

    def holds(request: web.Request) -> bool:
        made = line.count("/createRoom") == 1
        return made and f"/{cut}" in request.path and request.method in ("POST", "PUT")

    phone = await platform.phone()
    echo = start()
    try:
        await until(lambda: published(phone), 60)
        line.holds = holds
        await phone.say("talk with Grey Heron")
        event = await phone.hears(60)
        assert event["room"] == phone.room
        await line.held.wait()
        await echo.kill()
        line.holds = lambda _: False
        echo = start()
        room = (await phone.invited())["room"]
        await phone.join(room)
        event = await phone.hears(60)
        assert (event["room"], event["content"]["body"]) == (room, "talk with Grey Heron")
        heard = phone.client.events
        await phone.say("talk on")
        event = await phone.hears(60)
        assert event["content"]["body"] == "talk on"
        assert heard.empty()
        assert line.count("/createRoom") == 1
    finally:
        await echo.kill()
        await platform.stop()


async def published(phone: ElementPhone) -> bool:
    """Whether the gateway can be written to."""
    shown = await phone.ask("POST", f"{API}/keys/query", {"device_keys": {phone.bot: []}})
    return bool(shown["device_keys"].get(phone.bot))


# ------------------------------------------------------------------ chats that begin in clear


async def test_a_chat_in_clear_is_encrypted_before_it_is_answered(gateway: Gateway) -> None:
    await (
        gateway.platform.phone()
    )  # the next does not exclude devices that it has not yet asked for
    phone = await gateway.platform.phone()
    assert isinstance(phone, ElementPhone)
    await phone.make_room(encrypted=False)
    await phone.say("hello")
    event = inbound(await heard(gateway, 0))
    assert (event.encrypted, event.secured) == (False, True)
    await gateway.adapter.send(to(phone, "welcome", "k1"))
    answer = await phone.hears()
    assert (answer["encrypted"], answer["failed"]) == (True, None)
    await phone.say("and from now on")
    event = inbound(await heard(gateway, 1))
    assert (event.text, event.encrypted, event.secured) == ("and from now on", True, None)
    # whoever writes to us has asked for our keys: from here on there is no shield
    await gateway.adapter.send(to(phone, "so it is", "k1b"))
    answer = await phone.hears()
    assert (answer["encrypted"], answer["shield"], answer["failed"]) == (True, 0, None)
    await gateway.stop()
    await gateway.start()
    await gateway.adapter.send(to(phone, "for your eyes only", "k2", sensitive=True))
    assert (await phone.hears())["encrypted"]


async def test_where_we_may_not_turn_it_on_it_is_said_how(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    assert isinstance(phone, ElementPhone)
    await phone.make_room(encrypted=False, preset="private_chat")
    for number in range(2):
        await phone.say("hello")
        event = inbound(await heard(gateway, number))
        assert (event.encrypted, event.secured) == (False, False)
    await gateway.adapter.send(to(phone, "welcome", "k1"))
    assert not (await phone.hears())["encrypted"]


async def test_whoever_cannot_encrypt_is_served_in_clear(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await gateway.platform._register("person")  # type: ignore[attr-defined]
    synapse = gateway.platform.synapse  # type: ignore[attr-defined]
    plain = MatrixPhone(synapse, account, gateway.platform.bot, "en")  # type: ignore[attr-defined]
    await plain.say("hello")
    assert inbound(await heard(gateway, 0)).secured is None
    await gateway.adapter.send(to(plain, "welcome", "k1"))
    assert (await plain.next()).text == "welcome"

    # an account with keys on one phone, and a client on another that knows nothing of it
    monkeypatch.setattr("adapters.matrix.securing._BY_THEN", 0.0)
    phone = await gateway.platform.phone()
    assert isinstance(phone, ElementPhone)
    other = MatrixPhone(
        synapse, {"user_id": phone.user, "access_token": phone.token}, phone.bot, ""
    )
    await other.say("hello")
    assert inbound(await heard(gateway, 1)).secured
    await other.say("what is this?")
    assert not inbound(await heard(gateway, 2)).encrypted
    await other.make_room()
    await other.say("hello again")
    assert inbound(await heard(gateway, 3)).secured is None
    await gateway.adapter.send(to(phone, "hello to you", "k2"))
    assert (await other.next()).text == "hello to you"


# ------------------------------------------------------------------ through the whole gateway


def accepted(book: Book, asking: Address, helping: Address) -> None:
    """Both are here already; now one helps the other."""
    asker, helper = (people.at(book, address)[0] for address in (asking, helping))  # type: ignore[index]
    posted = {"text": "I need a journalist", "skills": ["journalism"], "country": "DE"}
    needs.post_need(book, asker, **posted, audience=0, language="en", days=30)  # type: ignore[arg-type]
    code = book.value("select code from needs where id not in (select need from offers)")
    offers.offer(book, helper, code=code, text="I can", language="en")
    offer = book.value("select id from offers where person = :who", who=helper.id)
    outbox.put(book, offers.accept(book, asker, offer))


async def talk(world: World, asker: str, helper: str) -> str:
    """They are brought together; the asker accepts the invitation. -> the room."""
    one, other = (world.players[name].phone.address for name in (asker, helper))
    await world.gateway.do(partial(accepted, asking=one, helping=other))
    for name in (asker, helper):
        await world.sees(name, "You are now talking with")
    return await entered(world, asker, "You are now talking with")


async def entered(world: World, name: str, words: str) -> str:
    """Somebody accepts the next invitation. -> the room, where words are the first message."""
    phone = world.players[name].phone
    assert isinstance(phone, ElementPhone)
    room = str((await phone.invited())["room"])
    await phone.join(room)
    await world.sees(name, words)
    return room


async def test_what_is_written_in_a_room_goes_to_that_conversation_and_no_other(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.matrix.talks.GRACE", 0.0)
    async with World({"matrix": ElementPlatform()}, database(tmp_path)) as world:
        for name in ("Ana", "Vic", "Eve"):
            await world.join(name, "en", "verified")
        ana = world.players["Ana"].phone
        assert isinstance(ana, ElementPhone)
        direct = ana.room
        with_vic, with_eve = await talk(world, "Ana", "Vic"), await talk(world, "Ana", "Eve")
        assert with_vic != with_eve

        await ana.enter(direct)
        await world.tell("Ana: need\nAna sees: What do you need?")
        # a form is open and Eve wrote last: it is Vic's room all the same
        await ana.enter(with_vic)
        await world.tell("Ana: for Vic\nVic sees: for Vic\nVic: got it\nAna sees: got it")
        await ana.enter(with_eve)
        await world.tell("Ana: 2\nEve sees: │ 2\nEve: two what?\nAna sees: two what?")
        await world.tell("Ana: Help\nAna sees: I need help\nEve sees nothing\nVic sees nothing")
        await ana.enter(direct)
        await world.tell("Ana: cancel\nAna sees: Cancelled")

        await ana.enter(with_vic)
        await world.tell(
            "Ana: stop\nAna sees: alerts\nAna: forget\nAna sees: It cannot be undone\n"
            "Ana presses: Keep\nAna sees: Nothing\n"
            "Vic: still there?\nAna sees: still there?\nAna: yes\nVic sees: yes"
        )
        await world.again()
        await world.tell("Ana: also now\nVic sees: also now\nEve sees nothing")

        # an end: told in the direct chat, and that room is left
        await world.tell("Vic: talk\nVic sees: Whom\nVic: 1\nVic sees: End this conversation")
        await world.tell("Vic presses: End this conversation\nVic sees: can't be opened again")
        await world.tell("Vic presses: End it\nVic sees: is closed")
        await world.tell("Ana sees: is closed")
        await until(lambda: bot_is_gone(ana, with_vic))
        await ana.enter(with_eve)
        await world.tell("Ana: one more\nEve sees: one more")
        await world.tell("Ana: forget\nAna sees: cannot be undone\nAna presses: Forget everything")
        await world.tell("Ana sees: Done.\nEve sees: is closed")
        await ana.enter(direct)
        await world.tell("Ana: hello\nAna sees: Movements")
        await until(lambda: bot_is_gone(ana, with_eve))


# ------------------------------------------------------------------ translators


async def test_what_belongs_to_a_message_stands_in_its_thread(tmp_path: pathlib.Path) -> None:
    story = (pathlib.Path(__file__).parent / "stories" / "three_people_meet.txt").read_text("utf-8")
    begin, _, _ = story.partition('Tom replies to "who took him"')
    async with World({"matrix": MatrixPlatform()}, database(tmp_path)) as world:
        await world.tell(begin)
        tom = world.players["Tom"]
        assert isinstance(tom.phone, MatrixPhone)
        first = next(seen for seen in tom.seen if "کتابخانه" in seen.text)
        passed_on = next(seen for seen in tom.seen if "Passed on" in seen.text)
        assert (first.thread, passed_on.thread) == (None, first.native)

        second = next(seen for seen in tom.seen if "who took him" in seen.text)
        await world.tell("26 minutes pass")
        nudge = await world.sees("Tom", "Are you translating this")
        assert nudge.thread == second.native
        await tom.phone.say_in_thread("1", second.native)  # the line, and no translation
        assert (await world.sees("Tom", "half an hour more")).thread == second.native
        await tom.phone.say_in_thread("?", second.native)
        asked = await world.sees("Tom", "Asked.")
        assert asked.thread == second.native
        await world.sees("Vic", "asks what you mean")
        # in the thread, also a reply to what means nothing by itself
        native = await tom.phone.say_in_thread("چه کسی؟", second.native, reply_to=asked.native)
        assert (await world.sees("Tom", "Passed on")).thread == second.native
        await world.sees("Ana", "چه کسی؟")
        await tom.phone.edit(native, "چه کسی او را برد؟")
        assert (await world.sees("Tom", "Corrected")).thread == second.native
        assert (await world.sees("Ana", "چه کسی او را برد؟")).replaces
