"""Seeing needs: which ones somebody may read and answer, one alone or a few in a list."""

from __future__ import annotations

import uuid

from core import matching, people
from core.actions import No
from core.message import Choice, Code, Joined, Notice, Reply, Say, paragraphs
from core.needs import Need, by_code, by_id, may_see, shown
from core.people import Person
from core.store import Book

_IN_A_LIST = 160
"""Characters of a need's text where several needs stand in one message."""

SEE_NEEDS = Choice("needs", Say("See needs"))
SEE_MINE = Choice("mine", Say("See mine"))


def open_need(book: Book, who: Person, code: str) -> Need:
    """Raises No if there is none, or this person may not see it."""
    need = by_code(book, code)
    if need is None or need.state != "open" or people.blocked(book, who.id, need.person):
        raise No(
            Say("There is no open need {code}. It may be closed.", code=Code(code)), (SEE_NEEDS,)
        )
    if need.person != who.id and not may_see(need, who):
        raise No(
            Say(
                "{code} is for people whom others vouched for or who were verified."
                " Ask somebody who is trusted here for a code.",
                code=Code(code),
            )
        )
    return need


def check_may_offer(book: Book, who: Person, code: str) -> Need:
    """The need that somebody wants to help with. Raises No."""
    need = open_need(book, who, code)
    if need.person == who.id:
        raise No(Say("{code} is your own need.", code=Code(code)), (SEE_MINE,))
    if book.value(
        "select 1 from offers where need = :need and person = :who", need=need.id, who=who.id
    ):
        already = Say("You have offered your help with {code} already.", code=Code(code))
        raise No(already, (SEE_NEEDS,))
    return need


def read_need(book: Book, who: Person, code: str) -> list[Notice]:
    """The whole text of a need that stood shortened in an alert or a list."""
    need = open_need(book, who, code)
    choices = (Choice(f"offer {need.code}", Say("Offer my help")),)
    return [
        Notice(
            who.id,
            shown(need),
            () if need.person == who.id else choices,
            None if need.person == who.id else Reply("offer", {"need": need.code}),
            key=f"r.{need.id}.{uuid.uuid4().hex}",
        )
    ]


def listed(
    book: Book, who: Person, ids: list[str], title: Say
) -> tuple[Joined, tuple[Choice, ...]]:
    found = [need for id in ids if (need := by_id(book, id)) and may_see(need, who)]
    choices = tuple(
        Choice(f"offer {n.code}", Say("Offer help with {code}", code=Code(n.code))) for n in found
    )
    return paragraphs(title, *(shown(n, most=_IN_A_LIST) for n in found)), choices


def list_needs(book: Book, who: Person) -> list[Notice]:
    """The newest open needs they may answer: those that ask for their skills, else any."""
    skilled = book.value("select 1 from abilities where person = :who", who=who.id)
    say_skills = Choice("skills", Say("Say what I can help with"))
    if ids := matching.open_needs_for(book, who.id, who.trust, 5, mine=True):
        title = Say("Open needs that ask for your skills:")
    elif ids := matching.open_needs_for(book, who.id, who.trust, 5, mine=False):
        title = (
            Say("None asks for your skills. Other open needs:") if skilled else Say("Open needs:")
        )
    else:
        none = Say("There is no open need for you now.")
        return [Notice(who.id, none, () if skilled else (say_skills,))]
    said, choices = listed(book, who, ids, title)
    return [Notice(who.id, said, choices if skilled else (*choices, say_skills))]
