"""People: who somebody is here, and what their trust lets them do."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace

from core import copies
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
    lock: str = field(default="", repr=False)
    """Sealed; see `core.locks`."""


_COLUMNS = "p.id, p.language, p.trust, p.state, p.alerts, p.address, p.focus, p.seen, p.lock"


def known(book: Book, id: str) -> Person | None:
    row = book.one(f"select {_COLUMNS} from people p where p.id = :id", id=id)
    return Person(*row) if row else None


def at(book: Book, address: Address) -> tuple[Person, int, bool] | None:
    """-> the person at an address, the address's row, and whether it is alive."""
    row = book.one(
        f"select {_COLUMNS}, a.id, a.alive from addresses a join people p on p.id = a.person"
        " where a.platform = :platform and a.handle_index = :mark",
        platform=address.platform,
        mark=found_by(book, address),
    )
    return (Person(*row[:9]), row[9], bool(row[10])) if row else None


def found_by(book: Book, address: Address) -> str:
    """What an address is found by."""
    return book.fingerprint(address.platform, address.handle)


def handle(book: Book, person: str, mark: str, sealed: str) -> str:
    """What `addresses.handle` of a person holds: to send, and to nobody's eyes."""
    return book.unseal(person, "addresses.handle", mark, sealed)


def place(book: Book, row: int | None) -> Address | None:
    """The address in this row."""
    found = book.one(
        "select platform, person, handle_index, handle from addresses where id = :row", row=row
    )
    return Address(found[0], handle(book, *found[1:])) if found else None


def pseudonym(book: Book, conversation: str, person: str, sealed: str) -> str:
    """What `members.pseudonym` holds."""
    return book.unseal(conversation, "members.pseudonym", person, sealed)


def joins(book: Book, conversation: str, person: str, role: str, name: str) -> None:
    """They are in the conversation from now on, under this pseudonym."""
    book.do(
        "insert into members(conversation, person, role, pseudonym)"
        " values (:conversation, :person, :role, :sealed)",
        conversation=conversation,
        person=person,
        role=role,
        sealed=book.seal(conversation, "members.pseudonym", person, name),
    )


def move(book: Book, one: str, other: str) -> None:
    """The addresses of one person become another's."""
    for row, mark, sealed in book.all(
        "select id, handle_index, handle from addresses where person = :one", one=one
    ):
        plain = handle(book, one, mark, sealed)
        book.do(
            "update addresses set person = :other, handle = :sealed where id = :row",
            other=other,
            sealed=book.seal(other, "addresses.handle", mark, plain),
            row=row,
        )
        copies.move(book, one, row, other, row)


def part_with(book: Book, who: Person, row: int) -> None:
    """One of somebody's addresses is theirs no more: whoever writes from there is a newcomer."""
    found = book.one("select handle_index, handle from addresses where id = :row", row=row)
    assert found is not None
    mark, sealed = found
    plain, id = handle(book, who.id, mark, sealed), uuid.uuid4().hex
    book.vault.create(id)
    book.do(
        "insert into people(id, language, address, created, seen)"
        " values (:id, :language, :row, :now, :day)",
        id=id, language=who.language, row=row, now=book.now, day=book.now // DAY,
    )  # fmt: skip
    book.do(
        "update addresses set person = :id, handle = :sealed where id = :row",
        id=id, sealed=book.seal(id, "addresses.handle", mark, plain), row=row,
    )  # fmt: skip
    book.do("delete from copies where address = :row", row=row)
    book.do("delete from outbox where address = :row and state = 'waiting'", row=row)


def encrypted(book: Book, address: Address) -> bool:
    """Whether what came last from there was, end to end."""
    return bool(
        book.value(
            "select encrypted from addresses where platform = :platform and handle_index = :mark",
            platform=address.platform,
            mark=found_by(book, address),
        )
    )


def meet(book: Book, address: Address, language: str, *, encrypted: bool = False) -> Person:
    """A new person, at an address nobody wrote from before, or whoever did is forgotten.
    encrypted: what came from there was, end to end."""
    id, mark = uuid.uuid4().hex, found_by(book, address)
    book.vault.create(id)
    row = book.value(
        "insert into addresses(platform, handle_index, handle, person, encrypted)"
        " values (:platform, :mark, :handle, :person, :encrypted) returning id",
        platform=address.platform,
        mark=mark,
        handle=book.seal(id, "addresses.handle", mark, address.handle),
        person=id,
        encrypted=int(encrypted),
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


def expect(book: Book, address: Address) -> Person:
    """Somebody who is known before they ever write. Until then nothing is sent there (it may be
    mistyped), and they have no language of their own."""
    who = meet(book, address, "en")
    book.do("update people set address = null where id = :id", id=who.id)
    return replace(who, address=None)


def expected(who: Person, alive: bool) -> bool:
    """Whether nothing was ever heard of them. alive: the address that they write from now; whoever
    can't be reached any more has none that is."""
    return who.address is None and alive


def seen(book: Book, who: Person) -> None:
    """They wrote: one write a day."""
    if who.seen != book.now // DAY:
        book.do(
            "update people set seen = :day, warned = null where id = :id",
            day=book.now // DAY,
            id=who.id,
        )


def banned(book: Book, address: Address) -> bool:
    """Whoever was suspended and then forgotten is not heard at the same address."""
    it = found_by(book, address)
    return bool(book.value("select 1 from bans where fingerprint = :it", it=it))


def here(book: Book, who: Person, row: int) -> None:
    """They wrote from this address: from now on they are answered here."""
    book.do(
        "update addresses set alive = 1, turn = 1 + (select max(a.turn) from addresses a"
        " where a.person = addresses.person) where id = :row",
        row=row,
    )
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
