"""Whoever goes leaves nothing here: looked for in every column of every table."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import joint, people, unsends
from core.actions import hiding
from core.catalogues import offered
from core.message import Word
from core.store import Book, Store
from tests.room import LANGUAGES, MARKS, Room
from tests.vaults import in_clear, vault_of


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    for name in ("Ana", "Vic", "Tom", "Mod"):
        room.join(
            name, "fa" if name == "Ana" else "en", "moderator" if name == "Mod" else "vouched"
        )
    yield room
    room.close()


def they_meet(room: Room) -> None:
    """Ana and Vic talk, and Tom translates."""
    room.can("Vic", "writing")
    room.translates("Tom", "fa", "en")
    room.says("Ana", "نیاز: یک نویسنده برای نامهٔ خواهرم راز-آنا")
    room.presses("Ana", "منتشر کن")
    code = room.value("select code from needs")
    room.says("Vic", f"offer {code} I write letters. secret-vic")
    room.presses("Ana", "اول سؤال دارم")
    room.says("Ana", "کِی؟ راز-آنا")
    room.presses("Vic", "Answer")
    room.says("Vic", "Tonight. secret-vic")
    room.presses("Ana", "می‌پذیرم")
    room.presses("Tom", "I'll do it")
    room.says("Ana", "سلام راز-آنا")
    prompt = next(s.native for s in reversed(room.people["Tom"].shown) if "راز" in s.text)
    room.says("Tom", "Hello, secret-tom", reply_to=prompt)
    room.says("Vic", "Hello you, secret-vic")


def a_whole_life(room: Room) -> None:
    """Everybody does everything once, with their own words in it."""
    they_meet(room)
    for name, word in (("Ana", "ضمانت"), ("Vic", "vouch"), ("Tom", "link")):
        room.says(name, word)
    room.says("Vic", "report")
    room.says("Vic", "He threatens me, secret-vic")
    room.says("Ana", "نیاز: یک نویسندهٔ دیگر برای راز-آنا")
    room.presses("Ana", "منتشر کن")
    room.says("Ana", "نیاز: یک نویسندهٔ سوم برای راز-آنا")


@pytest.mark.parametrize(
    ("name", "secret", "word", "sure"),
    [
        ("Ana", "راز-آنا", "فراموشم کن", "همه‌چیز را فراموش کن"),
        ("Vic", "secret-vic", "forget", "Forget everything"),
        ("Tom", "secret-tom", "forget", "Forget everything"),
    ],
)
def test_nothing_of_a_person_is_left_in_any_table(
    room: Room, name: str, secret: str, word: str, sure: str
) -> None:
    a_whole_life(room)
    id = room.store.now(lambda book: room.id(book, name))
    handle = room.people[name].address.handle
    before = room.store.now(in_clear)
    for trace in (id, handle, secret):
        assert trace in before
    room.says(name, word)
    told = room.presses(name, sure)
    assert len(told) == 1
    after = room.store.now(in_clear)
    for trace in (id, handle, secret):
        assert trace not in after


@pytest.mark.parametrize(
    ("name", "word", "sure", "gone"),
    [
        (
            "Ana",
            "فراموشم کن",
            "همه‌چیز را فراموش کن",
            ["راز-آنا", "Hello, secret-tom", "Hello you, secret-vic"],
        ),
        ("Tom", "forget", "Forget everything", ["secret-tom"]),
    ],
)
def test_an_old_copy_says_nothing_of_theirs_in_anybody_s_words(
    room: Room, tmp_path: Path, name: str, word: str, sure: str, gone: list[str]
) -> None:
    """What a translator made of her words, or a machine, is hers too."""
    gone = [*gone, "half, secret-tom", "draft, secret-tom"]
    they_meet(room)
    room.store.now(_plant_tasks)
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "movements.db")) as source,
        contextlib.closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
    ):
        source.backup(copy)
    vault = vault_of(f"sqlite:///{tmp_path}/movements.db")
    with contextlib.closing(Store(f"sqlite:///{tmp_path}/copy.db", vault)) as old:
        before = old.now(in_clear)
        assert [words for words in gone if words not in before] == []
        room.says(name, word)
        room.presses(name, sure)
        vault.ciphers.clear()  # as for whoever opens it later
        after = old.now(in_clear)
    assert [words for words in gone if words in after] == []


def _plant_tasks(book: Book) -> None:
    """A part that is translated while others are not, and one that a machine drafted."""
    tom = book.value("select person from members where role = 'translator'")
    entry = book.value("select id from entries limit 1")
    for column, part, words in (
        ("text", 7, "half, secret-tom"),
        ("draft", 8, "draft, secret-tom"),
    ):
        name = f"{entry}.en.{part}"
        sealed = joint.seal(book, entry, tom, f"tasks.{column}", name, words)
        book.do(
            "insert into tasks(entry, language, part, person, until, text, draft)"
            " values (:entry, 'en', :part, :tom, 0, :text, :draft)",
            **{"entry": entry, "part": part, "tom": tom, "text": "", "draft": "", column: sealed},
        )


def test_what_still_waits_to_be_delivered_goes_too(room: Room) -> None:
    a_whole_life(room)
    room.store.now(
        lambda book: book.do(
            "update addresses set alive = 0 where person = :vic", vic=room.id(book, "Vic")
        )
    )
    room.says("Tom", "stop")
    room.says("Ana", "لغو")
    room.says("Ana", "نیاز: یک نویسندهٔ چهارم برای راز-آنا")
    room.presses("Ana", "منتشر کن")
    assert "راز-آنا" in room.store.now(in_clear)
    room.says("Ana", "فراموشم کن")
    room.presses("Ana", "همه‌چیز را فراموش کن")
    assert "راز-آنا" not in room.store.now(in_clear)


def test_what_stands_in_all_their_chats_is_taken_back(room: Room) -> None:
    """Also what was said there before it was linked, and while everything was hidden."""
    room.join("Vicky", platform="numbers")
    room.says("Vicky", "help")
    room.says("Vic", "link")
    code = re.findall(r"link (\w+)", room.last("Vic"))[-1]
    room.says("Vicky", f"link {code}")
    assert "Linked." in room.last("Vicky")

    def freezes(book: Book) -> None:
        vic = people.known(book, room.id(book, "Vic"))
        assert vic is not None
        hiding.freeze(book, vic, None)
        room.frozen = vic.id  # type: ignore[attr-defined]

    def thaws(book: Book) -> None:
        vic = people.known(book, room.frozen)  # type: ignore[attr-defined]
        assert vic is not None
        hiding.thaw(book, vic, room.people["Vic"].address)

    room.store.now(freezes)
    for name in ("Vic", "Vicky"):
        room.says(name, "hello")
        room.says(name, "help")
    room.store.now(thaws)
    shown = {one.native for name in ("Vic", "Vicky") for one in room.people[name].shown}
    room.says("Vic", "forget")
    shown |= {one.native for one in room.people["Vic"].shown}
    (goodbye,) = room.presses("Vic", "Forget everything")
    assert goodbye.startswith("Done.")
    waiting = room.store.now(unsends.waiting)
    assert {native for one in waiting for native, _ in one.natives} == shown


@pytest.mark.parametrize("language", offered())
def test_the_word_and_its_button_forget_in_every_language(room: Room, language: str) -> None:
    somebody = room.join("Somebody", language)
    word = MARKS.sub("", LANGUAGES.render(Word("forget"), language))
    room.says("Somebody", word)
    (sure,) = [label for value, label in somebody.shown[-1].choices if value.endswith(":forget")]
    assert room.store.now(lambda book: people.at(book, somebody.address)) is not None
    room.presses("Somebody", sure)
    assert room.store.now(lambda book: people.at(book, somebody.address)) is None


def test_who_begins_anew_is_a_stranger(room: Room) -> None:
    a_whole_life(room)
    room.says("Vic", "forget")
    room.presses("Vic", "Forget everything")
    assert room.says("Vic", "hello")[0].startswith("Movements connects people")
    assert room.says("Vic", "mine")[0].startswith("Trust: New here")
