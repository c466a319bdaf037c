"""Who wrote: somebody new, or somebody known, who is answered from now on where they wrote."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core import outbox, people, routes, safe
from core.actions import No, confirming, talking
from core.language import Languages
from core.message import Changed, Code, Event, Inbound, Left, Name, Notice, Overheard, Reply, Say
from core.people import Person
from core.store import Book


@dataclass(frozen=True, slots=True)
class Met:
    """new: they are to be greeted."""

    who: Person
    new: bool


def first_time(book: Book, event: Event) -> bool:
    """Keeps the platform's position, and its library's secrets. Whether it was never heard before:
    that is remembered in the transaction of its effects; as a fingerprint, for ids may hold
    handles."""
    if event.cursor is not None:
        book.do(
            "insert into cursors(platform, cursor) values (:platform, :cursor)"
            " on conflict (platform) do update set cursor = excluded.cursor",
            platform=event.sender.platform,
            cursor=event.cursor,
        )
    if not isinstance(event, Inbound):  # as often as it comes, it means the same
        return True
    if event.secrets:
        safe.keep(book, event.sender.platform, event.secrets)
    return bool(
        book.do(
            "insert into heard(id, at) values (:id, :now) on conflict do nothing",
            id=book.fingerprint(event.sender.platform, event.sender.handle, event.id),
            now=book.now,
        )
    )


def left(book: Book, event: Left) -> None:
    if found := people.at(book, event.sender):
        outbox.dead(book, found[1])


def changed(book: Book, event: Changed) -> None:
    """Asks whoever is at an address whose keys are others now whether they are theirs."""
    outbox.put(book, confirming.changed(book, event.sender))


def overheard(book: Book, event: Overheard) -> None:
    """Tells whoever is at an address, once, that a conversation is no longer apart."""
    found = people.at(book, event.sender)
    if found is None:
        return
    who = found[0]
    try:
        seen = talking.open_to(book, who.id, event.conversation)
    except No:
        return
    said = Say(
        "⚠ Somebody else came into the chat where you talked with {name} about {code}. I left it."
        " Go on here. What you wrote there last may not have reached me.",
        name=Name("pseudonym", seen.name),
        code=Code(seen.code),
    )
    key = f"c.{seen.id}.{who.id}.overheard"
    reply = Reply("relay", {"conversation": seen.id})
    outbox.put(book, [Notice(who.id, said, reply=reply, key=key)])


def who_wrote(book: Book, event: Inbound, text: str, languages: Languages) -> Met | None:
    """None: somebody who was suspended and forgotten, and is not let in again."""
    found = people.at(book, event.sender)
    if found is None:
        if people.banned(book, event.sender):
            return None
        language = _language(event, text, languages)
        private = event.encrypted and event.vouched
        who = people.meet(book, event.sender, language, encrypted=private)
        return Met(who, True)
    who, row, alive = found
    if not event.deleted:  # on Matrix that is no message, and never encrypted
        routes.heard(book, who.id, row, event.encrypted and event.vouched)
    people.seen(book, who)
    expected = people.expected(who, alive)
    if expected:
        language = _language(event, text, languages)
        book.do("update people set language = :it where id = :id", it=language, id=who.id)
        who = replace(who, language=language)
    if not alive or who.address != row:
        people.here(book, who, row)
        book.wakes.add(f"person:{who.id}")
        who = replace(who, address=row)
    return Met(who, expected or not _was_written_to(book, who))


def _language(event: Inbound, text: str, languages: Languages) -> str:
    """The one that their first message hints at."""
    if known := languages.negotiate(event.locale):
        return known
    return languages.negotiate(languages.detect(text, ["en"])) or "en"


def _was_written_to(book: Book, who: Person) -> bool:
    """False for somebody whose last message is long gone: they are greeted again."""
    return bool(
        book.value(
            "select 1 from copies where address = :address union all"
            " select 1 from outbox where person = :who limit 1",
            address=who.address,
            who=who.id,
        )
    )
