"""Needs: what one is, who may read and answer it, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.message import Code, Joined, Name, Quote, Say, Sayable, dots, lines
from core.people import Person
from core.skills import SKILLS
from core.store import Book

DAYS_OPEN = 30
NOWHERE = ""
"""The country of a need whose author would rather not say."""


@dataclass(frozen=True, slots=True)
class Need:
    id: str
    code: str
    person: str
    text: str
    language: str
    country: str
    audience: int
    state: str
    wave: int
    skills: tuple[str, ...] = ()


def _read(book: Book, where: str, **values: object) -> Need | None:
    row = book.one(
        "select id, code, person, text, language, country, audience, state, wave from needs"
        f" where {where}",
        **values,
    )
    if row is None:
        return None
    skills = book.column("select skill from need_skills where need = :id order by skill", id=row.id)
    return replace(Need(*row), skills=tuple(skills))


def by_id(book: Book, id: str) -> Need | None:
    return _read(book, "id = :id", id=id)


def by_code(book: Book, code: str) -> Need | None:
    return _read(book, "code = :code", code=code)


def least_trust(skill: str) -> int:
    """The trust from which somebody may see or answer a need for this skill."""
    return SKILLS[skill].min_trust if skill in SKILLS else 0


def may_answer(need: Need, who: Person) -> bool:
    """Their trust reaches for at least one of the skills it asks for."""
    return any(who.trust >= least_trust(skill) for skill in need.skills)


def may_read(need: Need, who: Person) -> bool:
    return who.id == need.person or (may_answer(need, who) and who.trust >= need.audience)


def skills_named(skills: tuple[str, ...]) -> Joined:
    return dots(*(Name("skill", skill) for skill in skills))


def headline(
    skills: tuple[str, ...], country: str, language: str, code: str | None = None
) -> Joined:
    return dots(
        Code(code) if code else None,
        *(Name("skill", skill) for skill in skills),
        Name("country", country) if country else None,
        Say("written in {language}", language=Name("language", language)),
    )


def shown(need: Need, reader: Person, mark: str = "") -> Sayable:
    """The need as this reader sees it. mark: "🔎" for an alert."""
    head: Sayable = headline(need.skills, need.country, need.language, need.code)
    if mark:
        head = Joined(" ", (mark_of(mark), head))
    if may_read(need, reader):
        return lines(head, Quote(need.text))
    return lines(head, Say("Its author shows the words to people with more trust only."))


def mark_of(mark: str) -> Say:
    """A mark is part of the bot's own voice, so it is not isolated like a person's words."""
    return Say(mark)
