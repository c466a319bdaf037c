"""The program as operators run it, killed with SIGKILL again and again while people write to it."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.platforms.bot_api import BotApi, Fault
from tests.platforms.telegram import TelegramPhone
from tests.world import plain

ROOT = Path(__file__).parent.parent
PEOPLE = 12
KILLS = 6


class Program:
    """`movements run`, with Telegram alone."""

    def __init__(self, folder: Path, api: BotApi, url: str) -> None:
        (folder / "token").write_text(api.token)
        (folder / "token").chmod(0o600)
        self.config = folder / "config.toml"
        self.config.write_text(
            f'[store]\nurl = "{url}"\n[telegram]\ntoken_file = "token"\napi = "{api.url}"\n'
        )

    async def __aenter__(self) -> Program:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.process.returncode is None:
            await self.end(signal.SIGKILL)

    async def start(self) -> None:
        self.process = await self._spawn("run")

    async def _spawn(self, *act: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bots", *act, "--config", str(self.config), cwd=ROOT,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def end(self, sign: signal.Signals) -> str:
        """-> what it printed."""
        self.process.send_signal(sign)
        printed, _ = await self.process.communicate()
        return printed.decode()

    async def act(self, *act: str) -> tuple[int | None, str]:
        """Runs a command beside it. -> how it ended, and what it printed."""
        process = await self._spawn(*act)
        printed, _ = await process.communicate()
        return process.returncode, printed.decode()


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    server = BotApi()
    await server.start()
    yield server
    await server.stop()
    assert server.violations == []


async def post_a_need(phone: TelegramPhone) -> list[str]:
    """-> what this person saw."""
    seen: list[str] = []

    async def until(words: str, label: str = "") -> None:
        while True:
            message = await phone.next(60)
            seen.append(plain(message.text))
            if words in seen[-1]:
                if label:
                    await phone.press(message, label)
                return

    await phone.say("/start")
    await until("Movements")
    await phone.say("need I need a lawyer in Berlin for asylum")
    await until("This is what they will see", "Post it")
    await until("Posted as")
    await phone.say("needs")
    await until("no open need")
    return seen


async def test_killed_at_random_it_answers_everybody_and_does_everything_once(
    tmp_path: Path, api: BotApi
) -> None:
    dice = random.Random(7)

    def sends() -> int:
        return sum(method == "sendmessage" for method, _ in api.calls)

    def ask(question: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(tmp_path / "movements.db")) as database:
            return database.execute(question).fetchall()

    async with Program(tmp_path, api, f"sqlite:///{tmp_path}/movements.db") as program:
        phones = [TelegramPhone(api, api.user()) for _ in range(PEOPLE)]
        everybody = [asyncio.create_task(post_a_need(phone)) for phone in phones]
        for _ in range(KILLS):
            enough = sends() + dice.randint(1, 7)
            await api.until(lambda enough=enough: sends() >= enough, 30)
            for _ in range(dice.randint(0, 200)):  # somewhere in between
                await asyncio.sleep(0)
            await program.end(signal.SIGKILL)
            await program.start()
        seen = await asyncio.gather(*everybody)
        async with asyncio.timeout(30):
            while ask("select 1 from outbox where state = 'waiting'"):
                await asyncio.sleep(0.05)
        printed = await program.end(signal.SIGTERM)
        assert program.process.returncode == 0, printed
    posted = Counter(ask("select person from needs"))
    assert (len(posted), set(posted.values())) == (PEOPLE, {1})
    repeated = 0
    for texts in seen:
        once = [text for text, _ in groupby(texts)]
        repeated += len(texts) - len(once)
        assert len(once) == 4, "other messages came, or in another order"
    assert repeated <= KILLS * PEOPLE  # one in flight for each address: Telegram knows no keys


async def test_ended_in_the_middle_of_a_send_it_repeats_nothing(
    tmp_path: Path, api: BotApi
) -> None:
    async with Program(tmp_path, api, f"sqlite:///{tmp_path}/movements.db") as program:
        phones = [TelegramPhone(api, api.user()) for _ in range(PEOPLE)]
        for phone in phones:
            await phone.say("/start")
            await phone.next(60)

        def shown() -> int:
            return sum(api.screens[phone.user].qsize() for phone in phones)

        for some in (1, 4):
            api.faults = [Fault("sendMessage", "late", seconds=1.0, times=PEOPLE)]
            for phone in phones:
                await phone.say("mine")
            async with asyncio.timeout(30):
                while shown() < some:
                    await asyncio.sleep(0.01)
            printed = await program.end(signal.SIGTERM)
            assert program.process.returncode == 0, printed
            await program.start()
            for phone in phones:
                assert "Trust:" in (await phone.next(60)).text
        for phone in phones:
            await phone.say("help")
            assert "Trust:" not in (await phone.next(60)).text, "the answer came twice"


async def test_beside_a_running_gateway_commands_work_and_a_second_gateway_does_not(
    tmp_path: Path, api: BotApi, database: str
) -> None:
    async with Program(tmp_path, api, database) as program:
        phone = TelegramPhone(api, api.user())
        await phone.say("/start")
        assert "Movements" in (await phone.next(30)).text
        assert await program.act("moderator", "add", "telegram", str(phone.user)) == (0, "Done.\n")
        ended, counts = await program.act("stats")
        assert (ended, "1  people" in counts) == (0, True)
        ended, printed = await program.act("run")
        assert ended == 2
        assert "another gateway" in printed
        assert printed.count("\n") == 1
        await phone.say("queue")
        assert "no open report" in (await phone.next(30)).text
        await program.end(signal.SIGTERM)
        assert program.process.returncode == 0
