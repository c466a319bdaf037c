"""What leaves the gateway and is taken back: at forgetting, and on Telegram after a day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bots.keeping import _forget
from core import people
from core.store import Book, Store
from tests.platforms import Platform
from tests.platforms.bot_api import BotApi, Fault
from tests.platforms.memory import MemoryPlatform
from tests.platforms.telegram import TelegramPlatform
from tests.vaults import in_clear, vault_of
from tests.world import World, database, plain

ALL = 10**6


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Telegram, and a messenger whose chats stay."""
    platforms = {"telegram": TelegramPlatform(), "memory": MemoryPlatform()}
    async with World(platforms, database(tmp_path), {"Tom": "memory"}) as world:
        api(world).clock = world.clock
        yield world


def api(world: World) -> BotApi:
    platform = world.platforms["telegram"]
    assert isinstance(platform, TelegramPlatform)
    return platform.api


def chat(world: World, name: str) -> list[str]:
    """The bot's messages as they stand on somebody's Telegram."""
    user = int(world.players[name].phone.address.handle)
    return [
        plain(message.get("text", ""))
        for (there, _), message in sorted(api(world).messages.items())
        if there == user and message["from"] == api(world).me
    ]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def nothing_waits(world: World) -> None:
    async with asyncio.timeout(30):
        while await world.gateway.do(lambda book: book.value("select count(*) from unsends")):
            await asyncio.sleep(0.02)


async def cleared_away(world: World) -> None:
    """What is done every hour is done."""
    due = "select min(due) from timers where kind = 'clear_away'"
    async with asyncio.timeout(30):
        while await world.gateway.do(lambda book: book.value(due)) <= world.clock():
            await asyncio.sleep(0.02)


FORGET = """
people: Ana en
Ana: help
Ana sees: need
Ana: forget
Ana sees: It cannot be undone.
Ana presses: Forget everything
Ana sees: I am removing my messages
"""


async def test_who_is_forgotten_has_nothing_of_ours_in_the_chat_but_the_goodbye(
    world: World,
) -> None:
    await world.tell(FORGET)
    await until(lambda: len(chat(world, "Ana")) == 1)
    assert chat(world, "Ana")[0].startswith("Done. Nothing about you is left here.")
    await nothing_waits(world)
    handle = world.players["Ana"].phone.address.handle
    async with asyncio.timeout(30):  # until the goodbye is recorded
        while handle in await world.gateway.do(in_clear):
            await asyncio.sleep(0.02)


async def test_it_is_done_after_a_restart_and_when_the_platform_is_back(world: World) -> None:
    fault = Fault("deleteMessages", "error", times=ALL)
    api(world).faults.append(fault)
    await world.tell(FORGET)
    await world.again()
    assert len(chat(world, "Ana")) > 1
    handle = world.players["Ana"].phone.address.handle
    assert await world.gateway.do(lambda book: book.value("select count(*) from unsends")) == 1
    assert handle not in await world.gateway.do(in_clear_chats)
    fault.times = 0
    await until(lambda: len(chat(world, "Ana")) == 1)
    await nothing_waits(world)


def in_clear_chats(book: Book) -> str:
    return " ".join(book.column("select chat || owner from unsends"))


async def test_what_cannot_be_deleted_for_long_is_let_go_with_its_key(world: World) -> None:
    api(world).faults.append(Fault("deleteMessages", "error", times=ALL))
    await world.tell(FORGET)
    (id,) = await world.gateway.do(lambda book: book.column("select id from unsends"))
    assert world.store.vault.knows(id)
    await world.tell("73 hours pass")
    await nothing_waits(world)
    assert not world.store.vault.knows(id)
    await until(lambda: not world.gateway.unsending.tasks)


async def test_somebody_forgotten_from_the_terminal_is_served_when_it_runs_next(
    world: World,
) -> None:
    await world.tell("people: Ana en\nAna: help\nAna sees: need")
    await world.stop()
    store = Store(world.url, vault_of(world.url), world.clock)
    store.now(lambda book: _forget(book, world.players["Ana"].phone.address))
    store.close()
    await world.start()
    await world.tell("Ana sees: I am removing my messages")
    await until(lambda: len(chat(world, "Ana")) == 1)


