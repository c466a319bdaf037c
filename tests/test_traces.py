"""The ways through the house: which modules one message passes. A way that grows is noticed here.

in:   adapter → talk → forms → actions (→ matching, skills) → store; a native reply skips forms
out:  courier → language → adapter → store
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from core import outbox, people
from core.message import Event, Inbound, Notice, Say
from core.skills import suggest
from core.store import Book, Done
from tests.platforms.memory import MemoryPlatform
from tests.world import World

ROOT = Path(__file__).parent.parent
STORY = (Path(__file__).parent / "stories" / "three_people_meet.txt").read_text("utf-8")

EVERYWHERE = {
    "core.store", "core.outbox", "core.routes", "core.copies", "core.packing",
    "core.people", "core.message", "core.saying",
    "core.text",
    "core.words",
    "core.folding", "core.language", "core.detection", "core.privacy", "bots.meeting",
    "bots.readable", "bots.guard", "core.actions.encrypted",
}  # fmt: skip
"""The store and its keys, what words are made of, whether there are any, whether they are their
author's own against danger, and whether they may be written there."""

SHOWN = {
    "core.actions.prompting", "core.tasks", "core.masking", "core.countries", "core.glossary",
    "core.timers",
}  # fmt: skip
"""How a translator is shown a message."""

FORM = ["bots.talk", "bots.turn", "bots.forms"]
WAYS: dict[str, tuple[str, list[str], set[str]]] = {
    # what is heard: a word of it, the stations in this order, and what else may be passed
    "a need is written": (
        "برادرم",
        [*FORM, "core.skills", "core.aliases"],
        {
            "bots.asking",
            "bots.picking",
            "core.countries",
            "core.leanings",
            "core.romanised",
        },
    ),
    "a need is posted": (
        "confirm:yes",
        [*FORM, "core.actions.needs", "core.actions.alerts", "core.matching"],
        {
            "bots.asking",
            "bots.picking",
            "core.needs",
            "core.rationing",
            "core.skills",
            "core.aliases",
            "core.leanings",
            "core.romanised",
            "core.timers",
        },
    ),
    "an offer is made": (
        "Asylum lawyer",
        [*FORM, "core.actions.offers"],
        {
            "bots.helping",
            "bots.picking",
            "core.actions.seeing",
            "core.needs",
            "core.pseudonyms",
            "core.rationing",
        },
    ),
    "a message is relayed": (
        "Do you know who",
        ["bots.talk", "bots.turn", "bots.relaying"],
        {
            "core.actions.talking",
            "core.actions.translating",
            "core.actions.pictures",
            "core.actions.translators",
            "core.pseudonyms",
            *SHOWN,
        },
    ),
    "a reply is a translation": (
        "They took him",
        ["bots.talk", "bots.turn", "bots.relaying", "core.actions.translating"],
        {
            "bots.numbering",
            "core.actions.talking",
            "core.joint",
            "core.actions.translators",
            "core.tasks",
            "core.masking",
        },
    ),
}
OUT = ["bots.courier", "core.language", "adapters.memory"]


class Way:
    """The modules of ours whose functions ran, in the order in which they were entered first."""

    def __init__(self) -> None:
        self.modules: list[str] = []

    def __call__(self, frame: FrameType, what: str, arg: object) -> None:
        if what == "call" and (path := Path(frame.f_code.co_filename)).is_relative_to(ROOT):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if module.startswith(("bots.", "core.", "adapters.")) and module not in self.modules:
                self.modules.append(module)

    @contextmanager
    def followed(self) -> Iterator[None]:
        before = sys.getprofile()
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(before)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World({"memory": MemoryPlatform()}, f"sqlite:///{tmp_path}/movements.db") as world:
        yield world


async def test_what_is_heard_goes_the_short_way(world: World) -> None:
    ways: dict[str, Way] = {}
    suggest("", "fa")  # the index is made once, which would take long when followed
    suggest("", "en")
    hear = world.gateway.talk.hear

    def followed(book: Book, event: Event) -> bool:
        assert isinstance(event, Inbound)
        way = ways[event.pressed or event.text] = Way()
        with way.followed():
            return hear(book, event)

    world.gateway.talk.hear = followed  # type: ignore[method-assign]
    await world.tell(STORY)
    for what, (words, stations, more) in WAYS.items():
        (passed,) = [way.modules for said, way in ways.items() if words in said]
        assert [m for m in passed if m in stations] == stations, what
        assert set(passed) - EVERYWHERE <= {*stations, *more}, what


async def test_what_is_told_goes_the_short_way(world: World) -> None:
    """The two ways meet in the database alone: nothing of the conversation runs when sending."""
    await world.tell("people: Ana en")
    way = Way()
    run = world.store._run

    def followed(book: Book, job: Any, token: Any) -> Done:
        with way.followed():
            return run(book, job, token)

    player = world.players["Ana"]
    address = player.phone.address

    def put(book: Book) -> None:
        found = people.at(book, address)
        assert found is not None
        outbox.put(book, [Notice(found[0].id, Say("Cancel"))])

    await world.gateway.do(put)
    world.store._run = followed  # type: ignore[method-assign]
    with way.followed():
        await world.sees("Ana", "Cancel")
        await world.tell("Ana sees nothing")
    assert [m for m in way.modules if m in OUT] == OUT
    beside = {"bots.pace", "bots.records", "bots.rendering", "bots.gateway", "adapters"}
    assert set(way.modules) - EVERYWHERE <= {*OUT, *beside}
    assert {"core.outbox", "core.store"} <= set(way.modules)
