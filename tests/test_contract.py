"""What every adapter promises, on the real servers (memory and web: in this process)."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from PIL import Image

from adapters import Adapter
from core.message import (
    LARGEST_FILE,
    Down,
    Event,
    Exposed,
    File,
    Gone,
    Inbound,
    Left,
    Outbound,
    Refused,
)
from tests.platforms import Phone, Platform
from tests.safes import Pocket


def _jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((320, 200), 40).save(out, "JPEG")
    return out.getvalue()


JPEG = _jpeg()


class Gateway:
    """Runs an adapter as the real one does: keeps what was heard and the cursor, starts it again
    when it is down."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.heard: list[Event] = []
        self.ids: set[str] = set()
        self.cursor: str | None = None
        self.news = asyncio.Condition()
        self.refuse = 0
        self.safe = Pocket()

    async def hear(self, event: Event) -> bool:
        if self.refuse:
            self.refuse -= 1
            raise OSError("the store is down")
        async with self.news:
            if event.cursor is not None:
                self.cursor = event.cursor
            if isinstance(event, Inbound):
                self.safe.put(event.secrets)
            if not isinstance(event, Inbound) or event.id not in self.ids:
                self.heard.append(event)
                if isinstance(event, Inbound):
                    self.ids.add(event.id)
            self.news.notify_all()
        return False

    async def until(self, count: int, seconds: float = 20.0) -> list[Event]:
        async with asyncio.timeout(seconds), self.news:
            await self.news.wait_for(lambda: len(self.heard) >= count)
        return self.heard

    async def start(self) -> None:
        self.adapter: Adapter = self.platform.adapter()
        self.task = asyncio.create_task(self._forever())
        async with asyncio.timeout(20):
            await self.adapter.up.wait()

    async def _forever(self) -> None:
        while True:
            try:
                await self.adapter.run(self.hear, self.cursor, self.safe)
            except Down:
                await asyncio.sleep(0.2)

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@pytest.fixture
async def gateway(platform: Platform) -> AsyncIterator[Gateway]:
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await platform.stop()


def text(event: Event) -> str:
    assert isinstance(event, Inbound)
    return event.text


def to(phone: Phone, words: str, key: str, **more: object) -> Outbound:
    return Outbound(key=key, to=phone.address, text=words, **more)  # type: ignore[arg-type]


async def test_what_a_person_writes_is_heard_whole(gateway: Gateway) -> None:
    phone = await gateway.platform.phone("fa")
    words = "پدرم را دیشب بردند، به یک خبرنگار نیاز دارم\nخط دوم 👩‍👩‍👧 می‌خواهم"
    native = await phone.say(words)
    (event,) = await gateway.until(1)
    assert isinstance(event, Inbound)
    assert (event.text, event.sender, event.native) == (words, phone.address, native)
    assert event.pressed is None
    assert event.edits is None


