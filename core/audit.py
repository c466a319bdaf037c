"""The record of what moderators did: the day, a moderator's number, the act, what came of it. No
content, no address, and not about whom.

Each row carries an HMAC over itself and the row before it, under the index key; `audit_ends`
carries one over where the record begins and ends. Who has the database and not the keys can neither
change, remove nor add a row, at either end, without `trouble` saying so. (To put back a whole older
database is another matter.) Old rows go from the old end.

https://www.usenix.org/conference/7th-usenix-security-symposium/cryptographic-support-secure-logs-untrusted-machines
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.people import Person
    from core.privacy import Vault
    from core.store import Book

_DAY = 86400
OPERATOR = 0
"""The moderator's number of what was done at the terminal."""
_BROKEN = "broken"


def number_of(book: Book, who: Person) -> int:
    """The number by which a moderator is known to the others, given on the first act."""
    found = book.value("select staff from people where id = :id", id=who.id)
    if found is None:
        found = 1 + book.value(
            "select coalesce(max(n), 0) from (select max(staff) as n from people"
            " union all select max(moderator) as n from audit) numbers"
        )
        book.do("update people set staff = :n where id = :id", n=found, id=who.id)
    return int(found)


def note(book: Book, who: Person | None, act: str, outcome: str = "done") -> None:
    """who: None for the operator. act, outcome: a word each."""
    moderator = number_of(book, who) if who else OPERATOR
    ends = book.one(
        "update audit_ends set newest = newest + 1"
        " returning oldest, newest - 1 as newest, before, last, mark"
    )
    assert ends is not None
    sound = ends.mark == _end(book.vault, *ends[:4])
    number, day = ends.newest + 1, book.now // _DAY
    mark = _mark(book.vault, ends.last, (number, day, moderator, act, outcome))
    book.do(
        "insert into audit(number, day, moderator, act, outcome, mark)"
        " values (:number, :day, :moderator, :act, :outcome, :mark)",
        number=number, day=day, moderator=moderator, act=act, outcome=outcome, mark=mark,
    )  # fmt: skip
    _keep_ends(book, sound, ends.oldest, number, ends.before, mark)


def recent(book: Book, limit: int) -> list[Any]:
    """-> day, moderator, act, outcome; the newest first."""
    return book.all(
        "select day, moderator, act, outcome from audit order by number desc limit :limit",
        limit=limit,
    )


def counts(book: Book) -> tuple[int, int]:
    """-> how many acts are recorded, and how many of them one moderator did alone that take two."""
    every = book.value("select count(*) from audit")
    return every, book.value("select count(*) from audit where outcome = 'alone'")


def trim(book: Book, day: int) -> None:
    """What is as old as this day, or older, goes. A record that is broken stays as it is."""
    ends = book.one("select oldest, newest, before, last, mark from audit_ends")
    if ends is None or ends.mark != _end(book.vault, *ends[:4]):
        return
    young = book.value("select min(number) from audit where day > :day", day=day)
    upto = (ends.newest + 1 if young is None else young) - 1
    before = book.value("select mark from audit where number = :upto", upto=upto)
    if upto < ends.oldest or before is None:
        return
    book.do("delete from audit where number <= :upto", upto=upto)
    _keep_ends(book, True, upto + 1, ends.newest, before, ends.last)


def trouble(book: Book) -> str | None:
    """-> what is wrong with the record, None if it is whole."""
    ends = book.one("select oldest, newest, before, last, mark from audit_ends")
    if ends is None or ends.mark != _end(book.vault, *ends[:4]):
        return "where it begins or ends was changed"
    last, expected = ends.before, ends.oldest
    for row in book.all(
        "select number, day, moderator, act, outcome, mark from audit order by number"
    ):
        if row.number != expected:
            return f"row {expected} was removed"
        if row.mark != _mark(book.vault, last, row[:5]):
            return f"row {expected} was changed"
        last, expected = row.mark, expected + 1
    return None if expected == ends.newest + 1 else f"row {expected} was removed"


def begin(vault: Vault) -> tuple[int, int, str, str, str]:
    """-> the row of `audit_ends` of an empty record."""
    return 1, 0, "", "", _end(vault, 1, 0, "", "")


def _keep_ends(book: Book, sound: bool, oldest: int, newest: int, before: str, last: str) -> None:
    """Once it was tampered with, it stays so: no later act makes it look right again."""
    book.do(
        "update audit_ends set oldest = :oldest, newest = :newest, before = :before, last = :last,"
        " mark = :mark",
        oldest=oldest, newest=newest, before=before, last=last,
        mark=_end(book.vault, oldest, newest, before, last) if sound else _BROKEN,
    )  # fmt: skip


def _mark(vault: Vault, before: str, row: tuple[Any, ...]) -> str:
    return vault.index("audit", "|".join(map(str, (before, *row))))


def _end(vault: Vault, oldest: int, newest: int, before: str, last: str) -> str:
    return vault.index("audit.ends", f"{oldest}|{newest}|{before}|{last}")
