"""What a person sets about themselves: language, skills, how often; and what they see of it."""

from __future__ import annotations

from datetime import UTC, datetime

from core import matching, people
from core.actions import talking
from core.message import (
    Choice,
    Code,
    Joined,
    Name,
    Notice,
    Say,
    Sayable,
    SayMany,
    Word,
    dots,
    lines,
    paragraphs,
)
from core.needs import by_id, skills_named
from core.people import NEW, TRUST, Person
from core.store import Book

_SHOWN = 5
"""Needs, and conversations, in one message."""


def set_language(book: Book, who: Person, *, language: str) -> list[Notice]:
    book.do("update people set language = :language where id = :id", language=language, id=who.id)
    people.speaks(book, who.id, language)
    return [Notice(who.id, Say("From now on I write {name}.", name=Name("language", language)))]


def set_skills(
    book: Book,
    who: Person,
    *,
    skills: list[str],
    languages: list[str],
    countries: list[str],
    often: str,
) -> list[Notice]:
    """Replaces what the person can do; shows the open needs that fit at once."""
    for table in ("abilities", "speaks", "places"):
        book.do(f"delete from {table} where person = :who", who=who.id)
    book.many(
        "insert into abilities(skill, person) values (:skill, :who)",
        [{"skill": skill, "who": who.id} for skill in dict.fromkeys(skills)],
    )
    book.many(
        "insert into places(person, country) values (:who, :country)",
        [{"country": country, "who": who.id} for country in dict.fromkeys(countries)],
    )
    for language in languages:
        people.speaks(book, who.id, language)
    book.do("update people set alerts = :often where id = :id", often=often, id=who.id)
    waiting = len(matching.open_needs_for(book, who, 20, mine=True))
    saved = (
        Say("Saved. You find needs for these under “{needs}”: {skills}", needs=Word("needs"),
            skills=skills_named(tuple(skills)))
        if often == "never"
        else Say(
            "Saved. I write to you when somebody needs: {skills}",
            skills=skills_named(tuple(skills)),
        )
    )  # fmt: skip
    vouch = Say(
        "Most needs are shown to people whom others vouched for. Ask somebody who is trusted here"
        " for a code, and send me “{vouch}” and the code.",
        vouch=Word("vouch"),
    )
    found = SayMany(
        "{n} open need asks for your skills.", "{n} open needs ask for your skills.", waiting
    )
    return [
        Notice(
            who.id,
            paragraphs(saved, vouch if who.trust == NEW else None, found if waiting else None),
            # Translators: a button: the open needs
            choices=(Choice("needs", Say("See them")),) if waiting else (),
        )
    ]


def skills_of(book: Book, who: Person) -> tuple[list[str], list[str]]:
    """-> the skills and the countries that somebody said, to start from when they change them."""
    return (
        book.column("select skill from abilities where person = :who order by skill", who=who.id),
        book.column("select country from places where person = :who order by country", who=who.id),
    )


def overview(book: Book, who: Person) -> list[Notice]:
    """`mine`: the person's needs, conversations, skills."""
    closes = dict(
        book.all(
            "select id, closes from needs where person = :who and state = 'open'"
            f" order by created desc, id limit {_SHOWN}",
            who=who.id,
        )
    )
    needs = [need for id in closes if (need := by_id(book, id))]
    talks = talking.conversations(book, who.id)[:_SHOWN]
    skills, _ = skills_of(book, who)
    pairs = book.all(
        "select source, target from pairs where person = :who order by source, target", who=who.id
    )
    parts: list[Sayable] = [
        dots(
            Say("Trust: {trust}", trust=Name("trust", TRUST[who.trust])),
            Say("Language: {name}", name=Name("language", who.language)),
        )
    ]
    if needs:
        mine = (
            dots(
                Code(n.code),
                *(Name("skill", s) for s in n.skills),
                # Translators: how long a need stays open: "until 28 December"
                Say("until {day}", day=_day(closes[n.id])),
            )
            for n in needs
        )
        parts.append(lines(Say("Your open needs:"), *mine))
    if talks:
        parts.append(lines(Say("You are talking with:"), *(c.title() for c in talks)))
    if skills:
        parts.append(Say("You help with: {skills}", skills=skills_named(tuple(skills))))
    if pairs:
        named = (
            Say(
                "{source} → {target}",
                source=Name("language", p.source),
                target=Name("language", p.target),
            )
            for p in pairs
        )
        parts.append(Say("You translate: {pairs}", pairs=Joined(", ", tuple(named))))
    if len(parts) == 1:
        parts.append(Say("You have no need, no conversation and no skills here yet."))
    choices = (
        *(Choice(f"close {n.code}", Say("Close {code}", code=Code(n.code))) for n in needs),
        *(Choice(f"talk {c.id}", c.title()) for c in talks),
        Choice("skills", Say("What I can help with")),
    )
    return [Notice(who.id, paragraphs(*parts), choices)]


def _day(at: int) -> Name:
    return Name("day", datetime.fromtimestamp(at, UTC).date().isoformat())


def stop(book: Book, who: Person) -> list[Notice]:
    """No alerts and digests any more; conversations go on."""
    book.do("update people set alerts = 'never' where id = :id", id=who.id)
    said = Say("You get no more alerts. Your conversations stay open.")
    # Translators: a button: get alerts again
    return [Notice(who.id, said, (Choice("skills", Say("Start again")),))]
