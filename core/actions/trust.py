"""Trust: codes handed from person to person, vouching, verifying; reports, and suspending."""

from __future__ import annotations

import secrets
import uuid

from core import people
from core.actions import No, parting, talking
from core.actions.needs import shut
from core.actions.seeing import SEE_NEEDS
from core.message import Choice, Code, Joined, Notice, Quote, Say, Word, lines
from core.needs import by_id
from core.people import VERIFIED, VOUCHED, Person
from core.store import Book
from core.text import shortened
from core.words import HANDED, new_code

CODE_DAYS = 3


def hand_out(book: Book, who: Person, kind: str) -> list[Notice]:
    """A code to give to one person: kind vouch, verify, or link. Raises No."""
    least = {"vouch": VOUCHED, "verify": people.MODERATOR, "link": people.NEW}[kind]
    if who.trust < least:
        raise No(_may_not(kind))
    code = new_code(HANDED, secrets.SystemRandom())
    book.do(
        "insert into codes(code, kind, person, until) values (:code, :kind, :who, :until)",
        code=code, kind=kind, who=who.id, until=book.now + CODE_DAYS * 86400,
    )  # fmt: skip
    if kind == "link":
        how = Say("In your other messenger, send me this within 3 days:")
    else:
        how = Say("Give this to one person whom you trust. They send it to me within 3 days:")
    return [Notice(who.id, lines(how, Joined(" ", (Word(kind), Code(code)))))]


def _may_not(kind: str) -> Say:
    if kind == "verify":
        return Say("Only moderators can verify people.")
    return Say("You can vouch for others once somebody has vouched for you.")


def take_code(book: Book, who: Person, kind: str, code: str) -> list[Notice]:
    """Somebody was handed a code for `vouch` or `verify`. It works once. Raises No."""
    row = book.one(
        "select person from codes where code = :code and kind = :kind and until > :now",
        code=code, kind=kind, now=book.now,
    )  # fmt: skip
    if row is None or row.person == who.id:
        raise No(Say("This code is not valid, or was used already."))
    book.do("delete from codes where code = :code", code=code)
    giver = people.known(book, row.person)
    level = VOUCHED if kind == "vouch" else VERIFIED
    least = VOUCHED if kind == "vouch" else people.MODERATOR
    if giver is None or giver.state != "live" or giver.trust < least:
        raise No(Say("This code is not valid, or was used already."))
    return raise_trust(book, giver, who, level)


def raise_for(book: Book, who: Person, kind: str, conversation: str) -> list[Notice]:
    """Vouches for, or verifies, the other side of a conversation. Raises No."""
    least = VOUCHED if kind == "vouch" else people.MODERATOR
    if who.trust < least:
        raise No(_may_not(kind))
    seen = talking.open_to(book, who.id, conversation)
    other = people.known(book, seen.other)
    assert other is not None
    level = VOUCHED if kind == "vouch" else VERIFIED
    done = Notice(who.id, Say("Done. Thank you."))
    if other.trust >= level:
        return [done]
    return [done, *raise_trust(book, who, other, level)]


def raise_trust(book: Book, giver: Person, who: Person, level: int) -> list[Notice]:
    book.do(
        "insert into vouches(voucher, person, at) values (:giver, :who, :now)"
        " on conflict do nothing",
        giver=giver.id,
        who=who.id,
        now=book.now,
    )
    if who.trust >= level:
        return [Notice(who.id, Say("You are trusted here already."))]
    book.do("update people set trust = :level where id = :id", level=level, id=who.id)
    said = (
        Say("Somebody vouched for you. You now see more needs.")
        if level == VOUCHED
        else Say("You are verified now. You see every need that asks for your skills.")
    )
    return [Notice(who.id, said, (SEE_NEEDS,))]


def suspend(book: Book, who: Person, report: str) -> list[Notice]:
    """A moderator stops somebody who was reported: no alerts, no new needs, offers or messages."""
    about = _handled(book, who, report)
    book.do("update people set state = 'suspended', focus = null where id = :id", id=about)
    for table in ("forms", "codes"):
        book.do(f"delete from {table} where person = :id", id=about)
    book.do("update offers set state = 'declined' where person = :id and state = 'sent'", id=about)
    suspended = people.known(book, about)
    assert suspended is not None
    ended = parting.withdraw(book, suspended)
    for id in book.column("select id from needs where person = :id and state = 'open'", id=about):
        if need := by_id(book, id):
            ended += shut(book, need)
    return [
        Notice(who.id, Say("Suspended.")),
        Notice(about, Say("A moderator has suspended you.")),
        *ended,
    ]


def dismiss(book: Book, who: Person, report: str) -> list[Notice]:
    _handled(book, who, report)
    return [Notice(who.id, Say("The report is closed."))]


def _handled(book: Book, who: Person, report: str) -> str:
    """-> whom an open report is about; nobody handles one about themselves. Raises No."""
    if who.trust < people.MODERATOR:
        raise No(Say("Only moderators can do this."))
    about = book.value(
        "select about from reports where id = :id and state = 'open' and about <> :who",
        id=report,
        who=who.id,
    )
    if about is None:
        raise No(Say("This report is closed already."), (Choice("queue", Say("See what waits")),))
    book.do("update reports set state = 'closed', text = '' where id = :id", id=report)
    return str(about)


def _words(book: Book, report: str, person: str, sealed: str) -> str:
    return book.unseal(person, "reports.text", report, sealed)


def queue(book: Book, who: Person) -> list[Notice]:
    """The open reports, for moderators, one message each."""
    if who.trust < people.MODERATOR:
        raise No(Say("Only moderators can do this."))
    rows = book.all(
        "select id, person, text from reports where state = 'open' and about <> :who"
        " order by at, id limit 5",
        who=who.id,
    )
    if not rows:
        return [Notice(who.id, Say("There is no open report."))]
    return [
        Notice(
            who.id,
            lines(Say("⚠ Reported:"), Quote(shortened(_words(book, *row), 700))),
            choices=(
                Choice(f"suspend {row.id}", Say("Suspend this person")),
                Choice(f"dismiss {row.id}", Say("Nothing to do")),
            ),
            key=f"x.{row.id}.{uuid.uuid4().hex}",
        )
        for row in rows
    ]
