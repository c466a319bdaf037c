"""Encrypted chats while the gateway is killed again and again: none lost, doubled, out of order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.echo import begin
from tests.forked import Forked
from tests.platforms.matrix import API, PASSWORD
from tests.platforms.megolm import MegolmPhone, MegolmPlatform
from tests.test_element import files
from tests.test_matrix import until

PEOPLE, MESSAGES, KILLS = 3, 100, 20


@pytest.fixture
async def platform() -> AsyncIterator[MegolmPlatform]:
    platform = MegolmPlatform()
    await platform.start()
    yield platform
    await platform.stop()


def start(platform: MegolmPlatform, folder: Path) -> Forked:
    return Forked(begin, platform.synapse.url, platform.bot, PASSWORD, str(folder))


async def test_killed_at_random_it_answers_everything_once_and_in_order(
    platform: MegolmPlatform, tmp_path: Path
) -> None:
    echo = start(platform, tmp_path)
    chance = random.Random(7)
    phones = [await platform.phone() for _ in range(PEOPLE)]

    async def reachable() -> bool:
        shown = await phones[0].ask(
            "POST", f"{API}/keys/query", {"device_keys": {phones[0].bot: []}}
        )
        return bool(shown["device_keys"].get(platform.bot))

    await until(reachable, 60)
    for phone in phones:
        await phone.say("hello")
        assert (await phone.next(60)).text == "hello"
    said = [f"pomegranate {n}" for n in range(MESSAGES)]
    seen: dict[str, list[str]] = {phone.user: [] for phone in phones}
    news = asyncio.Condition()

    async def write(phone: MegolmPhone) -> None:
        for text in said:
            await phone.say(text)

    async def read(phone: MegolmPhone) -> None:
        while len(seen[phone.user]) < MESSAGES:
            shown = await phone.next(90)
            async with news:
                seen[phone.user].append(shown.text)
                news.notify_all()

    async def kill() -> None:
        """Each after some more answers, wherever it is then."""
        nonlocal echo
        marks = sorted(chance.sample(range(1, PEOPLE * MESSAGES - 1), KILLS))
        for mark in marks:
            async with news:
                await news.wait_for(lambda: sum(map(len, seen.values())) >= mark)  # noqa: B023
            await asyncio.sleep(chance.random() / 20)  # also in the middle of what follows
            await echo.kill()
            echo = start(platform, tmp_path)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(kill())
            for phone in phones:
                group.create_task(write(phone))
                group.create_task(read(phone))
    finally:
        await echo.kill()
    assert seen == {phone.user: said for phone in phones}
    for file in files(tmp_path):
        body = file.read_bytes()
        assert b"pomegranate" not in body, file.name
        assert not any(phone.user.encode() in body for phone in phones), file.name
