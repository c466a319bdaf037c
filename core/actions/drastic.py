"""What takes two moderators, once it is agreed: somebody is suspended, let back in, or verified."""

from __future__ import annotations

from core import people, vouching
from core.actions import parting
from core.actions.needs import shut
from core.actions.seeing import SEE_NEEDS
from core.message import Notice, Say
from core.needs import by_id
from core.people import DAY, VERIFIED, Person
from core.store import Book

_FEWER = Say(
    "A vouch for you does not count any more, and you see fewer needs. Ask one more person who is"
    " trusted here for a code."
)
_MORE = Say("You count as vouched for. You see more needs now.")


def carry_out(book: Book, act: str, about: str) -> list[Notice]:
    """act: suspend, restore, verify. -> what everybody but the moderators is told."""
    subject = people.known(book, about)
    if subject is None:
        return []
    return {"suspend": _suspend, "restore": _restore, "verify": _verify}[act](book, subject)


def _suspend(book: Book, who: Person) -> list[Notice]:
    """No alerts, no new needs, offers or messages."""
    if who.state == "suspended":
        return []
    book.do(
        "update people set state = 'suspended', focus = null, suspended = :day where id = :id",
        id=who.id,
        day=book.now // DAY,
    )
    for table in ("forms", "codes"):
        book.do(f"delete from {table} where person = :id", id=who.id)
    book.do("update offers set state = 'declined' where person = :id and state = 'sent'", id=who.id)
    book.do("update reports set state = 'closed', text = '' where about = :id", id=who.id)
    ended = parting.withdraw(book, who)
    for id in book.column("select id from needs where person = :id and state = 'open'", id=who.id):
        if need := by_id(book, id):
            ended += shut(book, need)
    return [
        Notice(who.id, Say("A moderator has suspended you.")),
        *ended,
        *(Notice(id, _FEWER) for id in vouching.burn(book, who.id)),
    ]


def _restore(book: Book, who: Person) -> list[Notice]:
    book.do("update people set state = 'live', suspended = null where id = :id", id=who.id)
    return [
        Notice(who.id, Say("Your suspension is lifted. You can write again.")),
        *(Notice(id, _MORE, (SEE_NEEDS,)) for id in vouching.unburn(book, who.id)),
    ]


def _verify(book: Book, who: Person) -> list[Notice]:
    if who.trust >= VERIFIED:
        return []
    return verified(book, who)


def verified(book: Book, who: Person) -> list[Notice]:
    book.do("update people set trust = :level where id = :id", level=VERIFIED, id=who.id)
    said = Say("You are verified now. You see every need that asks for your skills.")
    return [Notice(who.id, said, (SEE_NEEDS,))]
