"""Posting a need, telling the people who can help, listing, closing."""

from __future__ import annotations

import secrets
import uuid

from core import matching, people
from core.actions import No
from core.message import Choice, Code, Joined, Notice, Reply, Say, SayMany, Word, lines, paragraphs
from core.needs import DAYS_OPEN, Need, by_code, by_id, least_trust, may_see, shown, skills_named
from core.people import Person
from core.store import Book
from core.words import new_code

_DAY = 86400
_ON_A_SCREEN = 700
_IN_A_LIST = 160
"""Characters of a need's text in an alert, and where several needs stand in one message."""

SEE_NEEDS = Choice("needs", Say("See needs"))
SEE_MINE = Choice("mine", Say("See mine"))


def post_need(
    book: Book,
    who: Person,
    *,
    text: str,
    skills: list[str],
    country: str,
    audience: int,
    language: str,
) -> list[Notice]:
    """Posts it under a new code and wakes the first people who can help."""
    id, code = uuid.uuid4().hex, _free_code(book)
    book.do(
        "insert into needs(id, code, person, text, language, country, audience, created, closes)"
        " values (:id, :code, :person, :text, :language, :country, :audience, :now, :closes)",
        id=id, code=code, person=who.id, text=text, language=language, country=country,
        audience=audience, now=book.now, closes=book.now + DAYS_OPEN * _DAY,
    )  # fmt: skip
    book.many(
        "insert into need_skills(need, skill) values (:need, :skill)",
        [{"need": id, "skill": skill} for skill in dict.fromkeys(skills)],
    )
    people.speaks(book, who.id, language)
    remind(book, book.now + DAYS_OPEN * _DAY, "ask_still_needed", id)
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
        Joined(
            " ",
            (
                SayMany(
                    "It closes by itself in {n} day.",
                    "It closes by itself in {n} days.",
                    DAYS_OPEN,
                ),
                Say("“{forget}” wipes everything at any time.", forget=Word("forget")),
            ),
        ),
    )
    return [Notice(who.id, posted), *told]


def _free_code(book: Book) -> str:
    for length in (3, 3, 3, 4, 4, 5, 5, 5):
        code = new_code(length, secrets.SystemRandom())
        if not book.value("select 1 from needs where code = :code", code=code):
            return code
    raise No(Say("There are too many needs just now. Try again in a minute."))


def remind(book: Book, due: int, kind: str, about: str) -> None:
    """Sets a timer for `bots.clock`."""
    book.do(
        "insert into timers(due, kind, about) values (:due, :kind, :about)",
        due=due,
        kind=kind,
        about=about,
    )
    book.wakes.add("timers")


def next_wave(book: Book, need: Need) -> list[Notice]:
    """Alerts the next few people and sets the time of the wave after it."""
    if need.state != "open" or need.wave >= len(matching.WAVES):
        return []
    count, pause = matching.WAVES[need.wave]
    chosen = matching.candidates(book, need, count)
    later = matching.candidates(book, need, 1000, alerts="daily") if need.wave == 0 else []
    book.many(
        "insert into alerts(need, person, state, at) values (:need, :person, :state, :now)",
        [
            {"need": need.id, "person": person, "state": state, "now": book.now}
            for state, found in (("told", chosen), ("digest", later))
            for person in found
        ],
    )
    book.do("update needs set wave = wave + 1 where id = :id", id=need.id)
    if pause:
        remind(book, book.now + pause, "wake_more", need.id)
    readers = [reader for id in chosen if (reader := people.known(book, id))]
    return [alert(need, reader) for reader in readers]


def alert(need: Need, reader: Person) -> Notice:
    more = (Choice(f"read {need.code}", Say("Read all of it")),)
    return Notice(
        reader.id,
        shown(need, "🔎", _ON_A_SCREEN),
        choices=(
            Choice(f"offer {need.code}", Say("Offer my help")),
            Choice(f"pass {need.code}", Say("Not me")),
            Choice(f"why {need.code}", Say("Why me?")),
            *(more if len(need.text) > _ON_A_SCREEN else ()),
        ),
        reply=Reply("offer", {"need": need.code}),
        key=f"a.{need.id}.{reader.id}",
        urgent=False,
    )


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


def digest(book: Book, who: Person) -> list[Notice]:
    """The needs that gathered since the last digest, one message."""
    found = book.column(
        "select r.need from alerts r join needs n on n.id = r.need"
        " where r.person = :who and r.state = 'digest' and n.state = 'open'"
        " order by n.created desc limit 5",
        who=who.id,
    )
    book.do(
        "update alerts set state = 'told', at = :now where person = :who and state = 'digest'",
        who=who.id,
        now=book.now,
    )
    if not found:
        return []
    return [Notice(who.id, *_listed(book, who, found, Say("Needs of the last day:")), urgent=False)]


