"""Vouching: when somebody counts as vouched for, who may vouch, and how often.

Vouched for is whom a moderator vouched for, or two people who came here by different ways: neither
vouched for the other, and nobody but a moderator vouched for both. So two who were let in by
mistake can let in a few more, and those few can let in nobody among themselves. A vouch counts
while its giver is trusted here.
"""

from __future__ import annotations

from itertools import combinations

from core.people import DAY, MODERATOR, VOUCHED, Person
from core.store import Book

MONTH = 30
A_MONTH = 3
"""How many people somebody may vouch for in a month: more than most know well enough."""
A_MONTH_AS_MODERATOR = 20
"""Enough for a meeting at which a community is founded."""
BURNT = 90
"""Days without vouching for those who vouched for somebody who was suspended."""


def _givers(book: Book, person: str) -> list[tuple[str, int]]:
    """-> whose vouches count for somebody, and how far each is trusted."""
    rows = book.all(
        "select v.voucher, p.trust from vouches v join people p on p.id = v.voucher"
        " where v.person = :person and p.state = 'live' and p.trust >= :vouched",
        person=person,
        vouched=VOUCHED,
    )
    return [(row.voucher, row.trust) for row in rows]


def _apart(book: Book, one: str, other: str) -> bool:
    """Whether they came here by different ways."""
    tied = book.value(
        "select 1 from vouches where (voucher = :one and person = :other)"
        " or (voucher = :other and person = :one)"
        " union select 1 from vouches a join vouches b on b.voucher = a.voucher"
        " join people p on p.id = a.voucher"
        " where a.person = :one and b.person = :other and p.trust < :moderator",
        one=one,
        other=other,
        moderator=MODERATOR,
    )
    return not tied


def by_two(book: Book, person: str, without: str = "") -> bool:
    """Whether two who came here by different ways vouched for them; moderators count like all.
    without: somebody who does not count."""
    givers = [giver for giver, _ in _givers(book, person) if giver != without]
    return any(_apart(book, one, other) for one, other in combinations(givers, 2))


def enough(book: Book, person: str) -> bool:
    """Whether somebody counts as vouched for."""
    if any(trust >= MODERATOR for _, trust in _givers(book, person)):
        return True
    return by_two(book, person)


def vouches(book: Book, giver: str, person: str) -> None:
    """Noted with the day alone."""
    book.do(
        "insert into vouches(voucher, person, at) values (:giver, :person, :day)",
        giver=giver,
        person=person,
        day=book.now - book.now % DAY,
    )


def vouched_before(book: Book, giver: str, person: str) -> bool:
    found = book.value(
        "select 1 from vouches where voucher = :giver and person = :person",
        giver=giver,
        person=person,
    )
    return bool(found)


def burnt_for(book: Book, who: Person) -> int:
    """-> days for which they may not vouch because of somebody they vouched for; 0: they may."""
    until = book.value("select vouches_from from people where id = :id", id=who.id)
    return max(0, (until or 0) - book.now // DAY)


def days_until_next(book: Book, who: Person) -> int:
    """-> 0 if they may vouch for another person today, else in how many days. Codes that were
    handed out and may still be used count too."""
    today = book.now // DAY
    free = book.column(
        "select at from vouches where voucher = :who and at > :since"
        " union all select until from codes where person = :who and kind <> 'link'"
        " and until > :now",
        who=who.id,
        since=(today - MONTH) * DAY,
        now=book.now,
    )
    most = A_MONTH_AS_MODERATOR if who.trust >= MODERATOR else A_MONTH
    if len(free) < most:
        return 0
    days: list[int] = sorted(at // DAY + (MONTH if at <= book.now else 1) for at in free)
    return max(1, days[len(free) - most] - today)


def burn(book: Book, person: str) -> list[str]:
    """Somebody was suspended: whoever vouched for them may not vouch for a while, and whom only
    they vouched for is new again. -> the latter."""
    book.do(
        f"update people set vouches_from = :day where trust < :moderator and id in ({_VOUCHERS})",
        day=book.now // DAY + BURNT,
        moderator=MODERATOR,
        person=person,
    )
    book.do(f"delete from codes where kind = 'vouch' and person in ({_VOUCHERS})", person=person)
    return _settle(book, person, before=VOUCHED, after=0)


def unburn(book: Book, person: str) -> list[str]:
    """The suspension was lifted, and with it what followed. -> who is vouched for again."""
    book.do(
        f"update people set vouches_from = null where id in ({_VOUCHERS})",
        person=person,
    )
    return _settle(book, person, before=0, after=VOUCHED)


_VOUCHERS = "select voucher from vouches where person = :person"


def _settle(book: Book, person: str, *, before: int, after: int) -> list[str]:
    """Looks anew at those for whom somebody vouched and whose trust is `before`."""
    found = book.column(
        "select p.id from vouches v join people p on p.id = v.person"
        " where v.voucher = :person and p.trust = :before and p.state = 'live'",
        person=person,
        before=before,
    )
    changed = [id for id in found if enough(book, id) is (after >= VOUCHED)]
    book.many(
        "update people set trust = :after where id = :id",
        [{"after": after, "id": id} for id in changed],
    )
    return changed
