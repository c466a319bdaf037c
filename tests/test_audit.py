"""What moderators did is on record, without content; whoever touches the record is found out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots import moderators
from bots.clock import run_due
from bots.config import RetentionSettings
from core import audit
from core.people import DAY, MODERATOR
from core.store import Book
from tests.room import Room
from tests.test_vouching import report, suspend, vouch

COLUMNS = ("number", "day", "moderator", "act", "outcome", "mark")
ENDS = ("oldest", "newest", "before", "last", "mark")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    for name in ("Ana", "Bea", "Cem", "Dia"):
        room.join(name, trust="vouched")
    room.join("Mod", trust="moderator")
    yield room
    room.close()


def acts(room: Room) -> list[tuple[int, str, str]]:
    """Moderator, act, outcome; the oldest first."""
    found = room.store.now(lambda book: audit.recent(book, 100))
    return [(row.moderator, row.act, row.outcome) for row in reversed(found)]


def trouble(room: Room) -> str | None:
    return room.store.now(audit.trouble)


def note(room: Room, count: int) -> None:
    for n in range(count):
        room.store.now(lambda book, n=n: audit.note(book, None, ("vouch", "close")[n % 2]))


def test_what_a_moderator_does_is_on_record_and_about_whom_is_not(room: Room) -> None:
    room.join("Nik")
    vouch(room, "Mod", "Nik")
    report(room, "Ana", "Bea")
    room.does("Mod", pressed="dismiss about Ana")
    suspend(room, "Cem")
    room.says("Dia", "need Somebody to write a letter")
    room.presses("Dia", "Post it")
    code = room.value("select code from needs")
    room.says("Mod", f"close {code}")
    room.presses("Mod", "Close it")
    assert acts(room) == [
        (1, "vouch", "done"),
        (1, "dismiss", "done"),
        (1, "suspend", "alone"),
        (1, "close", "done"),
    ]
    written = repr(room.store.now(lambda book: book.all("select * from audit")))
    for name in room.people:
        assert room.store.now(lambda book, name=name: room.id(book, name)) not in written
    assert code not in written
    (shown,) = room.says("Mod", "audit")
    assert shown.splitlines() == [
        "You are moderator 1. What was done, the last first:",
        "today · moderator 1 · to close a need",
        "today · moderator 1 · to suspend somebody · ⚠ alone",
        "today · moderator 1 · to close a report",
        "today · moderator 1 · to vouch for somebody",
    ]


def test_the_operators_own_acts_are_there_too(room: Room) -> None:
    address = room.people["Ana"].address
    room.store.now(lambda book: moderators.trusted(book, address, MODERATOR))
    room.store.now(lambda book: moderators.trusted(book, address, MODERATOR))
    room.store.now(lambda book: moderators.no_more(book, address))
    assert acts(room) == [(0, "moderator", "done"), (0, "no moderator", "done")]


def test_another_moderator_has_another_number_and_keeps_it(room: Room) -> None:
    room.join("Tom", trust="moderator")
    for giver, person in (("Mod", "Nik"), ("Tom", "Olga"), ("Mod", "Pia")):
        room.join(person)
        vouch(room, giver, person)
    assert [number for number, _, _ in acts(room)] == [1, 2, 1]


def test_nobody_suspends_a_moderator_alone(room: Room) -> None:
    room.join("Tom", trust="moderator")
    report(room, "Tom", "Bea")
    assert room.does("Mod", pressed="suspend about Tom")[0].startswith("To suspend a moderator")
    assert acts(room) == []
    room.join("Kim", trust="moderator")
    room.does("Mod", pressed="suspend about Tom")
    assert room.does("Tom", pressed="queue") == ["There is no open report."]
    assert room.presses("Kim", "I agree") == ["Suspended."]
    assert room.last("Tom") == "A moderator has suspended you."


def test_who_proposes_cannot_agree(room: Room) -> None:
    room.join("Tom", trust="moderator")
    suspend(room, "Cem")
    id = room.value("select id from proposals")
    assert room.does("Mod", pressed=f"agree {id}")[0].startswith("It takes another moderator")
    assert room.does("Mod", pressed=f"refuse {id}") == ["It is not done."]
    assert acts(room) == [(1, "suspend", "proposed"), (1, "suspend", "refused")]


def test_what_somebody_proposed_who_moderates_no_more_is_not_done(room: Room) -> None:
    room.join("Tom", trust="moderator")
    suspend(room, "Cem")
    room.store.now(lambda book: moderators.no_more(book, room.people["Mod"].address))
    assert room.presses("Tom", "I agree") == ["This is decided already."]
    assert room.value("select count(*) from people where state = 'suspended'") == 0


def test_a_moderator_who_is_away_for_a_month_is_not_counted_on(room: Room) -> None:
    room.join("Tom", trust="moderator")
    room.time += 31 * DAY
    suspend(room, "Cem")
    assert acts(room) == [(1, "suspend", "alone")]


# ------------------------------------------------------------------------------------- tampering


def test_every_change_of_a_row_is_found(room: Room) -> None:
    note(room, 4)
    assert trouble(room) is None
    for table, columns in (("audit", COLUMNS), ("audit_ends", ENDS)):
        for column in columns:
            for row in range(4 if table == "audit" else 1):
                _found(room, table, column, row)


def _found(room: Room, table: str, column: str, row: int) -> None:
    key = COLUMNS[0] if table == "audit" else ENDS[0]

    def tamper(book: Book) -> str | None:
        name = book.column(f"select {key} from {table} order by {key}")[row]
        old = book.value(f"select {column} from {table} where {key} = :name", name=name)
        new = old + 100 if isinstance(old, int) else f"{old}0"
        book.do(f"update {table} set {column} = :new where {key} = :name", new=new, name=name)
        found = audit.trouble(book)
        name = new if column == key else name
        book.do(f"update {table} set {column} = :old where {key} = :name", old=old, name=name)
        return found

    assert room.store.now(tamper), f"{table}.{column} of row {row}"
    assert trouble(room) is None


@pytest.mark.parametrize("gone", [1, 2, 4])
def test_a_row_that_was_removed_is_missed_and_stays_so(room: Room, gone: int) -> None:
    note(room, 4)
    room.store.now(lambda book: book.do("delete from audit where number = :n", n=gone))
    assert trouble(room) == f"row {gone} was removed"
    note(room, 3)
    assert trouble(room)


def test_the_end_cannot_be_cut_off_with_its_traces(room: Room) -> None:
    """The last row goes, and the ends are set to what they would have been."""
    note(room, 3)
    before: Any = room.store.now(lambda book: book.one("select * from audit_ends"))
    note(room, 1)

    def cut(book: Book) -> None:
        book.do("delete from audit where number = 4")
        book.do("update audit_ends set newest = 3, last = :last", last=before.last)

    room.store.now(cut)
    assert trouble(room) == "where it begins or ends was changed"
    note(room, 2)
    assert trouble(room) == "where it begins or ends was changed"
    room.time += 400 * DAY
    room.store.now(lambda book: audit.trim(book, book.now // DAY))
    assert trouble(room) == "where it begins or ends was changed"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(days=st.lists(st.integers(0, 60), min_size=1, max_size=12), kept=st.integers(1, 200))
def test_old_rows_go_from_the_old_end_and_the_rest_is_whole(
    room: Room, days: list[int], kept: int
) -> None:
    for pause in days:
        room.time += pause * DAY
        note(room, 1)
        before = room.time // DAY - kept
        room.store.now(lambda book, before=before: audit.trim(book, before))
        assert trouble(room) is None
        assert room.value("select min(day) from audit") > before


def test_the_clock_trims_it(room: Room) -> None:
    kept = RetentionSettings(audit_days=180)
    note(room, 2)
    for passed, left in ((179, 2), (1, 0)):
        room.time += passed * DAY
        room.store.now(lambda book: run_due(book, kept))
        assert room.value("select count(*) from audit") == left
        assert trouble(room) is None
