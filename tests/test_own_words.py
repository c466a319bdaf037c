"""Words of one's own against danger: what they do wherever they are written, and what is kept of
them. The stories `danger` and `danger_persian` tell how it feels."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots import own_words, retention
from bots.clock import run_due
from bots.config import RetentionSettings
from bots.forms import Sheet
from core import locks, outbox, people
from core.message import File, Inbound
from core.people import DAY, Person
from core.store import Book, Store
from tests import vaults
from tests.room import LANGUAGES, Room
from tests.test_forgetting import a_whole_life, they_meet
from tests.test_sealed import MANY, TALK, address, heard, opened, person, plant, word
from tests.vaults import FOLDER, in_clear

PANIC, FREEZE, PIN = "Is the bakery open", "blue umbrella", "480215"
HOUR = 3600
TRUST = {"Ana": "new", "Vic": "vouched", "Tom": "vouched", "Mod": "moderator"}
KEPT = RetentionSettings()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    for name, trust in (
        ("Ana", "new"),
        ("Vic", "vouched"),
        ("Tom", "vouched"),
        ("Mod", "moderator"),
    ):
        room.join(name, "fa" if name == "Ana" else "en", trust)
    yield room
    room.close()


def talking(room: Room) -> None:
    """Vic has both words."""
    they_meet(room)
    choose(room, "Vic")


def choose(room: Room, name: str) -> None:
    room.says(name, "safety")
    for button, *said in (
        ("Choose a panic word", PANIC, PANIC),
        ("Choose a freeze word", FREEZE, FREEZE, PIN, PIN),
    ):
        room.presses(name, "Words for danger")
        room.presses(name, button)
        for line in said:
            told = room.says(name, line)
        assert told[0].startswith("From now on this word"), told


def is_greeted(told: list[str]) -> bool:
    return len(told) == 1 and told[0].startswith("Movements connects people")


def handles(room: Room, name: str) -> str:
    return room.people[name].address.handle


def nothing_is_left(room: Room, name: str, secret: str, id: str) -> None:
    found = room.store.now(in_clear)
    for trace in (id, secret):
        assert trace not in found
    # but for the newcomer who was greeted, and who goes after a day
    assert found.count(handles(room, name)) == 1
    room.time += DAY
    room.store.now(lambda book: run_due(book, KEPT))
    assert handles(room, name) not in room.store.now(in_clear)


SPELLINGS = (
    PANIC,
    "is the bakery open?",
    "  ISTHE bakery   open ... ",
    "ｉｓ ｔｈｅ ｂａｋｅｒｙ ｏｐｅｎ",
)


@pytest.mark.parametrize("written", SPELLINGS)
def test_the_panic_word_leaves_nothing_however_it_is_spelt(room: Room, written: str) -> None:
    a_whole_life(room)
    choose(room, "Vic")
    id = room.store.now(lambda book: room.id(book, "Vic"))
    assert is_greeted(room.says("Vic", written))
    nothing_is_left(room, "Vic", "secret-vic", id)


WHERE = {
    "in a form": lambda room: room.says("Vic", "need"),
    "in the form that asks for it": lambda room: (
        room.presses("Vic", "Words for danger"), room.presses("Vic", "Change the panic word"),
    ),
    "in the form of a PIN": lambda room: (
        room.presses("Vic", "Words for danger"), room.presses("Vic", "Change the freeze word"),
        room.says("Vic", "green umbrella"), room.says("Vic", "green umbrella"),
    ),
    "where forgetting is asked": lambda room: room.says("Vic", "forget"),
    "frozen": lambda room: room.says("Vic", FREEZE),
    "frozen, in a form": lambda room: (room.says("Vic", FREEZE), room.says("Vic", "need")),
    "suspended": lambda room: room.store.now(
        lambda book: book.do(
            "update people set state = 'suspended' where id = :id", id=room.id(book, "Vic")
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("where", WHERE)
def test_the_panic_word_goes_before_whatever_is_going_on(room: Room, where: str) -> None:
    talking(room)
    id = room.store.now(lambda book: room.id(book, "Vic"))
    WHERE[where](room)
    seen = {name: len(room.people[name].shown) for name in ("Ana", "Tom", "Mod")}
    told = room.says("Vic", PANIC)
    if where == "suspended":
        assert told == ["A moderator has suspended you."]
    else:
        assert is_greeted(told)
    for name, count in seen.items():
        assert not [s for s in room.people[name].shown[count:] if "bakery" in s.text]
    nothing_is_left(room, "Vic", "secret-vic", id)


def test_the_panic_word_in_a_reply_an_edit_or_under_a_file_is_passed_on_to_nobody(
    room: Room,
) -> None:
    for how in ("reply", "edit", "file", "picture"):
        talking(room)
        what: dict[str, object] = {"text": PANIC}
        prompt = next(s.native for s in reversed(room.people["Vic"].shown) if "راز" in s.text)
        own = room.people["Vic"].written[-1]
        what |= {
            "reply": {"answers_to": prompt},
            "edit": {"edits": own},
            "file": {"files": (File("voice"),)},
            "picture": {"files": (File("picture"),), "pictures": (b"\xff\xd8",)},
        }[how]
        assert is_greeted(room.does("Vic", **what)), how
        assert not [s for s in room.people["Ana"].shown if "bakery" in s.text]
        for name in ("Ana", "Tom", "Vic"):  # and anew
            room.says(name, "فراموشم کن" if name == "Ana" else "forget")
            room.presses(name, "همه‌چیز را فراموش کن" if name == "Ana" else "Forget everything")
        for name, trust in (("Ana", "new"), ("Vic", "vouched"), ("Tom", "vouched")):
            room.join(name, "fa" if name == "Ana" else "en", trust)


def test_a_button_or_a_part_of_a_message_is_no_panic_word(room: Room) -> None:
    talking(room)
    room.does("Vic", pressed=PANIC)
    room.says("Vic", f"{PANIC} today?")
    assert room.store.now(lambda book: people.at(book, room.people["Vic"].address)[0].trust)  # type: ignore[index]
    assert f"{PANIC} today" in room.last("Ana")


# ------------------------------------------------------------------ what is kept of them


def test_the_words_and_the_pin_stand_nowhere_at_any_time(room: Room) -> None:
    """Not in the database opened with its keys, nor in the bytes of any file."""
    spelt = [text for word in (PANIC, FREEZE, PIN) for text in (word, locks.spelt(word))]

    def nowhere() -> None:
        found = room.store.now(in_clear)
        folder = Path(room.store.engine.url.database or "").parent
        raw = [path.read_bytes() for where in (folder, FOLDER) for path in where.iterdir()
               if path.is_file()]  # fmt: skip
        for text in spelt:
            assert text not in found
            assert not [path for path in raw if text.encode() in path]

    room.says("Vic", "safety")
    for button, *said in (
        ("Choose a panic word", PANIC, "something else", PANIC),
        ("Choose a freeze word", FREEZE, FREEZE, PIN, "480216", PIN),
    ):
        room.presses("Vic", "Words for danger")
        room.presses("Vic", button)
        for line in said:
            room.says("Vic", line)
            nowhere()
    for line in (FREEZE, "480216", PIN, FREEZE, PANIC):
        room.says("Vic", line)
        nowhere()


def test_the_same_word_of_two_people_is_kept_as_two_fingerprints(room: Room) -> None:
    choose(room, "Vic")
    choose(room, "Tom")

    def kept(book: object, name: str) -> locks.Lock:
        found = people.at(book, room.people[name].address)  # type: ignore[arg-type]
        assert found is not None
        return locks.of(book, found[0])  # type: ignore[arg-type]

    vic, tom = (room.store.now(lambda book, name=name: kept(book, name)) for name in ("Vic", "Tom"))  # type: ignore[misc]
    assert len({vic.panic, tom.panic, vic.freeze, tom.freeze, vic.pin, tom.pin}) == 6


@settings(max_examples=40)
@given(st.text(max_size=30))
def test_any_word_is_refused_or_found_again_in_every_spelling(text: str) -> None:
    who = Person("a" * 32, "en", 0, "live", "now", 1, None, 0)
    sheet = Sheet(who, LANGUAGES, {}, {})
    if own_words.too_easy(sheet, text) is None:
        assert locks.length(text) >= own_words.LEAST
        assert locks.spelt(f" {text.casefold()}. ") == locks.spelt(text)


@pytest.mark.parametrize(
    "word",
    ["forget", "/forget", "فراموشم کن", "offer 7KQ", "tea", "help me please", "Post it", "منتشر کن",
     "Persian", "good morning", "Good Morning!", "صبح بخير", "спасибо", "aaaaaaa", "你好吗",
     "x" * 101, "two\nlines here", "......", "😀😀😀😀😀😀"],
)  # fmt: skip
def test_a_word_that_anybody_writes_is_refused(room: Room, word: str) -> None:
    room.presses("Vic", "Words for danger") if room.says("Vic", "safety") else None
    room.presses("Vic", "Choose a panic word")
    room.says("Vic", word)
    found = room.store.now(lambda book: people.at(book, room.people["Vic"].address))
    assert found is not None
    asked = room.value("select asked from forms where person = :id", id=found[0].id)
    assert asked != "again"


# ------------------------------------------------------------------ frozen


def test_frozen_everything_waits_and_the_others_notice_nothing(room: Room) -> None:
    talking(room)
    handle = handles(room, "Vic")
    assert is_greeted(room.says("Vic", FREEZE))
    room.says("Ana", "هستی؟ راز-آنا")
    seen = len(room.people["Vic"].shown)
    for said in ("mine", "talk", "needs", "safety", "skills", "cancel", "help", "link", "language"):
        room.says("Vic", said)
    assert not [s for s in room.people["Vic"].shown[seen:] if "راز" in s.text]
    own = room.people["Vic"].written
    prompt = next(s.native for s in room.people["Vic"].shown if "سلام راز" in s.text)
    room.says("Vic", "As a reply to what stands in the chat", reply_to=prompt)
    room.does("Vic", text="An edit of what was written before", edits=own[-20])
    assert not [s for s in room.people["Ana"].shown if "stands in the chat" in s.text]
    told = room.says("Vic", "۴۸۰ ۲۱۵")
    assert "هستی" in told[0]
    assert told[1].startswith("You are back.")
    room.says("Vic", "I am here", reply_to=prompt)
    assert "I am here" in room.last("Ana")
    assert room.store.now(in_clear).count(handle) >= 1
    assert room.value("select count(*) from people") == len(room.people)


def test_wrong_pins_look_like_any_number_and_cost_an_hour_then_two(room: Room) -> None:
    choose(room, "Vic")
    room.says("Vic", FREEZE)
    stray = room.says("Vic", "9999999")
    for pause in (1, 2, 4):
        for wrong in range(locks.TRIES - (pause == 1)):
            assert room.says("Vic", f"48021{wrong}9") == stray
        assert room.says("Vic", PIN) == stray, "it was tried during the pause"
        room.time += pause * HOUR - 1
        assert room.says("Vic", PIN) == stray, f"less than {pause} h"
        room.time += 1
    assert room.says("Vic", PIN)[0].startswith("You are back.")
    room.says("Vic", FREEZE)
    assert room.says("Vic", PIN)[0].startswith("You are back."), "the count began anew"


def test_forget_while_frozen_forgets_what_was_hidden_too(room: Room) -> None:
    talking(room)
    id = room.store.now(lambda book: room.id(book, "Vic"))
    room.says("Vic", FREEZE)
    assert "0 needs" in room.says("Vic", "forget")[0]
    assert room.presses("Vic", "Forget everything")[0].startswith("Done.")
    found = room.store.now(in_clear)
    for trace in (id, "secret-vic", handles(room, "Vic")):
        assert trace not in found


def test_whoever_is_suspended_stays_so_behind_a_freeze_word(room: Room) -> None:
    choose(room, "Vic")
    suspend = "update people set state = 'suspended' where id = :id"
    room.says("Vic", FREEZE)
    room.store.now(lambda book: book.do(suspend, id=room.id(book, "Vic")))
    assert room.says("Vic", PIN)[-1].startswith("You are back.")
    assert room.says("Vic", "mine") == ["A moderator has suspended you."]
    assert room.says("Vic", FREEZE) == ["A moderator has suspended you."]
    assert room.says("Vic", "mine") == ["A moderator has suspended you."]


def test_what_waits_for_the_frozen_goes_when_it_would_for_anybody(room: Room) -> None:
    talking(room)
    room.says("Vic", FREEZE)
    room.says("Ana", "هستی؟ راز-آنا")
    room.time += KEPT.undelivered_hours * HOUR
    told = room.store.now(lambda book: retention.clear_away(book, KEPT))
    assert len(told) == 1, "its author is told that it did not arrive"
    assert not [text for text in room.says("Vic", PIN) if "هستی" in text]


def test_the_frozen_who_do_not_come_back_are_forgotten_like_anybody(room: Room) -> None:
    talking(room)
    id = room.store.now(lambda book: room.id(book, "Vic"))
    room.says("Vic", FREEZE)
    for days in (KEPT.warning_days, KEPT.idle_days - KEPT.warning_days):
        room.time += days * DAY
        room.store.now(lambda book: outbox.put(book, retention.clear_away(book, KEPT)))
    found = room.store.now(in_clear)
    assert id not in found
    assert "secret-vic" not in found


def test_whoever_chose_so_is_hidden_after_twelve_hours_without_a_word(room: Room) -> None:
    choose(room, "Vic")
    room.presses("Vic", "Words for danger")
    told = room.presses("Vic", "Hide everything after 12 hours without a word")
    assert "I also hide everything" in told[0]
    due = lambda: room.store.now(lambda book: run_due(book, KEPT))  # noqa: E731
    room.time += 11 * HOUR
    due()
    assert "Trust: Vouched" in room.says("Vic", "mine")[0]
    room.time += 13 * HOUR
    due()
    assert is_greeted(room.says("Vic", "hello"))
    assert room.says("Vic", PIN)[0].startswith("You are back.")
    room.presses("Vic", "Words for danger")
    room.presses("Vic", "Stop hiding after 12 hours")
    room.time += 30 * HOUR
    due()
    assert "Trust: Vouched" in room.says("Vic", "mine")[0]


def test_removed_words_are_words_like_any_other(room: Room) -> None:
    choose(room, "Vic")
    for button in ("Remove the panic word", "Remove the freeze word"):
        room.presses("Vic", "Words for danger")
        room.presses("Vic", button)
        assert room.presses("Vic", "Remove it") == ["Removed."]
    for said in (PANIC, FREEZE, PIN):
        room.says("Vic", said)
    assert "Trust: Vouched" in room.says("Vic", "mine")[0]
    assert room.value("select count(*) from people where lock <> ''") == 0


# ------------------------------------------------------------------ cut in the middle


class Cut(BaseException):
    """The process ends here."""


def test_a_panic_that_is_cut_anywhere_is_not_answered_and_comes_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at each statement and around the end of the keys, then started anew; the platform brings
    again what was not acknowledged. Never is somebody answered and still there."""
    places: Iterator[str | int] = itertools.chain(
        ("before the keys go", "after they went"), itertools.count(0, 1 if MANY > 500 else 4)
    )
    for n, place in enumerate(places):
        with opened(tmp_path) as store:
            store.now(partial(plant, pairs=range(n, n + 1)))
            id = store.now(partial(_has_a_panic_word, number=2 * n))
            event = Inbound(f"panic{n}", address(2 * n), PANIC, native=str(n))
            hear = partial(TALK.hear, event=event)
            with monkeypatch.context() as broken:
                _cut_at(broken, store, place)
                try:
                    store.now(hear)
                    break
                except Cut:
                    pass
        with opened(tmp_path, alone=True) as store:
            heard(store, lambda book: None)
            there = store.now(in_clear)
            gone = bool(store.vault.missing([id]))
            assert (word("entry", 2 * n) in there, id in there) == (not gone, not gone)
            assert gone is (place == "after they went")
            assert not _greetings(store)
            heard(store, hear)
            there = store.now(in_clear)
            assert id not in there
            assert word("entry", 2 * n) not in there
            assert _greetings(store) == 1
            store.now(lambda book: book.do("delete from outbox"))
    assert place > 30, "it took fewer statements than it can"  # type: ignore[operator]


def _cut_at(broken: pytest.MonkeyPatch, store: Store, place: str | int) -> None:
    """A number: that statement of those that change something."""
    execute, destroy, passed = Book._execute, store.vault.destroy, itertools.count()

    def at(here: str | int) -> None:
        if here == place:
            raise Cut

    def executing(self: Book, statement: str, values: Mapping[str, Any]) -> Any:
        if not statement.startswith("select"):
            at(next(passed))
        return execute(self, statement, values)

    def destroying(ids: Collection[str]) -> None:
        at("before the keys go")
        destroy(ids)
        at("after they went")

    broken.setattr(Book, "_execute", executing)
    broken.setattr(store.vault, "destroy", destroying)


def _has_a_panic_word(book: Book, number: int) -> str:
    who = person(book, number)
    locks.change(book, who.id, panic=locks.mark(book, who.id, PANIC))
    return who.id


def _greetings(store: Store) -> int:
    waiting = store.now(lambda book: vaults.opened(book, "outbox", "notice"))
    return sum("connects people" in said for said in waiting)
