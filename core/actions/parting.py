"""Parting: a conversation ends, somebody is blocked or reported, or is gone altogether."""

from __future__ import annotations

import uuid

from core import people, routes, timers
from core.actions.talking import open_to
from core.actions.translators import resign
from core.message import Choice, Code, Name, Notice, Quote, Say, lines
from core.people import Person
from core.store import Book
from core.text import shortened


def leave(book: Book, who: Person, conversation: str) -> list[Notice]:
    """Ends the conversation for both; they learn that it is closed, not why."""
    seen = open_to(book, who.id, conversation)
    name = Name("pseudonym", seen.name)
    return [
        _closed(who.id, Say("The conversation with {name} is closed.", name=name), seen.id),
        *end(book, seen.id, silent=who.id),
    ]


def end(book: Book, conversation: str, silent: str) -> list[Notice]:
    """Closes it and tells everybody in it but one."""
    code = book.value(
        "select n.code from conversations c join needs n on n.id = c.need where c.id = :id",
        id=conversation,
    )
    changed = book.do(
        "update conversations set state = 'closed' where id = :id and state = 'open'",
        id=conversation,
    )
    if not changed:
        return []
    book.do("update people set focus = null where focus = :id", id=conversation)
    timers.no_more(book, conversation)
    others = book.column(
        "select person from members where conversation = :id and person <> :silent",
        id=conversation,
        silent=silent,
    )
    said = Say("The conversation about {code} is closed.", code=Code(code))
    return [_closed(other, said, conversation) for other in others]


def _closed(reader: str, said: Say, conversation: str) -> Notice:
    return Notice(reader, said, conversation=conversation, ends=True)


def withdraw(book: Book, who: Person) -> list[Notice]:
    """They are gone from every conversation: those that they translate go on with somebody else,
    the others end. -> what the others are told."""
    told: list[Notice] = []
    for id, role in book.all(
        "select m.conversation, m.role from members m join conversations c on c.id = m.conversation"
        " where m.person = :who and c.state = 'open'",
        who=who.id,
    ):
        if role == "translator":
            told += resign(book, who, id)
        else:
            told += end(book, id, silent=who.id)
    return [notice for notice in told if notice.to != who.id]


def part(book: Book, who: Person, other: str) -> list[Notice]:
    """These two never meet here again, under any pseudonym: every conversation and offer between
    them ends. -> what the others in these conversations are told."""
    book.do(
        "insert into blocks(person, blocked) values (:who, :other) on conflict do nothing",
        who=who.id,
        other=other,
    )
    book.do(
        "update offers set state = 'declined' where state = 'sent' and ("
        " (person = :other and need in (select id from needs where person = :who))"
        " or (person = :who and need in (select id from needs where person = :other)))",
        who=who.id,
        other=other,
    )
    shared = book.column(
        "select a.conversation from members a join members b on b.conversation = a.conversation"
        " join conversations c on c.id = a.conversation"
        " where a.person = :who and b.person = :other and c.state = 'open'",
        who=who.id,
        other=other,
    )
    return [notice for id in shared for notice in end(book, id, silent=who.id)]


def block(book: Book, who: Person, conversation: str) -> list[Notice]:
    seen = open_to(book, who.id, conversation)
    said = Say(
        "{name} is blocked, and won't reach you under any other name either.",
        name=Name("pseudonym", seen.name),
    )
    return [_closed(who.id, said, seen.id), *part(book, who, seen.other)]


def report(book: Book, who: Person, *, conversation: str, text: str) -> list[Notice]:
    """Tells the moderators about the other side, and parts the two."""
    seen = open_to(book, who.id, conversation)
    id = uuid.uuid4().hex
    book.do(
        "insert into reports(id, person, about, text, at, sensitive)"
        " values (:id, :who, :about, :text, :now, :sensitive)",
        id=id, who=who.id, about=seen.other, now=book.now,
        sensitive=int(routes.conversation_is(book, conversation)),
        text=book.seal(who.id, "reports.text", id, text),
    )  # fmt: skip
    moderators = book.column(
        "select id from people where trust = :trust and state = 'live'"
        " and id not in (:who, :about)",
        trust=people.MODERATOR,
        who=who.id,
        about=seen.other,
    )
    head = Say("⚠ Somebody in a conversation about {code} was reported:", code=Code(seen.code))
    told = [
        Notice(
            moderator,
            lines(head, Quote(shortened(text, 700))),
            choices=(
                Choice(f"suspend {id}", Say("Suspend this person")),
                Choice(f"dismiss {id}", Say("Nothing to do")),
            ),
            key=f"x.{id}.{moderator}",
        )
        for moderator in moderators
    ]
    thanks = Say(
        "Thank you. The moderators were told. The conversation is closed, and you won't meet again."
    )
    return [_closed(who.id, thanks, seen.id), *told, *part(book, who, seen.other)]
