"""What of a person stays here: linking a second messenger, forgetting everything."""

from __future__ import annotations

from core import outbox, people
from core.actions import No, talking
from core.actions.needs import shut
from core.message import Address, Joined, Notice, Say, Sayable, SayMany
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
            ("messages waiting to be sent", "outbox", "state = 'waiting'"),
        )
    }


# ------------------------------------------------------------------------------------- linking


def link(book: Book, who: Person, code: str) -> list[Notice]:
    """This address joins the person who handed out the code. Only an empty newcomer can be merged:
    whoever has needs, conversations or offers of their own stays who they are. Raises No."""
    row = book.one(
        "select person from codes where code = :code and kind = 'link' and until > :now",
        code=code, now=book.now,
    )  # fmt: skip
    if row is None or row.person == who.id:
        raise No(Say("This code is not valid, or was used already."))
    used = book.value(
        "select 1 from needs where person = :who union select 1 from offers where person = :who"
        " union select 1 from members where person = :who",
        who=who.id,
    )
    if used:
        raise No(
            Say("You already have needs or conversations on this account. It can't be linked.")
        )
    book.do("delete from codes where code = :code", code=code)
    book.do("update addresses set person = :to where person = :who", to=row.person, who=who.id)
    book.do(
        "update people set address = :address where id = :to", address=who.address, to=row.person
    )
    erase(book, who.id)
    return [Notice(row.person, Say("Linked. I answer you wherever you wrote last."))]


# ------------------------------------------------------------------------------------- forgetting


def holdings(book: Book, who: Person) -> Sayable:
    """What `forget` would wipe."""
    needs = book.value("select count(*) from needs where person = :who", who=who.id)
    talks = book.value("select count(*) from members where person = :who", who=who.id)
    counted = (
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
    place = book.one("select platform, handle from addresses where id = :id", id=who.address)
    notices = let_go(book, who)
    if place is not None:
        done = Say("Done. Nothing about you is left here. Delete this chat on your phone too.")
        notices.append(outbox.farewell(book, Address(*place), who.language, who.state, done))
    return notices


def let_go(book: Book, who: Person) -> list[Notice]:
    """Deletes everything of this person. Peers learn only that the conversation is closed."""
    ended = talking.withdraw(book, who)
    for id in book.column("select id from needs where person = :who", who=who.id):
        need = by_id(book, id)
        assert need is not None
        ended += shut(book, need)
    erase(book, who.id)
    return [notice for notice in ended if notice.to != who.id]


def unless_busy(book: Book, who: str) -> None:
    """Forgets whoever was told goodbye, unless they began anew in the meantime."""
    began = book.value(
        "select 1 from forms where person = :who union select 1 from needs where person = :who"
        " union select 1 from abilities where person = :who",
        who=who,
    )
    if not began:
        erase(book, who)


# A notice that shows somebody's words has the key "<letter>.<id of the entry, offer, need or report
# that they are in>", so that what still waits to be delivered can be found.
_ERASED = (
    "delete from outbox where state = 'waiting' and substr(key, 3, 32) in"
    " (select id from entries where author = :who union select id from offers where person = :who"
    " union select id from needs where person = :who"
    " union select id from reports where person = :who)",
    "delete from translations where person = :who or entry in"
    " (select id from entries where author = :who)",
    "delete from copies where address in (select id from addresses where person = :who)"
    " or entry in (select id from entries where author = :who)",
    "delete from files where entry in (select id from entries where author = :who)",
    "delete from entries where author = :who",
    "delete from members where person = :who",
    "delete from invitations where person = :who",
    "delete from offers where person = :who or need in (select id from needs where person = :who)",
    "delete from alerts where person = :who or need in (select id from needs where person = :who)",
    "delete from need_skills where need in (select id from needs where person = :who)",
    "delete from timers where about in (select id from needs where person = :who) or about = :who",
    "delete from needs where person = :who and not exists"
    " (select 1 from conversations c where c.need = needs.id)",
    "update needs set text = '', person = '', country = '', state = 'closed' where person = :who",
    "delete from outbox where person = :who",
    "delete from vouches where person = :who or voucher = :who",
    "delete from blocks where person = :who or blocked = :who",
    "delete from reports where person = :who or about = :who",
    *(f"delete from {table} where person = :who" for table in (
        "forms", "speaks", "abilities", "places", "pairs", "codes", "addresses",
    )),
    "delete from people where id = :who",
)  # fmt: skip


def erase(book: Book, who: str) -> None:
    people.ban(book, who)
    for statement in _ERASED:
        book.do(statement, who=who)
