"""Conversations: who is in one, where plain messages go, and relaying them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core import copies, people, routes, tasks
from core.actions import No
from core.actions import pictures as kept
from core.actions.encrypted import check_route
from core.actions.prompting import to_translators
from core.actions.translating import outdated
from core.message import Choice, Code, Name, Notice, Quote, Reply, Say, Sayable, dots, lines
from core.people import Person
from core.store import Book

CLOSED = Say("This conversation is closed.")


@dataclass(frozen=True, slots=True, repr=False)
class Conversation:
    """An open conversation as one of its two sides sees it. other: the other side."""

    id: str
    code: str
    other: str
    name: str

    def title(self) -> Sayable:
        return dots(Name("pseudonym", self.name), Code(self.code))


_SEEN = """
select c.id, n.code, o.person, o.pseudonym
from members own join conversations c on c.id = own.conversation
join needs n on n.id = c.need
join members o on o.conversation = c.id and o.person <> own.person and o.role <> 'translator'
where own.person = :who and own.role <> 'translator' and c.state = 'open'
"""


def _seen(book: Book, id: str, code: str, other: str, sealed: str) -> Conversation:
    return Conversation(id, code, other, people.pseudonym(book, id, other, sealed))


def conversations(book: Book, who: str) -> list[Conversation]:
    """The open ones, newest first."""
    rows = book.all(f"{_SEEN} order by c.opened desc, c.id", who=who)
    return [_seen(book, *row) for row in rows]


def open_to(book: Book, who: str, id: str) -> Conversation:
    """Raises No when it is closed, or was never theirs."""
    row = book.one(f"{_SEEN} and c.id = :id", who=who, id=id)
    if row is None:
        raise No(CLOSED, (Choice("mine", Say("See mine")),))
    return _seen(book, *row)


def in_focus(book: Book, who: Person) -> Conversation | list[Conversation]:
    """Where a plain message goes, or the conversations that it may be meant for (none: [])."""
    if who.focus and (row := book.one(f"{_SEEN} and c.id = :id", who=who.id, id=who.focus)):
        return _seen(book, *row)
    found = conversations(book, who.id)
    return found[0] if len(found) == 1 else found


def look_at(book: Book, who: str, conversation: str | None) -> None:
    book.do("update people set focus = :it where id = :who", it=conversation, who=who)


def notice_another(book: Book, who: str, conversation: str) -> None:
    """Something came from this conversation: if another one was in focus, it is unclear now where
    the next plain message goes."""
    book.do(
        "update people set focus = null where id = :who and focus is not null and focus <> :it",
        who=who,
        it=conversation,
    )


def relay(
    book: Book,
    who: Person,
    *,
    conversation: str,
    text: str,
    language: str,
    native: str,
    answers: str | None = None,
    pictures: Sequence[bytes] = (),
) -> list[Notice]:
    """Hands a message to the other side, and to the translator if the other side can't read it.

    native: the author's own message on their platform. answers: the entry that it replies to.
    pictures: clean ones, for the other side alone; `text` is what stands under the first.
    """
    seen = open_to(book, who.id, conversation)
    check_route(book, who, routes.conversation_is(book, conversation))
    entry = uuid.uuid4().hex
    book.do(
        "insert into entries(id, conversation, author, text, language, answers, at)"
        " values (:id, :conversation, :who, :text, :language, :answers, :now)",
        id=entry, conversation=conversation, who=who.id, language=language, answers=answers,
        text=book.seal(conversation, "entries.text", entry, text), now=book.now,
    )  # fmt: skip
    if native and who.address is not None:
        copies.own(book, who.id, who.address, native, entry=entry)
    if who.focus != conversation:
        look_at(book, who.id, conversation)
    notice_another(book, seen.other, conversation)
    shown = [_shown(book, who.id, seen, entry, text, answers)]
    if pictures:
        kept.keep(book, conversation, entry, pictures)
        shown = kept.pages(shown[0], _head(book, who.id, seen), len(pictures))
    return [*shown, *to_translators(book, conversation, entry)]


def _head(book: Book, author: str, seen: Conversation) -> Sayable:
    sealed = book.value(
        "select pseudonym from members where conversation = :id and person = :author",
        id=seen.id,
        author=author,
    )
    mine = people.pseudonym(book, seen.id, author, sealed)
    return dots(Name("pseudonym", mine), Code(seen.code))


def _shown(
    book: Book, author: str, seen: Conversation, entry: str, text: str, answers: str | None
) -> Notice:
    head = _head(book, author, seen)
    return Notice(
        seen.other,
        lines(head, Quote(text)) if text else head,
        reply=Reply("relay", {"conversation": seen.id, "entry": entry}),
        entry=entry,
        answers=answers,
        key=f"e.{entry}",
    )


def change_entry(book: Book, who: Person, *, entry: str, text: str, language: str) -> list[Notice]:
    """The author edited a message that was relayed: it is corrected where it stands, and what was
    translated of it is to be translated anew."""
    row = book.one(
        "select conversation, answers from entries where id = :id and author = :who",
        id=entry,
        who=who.id,
    )
    if row is None:
        raise No(Say("That message can't be changed any more."))
    seen = open_to(book, who.id, row.conversation)
    check_route(book, who, routes.conversation_is(book, row.conversation))
    book.do(
        "update entries set text = :text, language = :language where id = :id",
        id=entry, language=language, text=book.seal(seen.id, "entries.text", entry, text),
    )  # fmt: skip
    stale = outdated(book, entry)
    shown = _shown(book, who.id, seen, entry, text, row.answers)
    changed = replace(shown, key=f"e.{entry}.{uuid.uuid4().hex}", replaces=f"e.{entry}")
    if kept.numbers(book, entry):  # a picture can't be changed into words: they follow it
        changed = replace(changed, replaces=None, answers=entry)
    return [changed, *stale, *to_translators(book, seen.id, entry)]


def take_back(book: Book, who: Person, *, entry: str) -> list[Notice]:
    """The author deleted a relayed message: its words go, here, at the other side and at the
    translator, in a closed conversation too."""
    row = book.one(
        "select e.conversation, n.code, o.person, own.pseudonym from entries e"
        " join conversations c on c.id = e.conversation join needs n on n.id = c.need"
        " join members own on own.conversation = c.id and own.person = e.author"
        " join members o on o.conversation = c.id and o.person <> e.author"
        " and o.role <> 'translator' where e.id = :id and e.author = :who and"
        " (e.text <> '' or exists (select 1 from files f where f.entry = e.id))",
        id=entry,
        who=who.id,
    )
    if row is None:
        return []
    mine = people.pseudonym(book, row.conversation, who.id, row.pseudonym)
    head = dots(Name("pseudonym", mine), Code(row.code))
    gone = lines(head, Say("This message was taken back."))
    reply: Reply | None = Reply("relay", {"conversation": row.conversation, "entry": entry})
    shown = [(row.person, f"e.{entry}", reply)]
    shown += [(row.person, f"e.{entry}.{n}", reply) for n in kept.numbers(book, entry) if n]
    for language in book.column("select language from translations where entry = :id", id=entry):
        shown.append((row.person, f"t.{entry}.{language}", reply))
    for translator in book.column(
        "select person from members where conversation = :id and role = 'translator'",
        id=row.conversation,
    ):
        key = f"p.{entry}.{translator}"
        if book.value("select 1 from outbox where key = :key", key=key):
            shown.append((translator, key, None))
    book.do("update entries set text = '' where id = :id", id=entry)
    kept.take_back(book, entry)
    book.do("update translations set text = '' where entry = :id", id=entry)
    tasks.done(book, entry)
    return [Notice(to, gone, reply=means, replaces=key) for to, key, means in shown]


def choose(book: Book, who: Person, conversation: str) -> list[Notice]:
    """From now on plain messages go here."""
    seen = open_to(book, who.id, conversation)
    look_at(book, who.id, conversation)
    said = Say(
        "Now talking with {name} about {code}.",
        name=Name("pseudonym", seen.name),
        code=Code(seen.code),
    )
    end_it = Choice(f"leave {seen.id}", Say("End this conversation"))
    return [Notice(who.id, said, (end_it,), Reply("relay", {"conversation": seen.id}))]


def list_conversations(book: Book, who: Person) -> list[Notice]:
    found = conversations(book, who.id)
    if not found:
        raise No(Say("You have no open conversation."))
    choices = tuple(Choice(f"talk {c.id}", c.title()) for c in found[:8])
    return [Notice(who.id, Say("Whom do you want to talk with?"), choices)]