async def test_messages_of_one_person_keep_their_order(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    for i in range(10):
        await phone.say(f"line {i}")
    assert [text(e) for e in await gateway.until(10)] == [f"line {i}" for i in range(10)]


async def test_the_bot_s_answer_arrives_with_its_text_untouched(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    words = "\u200fنیاز \u20667KQ\u2069 ثبت شد.\n│ <b>می‌خواهم</b> & *more* _x_ `y`"
    native = await gateway.adapter.send(to(phone, words, "k1"))
    seen = await phone.next()
    assert seen.text == words
    assert seen.native == native


async def test_what_is_sensitive_goes_encrypted_or_not_at_all(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    with pytest.raises(Exposed):
        await gateway.adapter.send(to(phone, "for nobody else", "s1", sensitive=True))
    await gateway.adapter.send(to(phone, "for everybody", "s2"))
    assert (await phone.next()).text == "for everybody"


async def test_choices_are_native_buttons_where_there_are_buttons(gateway: Gateway) -> None:
    if not gateway.adapter.facts.buttons:
        return
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    choices = (("yes", "بله"), ("offer 7KQ", "Offer my help"))
    native = await gateway.adapter.send(to(phone, "Post it?", "k1", choices=choices))
    seen = await phone.next()
    assert seen.choices == ("بله", "Offer my help")
    await phone.press(seen, "Offer my help")
    event = (await gateway.until(2))[1]
    assert isinstance(event, Inbound)
    assert (event.pressed, event.native, event.text) == ("offer 7KQ", native, "")


async def test_a_native_reply_names_the_message_it_answers(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    own = await phone.say("hello")
    await gateway.until(1)
    first = await gateway.adapter.send(to(phone, "first", "k1"))
    await gateway.adapter.send(to(phone, "second", "k2"))
    assert [(await phone.next()).text, (await phone.next()).text] == ["first", "second"]
    await phone.say("to the first", reply_to=first)
    event = (await gateway.until(2))[1]
    assert isinstance(event, Inbound)
    assert (event.text, event.answers_to) == ("to the first", first)
    await gateway.adapter.send(to(phone, "to you", "k3", answers_to=own, quote="hello"))
    assert (await phone.next()).answers_to == own


async def test_an_edit_names_the_message_it_replaces(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    own = await phone.say("helo")
    await gateway.until(1)
    await phone.edit(own, "hello")
    event = (await gateway.until(2))[1]
    assert isinstance(event, Inbound)
    assert (event.text, event.edits) == ("hello", own)


async def test_the_bot_corrects_its_own_message_in_place(gateway: Gateway) -> None:
    if not gateway.adapter.facts.edits:
        return
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    native = await gateway.adapter.send(to(phone, "on", "k1"))
    await phone.next()
    await gateway.adapter.send(to(phone, "one", "k2", replaces=native))
    seen = await phone.next()
    assert (seen.text, seen.replaces) == ("one", native)


async def test_the_bot_takes_back_what_it_sent(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    own = await phone.say("hello")
    await gateway.until(1)
    unsend, there = gateway.adapter.unsend, phone.address
    natives = [await gateway.adapter.send(to(phone, word, word)) for word in ("one", "two", "3")]
    for word in ("one", "two", "3"):
        assert (await phone.next()).text == word
    await unsend(there, natives[:1])
    assert await phone.unsent() == natives[0]
    await unsend(there, natives[:1])  # once more does no harm
    await unsend(there, ["7777", "never sent", "$never:sent", "mg.never"])
    await unsend(there, natives[1:])
    gone = {await phone.unsent(), await phone.unsent()}
    while not gone >= {*natives[1:]}:
        gone.add(await phone.unsent())
    assert own not in gone
    await gateway.adapter.send(to(phone, "still here", "k"))
    assert (await phone.next()).text == "still here"


async def test_the_bot_takes_back_a_picture_and_what_it_corrected(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    picture = await gateway.adapter.send(to(phone, "", "k1", picture=JPEG))
    text = await gateway.adapter.send(to(phone, "on", "k2"))
    if gateway.adapter.facts.edits:
        await gateway.adapter.send(to(phone, "one", "k3", replaces=text))
        await phone.next()
    await phone.next()
    await phone.next()
    await gateway.adapter.unsend(phone.address, [picture, text])
    gone = set()
    while not gone >= {picture, text}:
        gone.add(await phone.unsent())


@pytest.mark.parametrize("kind", ["picture", "voice", "document", "sticker"])
async def test_a_file_is_heard_as_what_it_is(gateway: Gateway, kind: str) -> None:
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await phone.send_file(kind)
    event = (await gateway.until(2))[1]
    assert isinstance(event, Inbound)
    assert event.files, kind


@pytest.mark.parametrize("name", ["a.jpg", "a.pdf"])
async def test_a_picture_is_fetched_byte_for_byte(gateway: Gateway, name: str) -> None:
    phone = await gateway.platform.phone()
    await phone.say("hello")
    body = b"\xff\xd8\xff" + bytes(range(256)) * 2000
    await phone.send_picture(body, name=name)
    event = (await gateway.until(2))[1]
    assert isinstance(event, Inbound)
    (file,) = event.files
    assert file.kind == ("picture" if name == "a.jpg" else "document")
    assert await gateway.adapter.fetch(file) == body


async def test_a_file_that_is_too_large_or_not_there_is_refused(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await phone.send_picture(b"\xff\xd8\xff" + bytes(LARGEST_FILE))
    event = (await gateway.until(2))[1]
    assert isinstance(event, Inbound)
    with pytest.raises(Refused):
        await gateway.adapter.fetch(event.files[0])
    with pytest.raises(Refused):
        await gateway.adapter.fetch(replace(event.files[0], size=0))
    with pytest.raises(Refused):
        await gateway.adapter.fetch(File("picture"))


async def test_a_picture_is_seen_as_it_was_sent(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    own = await phone.say("hello")
    await gateway.until(1)
    words = "│ این است" if gateway.adapter.facts.caption else ""
    native = await gateway.adapter.send(to(phone, words, "k1", picture=JPEG, answers_to=own))
    seen = await phone.next()
    assert (seen.native, seen.text, seen.picture, seen.answers_to) == (native, words, JPEG, own)
    await phone.say("what is this?", reply_to=native)
    event = (await gateway.until(2))[1]
    assert isinstance(event, Inbound)
    assert event.answers_to == native


async def test_nothing_written_while_the_bot_is_away_is_lost(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    await phone.say("before")
    await gateway.until(1)
    await gateway.stop()
    for i in range(5):
        await phone.say(f"away {i}")
    await gateway.start()
    heard = [text(e) for e in await gateway.until(6)]
    assert heard == ["before", *(f"away {i}" for i in range(5))]


async def test_what_was_not_committed_comes_again(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    await phone.say("before")
    await gateway.until(1)
    gateway.refuse = 2
    await phone.say("the store was down")
    await phone.say("and then it was not")
    assert [text(e) for e in (await gateway.until(3))[1:]] == [
        "the store was down",
        "and then it was not",
    ]


async def test_a_cut_connection_loses_nothing_either_way(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    await phone.say("before")
    await gateway.until(1)
    await gateway.platform.cut()
    await phone.say("after")
    await gateway.until(2)
    assert text(gateway.heard[1]) == "after"
    async with asyncio.timeout(20):
        await gateway.adapter.up.wait()
    await gateway.adapter.send(to(phone, "still here", "k1"))
    assert (await phone.next()).text == "still here"


async def test_a_dead_address_is_noticed(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    await phone.leave()
    with contextlib.suppress(TimeoutError):
        await gateway.until(2, 3)
    if any(isinstance(e, Left) for e in gateway.heard):
        return
    with pytest.raises(Gone):
        await gateway.adapter.send(to(phone, "anybody?", "k1"))


@pytest.mark.parametrize("length", [1_000, 100_000])
async def test_a_message_at_the_platform_s_limit_arrives(gateway: Gateway, length: int) -> None:
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    facts = gateway.adapter.facts
    unit = {"utf16": 1, "codepoints": 1, "bytes": 2}[facts.unit]
    words = "م" * (min(length, facts.max_length) // unit)
    await gateway.adapter.send(to(phone, words, "k1"))
    assert (await phone.next()).text == words


async def test_characters_that_break_streams_do_no_harm(gateway: Gateway) -> None:
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    await gateway.adapter.send(to(phone, "a\x00b\x0b\ud800\uffffc", "k1"))
    seen = (await phone.next()).text
    assert seen[0] == "a"
    assert seen[-1] == "c"
    await gateway.adapter.send(to(phone, "next", "k2"))
    assert (await phone.next()).text == "next"
