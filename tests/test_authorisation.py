"""Who may do what with what, exactly: `data/authorisation.txt` against what happens, for every
command and button, everybody, and everything that a button can name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bots.commands import COMMANDS
from tests.town import ROLES, Effect, Town

SUSPENDED = "A moderator has suspended you."
UNKNOWN = "9ZZ"


@dataclass(frozen=True)
class Rule:
    """told: the first line, "…" is anything. tells: None for anybody."""

    told: str
    changed: frozenset[str]
    tells: frozenset[str] | None

    @classmethod
    def read(cls, line: str) -> Rule:
        told, *more = line.split(" | ")
        parts = {part.split()[0]: part.split()[1:] for part in more}
        assert parts.keys() <= {"changes", "tells"}, line
        tells = parts.get("tells", [])
        anybody = tells == ["…"]
        return cls(told, frozenset(parts.get("changes", [])), None if anybody else frozenset(tells))

    def allows(self, effect: Effect, thing: str) -> bool:
        said = re.escape(self.told.replace("{it}", thing)).replace("…", ".*")
        return (
            re.fullmatch(said, effect.told.split("\n")[0]) is not None
            and effect.changed == self.changed
            and self.tells in (None, effect.others)
        )


def read(text: str) -> dict[tuple[str, str], dict[str, Rule]]:
    """-> command and what it names ("" for nothing, "*" for anything else), role -> rule."""
    found: dict[tuple[str, str], dict[str, Rule]] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            verb, _, names = line.partition(" ")
            rules: dict[str, Rule] = {}
            for name in names.split(" or "):
                key = verb, name.strip("{}").replace("nothing", "")
                assert key not in found, f"twice: {line}"
                found[key] = rules
            continue
        roles, _, told = line.strip().partition(": ")
        assert "*" not in rules, f"after everybody else: {line}"
        for role in roles.split():
            assert role in {"*", *ROLES} - rules.keys(), line
            rules[role] = Rule.read(told)
    return found


TABLE = read((Path(__file__).parent / "data" / "authorisation.txt").read_text("utf-8"))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = Town(f"sqlite:///{tmp_path_factory.mktemp('town')}/movements.db")
    yield town
    town.room.close()


def test_every_command_and_button_has_its_rows() -> None:
    assert {verb for verb, name in TABLE if name == "*"} == COMMANDS.keys()
    assert {verb for verb, _ in TABLE} == COMMANDS.keys()
    for (verb, name), rules in TABLE.items():
        assert "*" in rules, (verb, name)
        assert "suspended" not in rules, "they are always told so"


def test_everything_that_is_named_is_there(town: Town) -> None:
    assert {name for _, name in TABLE} - {"", "*"} <= town.names.keys()


@pytest.mark.parametrize("verb", COMMANDS)
def test_it_does_what_the_table_says_and_nothing_else(town: Town, verb: str) -> None:
    wrong = []
    for name, thing in {"": "", "*": UNKNOWN, **town.names}.items():
        rules = TABLE.get((verb, name)) or TABLE[verb, "*"]
        for role in ROLES:
            effect = town.presses(role, f"{verb} {thing}".strip())
            rule = rules.get(role, rules["*"])
            if role == "suspended":
                rule = Rule(SUSPENDED, frozenset(), frozenset())
            if role == "stranger":
                met = effect.changed & {"people", "addresses"}
                assert met == {"people", "addresses"}, "nobody met them"
                effect = Effect(effect.told, effect.changed - met, effect.others)
            if not rule.allows(effect, thing):
                wrong.append(f"{verb} {name or 'nothing'}, {role}: {effect}")
    assert wrong == []


def test_nothing_of_a_trial_stays(town: Town) -> None:
    first, second = (town.presses("asker", f"accept {town.names['offer']}") for _ in range(2))
    assert first.changed == second.changed
    assert "conversations" in first.changed
