"""Trust: codes handed from person to person, vouching, verifying; reports, and suspending."""

from __future__ import annotations

import secrets
import uuid

from core import people, vouching
from core.actions import No, parting, talking
from core.actions.needs import shut
from core.actions.seeing import SEE_NEEDS
from core.message import Choice, Code, Joined, Notice, Quote, Say, SayMany, Word, lines
from core.needs import by_id
from core.people import DAY, MODERATOR, VERIFIED, VOUCHED, Person
from core.store import Book
from core.text import shortened
from core.words import HANDED, new_code

CODE_DAYS = 3


def hand_out(book: Book, who: Person, kind: str) -> list[Notice]:
    """A code to give to one person: kind vouch, verify, or link. Raises No."""
    _check_may(book, who, kind)
    code = new_code(HANDED, secrets.SystemRandom())
    book.do(
        "insert into codes(code, kind, person, until) values (:code, :kind, :who, :until)",
        code=fingerprint(book, code), kind=kind, who=who.id, until=book.now + CODE_DAYS * DAY,
    )  # fmt: skip
    if kind == "link":
        how = Say("In your other messenger, send me this within 3 days:")
    else:
        how = Say("Give this to one person whom you trust. They send it to me within 3 days:")
    return [Notice(who.id, lines(how, Joined(" ", (Word(kind), Code(code)))))]


def fingerprint(book: Book, code: str) -> str:
    """What a code handed out is kept as: nobody reads it, only who was given it can use it."""
    return book.fingerprint("codes.code", code)


def _check_may(book: Book, who: Person, kind: str) -> None:
    """Raises No."""
    if kind == "verify" and who.trust < MODERATOR:
        raise No(Say("Only moderators can verify people."))
    if kind != "vouch":
        return
    if who.trust < VOUCHED:
        raise No(Say("You can vouch for others once you are vouched for yourself."))
    if days := vouching.burnt_for(book, who):
        raise No(
            SayMany(
                "Somebody for whom you vouched was suspended. You can vouch again in {n} day.",
                "Somebody for whom you vouched was suspended. You can vouch again in {n} days.",
                days,
            )
        )
    if days := vouching.days_until_next(book, who):
        raise No(
            SayMany(
                "You have vouched for as many as one can in a month. The next in {n} day.",
                "You have vouched for as many as one can in a month. The next in {n} days.",
                days,
            )
        )


def take_code(book: Book, who: Person, kind: str, code: str) -> list[Notice]:
    """Somebody was handed a code for `vouch` or `verify`. It works once. Raises No."""
    giver = people.known(book, giver_of(book, who, kind, code))
    least = VOUCHED if kind == "vouch" else MODERATOR
    if giver is None or giver.state != "live" or giver.trust < least:
        raise No(Say("This code is not valid, or was used already."))
    told = _raised(book, giver, who, kind)
    use_up(book, code)
    return told


def giver_of(book: Book, who: Person, kind: str, code: str) -> str:
    """-> who handed it out. Raises No."""
    giver = book.value(
        "select person from codes where code = :mark and kind = :kind and until > :now",
        mark=fingerprint(book, code), kind=kind, now=book.now,
    )  # fmt: skip
    if giver is None or giver == who.id:
        raise No(Say("This code is not valid, or was used already."))
    return str(giver)


def use_up(book: Book, code: str) -> None:
    book.do("delete from codes where code = :mark", mark=fingerprint(book, code))


def raise_for(book: Book, who: Person, kind: str, conversation: str) -> list[Notice]:
    """Vouches for, or verifies, the other side of a conversation. Raises No."""
    _check_may(book, who, kind)
    seen = talking.open_to(book, who.id, conversation)
    other = people.known(book, seen.other)
    assert other is not None
    return [Notice(who.id, Say("Done. Thank you.")), *_raised(book, who, other, kind)]


def _raised(book: Book, giver: Person, who: Person, kind: str) -> list[Notice]:
    return vouch(book, giver, who) if kind == "vouch" else verify(book, who)


def vouch(book: Book, giver: Person, who: Person) -> list[Notice]:
    """-> what `who` is told. It is noted only where it may still matter, so that nobody can tie
    two who are trusted already to each other. Raises No."""
    if vouching.vouched_before(book, giver.id, who.id):
        raise No(Say("This person has vouched for you already. It takes another one."))
    if vouching.by_two(book, who.id) or who.trust > VOUCHED:
        return [Notice(who.id, Say("You are trusted here already."))]
    vouching.vouches(book, giver.id, who.id)
    if who.trust == VOUCHED:
        return [Notice(who.id, Say("Somebody vouched for you too."))]
    if not vouching.enough(book, who.id):
        once = Say(
            "Somebody vouched for you. It takes one more person, from another circle, or a"
            " moderator; then you see more needs."
        )
        return [Notice(who.id, once)]
    _set_trust(book, who.id, VOUCHED)
    return [Notice(who.id, Say("You count as vouched for. You see more needs now."), (SEE_NEEDS,))]


def verify(book: Book, who: Person) -> list[Notice]:
    if who.trust >= VERIFIED:
        return [Notice(who.id, Say("You are trusted here already."))]
    _set_trust(book, who.id, VERIFIED)
    said = Say("You are verified now. You see every need that asks for your skills.")
    return [Notice(who.id, said, (SEE_NEEDS,))]


def _set_trust(book: Book, id: str, level: int) -> None:
    book.do("update people set trust = :level where id = :id", level=level, id=id)


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
        *(Notice(id, _FEWER) for id in vouching.burn(book, about)),
    ]


_FEWER = Say(
    "A vouch for you does not count any more, and you see fewer needs. Ask one more person who is"
    " trusted here for a code."
)


def dismiss(book: Book, who: Person, report: str) -> list[Notice]:
    _handled(book, who, report)
    return [Notice(who.id, Say("The report is closed."))]


def _handled(book: Book, who: Person, report: str) -> str:
    """-> whom an open report is about; nobody handles one about themselves. Raises No."""
    if who.trust < MODERATOR:
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
    if who.trust < MODERATOR:
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