def _listed(
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
    said, choices = _listed(book, who, ids, title)
    return [Notice(who.id, said, choices if skilled else (*choices, say_skills))]


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


def _was_asked(book: Book, who: Person, need: Need) -> None:
    """Raises No if this person was never alerted about it."""
    if not book.value(
        "select 1 from alerts where need = :need and person = :who and state <> 'digest'",
        need=need.id,
        who=who.id,
    ):
        raise No(Say("You were not asked about {code}.", code=Code(need.code)), (SEE_NEEDS,))


def decline_alert(book: Book, who: Person, code: str) -> list[Notice]:
    """Not me: somebody else is told at once."""
    need = open_need(book, who, code)
    _was_asked(book, who, need)
    changed = book.do(
        "update alerts set state = 'declined' where need = :need and person = :who"
        " and state = 'told'",
        need=need.id,
        who=who.id,
    )
    if not changed:
        return [Notice(who.id, Say("You have answered that already."))]
    thanks = Notice(who.id, Say("Thank you for saying so. Somebody else is asked."))
    found = matching.candidates(book, need, 1)
    book.many(
        "insert into alerts(need, person, state, at) values (:need, :person, 'told', :now)",
        [{"need": need.id, "person": person, "now": book.now} for person in found],
    )
    readers = [reader for id in found if (reader := people.known(book, id))]
    return [thanks, *(alert(need, reader) for reader in readers)]


def explain_alert(book: Book, who: Person, code: str) -> list[Notice]:
    """Why me: the gates that this person passed."""
    need = open_need(book, who, code)
    _was_asked(book, who, need)
    mine = set(book.column("select skill from abilities where person = :who", who=who.id))
    common = tuple(s for s in need.skills if s in mine and who.trust >= least_trust(s))
    return [
        Notice(
            who.id,
            lines(
                Say("You said that you can help with: {skills}", skills=skills_named(common))
                if common
                else None,
                Say("The country and the languages that you chose fit too."),
                Say("Only few people are asked at a time, those who were asked least first."),
            ),
            choices=(
                Choice(f"offer {need.code}", Say("Offer my help")),
                Choice(f"pass {need.code}", Say("Not me")),
                Choice("skills", Say("Change what I am asked")),
            ),
        )
    ]


def close_need(book: Book, who: Person, code: str) -> list[Notice]:
    """Its author, or a moderator, closes it; who was only alerted hears nothing more."""
    need = by_code(book, code)
    if need is None or (need.person != who.id and who.trust < people.MODERATOR):
        raise No(Say("You have no need {code}.", code=Code(code)), (SEE_MINE,))
    if need.state != "open":
        raise No(Say("{code} is closed already.", code=Code(code)), (SEE_MINE,))
    closed = shut(book, need)
    if need.person != who.id:
        note = Say("A moderator closed your need {code}.", code=Code(code))
        closed.append(Notice(need.person, note))
    return [Notice(who.id, Say("{code} is closed.", code=Code(code))), *closed]


def shut(book: Book, need: Need) -> list[Notice]:
    """Closes the need; offers that still waited are told. Conversations go on."""
    book.do("update needs set state = 'closed' where id = :id", id=need.id)
    book.do("delete from timers where about = :id", id=need.id)
    waiting = book.column(
        "select person from offers where need = :id and state = 'sent'", id=need.id
    )
    book.do("update offers set state = 'declined' where need = :id and state = 'sent'", id=need.id)
    closed = Say("{code} is closed. Thank you for your offer.", code=Code(need.code))
    return [Notice(person, closed) for person in waiting]


def keep_need(book: Book, who: Person, code: str) -> list[Notice]:
    """Still needed: another 30 days."""
    need = by_code(book, code)
    if need is None or need.person != who.id or need.state != "open":
        raise No(Say("You have no open need {code}.", code=Code(code)), (SEE_MINE,))
    until = book.now + DAYS_OPEN * _DAY
    book.do("update needs set closes = :until, wave = 0 where id = :id", until=until, id=need.id)
    book.do("delete from timers where about = :id", id=need.id)
    remind(book, until, "ask_still_needed", need.id)
    fresh = by_id(book, need.id)
    assert fresh is not None
    kept = Say("{code} stays open.", code=Code(code))
    return [Notice(who.id, kept), *next_wave(book, fresh)]


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
