"""Alerts: people who can help are told of a need, in waves or once a day; and their “not me”."""

from __future__ import annotations

from core import matching, people, rationing
from core.actions import No
from core.actions.seeing import SEE_NEEDS, digest_of, open_need
from core.message import Choice, Code, Notice, Reply, Say, lines
from core.needs import Need, least_trust, shown, skills_named
from core.people import NEW, Person
from core.store import Book
from core.timers import remind

_ON_A_SCREEN = 700
"""Characters of a need's text in an alert."""


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
    return [alert(book, need, reader) for reader in readers]


def alert(book: Book, need: Need, reader: Person) -> Notice:
    """With its first words for whoever is vouched for, as far as their day's ration goes; else its
    summary, to be read with a button."""
    words = reader.trust > NEW and rationing.spend(book, reader, "read", need.id)
    # Translators: buttons: read a need that somebody posted
    label = Say("Read all of it") if words else Say("Read it")
    more = not words or len(need.text) > _ON_A_SCREEN
    return Notice(
        reader.id,
        shown(need, "🔎", _ON_A_SCREEN if words else 0),
        choices=(
            Choice(f"offer {need.code}", Say("Offer my help")),
            # Translators: a button: I can't help with this
            Choice(f"pass {need.code}", Say("Not me")),
            Choice(f"why {need.code}", Say("Why me?")),
            *((Choice(f"read {need.code}", label),) if more else ()),
        ),
        reply=Reply("offer", {"need": need.code}),
        key=f"a.{need.id}.{reader.id}",
        urgent=False,
    )


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
    said, choices = digest_of(book, who, found)
    return [Notice(who.id, said, choices, urgent=False)] if choices else []


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
    return [thanks, *(alert(book, need, reader) for reader in readers)]


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
                # Translators: a button, under "Why me?"
                Choice("skills", Say("Change what I am asked")),
            ),
        )
    ]
