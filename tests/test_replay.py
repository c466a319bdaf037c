"""A day that comes again: what a platform delivers once more, in whatever order, does nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.message import Inbound
from core.store import Book
from core.tables import metadata
from tests.room import Room

TIMES = 10
PAIRS = 6


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    yield room
    room.close()


def a_day(room: Room) -> None:
    """People come, ask, offer, talk, translate, correct, take back, report, vouch, and go."""
    room.join("Mod", trust="moderator")
    for n in range(PAIRS):
        ana, vic, tom = f"Ana{n}", f"Vic{n}", f"Tom{n}"
        room.join(ana, "fa", "vouched")
        room.join(vic, "en", "vouched", platform="numbers" if n % 2 else "buttons")
        room.join(tom, "en", "vouched")
        room.can(vic, "writing")
        room.translates(tom, "fa", "en")
        room.says(ana, f"نیاز: یک نویسنده برای نامهٔ خواهرم {n}")
        room.presses(ana, "منتشر کن")
        code = room.value("select code from needs order by rowid desc limit 1")
        room.says(vic, f"offer {code} I write letters.")
        room.presses(ana, "می‌پذیرم")
        room.presses(tom, "I'll do it")
        for said in ("سلام", "او را از کتابخانه بردند", "کمک کنید"):
            room.says(ana, said)
            room.says(vic, f"I read you, {n}")
        prompt = next(s for s in reversed(room.people[tom].shown) if "بردند" in s.text)
        room.says(tom, "They took him from the library", reply_to=prompt.native)
        own = room.people[ana].written
        room.does(ana, text="او را دیشب از کتابخانه بردند", edits=own[-2], native=own[-2])
        room.does(ana, native=own[-1], deleted=True)
        room.says(vic, "vouch")
        room.says(tom, "skills")
        room.says(tom, "cancel")
        if n == 1:
            room.says(vic, "report")
            room.says(vic, "He asks for money")
        if n == 2:
            room.says(ana, "فراموشم کن")
            room.presses(ana, "همه‌چیز را فراموش کن")
        room.time += 1800


def everything(book: Book) -> dict[str, list[str]]:
    """All rows of all tables, but for the moment at which somebody was last seen."""
    return {
        table: sorted(repr(tuple(row)) for row in book.all(f"select * from {table}"))
        for table in metadata.tables
    }


def test_a_day_s_traffic_ten_times_over_and_shuffled_has_no_new_effect(room: Room) -> None:
    heard: list[tuple[str, Inbound]] = []
    happens = room.happens

    def noted(name: str, event: Inbound) -> list[str]:
        heard.append((name, event))
        return happens(name, event)

    room.happens = noted  # type: ignore[method-assign]
    a_day(room)
    room.happens = happens  # type: ignore[method-assign]
    tables = room.store.now(everything)
    for table in ("conversations", "entries", "translations", "offers", "codes", "reports"):
        assert tables[table], f"nothing of the day is in {table}"
    assert len(heard) > 100

    again = heard * TIMES
    random.Random(20).shuffle(again)
    shown = {name: len(somebody.shown) for name, somebody in room.people.items()}
    for name, event in again:
        assert happens(name, event) == []
    assert {name: len(somebody.shown) for name, somebody in room.people.items()} == shown
    after = room.store.now(everything)
    assert {table: rows for table, rows in after.items() if rows != tables[table]} == {}
