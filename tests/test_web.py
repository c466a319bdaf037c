"""The playground's door and wire: who may come in, what a broken page can do (nothing), and what is
kept when tabs, connections and the gateway come and go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.web import Web
from adapters.web.demo import STORY, Step, play
from core.message import Address, Down, Event, Inbound, Left, Outbound
from tests.platforms.web import WebPhone, WebPlatform
from tests.safes import Pocket

PAGE = Path(__file__).parent.parent / "adapters/web/page"


class Bot:
    """The gateway behind the playground: hears, and answers as a test wants."""

    def __init__(self, platform: WebPlatform) -> None:
        self.platform = platform
        self.heard: list[Event] = []
        self.news = asyncio.Condition()
        self.open = asyncio.Event()
        self.open.set()
        self.handed_on = False
        self.broken = 0
        self.answers: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {}

    async def hear(self, event: Event) -> bool:
        if event.sender.handle == "activist":
            await self.open.wait()
        if self.broken:
            self.broken -= 1
            raise OSError(event)
        async with self.news:
            self.heard.append(event)
            self.news.notify_all()
        if isinstance(event, Inbound) and (said := event.pressed or event.text) in self.answers:
            text, choices = self.answers[said]
            await self.send(event.sender.handle, text, f"to {event.id}", choices=choices)
        return self.handed_on

    async def send(self, handle: str, text: str, key: str, **more: Any) -> str:
        address = Address("web", handle)
        return await self.platform.current.send(Outbound(key, address, text, **more))

    @contextlib.asynccontextmanager
    async def running(self, adapter: Web) -> AsyncIterator[None]:
        task = asyncio.create_task(adapter.run(self.hear, None, Pocket()))
        async with asyncio.timeout(10):
            await adapter.up.wait()
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def platform() -> AsyncIterator[WebPlatform]:
    platform = WebPlatform()
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
async def bot(platform: WebPlatform) -> AsyncIterator[Bot]:
    bot = Bot(platform)
    async with bot.running(platform.adapter()):
        yield bot


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def until(phone: WebPhone) -> None:
    """Everything that was done on the phone is committed."""
    async with asyncio.timeout(10):
        await phone.committed.wait()


def wire(http: aiohttp.ClientSession, web: Web) -> Any:
    origin = web.url.rstrip("/")
    return http.ws_connect(f"{web.url}wire", headers={"Origin": origin})


async def read(ws: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next frame of this kind."""
    async with asyncio.timeout(10):
        while True:
            frame: dict[str, Any] = await ws.receive_json()
            if frame["is"] == kind:
                return frame


# ---------------------------------------------------------------- who may come in


@pytest.mark.parametrize(
    "listen",
    [
        "0.0.0.0:8642",
        "[::]:8642",
        "192.168.1.2:8642",
        "example.org:80",
        ":8642",
        "127.0.0.1",
        "x:y",
    ],
)
def test_it_listens_on_loopback_and_nowhere_else(listen: str) -> None:
    with pytest.raises(Down) as refused:
        Web(listen=listen)
    assert refused.value.key == "listen"


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0", "127.9.9.9:0", "[::1]:0"])
def test_every_spelling_of_loopback_will_do(listen: str) -> None:
    assert Web(listen=listen).port == 0


async def test_a_port_that_is_taken_is_said_plainly(bot: Bot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = Web(listen=f"127.0.0.1:{taken.getsockname()[1]}")
        for attempt in (web.run(bot.hear, None, Pocket()), web.check()):
            with pytest.raises(Down) as refused:
                await attempt
            assert refused.value.key == "listen"
    assert await web.check() == f"127.0.0.1:{web.port}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8642"}, 200),
        ({"Host": "[::1]:8642"}, 200),
        ({"Host": "rebound.example:8642"}, 403),
        ({"Host": "127.0.0.1.rebound.example"}, 403),
        ({"Host": "["}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
    ],
)
async def test_other_sites_in_the_same_browser_stay_outside(
    bot: Bot, http: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    async with http.get(bot.platform.current.url, headers=headers) as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    "origin", [None, "null", "http://elsewhere.example", "https://127.0.0.1", "http://127.0.0.1:1"]
)
async def test_only_this_very_page_gets_a_wire(
    bot: Bot, http: aiohttp.ClientSession, origin: str | None
) -> None:
    headers = {"Origin": origin} if origin else {}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(f"{bot.platform.current.url}wire", headers=headers)
    assert refused.value.status == 403


async def test_the_page_loads_nothing_from_anywhere_else(
    bot: Bot, http: aiohttp.ClientSession
) -> None:
    for file in PAGE.iterdir():
        async with http.get(bot.platform.current.url + file.name) as answer:
            assert answer.status == 200
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            body = (await answer.text()).replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//\w+\.\w+/|innerHTML|style=", body), file.name


