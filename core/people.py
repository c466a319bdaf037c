"""People: who somebody is here, and what their trust lets them do."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from core.message import Address
from core.store import Book

NEW, VOUCHED, VERIFIED, MODERATOR = range(4)
TRUST = ("new", "vouched", "verified", "moderator")
DAY = 86400
ANY = "*"
"""In `places`: any country."""


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    language: str
    trust: int
    state: str
    alerts: str
    address: int | None
    focus: str | None
    seen: int


_COLUMNS = "p.id, p.language, p.trust, p.state, p.alerts, p.address, p.focus, p.seen"


def known(book: Book, id: str) -> Person | None:
    row = book.one(f"select {_COLUMNS} from people p where p.id = :id", id=id)
    return Person(*row) if row else None


def at(book: Book, address: Address) -> tuple[Person, int, bool] | None:
    """-> the person at an address, the address's row, and whether it is alive."""
    row = book.one(
        f"select {_COLUMNS}, a.id, a.alive from addresses a join people p on p.id = a.person"
        " where a.platform = :platform and a.handle = :handle",
        platform=address.platform,
        handle=address.handle,
    )
    return (Person(*row[:8]), row[8], bool(row[9])) if row else None


def meet(book: Book, address: Address, language: str) -> Person:
    """A new person, at an address nobody wrote from before."""
    id = uuid.uuid4().hex
    row = book.value(
        "insert into addresses(platform, handle, person) values (:platform, :handle, :person)"
        " returning id",
        platform=address.platform,
        handle=address.handle,
        person=id,
    )
    book.do(
        "insert into people(id, language, address, created, seen)"
        " values (:id, :language, :row, :now, :day)",
        id=id,
        language=language,
        row=row,
        now=book.now,
        day=book.now // DAY,
    )
    return Person(id, language, NEW, "live", "now", row, None, book.now // DAY)


def seen(book: Book, who: Person) -> None:
    """They wrote: one write a day."""
    if who.seen != book.now // DAY:
        book.do(
            "update people set seen = :day, warned = null where id = :id",
            day=book.now // DAY,
            id=who.id,
        )


def ban(book: Book, who: str) -> None:
    """Before a suspended person is erased: whoever writes from their addresses is not heard."""
    rows = book.all(
        "select a.platform, a.handle from addresses a join people p on p.id = a.person"
        " where p.id = :who and p.state = 'suspended'",
        who=who,
    )
    book.many(
        "insert into bans(fingerprint, at) values (:it, :now) on conflict do nothing",
        [{"it": book.fingerprint(*row), "now": book.now} for row in rows],
    )


def banned(book: Book, address: Address) -> bool:
    it = book.fingerprint(address.platform, address.handle)
    return bool(book.value("select 1 from bans where fingerprint = :it", it=it))


def here(book: Book, who: Person, row: int) -> None:
    """They wrote from this address: from now on they are answered here."""
    book.do("update addresses set alive = 1 where id = :row", row=row)
    book.do("update people set address = :row where id = :id", row=row, id=who.id)


def reads(book: Book, who: str) -> list[str]:
    """The languages a person reads and writes; the one they chose for the bot comes first."""
    rows = book.all(
        "select p.language as own, s.language as said from people p"
        " left join speaks s on s.person = p.id where p.id = :id order by s.language",
        id=who,
    )
    own = rows[0].own if rows else None
    said = [row.said for row in rows if row.said is not None]
    return sorted(said, key=lambda language: language != own) or [own]


def speaks(book: Book, who: str, language: str) -> None:
    book.do(
        "insert into speaks(person, language) values (:id, :language) on conflict do nothing",
        id=who,
        language=language,
    )


def blocked(book: Book, one: str, other: str) -> bool:
    """Has either blocked the other?"""
    return bool(
        book.value(
            "select 1 from blocks where (person = :one and blocked = :other)"
            " or (person = :other and blocked = :one)",
            one=one,
            other=other,
        )
    )
