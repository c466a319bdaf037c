"""The forms for a person's own words against danger: the panic word, the freeze word and its PIN.
What is written in them is kept as a fingerprint from the first moment, and never shown again."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from itertools import pairwise

from bots.forms import Field, Form, Option, Outcome, Said, Sheet, Value
from bots.picking import one_of
from core import locks
from core.actions import No, hiding
from core.detection import common
from core.folding import load
from core.message import Choice, Notice, Say, Word, lines
from core.people import Person
from core.store import Book
from core.words import commands

LEAST, _MOST = 6, 100
"""Letters of a word or phrase."""


def too_easy(sheet: Sheet, text: str) -> Say | None:
    """Why this can't be a word against danger."""
    known = commands()
    whole = known.command(text, [sheet.who.language], strict=True)
    if known.universal(text) or whole or known.language(text) or sheet.languages.is_ours(text):
        return Say("I know this word already, and it means something else. Take another.")
    if locks.length(text) < LEAST:
        return Say("That is too short. {n} letters at least.", n=LEAST)
    if len(text) > _MOST or "\n" in text:
        return Say("That is too long. Take a word or a short phrase.")
    plain = locks.spelt(text)
    if plain in _everyday() or len(set(plain)) < 3 or all(map(common, text.split())):
        return Say("Anybody might write that by chance. Take another.")
    return None


@cache
def _everyday() -> frozenset[str]:
    return frozenset(
        locks.spelt(phrase) for listed in load("common").values() for phrase in listed.split("|")
    )


def _word(sheet: Sheet, said: Said, other: str) -> Outcome:
    """other: the name of the other word, which must be another one."""
    if why := too_easy(sheet, said.text):
        raise No(why)
    mark = sheet.mark(said.text)
    if locks.same(str(sheet.about.get(other, "")), mark):
        raise No(Say("This is your other word already. Take another."))
    return Value(mark)


def _again(first: str, sheet: Sheet, said: Said) -> Outcome:
    if not locks.same(str(sheet.answers[first]), sheet.mark(said.text)):
        raise No(Say("That was not the same. Write it again, or “back” to choose another."))
    return Value(True)


def _pin(sheet: Sheet, said: Said) -> Outcome:
    plain = locks.spelt(said.text)
    if not locks.looks_like_pin(said.text):
        raise No(Say("A PIN is {least} to {most} digits.",
                     least=locks.PIN_DIGITS[0], most=locks.PIN_DIGITS[-1]))  # fmt: skip
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(plain)}
    if steps in ({0}, {1}, {9}):
        raise No(Say("This PIN is tried first. Take another."))
    mark = sheet.mark(said.text)
    if mark in (sheet.about.get("panic"), sheet.answers.get("freeze")):
        raise No(Say("This is your other word already. Take another."))
    return Value(mark)


def _once_more(_: Sheet) -> Say:
    return Say("Write it once more.")


PANIC = Form(
    "panic",
    (
        Field(
            "panic",
            lambda _: Say(
                "Write your panic word: a word or a short phrase that you never write otherwise."
                " How it is spelt, with capitals, dots or spaces, does not matter."
            ),
            lambda sheet, said: _word(sheet, said, "freeze"),
        ),
        Field("again", _once_more, lambda sheet, said: _again("panic", sheet, said)),
    ),
    lambda book, sheet: _panic_set(book, sheet),
)

FREEZE = Form(
    "freeze",
    (
        Field(
            "freeze",
            lambda _: Say(
                "Write your freeze word: a word or a short phrase that you never write otherwise."
            ),
            lambda sheet, said: _word(sheet, said, "panic"),
        ),
        Field("again", _once_more, lambda sheet, said: _again("freeze", sheet, said)),
        Field(
            "pin",
            lambda _: Say(
                "Now the PIN that opens again: {least} to {most} digits. Not your phone's.",
                least=locks.PIN_DIGITS[0],
                most=locks.PIN_DIGITS[-1],
            ),
            _pin,
        ),
        Field("pin_again", _once_more, lambda sheet, said: _again("pin", sheet, said)),
    ),
    lambda book, sheet: _freeze_set(book, sheet),
)

# What of them is to go: "panic" or "freeze", in sheet.about.
UNSET = Form(
    "unset",
    (
        Field(
            "sure",
            lambda sheet: (
                Say("Remove your panic word?")
                if sheet.about["what"] == "panic"
                else Say("Remove your freeze word and its PIN?")
            ),
            one_of,
            # Translators: buttons: a word for danger is taken away, or stays
            lambda _: [Option("remove", Say("Remove it")), Option("/cancel", Say("Keep it"))],
        ),
    ),
    lambda book, sheet: _removed(book, sheet),
)

_SEE = (Choice("words", Say("Words for danger")),)


def _panic_set(book: Book, sheet: Sheet) -> list[Notice]:
    locks.change(book, sheet.who.id, panic=str(sheet.answers["panic"]))
    done = Say(
        "From now on this word forgets everything about you here, at once. I answer it as if I had"
        " never met you."
    )
    return [Notice(sheet.who.id, lines(done, _DELETE), _SEE)]


def _freeze_set(book: Book, sheet: Sheet) -> list[Notice]:
    pin = locks.stretch(str(sheet.answers["pin"]))
    freeze = str(sheet.answers["freeze"])
    locks.change(book, sheet.who.id, freeze=freeze, pin=pin, wrong=0, until=0)
    done = Say(
        "From now on this word hides everything until you write the PIN. I answer it as if I had"
        " never met you. Keep the PIN: without it only “{forget}” is left.",
        forget=Word("forget"),
    )
    return [Notice(sheet.who.id, lines(done, _DELETE), _SEE)]


_DELETE = Say("Now delete from this chat the messages in which you wrote it.")


def _removed(book: Book, sheet: Sheet) -> list[Notice]:
    if sheet.about["what"] == "panic":
        locks.change(book, sheet.who.id, panic="")
    else:
        locks.change(book, sheet.who.id, freeze="", pin="", idle=False)
        hiding.no_longer_idle(book, sheet.who)
    return [Notice(sheet.who.id, Say("Removed."), _SEE)]


# ------------------------------------------------------------------ reached from `safety`


def about(book: Book, who: Person) -> dict[str, str]:
    """What the forms know: the fingerprints of the words there are."""
    kept = asdict(locks.of(book, who))
    return {name: kept[name] for name in ("panic", "freeze")}
