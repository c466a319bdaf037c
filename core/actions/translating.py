"""Translating: the translator is shown each message that one side can't read, and answers it with
a native reply. That reply is the translation.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from core import copies, people, pseudonyms
from core.actions import No
from core.actions.translators import (
    answered,
    find_translators,
    gaps_of,
    listed,
    parties_of,
    values_of,
)
from core.message import Choice, Code, Joined, Name, Notice, Quote, Reply, Say, Sayable, lines
from core.people import Person
from core.store import Book
from core.text import shortened

_ENOUGH = 200
"""Characters of the original that stand below its translation."""
_SIDES = {"asker": "A", "helper": "B"}


def join(book: Book, who: Person, conversation: str) -> list[Notice]:
    """The first to accept translates; she gets every message so far that one side can't read."""
    state = book.value(
        "select i.state from invitations i join conversations c on c.id = i.conversation"
        " where i.conversation = :id and i.person = :who and c.state = 'open'",
        id=conversation,
        who=who.id,
    )
    if state is None:
        raise No(Say("This conversation is closed."))
    if state == "joined":
        raise No(Say("You are translating there already."))
    if not gaps_of(book, conversation):
        raise No(Say("Somebody else was quicker. Thank you."))
    answered(book, who, conversation, "joined")
    parties = parties_of(book, conversation)
    carried = book.all(
        "select conversation, person, pseudonym from members where conversation = :id",
        id=conversation,
    )
    taken = [people.pseudonym(book, *row) for row in carried]
    name = pseudonyms.new(taken, secrets.SystemRandom())
    people.joins(book, conversation, who.id, "translator", name)
    welcome = Say(
        "Thank you. Answer each message with a reply: your reply is its translation."
        " To correct one, reply again. A reply of “?” asks the author what they meant."
    )
    joined = Say(
        "A translator joined: {name}. They see your messages, not who you are.",
        name=Name("pseudonym", name),
    )
    waiting = book.column(
        "select id from entries where conversation = :id order by at,"
        " (select min(k.id) from copies k where k.entry = entries.id), id",
        id=conversation,
    )
    return [
        Notice(who.id, welcome, (Choice(f"leave {conversation}", Say("I can't go on here")),)),
        *(Notice(person, joined) for person in parties.values()),
        *(notice for entry in waiting for notice in to_translators(book, conversation, entry)),
    ]


def to_translators(book: Book, conversation: str, entry: str) -> list[Notice]:
    """Shows an entry to a translator for the side that can't read it, unless it is translated."""
    row = book.one(
        "select e.author, e.text, e.language, n.code from entries e"
        " join conversations c on c.id = e.conversation join needs n on n.id = c.need"
        " where e.id = :id",
        id=entry,
    )
    if row is None or not row.text:
        return []
    text = book.unseal(conversation, "entries.text", entry, row.text)
    parties = parties_of(book, conversation)
    role = next(role for role, person in parties.items() if person == row.author)
    reader = next(person for person in parties.values() if person != row.author)
    wanted = people.reads(book, reader)
    if row.language in wanted:
        return []
    # "Ok" or a name may look like any language: rather her author's translator than nobody
    own = people.reads(book, row.author)
    pair = book.one(
        "select m.person, t.source, t.target from members m join pairs t on t.person = m.person"
        " where m.conversation = :id and m.role = 'translator'"
        f" and t.target in ({listed(wanted)}) and t.source in (:source, :own)"
        " order by case when t.source = :source then 0 else 1 end, m.person limit 1",
        id=conversation,
        source=row.language,
        own=own[0],
        **values_of(wanted),
    )
    if pair is None:
        return find_translators(book, conversation)
    done = book.value(
        "select text from translations where entry = :id and language = :target",
        id=entry,
        target=pair.target,
    )
    if done:
        return []
    head = Say(
        "{side} · {code} ({source} → {target})",
        side=Code(_SIDES[role]),
        code=Code(row.code),
        source=Name("language", pair.source),
        target=Name("language", pair.target),
    )
    prompt = Notice(
        pair.person,
        lines(head, Quote(text)),
        reply=Reply("translate", {"entry": entry, "target": pair.target}),
        entry=entry,
        # translated before: its author changed it, and the translator is asked once more
        key=f"p.{entry}.{pair.person}" + ("" if done is None else f".{uuid.uuid4().hex}"),
    )
    return [prompt]


def _for_translator(book: Book, who: Person, entry: str) -> Any:
    """-> conversation, author, text of an entry, and the translator's own pseudonym there, all as
    they are kept. Raises No."""
    row = book.one(
        "select e.conversation, e.author, e.text, m.pseudonym from entries e join conversations c"
        " on c.id = e.conversation join members m on m.conversation = e.conversation"
        " where e.id = :id and m.person = :who and m.role = 'translator' and c.state = 'open'",
        id=entry,
        who=who.id,
    )
    if row is None:
        raise No(Say("This conversation is closed."))
    return row


def translate(
    book: Book, who: Person, *, entry: str, target: str, text: str, native: str
) -> list[Notice]:
    """The translation reaches its reader as a reply to the original; a later one replaces it."""
    row = _for_translator(book, who, entry)
    if not row.text:
        raise No(Say("The author took this message back."))
    before = book.value(
        "select 1 from translations where entry = :id and language = :target",
        id=entry,
        target=target,
    )
    book.do(
        "insert into translations(entry, language, person, text, at)"
        " values (:id, :target, :who, :text, :now) on conflict (entry, language)"
        " do update set text = excluded.text, person = excluded.person, at = excluded.at",
        id=entry, target=target, who=who.id, now=book.now,
        text=book.seal(who.id, "translations.text", f"{entry}.{target}", text),
    )  # fmt: skip
    if who.address is not None:
        # an edit of her reply names her own message: it must lead back to the entry
        reply = Reply("translate", {"entry": entry, "target": target})
        copies.own(book, who.id, who.address, native, reply=reply)
    reader = next(p for p in parties_of(book, row.conversation).values() if p != row.author)
    original = book.unseal(row.conversation, "entries.text", entry, row.text)
    first = f"t.{entry}.{target}"
    words: Sayable = lines(
        Joined(" ", (Say("🌐"), Say("translated by a person"))),
        Quote(text),
        Quote(f"({shortened(original, _ENOUGH)})"),
    )
    shown = Notice(
        reader,
        words,
        reply=Reply("relay", {"conversation": row.conversation, "entry": entry}),
        answers=entry,
        key=f"{first}.{uuid.uuid4().hex}" if before else first,
        replaces=first if before else None,
    )
    said = Say("Corrected.") if before else Say("Passed on.")
    return [shown, Notice(who.id, said)]


def ask_meaning(book: Book, who: Person, *, entry: str) -> list[Notice]:
    """The translator's "?": the author is asked, in a reply to their own message."""
    row = _for_translator(book, who, entry)
    text = book.unseal(row.conversation, "entries.text", entry, row.text)
    name = people.pseudonym(book, row.conversation, who.id, row.pseudonym)
    question = Notice(
        row.author,
        lines(
            Say(
                "The translator {name} asks what you mean here. Say it in other words:",
                name=Name("pseudonym", name),
            ),
            Quote(shortened(text, _ENOUGH)),
        ),
        answers=entry,
        reply=Reply("relay", {"conversation": row.conversation, "entry": entry}),
        key=f"p.{entry}.{uuid.uuid4().hex}",
    )
    return [question, Notice(who.id, Say("Asked. The answer comes to you like any message."))]
