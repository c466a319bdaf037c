"""Conversations: who is in one, where plain messages go, relaying, leaving."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core import copies, people
from core.actions import No
from core.actions import pictures as kept
from core.actions.translating import to_translators
from core.actions.translators import resign
from core.message import Choice, Code, Name, Notice, Quote, Reply, Say, Sayable, dots, lines
from core.people import Person
from core.store import Book
from core.text import shortened

CLOSED = Say("This conversation is closed.")


@dataclass(frozen=True, slots=True)
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
    book.do(
        "update entries set text = :text, language = :language where id = :id",
        id=entry, language=language, text=book.seal(seen.id, "entries.text", entry, text),
    )  # fmt: skip
    book.do("update translations set text = '' where entry = :id", id=entry)
    shown = _shown(book, who.id, seen, entry, text, row.answers)
    changed = replace(shown, key=f"e.{entry}.{uuid.uuid4().hex}", replaces=f"e.{entry}")
    if kept.numbers(book, entry):  # a picture can't be changed into words: they follow it
        changed = replace(changed, replaces=None, answers=entry)
    return [changed, *to_translators(book, seen.id, entry)]


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


def leave(book: Book, who: Person, conversation: str) -> list[Notice]:
    """Ends the conversation for both; they learn that it is closed, not why."""
    seen = open_to(book, who.id, conversation)
    name = Name("pseudonym", seen.name)
    return [
        Notice(who.id, Say("The conversation with {name} is closed.", name=name)),
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
    book.do("delete from timers where about = :id", id=conversation)
    others = book.column(
        "select person from members where conversation = :id and person <> :silent",
        id=conversation,
        silent=silent,
    )
    said = Say("The conversation about {code} is closed.", code=Code(code))
    return [Notice(other, said) for other in others]


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
    return [Notice(who.id, said), *part(book, who, seen.other)]


def report(book: Book, who: Person, *, conversation: str, text: str) -> list[Notice]:
    """Tells the moderators about the other side, and parts the two."""
    seen = open_to(book, who.id, conversation)
    id = uuid.uuid4().hex
    book.do(
        "insert into reports(id, person, about, text, at) values (:id, :who, :about, :text, :now)",
        id=id, who=who.id, about=seen.other, now=book.now,
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
    return [Notice(who.id, thanks), *told, *part(book, who, seen.other)]
