"""What one side receives tells nothing of where the other side is: to the byte the same, wherever
and with whatever client the other side writes."""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bots.gateway import Gateway
from core.message import Event, Outbound
from tests.conftest import PLATFORMS, make_platform
from tests.platforms import Platform
from tests.platforms.memory import MemoryPlatform
from tests.world import World, database

ELSEWHERE = ("buttons", "numbers", *(name for name in PLATFORMS if name != "memory"))
BEFORE = """
people: Ana en, Vic en verified
Vic can: legal_asylum
Ana: need I need a lawyer in Berlin for asylum
Ana sees: Asylum and immigration law
Ana presses: Post it
Ana sees: 1 person who can help
Vic sees: {code}
Vic presses: Offer my help
Vic sees: Your offer for {code}
"""
SAID = ("I write for a daily paper. Tonight.", "First line\nsecond line", "At nine then", "Ключ é")
CHANGED = "At ten then"


def elsewhere(name: str) -> Platform:
    if name in PLATFORMS:
        return make_platform(name)
    return MemoryPlatform(name, buttons=name == "buttons")


class Overheard:
    """Everything that the gateway hands to Ana's platform, and what it says of her own messages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.all: list[object] = []
        # apart: a tick and an answer to the same message come in any order, as the loop runs
        self.ticks: list[object] = []
        self.names: dict[str, str] = {}
        hear = Gateway.hear

        async def heard(gateway: Gateway, event: Event) -> bool:
            handed_on = await hear(gateway, event)
            if event.sender.platform == "here":
                self.ticks.append(("handed on", handed_on))
            return handed_on

        monkeypatch.setattr(Gateway, "hear", heard)

    def renamed(self, value: Any) -> Any:
        """Random names that nobody sees, numbered as they come."""
        if isinstance(value, tuple):
            return tuple(map(self.renamed, value))
        if not isinstance(value, str):
            return value
        random = re.compile(r"\b[0-9a-f]{32}\b|(?<==)[0-9a-f]{6}(?=:)|^[ub]\d+$")
        return random.sub(lambda m: self.names.setdefault(m[0], f"#{len(self.names)}"), value)

    def take(self, out: Outbound) -> None:
        shown = ("text", "choices", "answers_to", "quote", "thread", "replaces", "language", "key")
        self.all.append({name: self.renamed(getattr(out, name)) for name in shown})


async def what_ana_receives(
    place: Platform, folder: Path, said: tuple[str, ...] = SAID
) -> list[object]:
    """Vic, on this platform, meets her, writes, replies, changes a message, and leaves."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        random = Random(7)
        monkeypatch.setattr(secrets, "SystemRandom", lambda: random)
        overheard = Overheard(monkeypatch)
        here = MemoryPlatform("here")
        folder.mkdir()
        places = {"Ana": "here", "Vic": place.name}
        async with World({"here": here, place.name: place}, database(folder), places) as world:
            send = here.current.send

            async def sent(out: Outbound) -> str:
                overheard.take(out)
                return await send(out)

            monkeypatch.setattr(here.current, "send", sent)
            # the same operator: what she is offered does not depend on where Vic is
            talk = world.gateway.talk
            talk.community = replace(talk.community, encrypted={})
            await world.tell(BEFORE)
            await world.says("Vic", said[0])
            await world.tell(
                "Ana sees: offers help\nAna presses: Accept\nAna sees: You are now talking"
            )
            await world.says("Vic", said[1])
            await world.tell("Ana sees: second line\nAna: Thank you, when")
            while "Thank you, when" not in (await world.next("Vic")).text:
                pass
            await world.says("Vic", said[2], world._last("Vic", "Thank you, when").native)
            await world.tell("Ana sees: At nine")
            await world.says("Vic", said[3])
            await world.sees("Ana", "Ключ")
            native = next(n for n, text in world.players["Vic"].written if text == said[2])
            await world.players["Vic"].phone.edit(native, CHANGED)
            await world.tell("Ana sees: At ten\nAna: I'll be there\nAna sees nothing")
            await world.players["Vic"].phone.leave()
            await world.tell("Ana: are you there\nAna: /help\nAna sees: You can write")
    return [*overheard.all, *overheard.ticks]


@pytest.mark.parametrize("name", ELSEWHERE)
async def test_one_side_receives_the_same_wherever_the_other_is(name: str, tmp_path: Path) -> None:
    lines = MemoryPlatform("lines", buttons=False)
    usual = await what_ana_receives(lines, tmp_path / "usual")
    found = await what_ana_receives(elsewhere(name), tmp_path / "found")
    assert found == usual
    assert len([each for each in usual if isinstance(each, dict)]) > 8


CLIENTS = {
    "ends lines as Windows does": lambda text: text.replace("\n", "\r\n"),
    "ends lines as the old Mac did": lambda text: text.replace("\n", "\r"),
    "adds a space and a line": lambda text: f"{text} \n",
    "takes letters apart": lambda text: text.replace("é", "e\u0301"),
    "marks the direction": lambda text: f"\u200e{text}\u200e",
    "marks the byte order": lambda text: f"\ufeff{text}",
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_one_side_receives_the_same_from_every_client(client: str, tmp_path: Path) -> None:
    spelt = tuple(CLIENTS[client](text) for text in SAID)
    usual = await what_ana_receives(elsewhere("numbers"), tmp_path / "usual")
    found = await what_ana_receives(elsewhere("numbers"), tmp_path / "found", spelt)
    assert found == usual


async def test_one_side_is_not_told_that_the_others_server_is_away(tmp_path: Path) -> None:
    places = {"Ana": "here", "Vic": "away"}
    away = MemoryPlatform("away")
    platforms = {"here": MemoryPlatform("here"), "away": away}
    async with World(platforms, database(tmp_path), places) as world:
        await world.tell(BEFORE)
        await world.says("Vic", SAID[0])
        await world.tell(
            "Ana sees: offers help\nAna presses: Accept\nAna sees: You are now talking"
        )
        away.current.up.clear()
        async with asyncio.timeout(15):
            while world.gateway.conditions["away"].trouble is None:
                await asyncio.sleep(0.05)
        await world.tell("Ana: Are you there, and when\nAna: /help\nAna sees: You can write")
        away.current.up.set()
        while "Are you there, and when" not in (await world.next("Vic")).text:
            pass
