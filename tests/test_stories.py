"""The stories in plain words, on every arrangement of platforms."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.catalogues import offered
from tests.catalogues import lacking, only_signs
from tests.platforms.memory import MemoryPlatform
from tests.readers import PSEUDO, Reading
from tests.world import World

STORIES = sorted((Path(__file__).parent / "stories").glob("*.txt"))
PEOPLE = ("Ana", "Vic", "Tom")


def in_memory() -> dict[str, MemoryPlatform]:
    """One with buttons, and two that number the choices."""
    return {
        "buttons": MemoryPlatform("buttons"),
        "numbers": MemoryPlatform("numbers", buttons=False),
        "lines": MemoryPlatform("lines", buttons=False),
    }


ORDERS = [names[n:] + names[:n] for n in range(3) for names in [tuple(in_memory())]]
"""Everybody is on every kind of platform once."""


CORE = ("three_people_meet",)
"""A first need, an offer, a conversation, its translation: nobody is left alone in there."""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_language_is_offered_when_the_whole_first_way_is_in_it(database: str) -> None:
    reading = Reading("fa")
    places = dict(zip(PEOPLE, ORDERS[0], strict=True))
    for story in STORIES:
        if story.stem in CORE:
            async with World(in_memory(), database, places, languages=reading) as world:
                await world.tell(story.read_text("utf-8"))
    said = {id for id in reading.said if not only_signs(id)}
    assert len(said) > 40
    for tag in offered():
        assert tag == "en" or sorted(map(str, said & set(lacking(tag)))) == [], tag


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_story_goes_the_same_wherever_people_are(
    story: Path, order: tuple[str, ...], database: str
) -> None:
    places = dict(zip(PEOPLE, order, strict=True))
    async with World(in_memory(), database, places) as world:
        await world.tell(story.read_text("utf-8"))


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
async def test_the_story_survives_a_restart_after_every_line(story: Path, database: str) -> None:
    places = dict(zip(PEOPLE, in_memory(), strict=True))
    async with World(in_memory(), database, places) as world:
        await world.tell(story.read_text("utf-8"), again_after_every_line=True)


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("order", "tag"), [(ORDERS[0], "fa"), (ORDERS[1], "ar"), (ORDERS[2], PSEUDO)]
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_story_goes_the_same_in_another_language(
    story: Path, order: tuple[str, ...], tag: str, database: str
) -> None:
    """And in a pseudo-locale: whatever is not in brackets there, no translator can reach."""
    places = dict(zip(PEOPLE, order, strict=True))
    reading = Reading(tag)
    async with World(in_memory(), database, places, languages=reading) as world:
        await world.tell(story.read_text("utf-8"))
    assert reading.wrong == []
