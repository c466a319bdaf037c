"""Rationing: how much of what people need somebody is shown, reads and answers in a day.

A need is shown in steps: its summary (skills, country, language), then what it says, then a
conversation, if its author accepts. Whoever was let in by mistake shall see a few needs a day, as
everybody does who means to help, and not collect them all. A volunteer who answers one or two needs
a day never meets these limits.

Counted by the day (UTC), in rows that name what was seen by a keyed fingerprint alone, and only
until that day is over.
"""

from __future__ import annotations

from core.message import SayMany
from core.people import DAY, Person
from core.store import Book

RATIONS: dict[str, tuple[int | None, ...]] = {
    "listed": (5, 20, 50, None),
    "read": (2, 5, 10, 50),
    "offered": (2, 3, 5, 10),
    "reports": (0, 0, 0, 30),
    "closed": (0, 0, 0, 20),
}
"""A day's ration for new, vouched, verified people and moderators; None: without limit. listed:
needs whose summary they called up. read: needs of which they saw what they say, in an alert as
well. reports, closed: what a moderator reads of them, and others' needs that they close."""

_HOUR = 3600


def has_left(book: Book, who: Person, what: str, thing: str) -> bool:
    """Whether they may still do this today; what they did today already they may do again. thing:
    the id of the need or report."""
    most = RATIONS[what][who.trust]
    if most is None:
        return True
    day = book.now // DAY
    rows = book.column(
        "select mark from rations where person = :who and what = :what and day = :day",
        who=who.id, what=what, day=day,
    )  # fmt: skip
    return len(rows) < most or _mark(book, who, what, thing) in rows


def spend(book: Book, who: Person, what: str, thing: str) -> bool:
    """The same, and counts it. False: not today."""
    if not has_left(book, who, what, thing):
        return False
    if RATIONS[what][who.trust] is not None:
        book.do(
            "insert into rations(person, what, mark, day) values (:who, :what, :mark, :day)"
            " on conflict do nothing",
            who=who.id, what=what, mark=_mark(book, who, what, thing), day=book.now // DAY,
        )  # fmt: skip
    return True


def _mark(book: Book, who: Person, what: str, thing: str) -> str:
    """Another one each day."""
    return book.fingerprint("rations", str(book.now // DAY), who.id, what, thing)


def tomorrow(book: Book, what: str) -> SayMany:
    """Why not any more today, and when again."""
    hours = -(-(DAY - book.now % DAY) // _HOUR)
    if what == "offered":
        return SayMany(
            "You have offered your help as often as one can in a day. Again in {n} hour.",
            "You have offered your help as often as one can in a day. Again in {n} hours.",
            hours,
        )
    return SayMany(
        "That is as much as one can see in a day. More in {n} hour.",
        "That is as much as one can see in a day. More in {n} hours.",
        hours,
    )


def clear(book: Book) -> None:
    """What was counted before today."""
    book.do("delete from rations where day < :today", today=book.now // DAY)
