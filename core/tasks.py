"""What translators have in hand: each part of an entry, for half an hour, after which it goes back.

A task without a translation is held (`until` lies ahead), or was given back (`until` is 0).
"""

from __future__ import annotations

from core import joint
from core.store import Book
from core.text import split

LEASE = 1800
"""Seconds that a translator has for a message; more if she says that she is at it."""
_LONG = 1200
"""Characters of one part: a reply of as many can be written on a phone."""


def parts(text: str) -> list[str]:
    """A long text in parts that are translated one by one."""
    return split(text, _LONG, "codepoints")


def hand_out(book: Book, entry: str, language: str, person: str, count: int) -> None:
    """All parts of an entry go to one translator, who starts from nothing."""
    book.do(
        "delete from tasks where entry = :entry and language = :language",
        entry=entry,
        language=language,
    )
    book.many(
        "insert into tasks(entry, language, part, person, until, text)"
        " values (:entry, :language, :part, :person, :until, '')",
        [
            {"entry": entry, "language": language, "part": part, "person": person,
             "until": book.now + LEASE}
            for part in range(1, count + 1)
        ],
    )  # fmt: skip


def holder(book: Book, entry: str, language: str) -> tuple[str, int] | None:
    """-> who has what is left of it in hand, and until when (0: gave it back)."""
    row = book.one(
        "select person, until from tasks where entry = :entry and language = :language"
        " and text = '' order by part limit 1",
        entry=entry,
        language=language,
    )
    return (row.person, row.until) if row else None


def keep_part(book: Book, entry: str, language: str, part: int, person: str, text: str) -> None:
    book.do(
        "insert into tasks(entry, language, part, person, until, text)"
        " values (:entry, :language, :part, :person, 0, :text)"
        " on conflict (entry, language, part)"
        " do update set text = excluded.text, person = excluded.person",
        entry=entry, language=language, part=part, person=person,
        text=joint.seal(book, entry, person, "tasks.text", f"{entry}.{language}.{part}", text),
    )  # fmt: skip


def translated_parts(book: Book, entry: str, language: str) -> dict[int, str]:
    """-> the translations of the parts that are there."""
    rows = book.all(
        "select part, person, text from tasks where entry = :entry and language = :language"
        " and text <> ''",
        entry=entry,
        language=language,
    )
    name = f"{entry}.{language}"
    return {
        part: joint.unseal(book, entry, person, "tasks.text", f"{name}.{part}", text)
        for part, person, text in rows
    }


def done(book: Book, entry: str) -> None:
    """Nothing of it is left to translate."""
    book.do("delete from tasks where entry = :entry", entry=entry)


def given_up(book: Book, who: str, conversation: str) -> None:
    """Nothing of this conversation is in her hands any more."""
    book.do(
        "delete from tasks where person = :who and entry in"
        " (select id from entries where conversation = :id)",
        who=who,
        id=conversation,
    )
