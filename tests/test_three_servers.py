"""One story across Telegram's fake, Prosody and Synapse at once, with everybody everywhere."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.conftest import make_platform
from tests.world import World, database

STORY = Path(__file__).parent / "stories" / "three_people_meet.txt"
SERVERS = ("telegram", "xmpp", "matrix")


@pytest.mark.parametrize("order", list(itertools.permutations(SERVERS)), ids="-".join)
async def test_three_people_meet_across_the_real_servers(
    order: tuple[str, ...], tmp_path: Path
) -> None:
    platforms = {name: make_platform(name) for name in SERVERS}
    places = dict(zip(("Ana", "Vic", "Tom"), order, strict=True))
    async with World(platforms, database(tmp_path), places) as world:
        await world.tell(STORY.read_text("utf-8"))
