"""Timers: what is to be done later, by `bots.clock`."""

from __future__ import annotations

from core.store import Book


def remind(book: Book, due: int, kind: str, about: str) -> None:
    """kind: one of `bots.clock.KINDS`. about: the id of what it is about. due: seconds since
    1970."""
    book.do(
        "insert into timers(due, kind, about) values (:due, :kind, :about)",
        due=due,
        kind=kind,
        about=about,
    )
    book.wakes.add("timers")


def no_more(book: Book, about: str) -> None:
    """What was to be done about it is not."""
    book.do("delete from timers where about = :id", id=about)
