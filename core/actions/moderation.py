"""Moderation: reports, what waits for a moderator, who is suspended, and what moderators did."""

from __future__ import annotations

import uuid
from typing import Any

from core import audit, rationing
from core.actions import No
from core.actions.agreeing import QUEUE, check_moderates, propose, question, refuse, words
from core.message import Choice, Notice, Quote, Say, SayMany, dots, lines
from core.people import DAY, Person
from core.store import Book
from core.text import shortened

_AT_ONCE = 5


def suspend(book: Book, who: Person, report: str) -> list[Notice]:
    """Proposes to suspend whoever a report is about; without a report: who is suspended."""
    if not report:
        return suspended(book, who)
    return propose(book, who, "suspend", _open_report(book, who, report).about)


def dismiss(book: Book, who: Person, report: str) -> list[Notice]:
    """There is nothing to do: also a no to whoever proposed something."""
    row = _open_report(book, who, report)
    told: list[Notice] = []
    for id in book.column(
        "select id from proposals where act = 'suspend' and about = :about", about=row.about
    ):
        told += [n for n in refuse(book, who, id) if n.to != who.id]
    book.do("update reports set state = 'closed', text = '' where id = :id", id=report)
    audit.note(book, who, "dismiss")
    return [Notice(who.id, Say("The report is closed.")), *told]


def _open_report(book: Book, who: Person, report: str) -> Any:
    """Nobody handles one about themselves. Raises No."""
    check_moderates(who)
    row = book.one(
        "select id, about from reports where id = :id and state = 'open' and about <> :who",
        id=report,
        who=who.id,
    )
    if row is None:
        raise No(Say("This report is closed already."), QUEUE)
    return row


def queue(book: Book, who: Person) -> list[Notice]:
    """What waits for a moderator, one message each: what others propose, and open reports."""
    check_moderates(who)
    asked = book.all(
        "select id, act, about from proposals where person <> :who and about <> :who"
        " and until > :now order by until, id limit :limit",
        who=who.id, now=book.now, limit=_AT_ONCE,
    )  # fmt: skip
    reports = book.all(
        "select id, person, text from reports where state = 'open' and about <> :who"
        " and about not in (select about from proposals where act = 'suspend' and until > :now)"
        " order by at, id limit :limit",
        who=who.id, now=book.now, limit=_AT_ONCE,
    )  # fmt: skip
    if not asked and not reports:
        return [Notice(who.id, Say("There is no open report."))]
    reports = [row for row in reports if rationing.spend(book, who, "reports", row.id)]
    if not asked and not reports:
        raise No(rationing.tomorrow(book, "reports"))
    return [
        *(question(book, who.id, *row) for row in asked),
        *(
            Notice(
                who.id,
                lines(Say("⚠ Reported:"), Quote(shortened(words(book, row), 700))),
                choices=(
                    Choice(f"suspend {row.id}", Say("Suspend this person")),
                    # Translators: a button of a moderator, under a report: it is closed
                    Choice(f"dismiss {row.id}", Say("Nothing to do")),
                ),
                key=f"x.{row.id}.{uuid.uuid4().hex}",
            )
            for row in reports
        ),
    ]


def suspended(book: Book, who: Person) -> list[Notice]:
    """Who is suspended, by the day alone, to be let back in."""
    check_moderates(who)
    rows = book.all(
        "select id, suspended from people where suspended is not null and id <> :who"
        " order by suspended desc, id limit :limit",
        who=who.id,
        limit=_AT_ONCE,
    )
    if not rows:
        return [Notice(who.id, Say("Nobody is suspended."))]
    choices = tuple(
        Choice(f"restore {_mark(book, row.id)}", _ago(book, row.suspended)) for row in rows
    )
    return [Notice(who.id, Say("Suspended, the last first. Whom do you want to let in?"), choices)]


def restore(book: Book, who: Person, mark: str) -> list[Notice]:
    """Proposes to let somebody back in. Raises No."""
    check_moderates(who)
    for id in book.column("select id from people where suspended is not null and id <> :who",
                          who=who.id):  # fmt: skip
        if _mark(book, id) == mark:
            return propose(book, who, "restore", id)
    raise No(Say("This is decided already."), QUEUE)


def _mark(book: Book, person: str) -> str:
    """Names a suspended person on a button: tells nothing, and is of no use elsewhere."""
    return book.fingerprint("suspended", person)[:12]


def _ago(book: Book, day: int) -> SayMany | Say:
    days = book.now // DAY - day
    return SayMany("{n} day ago", "{n} days ago", days) if days else Say("today")


def show_audit(book: Book, who: Person) -> list[Notice]:
    """What moderators did last, under their numbers."""
    check_moderates(who)
    shown = [
        dots(
            _ago(book, row.day),
            # Translators: who did it, in a list of what was done
            Say("moderator {n}", n=row.moderator) if row.moderator else Say("the operator"),
            _ACTS[row.act],
            _OUTCOMES[row.outcome],
        )
        for row in audit.recent(book, 12)
    ]
    own = Say("You are moderator {n}. What was done, the last first:", n=audit.number_of(book, who))
    return [Notice(who.id, lines(own, *shown) if shown else Say("Nothing was done yet."))]


_ACTS = {
    # Translators: acts in a list of what moderators did: "today · moderator 2 · to verify somebody"
    "vouch": Say("to vouch for somebody"),
    "verify": Say("to verify somebody"),
    "suspend": Say("to suspend somebody"),
    "restore": Say("to let somebody back in"),
    "close": Say("to close a need"),
    "dismiss": Say("to close a report"),
    "moderator": Say("to make somebody a moderator"),
    "no moderator": Say("to take the role of a moderator away"),
}
_OUTCOMES = {
    "done": None,
    # Translators: how far an act of a moderator came
    "proposed": Say("proposed"),
    "refused": Say("refused"),
    "expired": Say("nobody agreed"),
    # Translators: done without a second moderator, because there was none
    "alone": Say("⚠ alone"),
}
