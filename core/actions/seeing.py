"""Seeing needs: which ones somebody may read and answer, one alone or a few in a list."""

from __future__ import annotations

import uuid

from core import matching, people, rationing, routes
from core.actions import No
from core.actions.encrypted import check_route
from core.message import Choice, Code, Notice, Reply, Say, Sayable, paragraphs
from core.needs import Need, by_code, by_id, may_see, shown, skills_named
from core.people import MODERATOR, NEW, Person
from core.store import Book

_AT_ONCE = 5
"""Needs in a list."""

SEE_NEEDS = Choice("needs", Say("See needs"))
# Translators: a button: my needs and conversations
SEE_MINE = Choice("mine", Say("See mine"))
_SAY_SKILLS = Choice("skills", Say("Say what I can help with"))


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
    if who.trust == NEW and need.person != who.id:
        _check_fits(book, who, need)  # “everyone with the skill”
    return need


def _check_fits(book: Book, who: Person, need: Need) -> None:
    """Raises No."""
    if not matching.fits(book, need, who):
        raise No(
            Say(
                "{code} is for people who help with: {skills}",
                code=Code(need.code),
                skills=skills_named(need.skills),
            ),
            (_SAY_SKILLS,),
        )


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
    if not rationing.has_left(book, who, "offered", need.id):
        raise No(rationing.tomorrow(book, "offered"))
    check_route(book, who, need.sensitive)
    return need


def read_need(book: Book, who: Person, code: str) -> list[Notice]:
    """The whole text of a need that stood shortened, or without it, in an alert or a list."""
    need = open_need(book, who, code)
    if need.person != who.id:
        if who.trust < MODERATOR:
            _check_fits(book, who, need)
        if not rationing.spend(book, who, "read", need.id):
            raise No(rationing.tomorrow(book, "read"))
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


def digest_of(book: Book, who: Person, ids: list[str]) -> tuple[Sayable, tuple[Choice, ...]]:
    """The summaries of a few needs in one message, to be read one by one: words of several people
    in one would wait sealed under their reader's key alone, and outlive whoever of them goes."""
    needs = _visible(book, who, ids)
    parts = (shown(need, most=0) for need in needs)
    return paragraphs(Say("Needs of the last day:"), *parts), tuple(map(_read_it, needs))


def _visible(book: Book, who: Person, ids: list[str]) -> list[Need]:
    """Those that would make a message wait which shows others too are left out."""
    most = int(routes.encrypted(book, who.id) is not None)
    found = [need for id in ids if (need := by_id(book, id)) and may_see(need, who)]
    return [need for need in found if need.sensitive <= most]


def _offer_it(need: Need) -> Choice:
    return Choice(f"offer {need.code}", Say("Offer help with {code}", code=Code(need.code)))


def _read_it(need: Need) -> Choice:
    return Choice(f"read {need.code}", Say("Read {code}", code=Code(need.code)))


def list_needs(book: Book, who: Person) -> list[Notice]:
    """The summaries of the newest open needs they may answer: those that ask for their skills, to
    be read one by one; else any. Raises No."""
    skilled = book.value("select 1 from abilities where person = :who", who=who.id)
    ids, button = matching.open_needs_for(book, who, _AT_ONCE, mine=True), _read_it
    title = Say("Open needs that ask for your skills:")
    if not ids and who.trust > NEW:
        ids = matching.open_needs_for(book, who, _AT_ONCE, mine=False)
        button = _read_it if who.trust == MODERATOR else _offer_it
        title = (
            Say("None asks for your skills. Other open needs:") if skilled else Say("Open needs:")
        )
    if not ids:
        none = Say("There is no open need for you now.")
        return [Notice(who.id, none, () if skilled else (_SAY_SKILLS,))]
    needs = [n for n in _visible(book, who, ids) if rationing.spend(book, who, "listed", n.id)]
    if not needs:
        raise No(rationing.tomorrow(book, "listed"))
    said = paragraphs(title, *(shown(need, most=0) for need in needs))
    choices = tuple(button(need) for need in needs)
    return [Notice(who.id, said, choices if skilled else (*choices, _SAY_SKILLS))]
