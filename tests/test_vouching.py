"""Who becomes vouched for, by whom, how often; and what follows when one of them is suspended."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.people import DAY, NEW, VOUCHED
from core.vouching import A_MONTH, A_MONTH_AS_MODERATOR, BURNT
from tests.room import Room

ONE_MORE = "It takes one more person"
ENOUGH = "You count as vouched for."


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Roots, who were there first, and a moderator."""
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    for name in ("Ana", "Bea", "Cem", "Dia"):
        room.join(name, trust="vouched")
    room.join("Mod", trust="moderator")
    room.join("Nik")
    yield room
    room.close()


def code_of(room: Room, giver: str) -> str:
    found = re.search(r"vouch (\w{8})$", room.says(giver, "vouch")[0])
    assert found is not None
    return found[1]


def vouch(room: Room, giver: str, person: str) -> str:
    """-> what the person is told."""
    (told,) = room.says(person, f"vouch {code_of(room, giver)}")
    return told


def trust(room: Room, name: str) -> int:
    return int(
        room.store.now(
            lambda book: book.value(
                "select trust from people where id = :id", id=room.id(book, name)
            )
        )
    )


def report(room: Room, about: str, by: str) -> None:
    def write(book: Any) -> None:
        book.do(
            "insert into reports(id, person, about, text, at) values (:id, :by, :about, '', 0)",
            id=f"about {about}",
            by=room.id(book, by),
            about=room.id(book, about),
        )

    room.store.now(write)


def suspend(room: Room, about: str) -> None:
    report(room, about, "Dia")
    room.does("Mod", pressed=f"suspend about {about}")


def test_one_is_told_kindly_that_it_takes_another(room: Room) -> None:
    assert ONE_MORE in vouch(room, "Ana", "Nik")
    assert trust(room, "Nik") == NEW
    assert ENOUGH in vouch(room, "Bea", "Nik")
    assert trust(room, "Nik") == VOUCHED


def test_one_moderator_is_enough(room: Room) -> None:
    assert ENOUGH in vouch(room, "Mod", "Nik")


def test_two_of_whom_one_vouched_for_the_other_count_once(room: Room) -> None:
    for giver in ("Ana", "Bea"):
        vouch(room, giver, "Nik")
    room.join("Olga")
    assert ONE_MORE in vouch(room, "Ana", "Olga")
    assert ONE_MORE in vouch(room, "Nik", "Olga")
    assert ENOUGH in vouch(room, "Cem", "Olga")


def test_whom_the_same_two_let_in_can_let_in_nobody_by_themselves(room: Room) -> None:
    """Two infiltrators who came by different ways make three others a month, and there it ends."""
    made = []
    for n in range(A_MONTH):
        made.append(f"Made{n}")
        room.join(made[-1])
        vouch(room, "Ana", made[-1])
        assert ENOUGH in vouch(room, "Bea", made[-1])
    for giver in ("Ana", "Bea"):
        assert room.says(giver, "vouch")[0].startswith("You have vouched for as many as one can")
    room.join("Next")
    for one in made:
        assert ONE_MORE in vouch(room, one, "Next")
    assert trust(room, "Next") == NEW


def test_two_whom_one_moderator_vouched_for_are_apart(room: Room) -> None:
    for name in ("Olga", "Pia"):
        room.join(name)
        vouch(room, "Mod", name)
    vouch(room, "Olga", "Nik")
    assert ENOUGH in vouch(room, "Pia", "Nik")


@pytest.mark.parametrize(("giver", "most"), [("Ana", A_MONTH), ("Mod", A_MONTH_AS_MODERATOR)])
def test_so_many_in_a_month_and_then_again(room: Room, giver: str, most: int) -> None:
    for n in range(most):
        room.join(f"New{n}")
        vouch(room, giver, f"New{n}")
    assert room.says(giver, "vouch") == [
        "You have vouched for as many as one can in a month. The next in 30 days."
    ]
    room.time += 29 * DAY
    assert "The next in 1 day." in room.says(giver, "vouch")[0]
    room.time += DAY
    assert ONE_MORE in vouch(room, "Ana", "Nik")


