"""Stories across Telegram's fake, Prosody and Synapse at once, with everybody everywhere."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.conftest import make_platform
from tests.world import World, database

STORIES = Path(__file__).parent / "stories"
SERVERS = ("telegram", "xmpp", "matrix")
TURNS = [SERVERS[n:] + SERVERS[:n] for n in range(3)]
"""Everybody is once on each."""


async def told(story: str, order: tuple[str, ...], folder: Path) -> None:
    platforms = {name: make_platform(name) for name in SERVERS}
    places = dict(zip(("Ana", "Vic", "Tom"), order, strict=True))
    async with World(platforms, database(folder), places) as world:
        await world.tell((STORIES / f"{story}.txt").read_text("utf-8"))


@pytest.mark.parametrize("order", list(itertools.permutations(SERVERS)), ids="-".join)
async def test_three_people_meet_across_the_real_servers(
    order: tuple[str, ...], tmp_path: Path
) -> None:
    await told("three_people_meet", order, tmp_path)


@pytest.mark.parametrize("order", TURNS, ids="-".join)
async def test_persian_through_and_through_on_the_real_servers(
    order: tuple[str, ...], tmp_path: Path
) -> None:
    await told("persian", order, tmp_path)
