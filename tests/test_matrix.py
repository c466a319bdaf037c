"""What only Matrix can do to the gateway: rooms, positions, sessions, threads. Real Synapse."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import pathlib
import stat
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.matrix.events import left, read, written
from adapters.matrix.lanes import Lanes
from adapters.matrix.rooms import Rooms
from core.message import (
    Address,
    Down,
    Event,
    File,
    Gone,
    Inbound,
    Later,
    Left,
    Outbound,
    Refused,
    Unsent,
)
from tests.platforms.matrix import PASSWORD, MatrixPhone, MatrixPlatform
from tests.safes import Pocket
from tests.test_contract import Gateway, text, to


@pytest.fixture
async def platform() -> AsyncIterator[MatrixPlatform]:
    platform = MatrixPlatform()
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
async def gateway(platform: MatrixPlatform) -> AsyncIterator[Gateway]:
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()


async def introduced(gateway: Gateway) -> MatrixPhone:
    """A person whom the bot has heard once."""
    phone = await gateway.platform.phone()
    assert isinstance(phone, MatrixPhone)
    heard = len(gateway.heard)
    await phone.say("hello")
    await gateway.until(heard + 1)
    return phone


async def until(true: Any, seconds: float = 20) -> None:
    """Waits for what no event announces."""
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.05)


def inbound(event: Event) -> Inbound:
    assert isinstance(event, Inbound)
    return event


# ------------------------------------------------------------------ rooms


async def test_what_was_written_before_the_bot_joined_is_heard(platform: MatrixPlatform) -> None:
    phone = await platform.phone()
    await phone.say("one")
    await phone.say("two")
    gateway = Gateway(platform)
    await gateway.start()
    assert [text(e) for e in await gateway.until(2)] == ["one", "two"]
    await gateway.stop()


@pytest.mark.parametrize("first_start", [True, False])
async def test_an_invitation_survives_a_crash_before_the_bot_joined(
    platform: MatrixPlatform, first_start: bool
) -> None:
    gateway = Gateway(platform)
    await gateway.start()
    known = None if first_start else await introduced(gateway)
    joins = platform.line.count("/join/")
    platform.line.lie = lambda r: (502, "<h1>Bad Gateway</h1>") if "/join/" in r.path else None
    phone = await platform.phone()
    await phone.say("let me in")
    await until(lambda: _is_true(platform.line.count("/join/") > joins))
    if known:
        await known.say("others are heard meanwhile")
        await gateway.until(2)
    await gateway.stop()
    platform.line.lie = lambda _: None
    heard = len(gateway.heard)
    await gateway.start()
    assert text((await gateway.until(heard + 1))[heard]) == "let me in"
    await gateway.stop()


async def _is_true(value: bool) -> bool:
    return value


async def test_a_rescinded_invitation_holds_up_nobody(platform: MatrixPlatform) -> None:
    phone, other = await platform.phone(), await platform.phone()
    room = await phone.make_room()
    gateway = Gateway(platform)
    joins = 0

    def kick_before_the_join(request: web.Request) -> None:
        nonlocal joins
        if "/join/" in request.path and not joins:
            joins += 1
            path = f"/_matrix/client/v3/rooms/{room}/kick"
            platform.synapse.ask("POST", path, {"user_id": platform.bot}, phone.token)

    platform.line.lie = kick_before_the_join
    await gateway.start()
    await other.say("I am still here")
    assert text((await gateway.until(1))[0]) == "I am still here"
    assert joins == 1
    await gateway.stop()


async def test_with_a_third_person_in_the_room_the_bot_is_deaf_and_dumb(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    third = await gateway.platform.phone()
    room = f"/_matrix/client/v3/rooms/{phone.room}"
    await phone.ask("POST", f"{room}/invite", {"user_id": third.address.handle})
    other = await introduced(gateway)  # by now the bot has seen the invitation
    with pytest.raises(Gone):
        await gateway.adapter.send(to(phone, "a secret", "k1"))
    assert isinstance(third, MatrixPhone)
    await third.ask("POST", f"{room}/join", {})
    await phone.say("hello everybody")
    await other.say("later")
    await gateway.until(3)
    assert [text(e) for e in gateway.heard] == ["hello", "hello", "later"]
    with pytest.raises(Gone):
        await gateway.adapter.send(to(phone, "a secret", "k2"))
    await third.leave(phone.room)
    await phone.say("alone again")
    await gateway.until(4)
    await gateway.adapter.send(to(phone, "a secret", "k3"))
    assert (await phone.next()).text == "a secret"


async def test_a_room_that_anyone_may_enter_or_read_is_no_place_for_an_answer(
    gateway: Gateway,
) -> None:
    for preset, more in (
        ("public_chat", {}),
        ("private_chat", {"m.room.history_visibility": {"history_visibility": "world_readable"}}),
    ):
        phone = await gateway.platform.phone()
        assert isinstance(phone, MatrixPhone)
        state = [{"type": kind, "content": content} for kind, content in more.items()]
        await phone.make_room(preset=preset, initial_state=state)
        await phone.say("can you hear me?")
        await introduced(gateway)
        with pytest.raises(Gone):
            await gateway.adapter.send(to(phone, "no", preset))
    assert {text(e) for e in gateway.heard} == {"hello"}


async def test_the_answer_goes_to_the_room_where_the_person_wrote_last(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    first = phone.room
    await phone.make_room()
    await phone.say("in another room")
    await gateway.until(2)
    for room, key in ((phone.room, "k1"), (first, "k2")):
        if room == first:
            phone.room = first
            await phone.say("back in the first")
            await gateway.until(3)
        native = await gateway.adapter.send(to(phone, "here", key))
        event = await phone.ask("GET", f"/_matrix/client/v3/rooms/{room}/event/{native}")
        assert event["room_id"] == room


async def test_leaving_one_of_two_rooms_is_no_good_bye(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    first = phone.room
    await phone.make_room()
    await phone.say("in another room")
    await gateway.until(2)
    await phone.leave(first)
    await phone.say("still here")
    assert text((await gateway.until(3))[2]) == "still here"
    await phone.leave()
    assert (await gateway.until(4))[3] == Left(phone.address, gateway.cursor)


async def test_a_bot_that_was_thrown_out_knows_it_and_may_be_called_back(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    assert isinstance(phone, MatrixPhone)
    # where all are trusted alike, nobody can remove anybody since room version 12
    await phone.make_room(preset="private_chat")
    await phone.say("hello")
    await gateway.until(1)
    room = f"/_matrix/client/v3/rooms/{phone.room}"
    bot = {"user_id": phone.bot}
    await phone.ask("POST", f"{room}/kick", bot)
    assert isinstance((await gateway.until(2))[1], Left)
    with pytest.raises(Gone):
        await gateway.adapter.send(to(phone, "anybody?", "k1"))
    await phone.ask("POST", f"{room}/invite", bot)
    await phone.say("come back")
    assert text((await gateway.until(3))[2]) == "come back"
    await gateway.adapter.send(to(phone, "thank you", "k2"))
    assert (await phone.next()).text == "thank you"


def test_a_member_with_a_malformed_profile_is_still_a_third_person() -> None:
    rooms = Rooms("@bot:x")
    for person in ("@bot:x", "@ada:x"):
        rooms.note("!r", member(person, "join"))
    assert rooms.of("@ada:x") == "!r"
    rooms.note("!r", member("@eve:x", "join", displayname=["not a name"]))
    assert rooms.of("@ada:x") is None


def member(person: str, membership: str, **more: object) -> dict[str, object]:
    content = {"membership": membership, **more}
    return {"type": "m.room.member", "state_key": person, "sender": person, "content": content}


# ------------------------------------------------------------------ positions


async def test_a_long_absence_is_caught_up_with_in_order(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    await gateway.stop()
    for i in range(250):
        await phone.say(f"away {i}")
    await gateway.start()
    heard = [text(e) for e in await gateway.until(251, 60)]
    assert heard == ["hello", *(f"away {i}" for i in range(250))]


async def test_what_comes_before_the_first_position_is_stored_is_not_lost(
    platform: MatrixPlatform,
) -> None:
    gateway = Gateway(platform)
    phone = await platform.phone()
    await phone.make_room()
    await gateway.start()
    await until(lambda: phone.joined(phone.room or "", platform.bot))
    await gateway.stop()
    await phone.say("is anybody there?")
    assert gateway.cursor is None
    await gateway.start()
    assert text((await gateway.until(1))[0]) == "is anybody there?"
    await gateway.stop()


async def test_history_before_the_gateway_existed_is_not_answered(
    platform: MatrixPlatform,
) -> None:
    gateway = Gateway(platform)
    await gateway.start()
    phone = await introduced(gateway)
    await gateway.stop()
    await phone.say("to an earlier gateway")
    session_file(platform).unlink()
    fresh = Gateway(platform)
    await fresh.start()
    await phone.say("to the new one")
    assert [text(e) for e in await fresh.until(1)] == ["to the new one"]
    await fresh.stop()


async def test_a_store_that_stays_down_brings_the_platform_down_and_loses_nothing(
    platform: MatrixPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.matrix.homeserver.PAUSES", (0.01, 0.01))
    gateway = Gateway(platform)
    await gateway.start()
    phone = await introduced(gateway)
    await gateway.stop()
    before = gateway.cursor
    gateway.refuse = 3
    await phone.say("keep this")
    with pytest.raises(Down, match="nothing can be stored"):
        await platform.adapter().run(gateway.hear, gateway.cursor, gateway.safe)
    assert gateway.cursor == before
    await gateway.start()
    assert text((await gateway.until(2))[1]) == "keep this"
    await gateway.stop()


async def test_a_position_is_stored_only_when_all_before_it_is_heard() -> None:
    gate, positions = asyncio.Event(), {}

    def job(name: str, wait: bool = False) -> Any:
        async def hear(position: str | None) -> None:
            positions[name] = position
            if wait:
                await gate.wait()

        return hear

    async with asyncio.TaskGroup() as group:
        lanes = Lanes(group)
        first = lanes.open("p1")
        await lanes.put(first, "slow", job("slow 1", wait=True))
        await lanes.put(first, "slow", job("slow 2"))
        await lanes.put(first, "quick", job("quick 1"))
        lanes.close(first)
        second = lanes.open("p2")
        await lanes.put(second, "quick", job("quick 2"))
        lanes.close(second)
        while "quick 2" not in positions:
            await asyncio.sleep(0)
        assert positions == {"slow 1": None, "quick 1": None, "quick 2": None}
        gate.set()
    assert positions["slow 2"] == "p2"
    assert lanes.position == "p2"


async def test_a_slow_person_holds_up_nobody_else(platform: MatrixPlatform) -> None:
    slow, quick = await platform.phone(), await platform.phone()
    heard: asyncio.Queue[str] = asyncio.Queue()
    gate = asyncio.Event()

    async def hear(event: Event) -> bool:
        if event.sender == slow.address:
            await gate.wait()
        await heard.put(text(event))
        return False

    adapter = platform.adapter()
    running = asyncio.create_task(adapter.run(hear, None, Pocket()))
    await slow.say("slow")
    async with asyncio.timeout(20):
        for i in range(3):
            await quick.say(f"quick {i}")
            assert await heard.get() == f"quick {i}"
        gate.set()
        assert await heard.get() == "slow"
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


# ------------------------------------------------------------------ sending


async def test_a_resend_with_the_same_key_is_one_message_also_after_a_restart(
    gateway: Gateway,
) -> None:
    phone = await introduced(gateway)
    first = await gateway.adapter.send(to(phone, "once", "k1"))
    await gateway.stop()
    await gateway.start()
    assert await gateway.adapter.send(to(phone, "once", "k1")) == first
    await gateway.adapter.send(to(phone, "last", "k2"))
    assert [(await phone.next()).text, (await phone.next()).text] == ["once", "last"]


async def test_a_message_that_is_taken_back_is_gone_from_the_server_with_its_corrections(
    gateway: Gateway,
) -> None:
    phone = await introduced(gateway)
    native = await gateway.adapter.send(to(phone, "secret one", "k1"))
    await gateway.adapter.send(to(phone, "secret two", "k2", replaces=native))
    first = phone.room
    await phone.make_room()  # and is answered elsewhere from now on
    await phone.say("here")
    await gateway.until(2)
    path = f"/_matrix/client/v3/rooms/{first}/messages"
    before = await phone.ask("GET", path, dir="b", limit="50")
    assert "secret two" in str(before)
    await gateway.adapter.unsend(phone.address, [native])
    assert "secret" not in str(await phone.ask("GET", path, dir="b", limit="50"))


async def test_a_new_log_in_of_the_same_device_knows_the_old_keys(
    platform: MatrixPlatform,
) -> None:
    gateway = Gateway(platform)
    await gateway.start()
    phone = await introduced(gateway)
    first = await gateway.adapter.send(to(phone, "once", "k1"))
    before = kept(platform)
    end_session(platform, soft=True)
    with pytest.raises(Unsent):
        await gateway.adapter.send(to(phone, "once", "k1"))
    assert await sent(gateway, to(phone, "once", "k1")) == first
    after = kept(platform)
    assert after["device_id"] == before["device_id"]
    assert after["access_token"] != before["access_token"]
    await gateway.stop()


async def sent(gateway: Gateway, out: Outbound) -> str:
    """Sends as the courier does: again, while the platform is not up."""
    async with asyncio.timeout(20):
        while True:
            await gateway.adapter.up.wait()
            with contextlib.suppress(Unsent):
                return await gateway.adapter.send(out)
            await asyncio.sleep(0.05)


def session_file(platform: MatrixPlatform) -> pathlib.Path:
    return pathlib.Path(platform.disk.name) / "matrix" / "session.json"


def kept(platform: MatrixPlatform) -> dict[str, str]:
    return dict(json.loads(session_file(platform).read_text()))


def end_session(platform: MatrixPlatform, *, soft: bool) -> None:
    """From now on the homeserver refuses the token that the bot has."""
    old = f"Bearer {kept(platform)['access_token']}"
    refusal = {"errcode": "M_UNKNOWN_TOKEN", "error": "expired", "soft_logout": soft}
    platform.line.lie = lambda r: (401, refusal) if r.headers.get("Authorization") == old else None


async def test_a_thread_is_heard_and_answered_as_one(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    root = await gateway.adapter.send(to(phone, "translate this", "k1"))
    await phone.next()
    written = await phone.say_in_thread("ceci", root)
    event = inbound((await gateway.until(2))[1])
    assert (event.text, event.thread, event.answers_to) == ("ceci", root, root)
    await phone.say_in_thread("non, cela", root, reply_to=written)
    event = inbound((await gateway.until(3))[2])
    assert (event.thread, event.answers_to) == (root, written)
    await gateway.adapter.send(to(phone, "thank you", "k2", thread=root))
    seen = await phone.next()
    assert (seen.thread, seen.answers_to) == (root, None)
    await gateway.adapter.send(to(phone, "noted", "k3", thread=root, answers_to=written))
    seen = await phone.next()
    assert (seen.thread, seen.answers_to) == (root, written)


async def test_a_thread_that_the_server_refuses_does_not_lose_the_message(
    gateway: Gateway,
) -> None:
    phone = await introduced(gateway)
    old = await gateway.adapter.send(to(phone, "in the first room", "k1"))
    await phone.next()
    await phone.make_room()
    await phone.say("in another room")
    await gateway.until(2)
    await gateway.adapter.send(to(phone, "all the same", "k2", thread=old))
    seen = await phone.next()
    assert (seen.text, seen.thread) == ("all the same", None)
    native = await gateway.adapter.send(to(phone, "corrected", "k3", replaces=old))
    seen = await phone.next()
    assert (seen.native, seen.text, seen.replaces) == (native, "corrected", None)


async def test_a_correction_of_the_longest_message_arrives(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    native = await gateway.adapter.send(to(phone, "short", "k1"))
    await phone.next()
    words = "م" * 20_000
    assert await gateway.adapter.send(to(phone, words, "k2", replaces=native)) == native
    assert (await phone.next()).text == words


async def test_after_trouble_the_platform_is_up_before_anybody_writes(gateway: Gateway) -> None:
    platform = of(gateway)
    await introduced(gateway)
    platform.line.lie = lambda _: (502, "<h1>Bad Gateway</h1>")
    platform.line.cut()
    await until(lambda: _is_true(not gateway.adapter.up.is_set()))
    platform.line.lie = lambda _: None
    async with asyncio.timeout(20):
        await gateway.adapter.up.wait()


async def test_a_message_that_no_server_takes_is_refused(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    with pytest.raises(Refused):
        await gateway.adapter.send(to(phone, "x" * 70_000, "k1"))


async def test_a_deletion_names_what_was_deleted(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    native = await phone.say("a name I should not have written")
    await gateway.until(2)
    await phone.delete(native)
    event = inbound((await gateway.until(3))[2])
    assert (event.deleted, event.native, event.text) == (True, native, "")


async def test_a_receipt_is_given_after_the_commit(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    native = await phone.say("have you got it?")
    await gateway.until(2)

    async def read_it() -> bool:
        return native in await phone.receipts()

    await until(read_it)


async def test_other_bots_are_not_answered(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    await phone.write({"msgtype": "m.notice", "body": "I am a bot"})
    await phone.say("I am a person")
    assert text((await gateway.until(2))[1]) == "I am a person"


async def test_an_encrypted_message_is_heard_as_one_that_cannot_be_read(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.matrix.reading.PATIENCE", 0.1)
    phone = await introduced(gateway)
    content = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "session_id": "s"}
    await phone.write(content, "m.room.encrypted")
    event = inbound((await gateway.until(2))[1])
    assert (event.files, event.text, event.encrypted) == ((File("keyless"),), "", False)


MALFORMED: list[dict[str, object]] = [
    {},
    {"msgtype": "m.text"},
    {"msgtype": 7, "body": {"a": [None]}},
    {"msgtype": ["m.text"], "body": "x"},
    {"msgtype": "m.text", "body": ["x"], "m.relates_to": [1]},
    {"msgtype": "m.text", "body": "x", "m.relates_to": {"m.in_reply_to": "x"}},
    {"msgtype": "m.text", "body": "x", "m.relates_to": {"m.in_reply_to": {"event_id": [1]}}},
    {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.replace"}},
    {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": {}, "event_id": 3}},
    {"msgtype": "m.text", "m.new_content": 3, "m.relates_to": {"rel_type": "m.replace"}},
    {"msgtype": "m.image", "body": None, "filename": 5, "url": 0, "info": "x"},
    {"msgtype": "m.text", "body": "x", "m.mentions": 1, "formatted_body": {}, "format": 1},
    {"redacts": {"a": 1}, "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": {}},
    {"membership": "join", "displayname": ["x"], "avatar_url": {}},
    {"membership": ["join"]},
    {"users": {"@ada:x": "all"}, "users_default": [], "events": 5},
    {"join_rule": ["public"], "history_visibility": {}, "alias": 5, "name": [], "topic": {}},
]
SAID = ("m.room.message", "m.room.encrypted", "m.sticker", "m.room.redaction", "m.reaction", "x")
NAMES = """type event_id sender state_key content unsigned prev_content origin_server_ts redacts
msgtype body filename m.relates_to m.in_reply_to m.new_content rel_type is_falling_back membership
join_rule history_visibility"""
KEYS = st.sampled_from(NAMES.split())
STATE = ("member", "power_levels", "join_rules", "history_visibility", "create", "encryption")


async def test_malformed_events_of_other_servers_harm_nothing_after_them(
    gateway: Gateway,
) -> None:
    platform = of(gateway)
    phone = await introduced(gateway)
    common = {"sender": phone.user, "origin_server_ts": 1}
    said = [
        {"type": kind, "event_id": f"$bad{i}{kind}", "content": content, **common}
        for i, content in enumerate(MALFORMED)
        for kind in SAID
    ]
    state = [
        {"type": f"m.room.{kind}", "event_id": f"$state{i}{kind}", "content": content, **common}
        | {"state_key": phone.user if kind == "member" else ""}
        for i, content in enumerate(MALFORMED[:-4])
        for kind in STATE[:-1]  # a room that says it is encrypted is so for ever
    ] + [
        {"type": "m.room.member", "content": {"membership": "join", "displayname": [1]}, **common}
        | {"event_id": "$last", "state_key": phone.user}
    ]
    told: list[str] = []

    def lie(request: web.Request) -> tuple[int, object] | None:
        if told or not request.path.endswith("/sync"):
            return None
        told.append(request.query["since"])
        room = {"timeline": {"events": [*state, *said]}, "state": {"events": state}}
        rooms = {"join": {phone.room: room}, "leave": {"!elsewhere": room}}
        # an earlier position, valid and yet another: nio passes over one that it knows
        return 200, {"next_batch": first, "rooms": rooms}

    first = platform.line.positions[1]
    platform.line.lie = lie
    platform.line.cut()
    await phone.say("good")
    async with asyncio.timeout(20), gateway.news:
        await gateway.news.wait_for(lambda: "good" in [text(e) for e in gateway.heard])
    assert told
    assert told[0] != first
    assert platform.line.count("full_state") == 1, "it fell over and was started again"
    await gateway.adapter.send(to(phone, "and well", "k1"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["m.text", "join"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, JSON), st.sampled_from([*SAID, *(f"m.room.{k}" for k in STATE)]))
def test_no_event_whatsoever_raises(event: dict[str, object], kind: str) -> None:
    event = {"event_id": "$a", "sender": "@ada:x", **event, "type": kind}
    heard = read(event)
    assert heard is None or isinstance(heard.text, str)
    assert left(event) is None or isinstance(left(event), str)
    rooms = Rooms("@bot:x")
    rooms.note("!r", event)
    rooms.alone_with("!r", "@ada:x")


def test_the_quoted_message_in_a_reply_s_body_is_not_what_was_written() -> None:
    body = "> <@bot:x> first line\n> second\n\n> this is mine\nyes"
    relation = {"m.in_reply_to": {"event_id": "$a"}}
    content = {"msgtype": "m.text", "body": body, "m.relates_to": relation}
    event = {"event_id": "$b", "sender": "@ada:x", "type": "m.room.message", "content": content}
    heard = read(event)
    assert heard
    assert heard.text == "> this is mine\nyes"
    del content["m.relates_to"]
    heard = read(event)
    assert heard
    assert heard.text == body


def test_nobody_is_mentioned_and_nothing_is_markup() -> None:
    words = "<b>@room</b> @ada:x *hello*"
    for more in ({}, {"replaces": "$a"}, {"thread": "$a"}, {"answers_to": "$a"}):
        content = written(Outbound("k", Address("matrix", "@ada:x"), words, **more))  # type: ignore[arg-type]
        for part in (content, content.get("m.new_content", content)):
            assert part["m.mentions"] == {}
            assert part["msgtype"] == "m.text"
            assert not part.keys() & {"format", "formatted_body"}
        assert content.get("m.new_content", content)["body"] == words


# ------------------------------------------------------------------ trouble


async def test_a_broken_proxy_is_asked_a_few_times_and_loses_nothing(gateway: Gateway) -> None:
    platform = of(gateway)
    phone = await introduced(gateway)
    platform.line.lie = lambda _: (502, "<h1>Bad Gateway</h1>")
    platform.line.cut()
    before = len(platform.line.asked)
    await until(lambda: _is_true(len(platform.line.asked) >= before + 4))
    assert not gateway.adapter.up.is_set()
    with pytest.raises(Unsent):
        await gateway.adapter.send(to(phone, "too early", "k1"))
    await phone.say("written meanwhile")
    platform.line.lie = lambda _: None
    assert text((await gateway.until(2))[1]) == "written meanwhile"
    await gateway.adapter.up.wait()
    await gateway.adapter.send(to(phone, "back", "k2"))
    assert (await phone.next()).text == "back"


def of(gateway: Gateway) -> MatrixPlatform:
    assert isinstance(gateway.platform, MatrixPlatform)
    return gateway.platform


async def test_a_homeserver_that_stays_away_is_asked_a_bounded_number_of_times(
    platform: MatrixPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.matrix.homeserver.PAUSES", (0.01, 0.01, 0.01))
    gateway = Gateway(platform)
    await gateway.start()
    await gateway.stop()
    lies: list[tuple[int, object]] = [
        (502, "<h1>Bad Gateway</h1>"),
        (500, {"errcode": "M_UNKNOWN", "error": "internal"}),
        (429, {"errcode": "M_LIMIT_EXCEEDED", "error": "slow", "retry_after_ms": 20}),
        (200, {"no": "position"}),
    ]
    for lie in lies:
        platform.line.lie = lambda _, lie=lie: lie  # type: ignore[misc]
        before = len(platform.line.asked)
        with pytest.raises(Down) as down:
            await platform.adapter().run(gateway.hear, None, gateway.safe)
        assert down.value.key == "homeserver"
        assert len(platform.line.asked) - before == 4


@pytest.mark.parametrize("soft", [True, False])
async def test_an_ended_session_is_renewed_once_on_the_same_device(
    gateway: Gateway, soft: bool
) -> None:
    platform = of(gateway)
    phone = await introduced(gateway)
    device, logins = kept(platform)["device_id"], platform.line.count("/login")
    end_session(platform, soft=soft)
    platform.line.cut()  # the request that waits was let in with the old token
    await phone.say("and now?")
    assert text((await gateway.until(2))[1]) == "and now?"
    assert kept(platform)["device_id"] == device
    assert platform.line.count("/login") == logins + 1


async def test_many_sends_into_an_ended_session_log_in_once(gateway: Gateway) -> None:
    platform = of(gateway)
    phone = await introduced(gateway)
    logins = platform.line.count("/login")
    end_session(platform, soft=False)
    sends = [gateway.adapter.send(to(phone, "x", f"k{i}")) for i in range(10)]
    results = await asyncio.gather(*sends, return_exceptions=True)
    assert {type(result) for result in results} == {Unsent}
    await sent(gateway, to(phone, "again", "k1"))
    assert platform.line.count("/login") == logins + 1


async def test_a_changed_password_brings_the_platform_down_with_its_reason(
    gateway: Gateway,
) -> None:
    platform = of(gateway)
    phone = await introduced(gateway)
    await gateway.stop()
    adapter = platform.adapter(password="no longer right")
    running = asyncio.create_task(adapter.run(gateway.hear, gateway.cursor, gateway.safe))
    await adapter.up.wait()
    end_session(platform, soft=False)
    with pytest.raises(Unsent):
        await adapter.send(to(phone, "x", "k1"))
    with pytest.raises(Down, match="user and password") as down:
        await running
    assert down.value.key == "password_file"


async def test_a_log_in_that_must_wait_waits_without_asking(platform: MatrixPlatform) -> None:
    limit = {"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": 333_000}
    platform.line.lie = lambda _: (429, limit)
    adapter = platform.adapter()
    for _ in range(3):
        with pytest.raises(Down, match="waiting 333 s"):
            await adapter.run(Gateway(platform).hear, None, Pocket())
    assert platform.line.count("/login") == 1


async def test_a_limit_on_messages_is_passed_on_with_its_time(gateway: Gateway) -> None:
    platform = of(gateway)
    phone = await introduced(gateway)
    limit = {"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": 1500}
    platform.line.lie = lambda r: (429, limit) if "/send/" in r.path else None
    with pytest.raises(Later) as later:
        await gateway.adapter.send(to(phone, "x", "k1"))
    assert (later.value.seconds, later.value.everywhere) == (1.5, True)


async def test_a_restart_of_the_homeserver_loses_nothing(gateway: Gateway) -> None:
    platform = of(gateway)
    phone = await introduced(gateway)
    await asyncio.to_thread(platform.synapse.stop)
    await asyncio.to_thread(platform.synapse.start)
    await phone.say("after the restart")
    assert text((await gateway.until(2))[1]) == "after the restart"
    async with asyncio.timeout(20):
        await gateway.adapter.up.wait()
    await gateway.adapter.send(to(phone, "welcome back", "k1"))
    assert (await phone.next()).text == "welcome back"


async def test_restarts_do_not_log_in_again(gateway: Gateway) -> None:
    platform = of(gateway)
    for _ in range(3):
        await gateway.stop()
        await gateway.start()
    assert await platform.adapter().check() == platform.bot
    assert platform.line.count("/login") == 1
    assert stat.S_IMODE(session_file(platform).stat().st_mode) == 0o600


async def test_two_processes_never_share_an_account(gateway: Gateway) -> None:
    with pytest.raises(Down, match="another process"):
        await of(gateway).adapter().run(gateway.hear, None, gateway.safe)


async def test_what_is_wrong_with_the_settings_is_said(platform: MatrixPlatform) -> None:
    with pytest.raises(Down) as down:
        await platform.adapter(password="wrong").check()
    assert down.value.key == "password_file"
    with pytest.raises(Down) as down:
        await platform.adapter(homeserver="http://127.0.0.1:1").check()
    assert down.value.key == "homeserver"
    assert await platform.adapter().check() == platform.bot
    with pytest.raises(Down, match="ValueError"):
        await platform.adapter(proxy="carrier-pigeon://coop").check()


class Socks:
    """A SOCKS5 server with user and password that writes down where it was sent (RFC 1928,
    RFC 1929). Every name leads to `port` on loopback."""

    def __init__(self, port: int) -> None:
        self.port, self.asked, self.users = port, [], set()  # type: ignore[var-annotated]

    async def start(self) -> int:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._greet(reader, writer)
            there = await asyncio.open_connection("127.0.0.1", self.port)
            await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(b"\x05\x02")
        await reader.readexactly(1)
        user = await reader.readexactly((await reader.readexactly(1))[0])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        self.users.add((user.decode(), password.decode()))
        writer.write(b"\x01\x00")
        kind = (await reader.readexactly(4))[3]
        assert kind == 3, "the proxy must get the name, not an address that was looked up here"
        name = await reader.readexactly((await reader.readexactly(1))[0])
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        self.asked.append((name.decode(), port))
        writer.write(b"\x05\x00\x00\x01" + bytes(6))


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_everything_goes_through_the_proxy_names_included(
    platform: MatrixPlatform, scheme: str
) -> None:
    socks = Socks(int(platform.line.url.rsplit(":", 1)[1]))
    proxy = f"{scheme}://ada:secret@127.0.0.1:{await socks.start()}"
    adapter = platform.adapter(homeserver="http://hidden.invalid:8008", proxy=proxy)
    gateway = Gateway(platform)
    running = asyncio.create_task(adapter.run(gateway.hear, None, gateway.safe))
    phone = await platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    await adapter.send(to(phone, "through the tunnel", "k1"))
    assert (await phone.next()).text == "through the tunnel"
    assert set(socks.asked) == {("hidden.invalid", 8008)}
    assert socks.users == {("ada", "secret")}
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    socks.stop()
    with pytest.raises(Down) as down:
        await platform.adapter(proxy="socks5://127.0.0.1:1").check()
    assert down.value.key == "homeserver"


async def test_no_log_holds_a_name_a_room_or_a_word(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    platform = of(gateway)
    phone = await introduced(gateway)
    await phone.write({"msgtype": "m.image", "body": "pomegranate", "url": 5, "info": []})
    await phone.say("pomegranate")
    await gateway.until(3)
    platform.line.lie = lambda r: (500, {"errcode": "M_UNKNOWN", "error": "pomegranate"})
    with pytest.raises(Unsent):
        await gateway.adapter.send(to(phone, "pomegranate", "k1"))
    ours = "\n".join(
        f"{r.name} {r.getMessage()}" for r in caplog.records if not r.name.startswith("synapse")
    )
    for secret in ("pomegranate", phone.user, phone.room or "", PASSWORD, platform.bot):
        assert secret not in ours