@pytest.mark.parametrize("path", ["server.py", "..%2fserver.py", "page/", "%00", "x.html", "Page"])
async def test_nothing_but_the_page_is_served(
    bot: Bot, http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(bot.platform.current.url + path) as answer:
        assert answer.status in (400, 404)


# ---------------------------------------------------------------- what a broken page can do


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[]",
        "null",
        "9" * 5_000,
        "[" * 100_000,
        '{"do": "open"}',
        '{"do": "open", "phone": "volunteer", "language": "xx"}',
        '{"do": "open", "phone": "../..", "language": "en"}',
        '{"do": "say", "phone": "nobody", "id": "1", "text": "hello"}',
        '{"do": "say", "phone": "volunteer", "id": "1", "text": ""}',
        '{"do": "say", "phone": "volunteer", "id": "1", "text": {"a": 1}}',
        '{"do": "say", "phone": "volunteer", "id": "a b", "text": "hello"}',
        '{"do": "say", "phone": "volunteer", "text": "hello"}',
        '{"do": "say", "phone": "volunteer", "id": "1", "text": "hello", "answers_to": 5}',
        '{"do": "edit", "phone": "volunteer", "id": "1", "text": "hello"}',
        '{"do": "press", "phone": "volunteer", "id": "1", "on": "b1", "value": ""}',
        '{"do": "file", "phone": "volunteer", "id": "1", "kind": "bomb"}',
        '{"do": ["say"], "phone": "volunteer", "id": "1"}',
        json.dumps({"do": "say", "phone": "volunteer", "id": "1", "text": "x" * 20_001}),
    ],
)
async def test_nonsense_is_refused_and_the_wire_stays(
    bot: Bot, http: aiohttp.ClientSession, frame: str
) -> None:
    async with wire(http, bot.platform.current) as ws:
        await ws.send_str(frame)
        assert (await read(ws, "refused"))["why"]
        await ws.send_json({"do": "open", "phone": "volunteer", "language": "en"})
        await ws.send_json({"do": "say", "phone": "volunteer", "id": "ok", "text": "hello"})
        assert (await read(ws, "heard"))["id"] == "ok"
    assert [e.text for e in bot.heard if isinstance(e, Inbound)] == ["hello"]


async def test_a_frame_beyond_all_measure_closes_that_tab_alone(
    bot: Bot, http: aiohttp.ClientSession
) -> None:
    phone = await bot.platform.phone(handle="volunteer")
    async with wire(http, bot.platform.current) as ws:
        await ws.send_str("x" * 1_000_000)
        async with asyncio.timeout(10):
            while (frame := await ws.receive()).type != aiohttp.WSMsgType.CLOSE:
                pass
        assert frame.data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    await phone.say("x" * 20_000)
    await until(phone)
    assert len(bot.heard) == 1


async def test_half_a_character_is_heard_as_something_that_can_be_stored(
    bot: Bot, http: aiohttp.ClientSession
) -> None:
    async with wire(http, bot.platform.current) as ws:
        await ws.send_json({"do": "open", "phone": "volunteer", "language": "en"})
        await ws.send_str(
            '{"do": "say", "phone": "volunteer", "id": "1", "text": "a\\ud800b \\ud83d\\ude00"}'
        )
        await read(ws, "heard")
    (event,) = bot.heard
    assert isinstance(event, Inbound)
    assert event.text == "a\ufffdb 😀"


async def test_a_page_cannot_open_phones_for_ever(bot: Bot, http: aiohttp.ClientSession) -> None:
    async with wire(http, bot.platform.current) as ws:
        for i in range(101):
            await ws.send_json({"do": "open", "phone": f"p{i}", "language": "en"})
        assert (await read(ws, "refused"))["why"] == "too many phones"