async def test_what_was_on_its_way_when_they_were_forgotten_is_taken_back_too(
    world: World,
) -> None:
    await world.tell("people: Ana en")
    api(world).faults.append(Fault("sendMessage", "late", seconds=0.5, times=1))
    greeted = len(chat(world, "Ana"))
    await world.says("Ana", "help")
    await until(lambda: len(chat(world, "Ana")) == greeted + 1)
    address = world.players["Ana"].phone.address
    await world.gateway.do(lambda book: _forget(book, address))
    await world.tell("Ana sees: need\nAna sees: I am removing my messages")
    await until(lambda: len(chat(world, "Ana")) == 1)
    await nothing_waits(world)


MEETING = """
people: Ana en, Vic en vouched, Tom en vouched
Vic can: writing
Tom can: writing
Ana: need Somebody to write a letter for my sister
Ana sees: This is what they will see:
Ana presses: Post it
Ana sees: Posted as
Vic sees: 🔎 {code}
Tom sees: 🔎 {code}
Vic: offer {code} I edit letters.
Vic sees: Sent.
Ana sees: offers help with {code}
Ana presses: Accept
Ana sees: Just write.
Vic sees: Just write.
Ana: She was taken at noon
Vic sees: │ She was taken at noon
Vic sees nothing
"""


async def test_on_telegram_somebody_s_words_stand_for_a_day(world: World) -> None:
    await world.tell(MEETING)
    words = ("letter for my sister", "edit letters", "noon")
    shown = [text for name in ("Ana", "Vic") for text in chat(world, name)]
    assert all(any(word in text for text in shown) for word in words)
    await world.tell("23 hours pass")
    await cleared_away(world)
    assert "noon" in str(chat(world, "Vic"))
    await world.again()
    await world.tell("3 hours pass")
    everything = lambda: str(chat(world, "Ana")) + str(chat(world, "Vic"))  # noqa: E731
    await until(lambda: not any(word in everything() for word in words))
    await nothing_waits(world)
    assert "Just write." in everything()
    tom = world.players["Tom"].phone.address.handle
    memory = world.platforms["memory"]
    assert isinstance(memory, MemoryPlatform)
    assert memory.server.unsent[tom].empty()
    # a correction finds nothing to correct, and comes as a message of its own
    await world.tell('Ana edits "at noon": She was taken at one')
    assert (await world.sees("Vic", "│ She was taken at one")).replaces is None


async def test_the_words_of_whoever_was_forgotten_go_from_the_others_chats_in_their_time(
    world: World,
) -> None:
    await world.tell(MEETING)
    await world.tell("Ana: forget\nAna sees: cannot be undone\nAna presses: Forget everything")
    await world.sees("Vic", "is closed")
    await nothing_waits(world)
    assert "noon" in str(chat(world, "Vic"))
    await world.tell("25 hours pass")
    await until(lambda: "noon" not in str(chat(world, "Vic")))
    await nothing_waits(world)
    assert "letter for my sister" not in str(chat(world, "Vic"))
    assert "is closed" in str(chat(world, "Vic"))


async def test_with_no_hours_set_nothing_goes_by_itself(world: World) -> None:
    await world.tell(MEETING)
    world.gateway.clock.kept = replace(world.gateway.clock.kept, telegram_hours=0)
    await world.tell("30 hours pass")
    await cleared_away(world)
    waiting = "select count(*) from copies where fleeting = 1"
    assert await world.gateway.do(lambda book: book.value(waiting)) > 0
    assert "noon" in str(chat(world, "Vic"))


async def test_an_altered_row_holds_up_nobody_else(world: World) -> None:
    await world.tell(MEETING)

    def alter(book: Book) -> None:
        found = people.at(book, world.players["Vic"].phone.address)
        assert found is not None
        book.do("update copies set native = 'AAAA' where address = :vic", vic=found[1])

    await world.gateway.do(alter)
    await world.tell("25 hours pass")
    await until(lambda: "letter for my sister" not in str(chat(world, "Ana")))
    await nothing_waits(world)


async def test_on_every_messenger_what_she_saw_is_taken_back(
    platform: Platform, tmp_path: Path
) -> None:
    async with World({platform.name: platform}, database(tmp_path)) as world:
        await world.tell("people: Ana fa")
        for word, answer in (("راهنما", "نیاز"), ("فراموشم کن", "برگشت")):
            await world.says("Ana", word)
            await world.sees("Ana", answer)
        shown = {seen.native for seen in world.players["Ana"].seen}
        await world.presses("Ana", "همه‌چیز را فراموش کن")
        goodbye = await world.sees("Ana", "پیام‌های خودم را")
        phone, gone = world.players["Ana"].phone, set[str]()
        while not gone >= shown:
            gone.add(await phone.unsent())
        assert goodbye.native not in gone
        await nothing_waits(world)
