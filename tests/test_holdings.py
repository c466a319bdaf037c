"""“What do you hold on me?”: counted for anybody who asks, and all of it where nobody listens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import joint
from core.actions import holdings
from core.message import Notice
from core.people import Person
from core.store import Book
from tests.room import Room
from tests.test_forgetting import a_whole_life
from tests.vaults import in_clear


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    for name in ("Ana", "Vic", "Tom", "Mod"):
        room.join(
            name, "fa" if name == "Ana" else "en", "moderator" if name == "Mod" else "vouched"
        )
    a_whole_life(room)
    yield room
    room.close()


def exported(room: Room, name: str) -> str:
    return "\n\n".join(room.does(name, text="/safety export", encrypted=True))


def test_what_was_begun_is_held_too_and_shown(room: Room) -> None:
    room.says("Ana", "لغو")
    room.says("Ana", "نیاز")
    room.says("Ana", "راز-نیمه را هنوز نفرستاده‌ام")
    assert "│ راز-نیمه را هنوز نفرستاده‌ام" in exported(room, "Ana")


def test_safety_counts_what_is_held(room: Room) -> None:
    (said,) = room.says("Vic", "safety")
    for what in ("1 account on a messenger", "1 offer", "1 report", "1 code handed out"):
        assert what in said
    assert not re.search(r"\b0 ", said)
    assert len(said) < 1500
    room.says("Ana", "لغو")
    (said,) = room.says("Ana", "ایمنی")
    assert "۲ نیاز" in said


@pytest.mark.parametrize(
    ("name", "own", "told"),
    [
        ("Ana", ["راز-آنا", "نیازهای شما"], ["Hello you, secret-vic", "Hello, secret-tom"]),
        ("Vic", ["secret-vic", "Your offers", "What you reported"], ["سلام راز-آنا"]),
        ("Tom", ["secret-tom", "Your translations"], []),
    ],
)
def test_all_that_is_held_of_somebody_is_shown_and_nobody_elses_place(
    room: Room, name: str, own: list[str], told: list[str]
) -> None:
    said = exported(room, name)
    for words in own + told:
        assert words in said
    assert room.people[name].address.handle in said
    for other, who in room.people.items():
        if other != name:
            assert who.address.handle not in said
    ids = room.store.now(lambda book: book.column("select id from people"))
    assert not [id for id in ids if id in said]


def test_a_part_of_a_translation_that_is_not_whole_yet_is_shown(room: Room) -> None:
    def plant(book: Book) -> None:
        tom, entry = room.id(book, "Tom"), book.value("select id from entries limit 1")
        book.do(
            "insert into tasks(entry, language, part, person, until, text)"
            " values (:entry, 'en', 7, :tom, 0, :text)",
            entry=entry,
            tom=tom,
            text=joint.seal(
                book, entry, tom, "tasks.text", f"{entry}.en.7", "half of it, secret-tom"
            ),
        )

    room.store.now(plant)
    assert "half of it, secret-tom" in exported(room, "Tom")


def test_no_time_is_shown(room: Room) -> None:
    room.says("Ana", "لغو")
    before = exported(room, "Ana")
    room.time += 3 * 86400 + 4567
    assert exported(room, "Ana") == before
    assert not re.search(r"\d\d:\d\d|20\d\d|18000\d+", before)


def test_whatever_is_theirs_in_the_database_is_counted_or_shown(room: Room) -> None:
    """Each sealed word of hers that the database holds is in what she is shown."""
    said = exported(room, "Vic")
    found = set(re.findall(r"[\w ,.?]*secret-vic", room.store.now(in_clear)))
    assert len(found) >= 3
    for words in found:
        assert words.strip() in said, words


def test_where_somebody_might_listen_it_is_refused_and_said_where_to_go(room: Room) -> None:
    (said,) = room.says("Vic", "safety export")
    assert "end-to-end" in said
    assert "secret" not in said
    (said,) = room.presses("Vic", "Show all of it") if room.says("Vic", "safety") else ("",)
    assert "end-to-end" in said


def test_every_message_of_it_is_for_encrypted_routes_alone(room: Room) -> None:
    def told(book: Book) -> list[Notice]:
        (who,) = [Person(*row) for row in book.all(_PEOPLE, id=room.id(book, "Ana"))]
        return holdings.export(book, who)

    notices = room.store.now(told)
    assert len(notices) >= 4
    assert all(notice.sensitive for notice in notices)


_PEOPLE = (
    "select id, language, trust, state, alerts, address, focus, seen, lock from people"
    " where id = :id"
)


def test_what_waits_to_be_shown_of_a_talk_goes_with_the_other_side(room: Room) -> None:
    """Sealed under the conversation's key too: whoever wrote it may still be forgotten."""
    room.store.now(
        lambda book: book.do(
            "update addresses set alive = 0 where person = :ana", ana=room.id(book, "Ana")
        )
    )
    room.store.now(lambda book: _put_export(book, room.id(book, "Ana")))
    assert "Hello you, secret-vic" in room.store.now(in_clear)
    room.says("Vic", "cancel")
    room.says("Vic", "forget")
    room.presses("Vic", "Forget everything")
    assert "secret-vic" not in room.store.now(in_clear)


def _put_export(book: Book, id: str) -> None:
    from core import outbox, people

    who = people.known(book, id)
    assert who is not None
    outbox.put(book, holdings.export(book, who))


def test_a_long_talk_comes_in_several_messages(room: Room) -> None:
    room.says("Ana", "لغو")
    for _ in range(3):
        room.says("Vic", "need a writer for " + "a very long story " * 150)
        room.presses("Vic", "Post it")
    pages = room.does("Vic", text="/export", encrypted=True)
    assert sum("Your needs" in page for page in pages) >= 2
    assert max(map(len, pages)) < 4500
