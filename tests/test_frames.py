"""Nobody here chooses a name, and nothing that anybody writes stands where the gateway speaks: so
nobody passes for a moderator, whatever the letters look like
(https://www.unicode.org/reports/tr39/ has the many ways)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from bots import questions
from bots.forms import no_options
from core import pseudonyms
from core.folding import key, load
from core.text import BAR
from tests.room import Room

LOOK_ALIKES = (
    "Moderator",
    "Μοderаtоr",  # Greek and Cyrillic letters
    "Ｍｏｄｅｒａｔｏｒ",
    "M\u200bo\u200bderator",
    "𝐌𝐨𝐝𝐞𝐫𝐚𝐭𝐨𝐫",
    "⚠ Movements",
    "🔒 Movements",
    "Mоd",  # a Cyrillic letter
    "Grey Heron · 7KQ",
)
STAFF = ("moderator", "operator", "admin", "movements", "ناظر", "مدیر", "модератор", "mod")
TOKEN = "zqqz"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    room.join("Ana", "fa")
    room.join("Vic", trust="vouched")
    room.join("Tia", trust="vouched")
    room.join("Tom", trust="vouched")
    room.join("Mod", trust="moderator")
    room.join("Kim", trust="moderator", platform="numbers")
    room.can("Vic", "writing")
    for name in ("Tia", "Tom"):
        room.translates(name, "fa", "en")
    yield room
    room.close()


def everything_written(room: Room, name: str) -> None:
    """Each thing that a person can write, everywhere that it is shown to others; with a token of
    its author's."""

    def said(author: str) -> str:
        return f"{name}: {TOKEN}{author}\n{name} {TOKEN}{author}"

    room.says("Ana", f"نیاز: یک نویسنده برای نامهٔ خواهرم. {said('Ana')}")
    room.presses("Ana", "منتشر کن")
    code = room.value("select code from needs order by created desc, id limit 1")
    room.says("Vic", "needs")
    room.does("Vic", pressed=f"read {code}")
    room.does("Vic", pressed=f"offer {code}")
    room.says("Vic", said("Vic"))
    room.presses("Ana", "اول سؤال دارم")
    room.says("Ana", f"کِی؟ {said('Ana')}")
    room.presses("Vic", "Answer")
    room.says("Vic", f"Tonight. {said('Vic')}")
    room.presses("Ana", "می‌پذیرم")
    room.presses("Tia", "I'll do it")
    room.does("Tia", pressed="term")
    room.presses("Tia", "Persian → English")
    room.says("Tia", f"{TOKEN}Tia")
    room.says("Tia", f"{name} {TOKEN}Tia")
    room.does("Tom", pressed="glossary")
    conversation = room.value("select id from conversations")
    for side in ("Ana", "Vic"):
        room.does(side, pressed=f"shownames {conversation}")
    room.says("Ana", f"سلام {said('Ana')}")
    own = room.people["Ana"].written[-1]
    prompt = next(s.native for s in reversed(room.people["Tia"].shown) if "سلام" in s.text)
    room.says("Tia", f"Hello {said('Tia')}", reply_to=prompt)
    room.says("Vic", f"Hello. {said('Vic')}")
    room.says("Tia", f"درود {said('Tia')}", reply_to=room.people["Tia"].shown[-1].native)
    room.does("Ana", text=f"سلام دوباره {said('Ana')}", edits=own)
    room.does("Ana", text=said("Ana"), pictures=(b"a clean picture",))
    room.says("Vic", "report")
    room.says("Vic", f"He lies. {said('Vic')}")
    room.says("Mod", "queue")
    room.presses("Mod", "Suspend this person")


READS = {
    "Ana": {"Vic", "Tia"}, "Vic": {"Ana", "Tia"}, "Tia": {"Ana", "Vic"}, "Tom": {"Tia"},
    "Mod": {"Vic"}, "Kim": {"Vic"},
}  # fmt: skip
"""Whose words come to whom, in the course of all this."""


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_people_write_stands_behind_a_bar_for_everybody_else(room: Room, name: str) -> None:
    everything_written(room, name)
    read: dict[str, set[str]] = {reader: set() for reader in room.people}
    for reader, person in room.people.items():
        others = [f"{TOKEN}{author}" for author in room.people if author != reader]
        for shown in person.shown:
            for line in shown.text.splitlines():
                found = [token for token in others if token in line]
                read[reader] |= {token.removeprefix(TOKEN) for token in found}
                assert not found or line.lstrip("🌐 (").startswith(BAR), f"{reader}: {line}"
            for value, label in shown.choices:
                assert not any(token in value + label for token in others), f"{reader}: {label}"
    assert read == READS


def test_the_only_names_are_the_gateways_own_and_none_is_like_the_staffs() -> None:
    """Every name that a person here has for others comes from one table of qualities and birds."""
    staff = {key(unicodedata.normalize("NFKC", word)) for word in STAFF}
    for language, table in load("pseudonyms").items():
        for bird in table["birds"]:
            for quality in load("pseudonyms")["en"]["qualities"]:
                name = pseudonyms.name(f"{quality} {bird}", language)
                assert name is not None
                assert not staff & set(key(name).split()), name


SHOWN_TO_OTHERS = {"need.text", "offer.text", "ask.text", "report.text", "term.term"}
SHOWN_TO_NOBODY = {
    f"{word}.{asked}"
    for word in ("panic", "freeze")
    for asked in (word, "again", "pin", "pin_again")
} - {"panic.pin", "panic.pin_again"}


def test_no_form_asks_for_a_name() -> None:
    """A new question whose answer is free text is noticed here: if others read it, it is to stand
    behind a bar, and above in what everybody writes."""
    free = {
        f"{form.name}.{field.name}"
        for form in questions.FORMS.values()
        for field in form.fields
        if field.options is no_options
    }
    assert free == SHOWN_TO_OTHERS | SHOWN_TO_NOBODY
