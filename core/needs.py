"""Needs: what one is, who may see and answer it, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.message import Code, Joined, Name, Quote, Say, Sayable, dots, lines
from core.people import Person
from core.skills import SKILLS
from core.store import Book
from core.text import shortened

ASKED_BEFORE = 3
"""Days before a need closes that its author is asked whether it is still needed."""


@dataclass(frozen=True, slots=True, repr=False)
class Need:
    """country: "" if its author would rather not say. sensitive: 1 if it goes only encrypted."""

    id: str
    code: str
    person: str
    text: str
    language: str
    country: str
    audience: int
    state: str
    wave: int
    sensitive: int
    skills: tuple[str, ...] = ()


def _read(book: Book, where: str, **values: object) -> Need | None:
    row = book.one(
        "select id, code, person, text, language, country, audience, state, wave, sensitive"
        f" from needs where {where}",
        **values,
    )
    if row is None:
        return None
    skills = book.column("select skill from need_skills where need = :id order by skill", id=row.id)
    text = book.unseal(row.person, "needs.text", row.id, row.text)
    return replace(Need(*row), text=text, skills=tuple(skills))


def by_id(book: Book, id: str) -> Need | None:
    return _read(book, "id = :id", id=id)


def by_code(book: Book, code: str) -> Need | None:
    return _read(book, "code = :code", code=code)


def least_trust(skill: str) -> int:
    """The trust from which somebody may see or answer a need for this skill."""
    return SKILLS[skill].min_trust if skill in SKILLS else 0


def may_see(need: Need, who: Person) -> bool:
    """Its author's choice lets them, and so does at least one of the skills it asks for. Who may
    not is never told of it, and can't answer it."""
    return who.trust >= need.audience and any(who.trust >= least_trust(s) for s in need.skills)


def skills_named(skills: tuple[str, ...]) -> Joined:
    return dots(*(Name("skill", skill) for skill in skills))


def headline(
    skills: tuple[str, ...], country: str, language: str, code: str | None = None
) -> Joined:
    return dots(
        Code(code) if code else None,
        *(Name("skill", skill) for skill in skills),
        Name("country", country) if country else None,
        # Translators: the last part of "7KQ · Journalists · Iran · written in Persian"
        Say("written in {language}", language=Name("language", language)),
    )


def shown(need: Need, mark: str = "", most: int | None = None) -> Sayable:
    """The need as others see it. mark: "🔎" for an alert. most: characters of its text; 0: its
    summary alone."""
    head: Sayable = headline(need.skills, need.country, need.language, need.code)
    if mark:  # the bot's own voice: not isolated like a person's words
        head = Joined(" ", (Say(mark), head))
    if most == 0:
        return head
    return lines(head, Quote(shortened(need.text, most) if most else need.text))
