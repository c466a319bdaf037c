"""People on a Matrix client that is not ours (the library under Element Web), which encrypts as it
sees fit: in its usual mode, and where it excludes insecure devices. Real Synapse."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.message import CONFIRMED, Changed, Exposed, Secret
from tests.conftest import missing, need_program
from tests.platforms.element import HERE, ElementPhone, ElementPlatform
from tests.platforms.matrix import PASSWORD
from tests.test_contract import JPEG, Gateway, text, to
from tests.test_matrix import inbound, until
from tests.world import World, database


@pytest.fixture(autouse=True)
def node() -> None:
    need_program("node", "nodejs")
    if not (HERE / "node_modules").is_dir():
        missing("the client for tests is missing: npm ci --prefix tests/platforms/element")


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    platform = ElementPlatform()
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await platform.stop()


async def introduced(gateway: Gateway) -> ElementPhone:
    phone = await gateway.platform.phone()
    assert isinstance(phone, ElementPhone)
    await phone.say("hello")
    assert inbound((await gateway.until(1))[0]).encrypted
    return phone


async def answered(gateway: Gateway, phone: ElementPhone, key: str, **more: Any) -> None:
    """The bot writes, and the client has nothing to say against it."""
    await gateway.adapter.send(to(phone, key, key, **more))
    event = await phone.hears()
    assert (event["content"].get("body"), event["failed"]) == (key, None)
    assert event["encrypted"]
    assert (event["shield"], event["why"]) == (0, None), "the client warns of the bot"


@pytest.mark.parametrize("strict", [True, False])
async def test_both_ways_without_a_warning_and_over_a_restart(
    gateway: Gateway, strict: bool
) -> None:
    if not strict:
        await gateway.platform.phone()
    phone = await introduced(gateway)
    assert phone.strict is strict
    await answered(gateway, phone, "welcome")
    await answered(gateway, phone, "for your eyes only", sensitive=True)
    await gateway.stop()
    await phone.say("while you were away")
    await gateway.start()
    event = inbound((await gateway.until(2))[1])
    assert (event.text, event.encrypted) == ("while you were away", True)
    await answered(gateway, phone, "back again")


async def test_replies_corrections_threads_and_pictures(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    native = await gateway.adapter.send(to(phone, "first", "k1"))
    assert (await phone.next()).text == "first"
    own = await phone.say("to the first", reply_to=native)
    event = inbound((await gateway.until(2))[1])
    assert (event.text, event.answers_to) == ("to the first", native)
    await phone.edit(own, "to the first one")
    event = inbound((await gateway.until(3))[2])
    assert (event.text, event.edits, event.encrypted) == ("to the first one", own, True)
    await phone.say_in_thread("inside", native)
    assert inbound((await gateway.until(4))[3]).thread == native
    await gateway.adapter.send(to(phone, "also inside", "k2", thread=native))
    assert (await phone.next()).thread == native
    await gateway.adapter.send(to(phone, "corrected", "k3", replaces=native))
    assert (await phone.next()).replaces == native
    await gateway.adapter.send(to(phone, "a caption", "k4", picture=JPEG))
    event_seen = await phone.hears()
    longest = "م" * 20_000
    assert await gateway.adapter.send(to(phone, longest, "k5", replaces=native)) == native
    assert (await phone.next()).text == longest
    assert "url" not in event_seen["content"]
    assert event_seen["content"]["file"]["v"] == "v2"


async def test_what_is_written_in_clear_into_an_encrypted_room_is_heard_as_that(
    gateway: Gateway,
) -> None:
    phone = await introduced(gateway)
    await super(ElementPhone, phone).write({"msgtype": "m.text", "body": "in clear"})
    event = inbound((await gateway.until(2))[1])
    assert (event.text, event.encrypted) == ("in clear", False)
    await answered(gateway, phone, "still encrypted")


async def test_a_lost_store_with_kept_seeds_is_a_new_device_and_no_warning(
    gateway: Gateway,
) -> None:
    phone = await introduced(gateway)
    await answered(gateway, phone, "before")
    await gateway.stop()
    gateway.safe.kept = {"seeds": gateway.safe.kept["seeds"]}
    before = await phone.client.do("devices", user=phone.bot)
    await gateway.start()

    async def new_device_is_seen() -> bool:
        return bool(await phone.client.do("devices", user=phone.bot) != before)

    await until(new_device_is_seen)
    await phone.say("do you know me?")
    assert text((await gateway.until(2))[1]) == "do you know me?"
    await answered(gateway, phone, "yes")
    assert not (await phone.client.do("state", bot=phone.bot))["approval"]


async def test_whoever_is_forgotten_and_writes_on_is_read_at_once(gateway: Gateway) -> None:
    """Their client goes on with keys that are gone here; it is asked for them."""
    phone = await introduced(gateway)
    await answered(gateway, phone, "before")
    kept = gateway.safe.kept
    gateway.safe.kept = {n: s for n, s in kept.items() if s.of != phone.user}
    gateway.adapter.forget(phone.user)
    await phone.say("me again")
    event = inbound((await gateway.until(2))[1])
    assert (event.text, event.files, event.encrypted) == ("me again", (), True)
    await answered(gateway, phone, "hello")


async def test_a_stolen_password_reads_nothing_that_is_sensitive(gateway: Gateway) -> None:
    phone = await introduced(gateway)
    await answered(gateway, phone, "before")
    thief = await phone.log_in_again()
    try:
        await phone.say("somebody logged in")
        await gateway.until(2)
        await gateway.adapter.send(to(phone, "open", "open"))
        assert (await thief.hears())["content"]["body"] == "open"
        await gateway.adapter.send(to(phone, "secret", "secret", sensitive=True))
        assert [(await phone.next()).text for _ in range(2)] == ["open", "secret"]
        event = await thief.hears()
        assert event["failed"], "the thief read it"
        await thief.say("it is me")
        heard = [inbound(event) for event in (await gateway.until(3))]
        assert [(e.text, e.vouched) for e in heard[1:]] == [
            ("somebody logged in", True),
            ("it is me", False),
        ]
    finally:
        await thief.stop()


@pytest.mark.parametrize("restart", [False, True])
async def test_a_new_identity_is_told_and_hears_nothing_sensitive_until_it_is_confirmed(
    gateway: Gateway, restart: bool
) -> None:
    phone = await introduced(gateway)
    await answered(gateway, phone, "for you", sensitive=True)
    await phone.client.do("reset", user=phone.user, password=PASSWORD)
    await until(lambda: _told(gateway))
    changed = gateway.heard[1]
    assert isinstance(changed, Changed)
    assert changed.sender == phone.address
    with pytest.raises(Exposed):
        await gateway.adapter.send(to(phone, "secret", "k", sensitive=True))
    await gateway.adapter.send(to(phone, "not secret", "k2"))
    assert (await phone.next()).text == "not secret"
    await phone.say("it is me")
    assert not inbound((await gateway.until(3))[2]).vouched
    confirmed = Secret(f"{CONFIRMED} {phone.user}", b"1", phone.user)
    if restart:
        await gateway.stop()
        gateway.safe.put([confirmed])
        await gateway.start()
    else:
        gateway.safe.put([confirmed])
        gateway.adapter.confirmed(phone.user)
    await gateway.adapter.send(to(phone, "secret", "k3", sensitive=True))
    assert (await phone.next()).text == "secret"
    await phone.say("thank you")
    assert inbound((await gateway.until(4))[3]).vouched


async def test_many_sends_at_once_some_cancelled_over_new_keys_are_each_read_once(
    gateway: Gateway,
) -> None:
    """250, and the room has another key after each 100. A cancelled one may have gone out; sent
    again, as the courier does, it is the same."""
    phone = await introduced(gateway)
    outs = {f"line {n}": to(phone, f"line {n}", f"line {n}") for n in range(250)}
    tasks = {key: asyncio.create_task(gateway.adapter.send(out)) for key, out in outs.items()}
    chance = random.Random(7)
    for _ in range(40):
        waiting = [task for task in tasks.values() if not task.done()]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        chance.choice([task for task in waiting if not task.done()]).cancel()
    await asyncio.wait(tasks.values())
    cancelled = [key for key, task in tasks.items() if task.cancelled()]
    assert len(cancelled) > 30
    await asyncio.gather(*(gateway.adapter.send(outs[key]) for key in cancelled))
    await gateway.adapter.send(to(phone, "the end", "the end"))
    read: list[str] = []
    while "the end" not in read:
        read.append((await phone.next()).text)
    assert sorted(read) == sorted([*outs, "the end"])


async def _told(gateway: Gateway) -> bool:
    return len(gateway.heard) > 1


async def test_without_encryption_it_is_as_before_and_nothing_sensitive_goes(
    gateway: Gateway,
) -> None:
    phone = await gateway.platform.phone()
    assert isinstance(phone, ElementPhone)
    await phone.make_room(encrypted=False, preset="private_chat")  # where we change nothing
    await phone.say("hello")
    assert not inbound((await gateway.until(1))[0]).encrypted
    with pytest.raises(Exposed):
        await gateway.adapter.send(to(phone, "secret", "k", sensitive=True))


async def test_a_need_is_posted_answered_and_talked_over(tmp_path: Path) -> None:
    """Through the real gateway, from invitation to relayed words, with nothing in clear on disk."""
    story = Path(__file__).parent / "stories" / "three_people_meet.txt"
    async with World({"matrix": ElementPlatform()}, database(tmp_path)) as world:
        await world.tell(story.read_text("utf-8"))
        handles = [player.phone.address.handle for player in world.players.values()]
        words = [w for player in world.players.values() for _, w in player.written if len(w) > 12]
    assert len(handles) == 3
    assert words
    for file in files(tmp_path):
        body = file.read_bytes()
        assert not any(each.encode() in body for each in (*handles, *words)), file.name


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
