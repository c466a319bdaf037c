"""What the operator's monitoring sees."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from bots import health
from core.message import Down
from tests.platforms.memory import MemoryPlatform
from tests.platforms.prosody import free_port
from tests.world import World, database


async def get(port: int, page: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/{page}") as answer,
    ):
        return answer.status, await answer.text()


async def until(port: int, status: int) -> str:
    """Waits for this status of /healthz. -> its text."""
    async with asyncio.timeout(30):
        while (seen := await get(port, "healthz"))[0] != status:
            await asyncio.sleep(0.02)
    return seen[1]


async def test_a_platform_that_is_down_is_one_line_until_it_is_back(tmp_path: Path) -> None:
    platforms = {"one": MemoryPlatform("one"), "two": MemoryPlatform("two")}
    port = free_port()
    async with (
        World(platforms, database(tmp_path)) as world,
        health.served(world.gateway, f"127.0.0.1:{port}"),
    ):
        assert await until(port, 200) == "one up for 0 min\ntwo up for 0 min\n"
        await platforms["two"].cut()
        assert await until(port, 503) == "one up for 0 min\ntwo down for 0 min: cut\n"
        assert await until(port, 200) == "one up for 0 min\ntwo up for 0 min\n"


async def test_metrics_count_and_name_nobody(tmp_path: Path) -> None:
    port = free_port()
    async with (
        World({"one": MemoryPlatform("one")}, database(tmp_path)) as world,
        health.served(world.gateway, f"127.0.0.1:{port}"),
    ):
        ana = await world.join("Ana", "en")
        async with asyncio.timeout(30):  # the answer is on her phone before it is counted
            while "delivered_total 1\n" not in (seen := await get(port, "metrics"))[1]:
                await asyncio.sleep(0.02)
        status, text = seen
        assert status == 200
        assert dict(line.rsplit(" ", 1) for line in text.splitlines()) == {
            "movements_heard_total": "1",
            "movements_delivered_total": "1",
            "movements_outbox_waiting": "0",
            'movements_up{platform="one"}': "1",
        }
        assert ana.phone.address.handle not in text


async def test_without_the_store_there_are_no_metrics_and_no_words_of_it(tmp_path: Path) -> None:
    port = free_port()
    async with (
        World({"one": MemoryPlatform("one")}, database(tmp_path)) as world,
        health.served(world.gateway, f"127.0.0.1:{port}"),
    ):
        await world.gateway.do(lambda book: book.do("alter table outbox rename to away"))
        assert await get(port, "metrics") == (503, "OperationalError\n")
        await world.gateway.do(lambda book: book.do("alter table away rename to outbox"))
        assert (await get(port, "metrics"))[0] == 200


async def test_there_is_nothing_else_to_see(tmp_path: Path) -> None:
    port = free_port()
    async with (
        World({"one": MemoryPlatform("one")}, database(tmp_path)) as world,
        health.served(world.gateway, f"127.0.0.1:{port}"),
    ):
        assert (await get(port, ""))[0] == 404


async def test_an_address_that_is_taken_says_so(tmp_path: Path) -> None:
    async with World({"one": MemoryPlatform("one")}, database(tmp_path)) as world:
        listen = f"127.0.0.1:{free_port()}"
        async with health.served(world.gateway, listen):
            with pytest.raises(Down, match="this address is taken"):
                await health.served(world.gateway, listen).__aenter__()
            with pytest.raises(Down, match="this address is taken"):
                await health.check(listen)
        assert await health.check(listen) == listen


async def test_a_platform_is_down_since_its_first_trouble(tmp_path: Path) -> None:
    async with World({"one": MemoryPlatform("one")}, database(tmp_path)) as world:
        gateway = world.gateway
        gateway._is_down("one", "refused")
        gateway.conditions["one"].since -= 600
        gateway._is_down("one", "refused again")
        assert health.page(gateway) == (503, "one down for 10 min: refused again\n")
