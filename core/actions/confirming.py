"""New keys behind somebody's address: a new phone, or somebody else. What is sensitive stays away
from there until the person says that the keys are theirs: from another of their addresses if they
have one, since whoever took this one over would say the same here.
"""

from __future__ import annotations

from core import people, routes, safe
from core.actions import No
from core.actions.talking import conversations
from core.message import (
    CONFIRMED,
    Address,
    Choice,
    Code,
    Name,
    Notice,
    Reply,
    Say,
    Secret,
    Word,
    lines,
    paragraphs,
)
from core.people import Person
from core.store import Book

_HERE = Say(
    "⚠ This chat has new encryption keys. If you have a new phone or signed in again just now, that"
    " is why. If not, somebody else may be reading here: write nothing that could endanger anyone."
)


def changed(book: Book, address: Address) -> list[Notice]:
    """The keys at an address are others now. -> who is told, there and at their other addresses."""
    found = people.at(book, address)
    if found is None:
        return []
    who, row, _ = found
    book.do("update addresses set changed = 1 where id = :row", row=row)
    book.wakes.add(f"person:{who.id}")
    return _questions(book, who, row)


def _questions(book: Book, who: Person, row: int) -> list[Notice]:
    others = _others(book, who, row)
    choices = (
        Choice(f"confirm {row}", Say("They are mine")),
        Choice(f"deny {row}", Say("It was not me")),
    )
    if not others:
        until = Say("Until you confirm that they are yours, nothing sensitive is sent here.")
        return [Notice(who.id, paragraphs(_HERE, until), choices, at=row)]
    asked = Say(
        "I ask you about it in your other chat. Until you confirm it there, nothing sensitive is"
        " sent here."
    )
    platform = book.value("select platform from addresses where id = :row", row=row)
    question = Say(
        "⚠ Your chat on {platform} has new encryption keys: a new phone or a new sign-in of yours,"
        " or somebody who took it over. Are they yours?",
        platform=routes.NAMES.get(platform, platform),
    )
    return [
        Notice(who.id, paragraphs(_HERE, asked), at=row),
        *(Notice(who.id, question, choices, at=other) for other in others),
    ]


def _others(book: Book, who: Person, row: int) -> list[int]:
    """Where else they can be asked: encrypted addresses; if there is none, any."""
    rows = book.all(
        "select id, encrypted from addresses where person = :who and id <> :row and alive = 1"
        " and changed = 0 order by turn desc, id",
        who=who.id,
        row=row,
    )
    best = [other.id for other in rows if other.encrypted]
    return best or [other.id for other in rows]


def show(book: Book, who: Person) -> list[Notice]:
    """What waits to be confirmed, asked once more. Raises No."""
    rows = book.column(
        "select id from addresses where person = :who and changed = 1 order by id", who=who.id
    )
    if not rows:
        raise No(Say("There is nothing to confirm."))
    return [notice for row in rows for notice in _questions(book, who, row)]


def _check_may_say(book: Book, who: Person, given: str) -> int:
    """-> the row of the address that is spoken of. Raises No."""
    row = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    waits = book.value(
        "select 1 from addresses where id = :row and person = :who and changed = 1",
        row=row,
        who=who.id,
    )
    if not waits:
        raise No(Say("There is nothing to confirm."))
    others = _others(book, who, row)
    if others and who.address not in others:
        raise No(Say("Say that in your other chat, where I asked you."))
    if not others and not routes.is_encrypted(book, who.address):
        raise No(Say("Say that in an encrypted message: anybody could forge a plain one."))
    return row


def confirm(book: Book, who: Person, given: str) -> list[Notice]:
    """They are the person's own. Where only the new keys themselves say so, the other sides of
    what is sensitive are warned. Raises No."""
    if not given:
        return show(book, who)
    row = _check_may_say(book, who, given)
    book.do("update addresses set changed = 0, encrypted = 1 where id = :row", row=row)
    there = people.place(book, row)
    assert there is not None
    # for the adapter: also if it does not run just now
    mark = Secret(f"{CONFIRMED} {there.handle}", b"1", there.handle)
    safe.keep(book, there.platform, [mark])
    book.wakes.add(f"confirmed:{there.platform}:{there.handle}")
    book.wakes.add(f"person:{who.id}")
    told = [Notice(who.id, Say("Confirmed. That chat is used as before."))]
    return told if who.address != row else [*told, *_warnings(book, who)]


def _warnings(book: Book, who: Person) -> list[Notice]:
    warned = []
    for seen in conversations(book, who.id):
        if routes.conversation_is(book, seen.id):
            sealed = book.value(
                "select pseudonym from members where conversation = :id and person = :who",
                id=seen.id,
                who=who.id,
            )
            name = Name("pseudonym", people.pseudonym(book, seen.id, who.id, sealed))
            say = Say(
                "⚠ {name} writes with new keys and says that they are theirs. Before you go on"
                " about {code}, ask what nobody else can know.",
                name=name,
                code=Code(seen.code),
            )
            reply = Reply("relay", {"conversation": seen.id})
            warned.append(Notice(seen.other, say, reply=reply))
    return warned


def deny(book: Book, who: Person, given: str) -> list[Notice]:
    """Somebody else has that address: it is theirs no more, if they have another. Raises No."""
    row = _check_may_say(book, who, given)
    advice = Say(
        "Sign out every device there that you do not know, and change your password. What others"
        " wrote to you there may have been read."
    )
    if who.address == row:
        wipes = Say("“{forget}” wipes everything at any time.", forget=Word("forget"))
        return [Notice(who.id, lines(Say("Nothing sensitive is sent here."), advice, wipes))]
    people.part_with(book, who, row)
    gone = Say("That chat is not yours any more: whoever writes from there is a stranger to me.")
    return [Notice(who.id, lines(gone, advice))]