async def test_no_log_holds_what_anybody_said(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    phone = await bot.platform.phone(handle="volunteer")
    bot.broken = 2
    await phone.say("planted words")
    await until(phone)
    assert caplog.text.count("not heard (OSError)") == 2
    assert "planted" not in caplog.text
    assert "volunteer" not in caplog.text


# ---------------------------------------------------------------- what comes and goes


async def test_two_tabs_of_one_phone_show_the_same_chat(bot: Bot) -> None:
    one = await bot.platform.phone(handle="volunteer")
    two = await bot.platform.phone(handle="volunteer")
    for phone, words in ((one, "from one"), (two, "from two")):
        await phone.say(words)
        await until(phone)
    await bot.send("volunteer", "to both", "k1")
    assert [(await one.next()).text, (await two.next()).text] == ["to both", "to both"]
    assert [e.text for e in bot.heard if isinstance(e, Inbound)] == ["from one", "from two"]


async def test_a_page_that_comes_again_gets_the_whole_chat(
    bot: Bot, http: aiohttp.ClientSession
) -> None:
    phone = await bot.platform.phone(handle="activist", locale="fa")
    bot.handed_on = True
    own = await phone.say("پدرم را دیشب بردند")
    await until(phone)
    await bot.send("activist", "Post it?", "k1", choices=(("post", "Post it"),))
    await phone.press(await phone.next(), "Post it")
    await until(phone)
    async with wire(http, bot.platform.current) as ws:
        await ws.send_json({"do": "open", "phone": "activist", "language": "fa"})
        first, second = [(await read(ws, "message"))["message"] for _ in range(2)]
    assert (first["id"], first["mine"], first["state"]) == (own, True, "handed")
    assert (second["text"], second["pressed"]) == ("Post it?", "post")
    assert second["choices"] == [["post", "Post it"]]


async def test_an_event_that_is_sent_again_is_heard_once_and_confirmed_again(
    bot: Bot, http: aiohttp.ClientSession
) -> None:
    async with wire(http, bot.platform.current) as ws:
        await ws.send_json({"do": "open", "phone": "volunteer", "language": "en"})
        for _ in range(2):
            await ws.send_json({"do": "say", "phone": "volunteer", "id": "once", "text": "hello"})
            assert (await read(ws, "heard"))["id"] == "once"
    (event,) = bot.heard
    assert isinstance(event, Inbound)
    assert (event.id, event.native, event.locale) == ("volunteer:once", "once", "en")


async def test_a_slow_phone_waits_for_its_own_commit_and_holds_up_nobody(bot: Bot) -> None:
    activist = await bot.platform.phone(handle="activist")
    volunteer = await bot.platform.phone(handle="volunteer")
    bot.open.clear()
    await activist.say("slow")
    await volunteer.say("fast")
    await until(volunteer)
    assert activist.unheard
    bot.open.set()
    await until(activist)
    assert [e.text for e in bot.heard if isinstance(e, Inbound)] == ["fast", "slow"]


async def test_a_message_sent_again_stands_once_also_after_a_restart(
    platform: WebPlatform,
) -> None:
    bot = Bot(platform)
    async with bot.running(platform.adapter()):
        phone = await platform.phone(handle="volunteer")
        first = await bot.send("volunteer", "once", "k1")
        assert await bot.send("volunteer", "once", "k1") == first
        assert (await phone.next()).native == first
    async with bot.running(platform.adapter()):
        assert await bot.send("volunteer", "once", "k1") == first
        await bot.send("volunteer", "next", "k2")
        assert (await phone.next()).text == "next"


async def test_an_old_correction_sent_again_does_not_undo_a_newer_one(bot: Bot) -> None:
    phone = await bot.platform.phone(handle="volunteer")
    native = await bot.send("volunteer", "a", "k1")
    for key, text in (("k2", "b"), ("k3", "c"), ("k2", "b")):
        await bot.send("volunteer", text, key, replaces=native)
    await bot.send("volunteer", "end", "k4")
    shown = [(await phone.next()).text]
    while shown[-1] != "end":
        shown.append((await phone.next()).text)
    assert shown[-2:] == ["c", "end"]


async def test_whoever_left_can_come_back(bot: Bot) -> None:
    phone = await bot.platform.phone(locale="tr")
    await phone.leave()
    await phone.say("merhaba")
    await until(phone)
    assert isinstance(bot.heard[0], Left)
    await bot.send(phone.address.handle, "hello again", "k1")
    assert (await phone.next()).text == "hello again"


# ---------------------------------------------------------------- the story that plays by itself


def menu(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple((value, value.title()) for value in values)


async def test_the_story_finds_its_way_by_values_and_marks(platform: WebPlatform) -> None:
    bot = Bot(platform)
    bot.answers = {
        "hello": ("what?", menu("need", "help")),
        "need": ("tell me", ()),
        "a lawyer": ("│ a lawyer", menu("=17:confirm:post", "cancel")),
        "=17:confirm:post": ("posted 7KQ", ()),
    }
    async with bot.running(platform.adapter()):
        story = (
            Step("activist", write="hello"),
            Step("activist", press="need"),
            Step("activist", write="a lawyer", after="tell"),
            Step("activist", see="│"),
            Step("activist", press="confirm:po*"),
            Step("activist", reply="thank you", to="│"),
        )
        await play(platform.current, story, pace=0, patience=10)
        preview = platform.current.phones["activist"].messages
        replied = next(m.id for m in preview.values() if m.text == "│ a lawyer")
        async with asyncio.timeout(10), bot.news:
            await bot.news.wait_for(lambda: len(bot.heard) == 5)
    events = [e for e in bot.heard if isinstance(e, Inbound)]
    said = [e.pressed or e.text for e in events]
    assert said == ["hello", "need", "a lawyer", "=17:confirm:post", "thank you"]
    assert events[-1].answers_to == replied


async def test_a_story_that_waits_in_vain_stops(bot: Bot) -> None:
    with pytest.raises(TimeoutError):
        await play(bot.platform.current, (Step("activist", press="never"),), patience=0.01)


async def test_the_story_starts_when_somebody_looks_and_a_hand_takes_over(
    platform: WebPlatform, http: aiohttp.ClientSession
) -> None:
    platform.current = Web(listen="127.0.0.1:0", demo=True)
    async with Bot(platform).running(platform.current), wire(http, platform.current) as ws:
        while not (await read(ws, "story"))["playing"]:
            pass
        await ws.send_json({"do": "stop story"})
        assert (await read(ws, "story"))["playing"] is False


def test_every_step_of_the_story_does_one_thing_on_a_phone_that_is_there() -> None:
    phones = Web(listen="127.0.0.1:0").phones
    for step in STORY:
        assert step.phone in phones
        deeds = (step.write, step.press, step.reply, step.see)
        assert sum(deed is not None for deed in deeds) == 1
