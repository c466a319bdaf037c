"""What people send along: who is asked for it, who isn't, and where it goes once it is clean."""

from __future__ import annotations

import asyncio
import base64
import random
import ssl
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from adapters.matrix import media
from adapters.xmpp.files import Files, Public
from bots.pictures import Pictures
from bots.rendering import rendered
from core import outbox, people
from core.actions import pictures as kept
from core.message import (
    LARGEST_FILE,
    Address,
    Facts,
    File,
    Inbound,
    Notice,
    Outbound,
    Quote,
    Refused,
    Say,
    Undelivered,
    Unsent,
)
from core.outbox import Waiting
from core.store import Book
from tests.crafted import jpeg
from tests.platforms.bot_api import BotApi
from tests.platforms.memory import MemoryPlatform
from tests.platforms.telegram import TelegramPlatform
from tests.test_contract import JPEG, Gateway, to
from tests.world import LANGUAGES, World

PHOTO = jpeg(random.Random(1))

# ------------------------------------------------------------------ links that lead elsewhere


@pytest.mark.parametrize(
    "url",
    [
        "http://upload.a.org/a.jpg",
        "ftp://upload.a.org/a.jpg",
        "file:///etc/passwd",
        "https://b.org/a.jpg",
        "https://a.org.b.org/a.jpg",
        "https://evil-a.org/a.jpg",
        "https://me:pw@upload.a.org/a.jpg",
        "https://a.org@127.0.0.1/a.jpg",
        "https://127.0.0.1/a.jpg",
        "https://[::1]/a.jpg",
        "https://169.254.169.254/latest/meta-data",
        "https://upload.a.org:99999/a.jpg",
        "https://",
        "a.jpg",
        "",
    ],
)
async def test_a_link_that_leads_away_from_the_sender_s_server_is_not_followed(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files("bot.org", ssl.create_default_context(), None)

    def asked(*_: object) -> None:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(files, "_asking", asked)
    with pytest.raises(Refused):
        await files.fetch(None, File("picture", f"a.org {url}"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.1.1", "::1", "fd00::1", "100.64.0.1"]
)
async def test_a_name_that_leads_inside_is_not_followed(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Public()

    async def resolve(*_: object) -> list[dict[str, object]]:
        return [{"host": host, "port": 443}]

    monkeypatch.setattr(names._names, "resolve", resolve)
    with pytest.raises(OSError, match="not a public address"):
        await names.resolve("upload.a.org", 443)


async def test_a_public_name_is_followed_and_what_fails_on_the_way_is_unsent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up = []

    async def resolve(self: object, host: str, *_: object, **__: object) -> Any:
        looked_up.append(host)
        raise OSError("no network")

    monkeypatch.setattr(Public, "resolve", resolve)
    files = Files("bot.org", ssl.create_default_context(), None)
    with pytest.raises(Unsent):
        await files.fetch(None, File("picture", "a.org https://up.a.org/a.jpg"))  # type: ignore[arg-type]
    assert looked_up == ["up.a.org"]


@pytest.mark.parametrize(
    "mxc",
    ["", "mxc://", "mxc://a.org/../../x", "mxc://a.org/a?b", "https://a.org/a", "mxc://a.org"],
)
async def test_what_is_no_media_address_is_not_asked_for(mxc: str) -> None:
    with pytest.raises(Refused):
        await media.fetch(None, File("picture", mxc))


# ------------------------------------------------------------------ Telegram


@pytest.fixture
async def telegram() -> AsyncIterator[Gateway]:
    platform = TelegramPlatform()
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await platform.stop()


def api_of(gateway: Gateway) -> BotApi:
    assert isinstance(gateway.platform, TelegramPlatform)
    return gateway.platform.api


@pytest.mark.parametrize("trouble", ["gone", "redirect", "reset"])
async def test_a_download_that_fails_says_nothing_of_the_token(
    telegram: Gateway, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    api, asked = api_of(telegram), []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        if trouble == "reset" and request.transport:
            request.transport.abort()
        if trouble == "redirect":
            raise web.HTTPFound(f"{api.url}/file/bot{api.token}/files/{api.keep(b'elsewhere')}")
        return web.Response(status=404)

    api.download = answer
    with pytest.raises(Undelivered) as failed:
        await telegram.adapter.fetch(File("picture", api.keep(PHOTO)))
    told = "".join(traceback.format_exception(failed.value)) + caplog.text
    assert api.token not in told
    assert asked
    assert trouble != "redirect" or len(asked) == 1


async def test_a_picture_taken_back_is_deleted_on_telegram(telegram: Gateway) -> None:
    phone = await telegram.platform.phone()
    native = await telegram.adapter.send(to(phone, "look", "k1", picture=JPEG))
    await phone.next()
    second = await telegram.adapter.send(to(phone, "taken back", "k2", replaces=native))
    seen = await phone.next()
    assert (seen.native, seen.text, seen.picture) == (second, "taken back", None)
    assert (phone.user, int(native)) not in api_of(telegram).messages  # type: ignore[attr-defined]


async def test_of_a_photo_the_largest_size_that_may_be_fetched_is(telegram: Gateway) -> None:
    phone = await telegram.platform.phone()
    sizes = [("s", 90, 1_000), ("m", 800, 100_000), ("l", 9000, LARGEST_FILE + 1)]
    photo = [
        {"file_id": id, "file_unique_id": id, "width": w, "height": w, "file_size": size}
        for id, w, size in sizes
    ]
    await api_of(telegram).write(phone.user, photo=photo)  # type: ignore[attr-defined]
    (event,) = await telegram.until(1)
    assert isinstance(event, Inbound)
    assert event.files == (File("picture", "m", 100_000),)


# ------------------------------------------------------------------ before it is heard


class Shelf:
    """An adapter with one file."""

    def __init__(self, body: bytes | Exception) -> None:
        self.body, self.asked = body, 0

    async def fetch(self, file: File) -> bytes:
        self.asked += 1
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


async def opened(body: bytes | Exception, talks: bool = True, size: int = 0) -> Inbound:
    async def do(job: object) -> bool:
        return talks

    shelf = Shelf(body)
    event = Inbound("1", Address("p", "h"), files=(File("picture", "ref", size),))
    made = await Pictures(do, {"p": shelf}).opened(event)  # type: ignore[dict-item]
    assert shelf.asked == (talks and size <= LARGEST_FILE)
    return made


async def test_a_stranger_s_file_is_not_even_fetched() -> None:
    assert await opened(PHOTO, talks=False) == await opened(PHOTO, talks=False)
    assert (await opened(PHOTO, talks=False)).unclean is None


@pytest.mark.parametrize(
    ("body", "size", "why"),
    [
        (Unsent(), 0, "away"),
        (Refused(), 0, "away"),
        (RuntimeError("whatever an adapter does"), 0, "broken"),
        (b"no picture", 0, "kind"),
        (b"\xff\xd8\xff", 0, "broken"),
        (PHOTO, LARGEST_FILE + 1, "large"),
    ],
)
async def test_a_file_that_can_t_be_opened_is_heard_with_the_reason(
    body: bytes | Exception, size: int, why: str
) -> None:
    event = await opened(body, size=size)
    assert (event.pictures, event.unclean) == ((), why)


async def test_a_clean_picture_comes_with_the_message() -> None:
    event = await opened(PHOTO)
    assert len(event.pictures) == 1
    assert event.unclean is None


# ------------------------------------------------------------------ on its way out


def parts(facts: Facts, words: str, picture: bytes | None = JPEG) -> list[Outbound]:
    notice = Notice("p", Quote(words), entry="e", picture=0, key="k")
    row = Waiting(1, "k", "p", "en", 1, Address("x", "h"), True, notice, "a", None, None, False)
    return rendered(LANGUAGES, row, facts, picture)


def test_words_that_are_too_long_to_stand_under_a_picture_follow_it() -> None:
    facts = Facts(buttons=True, edits=True, max_length=4000, unit="utf16", caption=100)
    outs = parts(facts, "one two three " * 20)
    assert [out.picture is not None for out in outs] == [True] + [False] * (len(outs) - 1)
    assert all(len(out.text) <= 100 for out in outs)
    assert len({out.key for out in outs}) == len(outs)


def test_where_nothing_can_stand_under_a_picture_the_words_come_first() -> None:
    facts = Facts(buttons=False, edits=True, max_length=4000, unit="utf16")
    first, second = parts(facts, "look")
    assert (first.picture, first.answers_to) == (None, "a")
    assert (second.text, second.picture) == ("", JPEG)


def test_a_picture_that_is_gone_is_said_to_be() -> None:
    facts = Facts(buttons=True, edits=True, max_length=4000, unit="utf16", caption=100)
    (out,) = parts(facts, "look", None)
    assert out.picture is None
    assert "can't be shown" in out.text


def test_a_quote_above_an_answer_holds_nothing_to_tap() -> None:
    facts = Facts(buttons=False, edits=True, max_length=4000, unit="utf16")
    notice = Notice("p", Quote("yes"), key="k")
    quote = "see https://evil.example/x and /forget"
    row = Waiting(1, "k", "p", "en", 1, Address("x", "h"), True, notice, "a", None, quote, False)
    (out,) = rendered(LANGUAGES, row, facts)
    assert out.quote == "see hxxps://evil[.]example/x and ／forget"


def _entry(book: Book, entry: str) -> None:
    """An entry with a picture, in a conversation of its own."""
    book.vault.create("c1")
    book.do(
        "insert into entries(id, conversation, author, text, language, at)"
        " values (:entry, 'c1', 'somebody', '', 'en', :now)",
        entry=entry,
        now=book.now,
    )
    kept.keep(book, "c1", entry, [JPEG])


async def _waits(world: World, entry: str) -> int:
    """A picture for somebody whose platform is down. -> its row in the outbox"""
    address = world.players["Ana"].phone.address

    def put(book: Book) -> None:
        found = people.at(book, address)
        assert found is not None
        _entry(book, entry)
        outbox.put(book, [Notice(found[0].id, Say("Cancel"), entry=entry, picture=0, key=entry)])

    await world.gateway.do(put)
    return 0


def body_of(book: Book) -> str:
    return str(book.value("select body from files"))


async def test_a_delivered_picture_is_not_kept(database: str) -> None:
    async with World({"memory": MemoryPlatform()}, database) as world:
        await world.join("Ana", "en")
        await _waits(world, "e1")
        assert (await world.sees("Ana", "Cancel")).picture == JPEG
        async with asyncio.timeout(10):
            while await world.gateway.do(body_of):
                await asyncio.sleep(0.02)


async def test_a_picture_that_nobody_came_to_see_goes_after_three_days(database: str) -> None:
    async with World({"memory": MemoryPlatform()}, database) as world:
        await world.join("Ana", "en")

        def age(book: Book) -> tuple[str, str]:
            _entry(book, "e1")
            kept.shred(book, book.now)
            before = body_of(book)
            kept.shred(book, book.now + 1)
            return before, body_of(book)

        sealed, after = await world.gateway.do(age)
        assert (bool(sealed), after) == (True, "")
        assert base64.b64encode(JPEG).decode() not in sealed


async def test_a_picture_that_a_platform_refuses_is_told_in_words(database: str) -> None:
    async with World({"memory": MemoryPlatform()}, database) as world:
        await world.join("Ana", "en")
        adapter: Any = world.gateway.adapters["memory"]
        send = adapter.send

        async def no_pictures(out: Outbound) -> str:
            if out.picture is not None:
                raise Refused
            return str(await send(out))

        adapter.send = no_pictures
        await _waits(world, "e1")
        seen = await world.sees("Ana", "can't be shown here")
        assert seen.picture is None
