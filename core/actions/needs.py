"""Posting a need, keeping it open, closing it."""

from __future__ import annotations

import secrets
import uuid

from core import audit, people, rationing, routes
from core.actions import No
from core.actions.alerts import next_wave
from core.actions.encrypted import check_route
from core.actions.seeing import SEE_MINE
from core.message import Code, Joined, Notice, Say, SayMany, Word, paragraphs
from core.needs import ASKED_BEFORE, Need, by_code, by_id
from core.people import Person
from core.store import Book
from core.timers import no_more, remind
from core.words import new_code

_DAY = 86400


def post_need(
    book: Book,
    who: Person,
    *,
    text: str,
    skills: list[str],
    country: str,
    audience: int,
    language: str,
    days: int,
    sensitive: bool = False,
) -> list[Notice]:
    """Posts it under a new code and wakes the first people who can help. days: until it closes.
    sensitive: it goes only over encrypted routes. Raises No."""
    check_route(book, who, sensitive)
    if sensitive:
        routes.involves(book, who.id)
    id, code = uuid.uuid4().hex, _free_code(book)
    book.do(
        "insert into needs(id, code, person, text, language, country, audience, created, closes,"
        " sensitive) values (:id, :code, :person, :text, :language, :country, :audience, :now,"
        " :closes, :sensitive)",
        id=id, code=code, person=who.id, language=language, country=country, audience=audience,
        text=book.seal(who.id, "needs.text", id, text),
        now=book.now, closes=book.now + days * _DAY, sensitive=int(sensitive),
    )  # fmt: skip
    book.many(
        "insert into need_skills(need, skill) values (:need, :skill)",
        [{"need": id, "skill": skill} for skill in dict.fromkeys(skills)],
    )
    people.speaks(book, who.id, language)
    _ask_in_time(book, id, days)
    need = by_id(book, id)
    assert need is not None
    told = next_wave(book, need)
    posted = paragraphs(
        Joined(
            " ",
            (
                Say("Posted as {code}.", code=Code(code)),
                SayMany(
                    "{n} person who can help is being told now; more will be if they are busy.",
                    "{n} people who can help are being told now; more will be if they are busy.",
                    len(told),
                )
                if told
                else Say("Nobody with this skill is free right now. I keep looking."),
                Say("I will write when somebody answers."),
            ),
        ),
        Say("🔒 It goes only through encrypted chats, and so does every answer to it.")
        if sensitive
        else None,
        Joined(
            " ",
            (
                SayMany(
                    "It closes by itself in {n} day.",
                    "It closes by itself in {n} days.",
                    days,
                ),
                Say("“{forget}” wipes everything at any time.", forget=Word("forget")),
            ),
        ),
    )
    return [Notice(who.id, posted), *told]


def _ask_in_time(book: Book, need: str, days: int) -> None:
    remind(book, book.now + (days - ASKED_BEFORE) * _DAY, "ask_still_needed", need)


def _free_code(book: Book) -> str:
    for length in (3, 3, 3, 4, 4, 5, 5, 5):
        code = new_code(length, secrets.SystemRandom())
        if not book.value("select 1 from needs where code = :code", code=code):
            return code
    raise No(Say("There are too many needs just now. Try again in a minute."))


def close_need(book: Book, who: Person, code: str) -> list[Notice]:
    """Its author, or a moderator, closes it; who was only alerted hears nothing more."""
    need = by_code(book, code)
    if need is None or (need.person != who.id and who.trust < people.MODERATOR):
        raise No(Say("You have no need {code}.", code=Code(code)), (SEE_MINE,))
    if need.state != "open":
        raise No(Say("{code} is closed already.", code=Code(code)), (SEE_MINE,))
    if need.person != who.id and not rationing.spend(book, who, "closed", need.id):
        raise No(rationing.tomorrow(book, "closed"))
    closed = shut(book, need)
    if need.person != who.id:
        audit.note(book, who, "close")
        note = Say("A moderator closed your need {code}.", code=Code(code))
        closed.append(Notice(need.person, note))
    return [Notice(who.id, Say("{code} is closed.", code=Code(code))), *closed]


def shut(book: Book, need: Need) -> list[Notice]:
    """Closes the need; offers that still waited are told. Conversations go on."""
    book.do("update needs set state = 'closed' where id = :id", id=need.id)
    no_more(book, need.id)
    waiting = book.column(
        "select person from offers where need = :id and state = 'sent'", id=need.id
    )
    book.do("update offers set state = 'declined' where need = :id and state = 'sent'", id=need.id)
    closed = Say("{code} is closed. Thank you for your offer.", code=Code(need.code))
    return [Notice(person, closed) for person in waiting]


def keep_need(book: Book, who: Person, code: str, days: int) -> list[Notice]:
    """Still needed: as many days more, from now on."""
    need = by_code(book, code)
    if need is None or need.person != who.id or need.state != "open":
        raise No(Say("You have no open need {code}.", code=Code(code)), (SEE_MINE,))
    until = book.now + days * _DAY
    book.do("update needs set closes = :until, wave = 0 where id = :id", until=until, id=need.id)
    no_more(book, need.id)
    _ask_in_time(book, need.id, days)
    fresh = by_id(book, need.id)
    assert fresh is not None
    kept = Say("{code} stays open.", code=Code(code))
    return [Notice(who.id, kept), *next_wave(book, fresh)]
