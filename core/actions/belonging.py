"""What of a person stays here: linking a second messenger, forgetting everything."""

from __future__ import annotations

from core import forgetting, locks, outbox, people, routes, unsends
from core.actions import No, parting
from core.actions.needs import shut
from core.actions.trust import giver_of, use_up
from core.message import Joined, Notice, Say, Sayable, SayMany, Word
from core.needs import by_id
from core.people import Person
from core.store import Book


def counts(book: Book) -> dict[str, int]:
    """Numbers only, for `stats`: nothing that leads to anybody."""
    return {
        what: book.value(f"select count(*) from {table} where {where}")
        for what, table, where in (
            ("people", "people", "1 = 1"),
            ("open needs", "needs", "state = 'open'"),
            ("needs in all", "needs", "1 = 1"),
            ("offers", "offers", "1 = 1"),
            ("open conversations", "conversations", "state = 'open'"),
            ("translations", "translations", "1 = 1"),
            ("acts of one moderator alone", "audit", "outcome = 'alone'"),
            ("messages waiting to be sent", "outbox", "state = 'waiting'"),
        )
    }


# ------------------------------------------------------------------------------------- linking

_BLOCKS_STAY = (
    "insert into blocks(person, blocked) select :to, blocked from blocks"
    " where person = :who and blocked <> :to on conflict do nothing",
    "insert into blocks(person, blocked) select person, :to from blocks"
    " where blocked = :who and person <> :to on conflict do nothing",
)
"""Nobody gets rid of having been blocked, or loses whom they blocked, by linking."""


def link(book: Book, who: Person, code: str) -> list[Notice]:
    """This address joins the person who handed out the code. Only an empty newcomer can be merged:
    whoever has needs, conversations or offers of their own stays who they are. Raises No."""
    to = giver_of(book, who, "link", code)
    used = book.value(
        "select 1 from needs where person = :who union select 1 from offers where person = :who"
        " union select 1 from members where person = :who",
        who=who.id,
    )
    if used:
        raise No(
            Say("You already have needs or conversations on this account. It can't be linked.")
        )
    use_up(book, code)
    others = book.column(
        "select id from addresses where person = :to and alive = 1 order by id", to=to
    )
    people.move(book, who.id, to)
    for statement in _BLOCKS_STAY:
        book.do(statement, who=who.id, to=to)
    unsends.carry_over(book, who.id, to)
    giver = people.known(book, to)
    assert giver is not None
    if who.address is not None:
        people.here(book, giver, who.address)
    forgetting.erase(book, who.id)
    book.wakes.add(f"person:{to}")
    there = people.place(book, who.address)
    platform = there.platform if there else ""
    warned = Say(
        "⚠ A chat on {platform} was linked to you with your code. If that was not you, write"
        " “{forget}” now.",
        platform=routes.NAMES.get(platform, platform),
        forget=Word("forget"),
    )
    linked = Notice(to, Say("Linked. I answer you wherever you wrote last."))
    return [linked, *(Notice(to, warned, at=row) for row in others)]


# ------------------------------------------------------------------------------------- forgetting


def holdings(book: Book, who: Person) -> Sayable:
    """What `forget` would wipe."""
    needs = book.value("select count(*) from needs where person = :who", who=who.id)
    talks = book.value("select count(*) from members where person = :who", who=who.id)
    counted = (
        # Translators: in the list after "Forget everything about you here:"
        SayMany("{n} need", "{n} needs", needs),
        SayMany("{n} conversation", "{n} conversations", talks),
        Say("your languages and skills"),
        Say("this account"),
    )
    return Say(
        "Forget everything about you here: {what}. It cannot be undone.",
        what=Joined(", ", counted),
    )


def forget(book: Book, who: Person) -> list[Notice]:
    """Lets them go, and says so at the address where they are."""
    place = people.place(book, who.address)
    encrypted = place is not None and people.encrypted(book, place)
    notices = let_go(book, who)
    if place is not None:
        done = Say(
            "Done. Nothing about you is left here. I am removing my messages, as far as this"
            " messenger lets me; delete this chat on your phone too."
        )
        notices.append(outbox.farewell(book, place, who, done, encrypted))
    return notices


def let_go(book: Book, who: Person) -> list[Notice]:
    """Deletes everything of this person, also when they are frozen, and soon what the gateway sent
    them: the one road of all forgetting.
    Peers learn only that the conversation is closed."""
    notices = []
    for one in locks.together(book, who):
        unsends.of_person(book, one.id)
        notices += let_one_go(book, one)
    return notices


def let_one_go(book: Book, who: Person) -> list[Notice]:
    """The same, of one alone: a stand-in without whom it stands for."""
    ended = parting.withdraw(book, who)
    for id in book.column("select id from needs where person = :who", who=who.id):
        need = by_id(book, id)
        assert need is not None
        ended += shut(book, need)
    forgetting.erase(book, who.id)
    return ended


def unless_busy(book: Book, who: str) -> None:
    """Forgets whoever was told goodbye, unless they began anew in the meantime."""
    began = book.value(
        "select 1 from forms where person = :who union select 1 from needs where person = :who"
        " union select 1 from abilities where person = :who",
        who=who,
    )
    if not began:
        forgetting.erase(book, who)
