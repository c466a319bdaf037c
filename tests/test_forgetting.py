"""Whoever goes leaves nothing here: looked for in every column of every table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.room import Room
from tests.vaults import in_clear


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


def test_who_begins_anew_is_a_stranger(room: Room) -> None:
    a_whole_life(room)
    room.says("Vic", "forget")
    room.presses("Vic", "Forget everything")
    assert room.says("Vic", "hello")[0].startswith("Movements connects people")
    assert room.says("Vic", "mine")[0].startswith("Trust: New here")
