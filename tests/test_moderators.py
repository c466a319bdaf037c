"""Whom the operator names at the terminal before they ever wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bots import moderators
from core import outbox
from core.message import Address, Notice, Say
from core.people import MODERATOR, at
from core.store import Book
from tests.room import Room, Somebody

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
