"""Whom the operator makes a moderator: by name before they ever wrote, or with a code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bots import moderators
from core import audit, outbox
from core.actions import trust
from core.message import Address, Notice, Say
from core.people import MODERATOR, NEW, at
from core.store import Book
from tests.room import Room, Somebody
from tests.vaults import in_clear

ADDRESS = Address("buttons", "handle-of-zari-49e1")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    room.people["Zari"] = Somebody(ADDRESS, "fa")
    room.store.now(lambda book: moderators.trusted(book, ADDRESS, MODERATOR))
    yield room
    room.close()


def test_they_are_greeted_in_the_language_of_their_first_message(room: Room) -> None:
    assert "Movements" in room.says("Zari", "/start")[0]
    assert room.value("select language from people") == "fa"
    assert room.value("select trust from people") == MODERATOR
    room.says("Zari", "language English")
    room.says("Zari", "سلام، حال شما چطور است")
    assert room.value("select language from people") == "en"


def test_nothing_is_sent_to_an_address_that_may_be_mistyped(room: Room) -> None:
    def told(book: Book) -> int:
        found = at(book, ADDRESS)
        assert found is not None
        outbox.put(book, [Notice(found[0].id, Say("⚠ Reported:"))])
        return len(outbox.waiting(book, 0)[0])

    assert room.store.now(told) == 0
    assert any("Reported" in text or "گزارش" in text for text in room.says("Zari", "/start"))


def test_who_is_named_again_after_they_wrote_stays_as_they_are(room: Room) -> None:
    room.says("Zari", "/start")
    room.store.now(lambda book: moderators.trusted(book, ADDRESS, MODERATOR))
    assert room.value("select count(*) from people where address is not null") == 1


# ------------------------------------------------------------------------------------- invited


_INVALID = "This code is not valid, or was used already."


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Room]:
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    room.join("Ana")
    room.join("Zari", "fa")
    yield room
    room.close()


def trust_of(room: Room, name: str) -> int:
    id = room.store.now(lambda book: room.id(book, name))
    return int(room.value("select trust from people where id = :id", id=id))


def test_the_operators_code_makes_one_account_a_moderator_once(town: Room) -> None:
    code = town.store.now(trust.invite_moderator)
    assert code not in town.store.now(in_clear)
    (told,) = town.says("Zari", f"verify {code.lower()}")
    assert told.startswith("اکنون ناظر هستید.")
    assert trust_of(town, "Zari") == MODERATOR
    for _ in range(2):
        assert town.says("Ana", f"verify {code}") == [_INVALID]
        town.time += 61
    assert trust_of(town, "Ana") == NEW
    assert [(r.moderator, r.act) for r in town.store.now(lambda book: audit.recent(book, 9))] == [
        (audit.OPERATOR, "moderator")
    ]


def test_the_operators_code_is_good_for_an_hour(town: Room) -> None:
    code = town.store.now(trust.invite_moderator)
    town.time += 3600
    assert town.says("Ana", f"verify {code}") == [_INVALID]


@pytest.mark.parametrize("word", ["vouch", "link"])
def test_the_operators_code_is_good_for_nothing_else(town: Room, word: str) -> None:
    code = town.store.now(trust.invite_moderator)
    assert town.says("Ana", f"{word} {code}") == [_INVALID]
    assert trust_of(town, "Ana") == NEW
