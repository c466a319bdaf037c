"""What takes two moderators: one proposes it, another one agrees, and it is noted (core/audit.py).

Where only one wrote in the last 30 days, they act alone, and the operator learns how often. Nobody
suspends a moderator alone.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from core import audit, people
from core.actions import No
from core.actions.drastic import carry_out
from core.message import Choice, Code, Joined, Notice, Quote, Say, Sayable, SayMany, dots, lines
from core.people import DAY, MODERATOR, Person
from core.store import Book
from core.text import shortened
from core.words import new_code

DAYS_TO_AGREE = 3
_ACTIVE = 30
"""Days since a moderator wrote, for being counted on."""
# Translators: a button of a moderator
QUEUE = (Choice("queue", Say("See what waits")),)

_PROPOSED = {
    "suspend": Say("A moderator wants to suspend somebody who was reported:"),
    "restore": Say("A moderator wants to let somebody back in who was suspended."),
    "verify": Say("A moderator wants to verify somebody."),
}
_DONE = {
    "suspend": Say("Suspended."),
    "restore": Say("They are let in again."),
    "verify": Say("They are verified now."),
}


def check_moderates(who: Person) -> None:
    """Raises No."""
    if who.trust < MODERATOR:
        raise No(Say("Only moderators can do this."))


def propose(book: Book, who: Person, act: str, about: str) -> list[Notice]:
    """act: suspend, restore, verify. Done if another one proposed it before, or if there is nobody
    else; otherwise the others are asked. -> what everybody is told. Raises No."""
    waiting = book.one(
        "select id, person from proposals where act = :act and about = :about and until > :now",
        act=act, about=about, now=book.now,
    )  # fmt: skip
    if waiting and waiting.person != who.id:
        return agree(book, who, waiting.id)
    if waiting:
        raise No(_waits(waiting.id))
    others = _others(book, who.id, about)
    subject = people.known(book, about)
    if not others:
        if subject and subject.trust >= MODERATOR:
            raise No(
                Say(
                    "To suspend a moderator takes two others. Without them, the operator can take"
                    " the role away."
                )
            )
        audit.note(book, who, act, "alone")
        return [Notice(who.id, _DONE[act]), *carry_out(book, act, about)]
    id = new_code(4, secrets.SystemRandom())
    book.do("delete from proposals where (act = :act and about = :about) or id = :id",
            act=act, about=about, id=id)  # fmt: skip
    book.do(
        "insert into proposals(id, act, about, person, until)"
        " values (:id, :act, :about, :who, :until)",
        id=id, act=act, about=about, who=who.id, until=book.now + DAYS_TO_AGREE * DAY,
    )  # fmt: skip
    audit.note(book, who, act, "proposed")
    asked = [question(book, other, id, act, about) for other in others]
    return [Notice(who.id, _waits(id)), *asked]


def _waits(id: str) -> Say:
    return Say("It takes another moderator, within 3 days. It waits for them as {code}.",
               code=Code(id))  # fmt: skip


def _others(book: Book, *without: str) -> list[str]:
    """The moderators who can be counted on, but for these two."""
    found = book.column(
        "select id from people where trust = :moderator and state = 'live' and address is not null"
        " and seen > :since order by id",
        moderator=MODERATOR,
        since=book.now // DAY - _ACTIVE,
    )
    return [id for id in found if id not in without]


def question(book: Book, reader: str, id: str, act: str, about: str) -> Notice:
    says: Sayable = _PROPOSED[act]
    if act == "verify":
        count = book.value("select count(*) from vouches where person = :id", id=about)
        # Translators: about somebody whom a moderator wants to verify
        vouched = SayMany("{n} vouch for them.", "{n} vouches for them.", count)
        says = Joined(" ", (says, vouched))
    report = _report(book, about) if act == "suspend" else None
    reported = words(book, report) if report else ""
    return Notice(
        reader,
        lines(dots(Code(id), says), Quote(shortened(reported, 700)) if reported else None),
        # Translators: a button of a moderator: to what another one proposes
        choices=(Choice(f"agree {id}", Say("I agree")), Choice(f"refuse {id}", Say("No"))),
        key=f"x.{report.id}.{uuid.uuid4().hex}" if report else None,
    )


def _report(book: Book, about: str) -> Any | None:
    """The newest open report about somebody."""
    return book.one(
        "select id, person, text from reports where about = :about and state = 'open'"
        " order by at desc, id limit 1",
        about=about,
    )


def words(book: Book, report: Any) -> str:
    return book.unseal(report.person, "reports.text", report.id, report.text)


def _asked(book: Book, who: Person, id: str) -> Any:
    """A proposal that this moderator may decide. Raises No."""
    check_moderates(who)
    row = book.one(
        "select q.id, q.act, q.about, q.person from proposals q join people p on p.id = q.person"
        " where q.id = :id and q.until > :now and q.about <> :who and p.state = 'live'"
        " and p.trust >= :moderator",
        id=id, now=book.now, who=who.id, moderator=MODERATOR,
    )  # fmt: skip
    if row is None:
        raise No(Say("This is decided already."), QUEUE)
    return row


def agree(book: Book, who: Person, id: str) -> list[Notice]:
    """Another moderator's yes: it is done. Raises No."""
    row = _asked(book, who, id)
    if row.person == who.id:
        raise No(_waits(row.id))
    book.do("delete from proposals where id = :id", id=row.id)
    audit.note(book, who, row.act)
    agreed = Say("{code}: another moderator agreed. It is done.", code=Code(row.id))
    return [
        Notice(who.id, _DONE[row.act]),
        Notice(row.person, agreed),
        *carry_out(book, row.act, row.about),
    ]


def refuse(book: Book, who: Person, id: str) -> list[Notice]:
    """Another moderator's no, or the proposer's own second thought. Raises No."""
    row = _asked(book, who, id)
    book.do("delete from proposals where id = :id", id=row.id)
    audit.note(book, who, row.act, "refused")
    said = Notice(who.id, Say("It is not done."))
    if row.person == who.id:
        return [said]
    no = Say("{code}: another moderator did not agree. It is not done.", code=Code(row.id))
    return [said, Notice(row.person, no)]


def expire(book: Book) -> list[Notice]:
    """Proposals that nobody answered in time. -> what those who made them are told."""
    told = []
    for row in book.all("select id, act, person from proposals where until <= :now", now=book.now):
        book.do("delete from proposals where id = :id", id=row.id)
        if who := people.known(book, row.person):
            audit.note(book, who, row.act, "expired")
            late = Say("{code}: nobody agreed within 3 days. It is not done.", code=Code(row.id))
            told.append(Notice(who.id, late))
    return told