def test_a_code_that_was_handed_out_counts_until_it_is_of_no_use(room: Room) -> None:
    for _ in range(A_MONTH):
        code_of(room, "Ana")
    assert "as many as one can" in room.says("Ana", "vouch")[0]
    room.time += 4 * DAY
    assert code_of(room, "Ana")


def test_to_vouch_twice_for_the_same_person_is_one_vouch(room: Room) -> None:
    vouch(room, "Ana", "Nik")
    assert vouch(room, "Ana", "Nik").startswith("This person has vouched for you already.")
    assert room.value("select count(*) from vouches") == 1


def test_nobody_can_tie_two_who_are_trusted_to_each_other(room: Room) -> None:
    for giver in ("Ana", "Bea"):
        vouch(room, giver, "Nik")
    assert vouch(room, "Cem", "Nik") == "You are trusted here already."
    assert room.value("select count(*) from vouches") == 2


def test_whom_only_a_suspended_person_vouched_for_is_new_again(room: Room) -> None:
    for giver in ("Ana", "Bea"):
        vouch(room, giver, "Nik")
    room.join("Olga")
    for giver in ("Ana", "Cem", "Dia"):  # the third is more than she needs, and is not noted
        vouch(room, giver, "Olga")
    room.join("Pia")
    vouch(room, "Mod", "Pia")
    vouch(room, "Ana", "Pia")
    suspend(room, "Ana")
    assert (trust(room, "Nik"), trust(room, "Olga"), trust(room, "Pia")) == (NEW, NEW, VOUCHED)
    assert room.last("Nik").startswith("A vouch for you does not count any more")
    assert ENOUGH in vouch(room, "Cem", "Nik")


def test_who_vouched_for_a_suspended_person_may_not_for_90_days(room: Room) -> None:
    for giver in ("Ana", "Mod", "Bea"):
        vouch(room, giver, "Nik")
    waiting = code_of(room, "Ana")
    suspend(room, "Nik")
    (told,) = room.says("Ana", "vouch")
    assert told == (
        f"Somebody for whom you vouched was suspended. You can vouch again in {BURNT} days."
    )
    room.join("Olga")
    assert room.says("Olga", f"vouch {waiting}") == ["This code is not valid, or was used already."]
    assert code_of(room, "Mod")
    room.time += (BURNT - 1) * DAY
    assert "in 1 day." in room.says("Ana", "vouch")[0]
    room.time += DAY
    assert code_of(room, "Ana")


def test_a_vouch_counts_while_its_giver_is_trusted(room: Room) -> None:
    vouch(room, "Ana", "Nik")
    room.store.now(
        lambda book: book.do("update people set trust = 0 where id = :id", id=room.id(book, "Ana"))
    )
    assert ONE_MORE in vouch(room, "Bea", "Nik")
    assert ENOUGH in vouch(room, "Cem", "Nik")


def test_many_who_lie_and_two_who_believe_them_let_in_few(room: Room) -> None:
    """Two honest people are deceived as often as the limits let them be, for three months: each
    brings in what they can, and the liars vouch for each other all along."""
    liars = [f"Liar{n}" for n in range(15)]
    for name in liars:
        room.join(name)
    for _ in range(3):
        for giver, liar in itertools.product(("Ana", "Bea", *liars), liars):
            if giver != liar and not trust(room, liar):
                handed = re.search(r"vouch (\w{8})$", room.says(giver, "vouch")[0])
                if handed is not None:
                    room.says(liar, f"vouch {handed[1]}")
        room.time += 31 * DAY
    inside = sum(trust(room, liar) for liar in liars)
    assert inside <= 3 * A_MONTH
