"""Translating: a translator answers a message that she was shown with a native reply. That reply is
the translation.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from core import copies, joint, people, routes, tasks
from core.actions import No
from core.actions.encrypted import check_route
from core.actions.translators import (
    parties_of,
)
from core.masking import masked, missing, restored
from core.message import Code, Joined, Name, Notice, Quote, Reply, Say, Sayable, lines
from core.people import VERIFIED, Person
from core.store import Book
from core.text import shortened

_ENOUGH = 200
"""Characters of the original that stand below its translation."""


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
    book: Book,
    who: Person,
    *,
    entry: str,
    target: str,
    text: str,
    native: str,
    part: int = 1,
    of: int = 1,
    masks: str | None = None,
    drafted: bool = False,
) -> list[Notice]:
    """The translation reaches its reader as a reply to the original; a later one replaces it.

    part, of: of a long message, which is passed on when all its parts are there. masks: the
    language by whose rules names were hidden from the translator. drafted: by a machine, and she
    had nothing to correct. Raises No.
    """
    row = _for_translator(book, who, entry)
    if not row.text:
        raise No(Say("The author took this message back."))
    check_route(book, who, routes.conversation_is(book, row.conversation))
    before = book.one(
        "select person, text from translations where entry = :id and language = :target",
        id=entry,
        target=target,
    )
    if before and before.text and before.person != who.id:
        raise No(Say("Somebody else was quicker. Thank you."))
    if native and who.address is not None:
        # an edit of her reply names her own message: it must lead back to the entry
        args = {"entry": entry, "target": target, "part": str(part), "of": str(of)}
        reply = Reply("translate", {**args, "masks": masks} if masks else args)
        copies.own(book, who.id, who.address, native, reply=reply)
    original = book.unseal(row.conversation, "entries.text", entry, row.text)
    if masks:
        parts = tasks.parts(masked(original, masks)[0])
        if 1 <= part <= len(parts) and (marks := missing(parts[part - 1], text)):
            raise No(_marks_wanted(marks))
    if of > 1:
        tasks.keep_part(book, entry, target, part, who.id, text)
        there = tasks.translated_parts(book, entry, target)
        if others := [n for n in range(1, of + 1) if not there.get(n)]:
            return [Notice(who.id, _kept(part, others))]
        text = "\n\n".join(there[n] for n in range(1, of + 1))
    else:
        tasks.done(book, entry)
    if masks:
        text = restored(text, original, masks)
    book.do(
        "insert into translations(entry, language, person, text, at)"
        " values (:id, :target, :who, :text, :now) on conflict (entry, language)"
        " do update set text = excluded.text, person = excluded.person, at = excluded.at",
        id=entry, target=target, who=who.id, now=book.now,
        text=joint.seal(book, entry, who.id, "translations.text", f"{entry}.{target}", text),
    )  # fmt: skip
    reader = next(p for p in parties_of(book, row.conversation).values() if p != row.author)
    first = f"t.{entry}.{target}"
    verified = Say("translated by a verified translator")
    by = verified if who.trust >= VERIFIED else Say("translated by a person")
    by = Say("drafted by a machine, checked by a person") if drafted else by
    words: Sayable = lines(
        Joined(" ", (Say("🌐"), by)),
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
    # Translators: to the translator, who wrote or corrected a translation
    said = Say("Corrected.") if before and before.text else Say("Passed on.")
    return [shown, Notice(who.id, said)]


def _kept(part: int, others: Sequence[int]) -> Say:
    return Say(
        "Part {part} is kept. Still missing: {missing}.",
        part=part,
        missing=Joined(", ", tuple(others)),
    )


def _marks_wanted(marks: Sequence[int]) -> Say:
    listed = Joined(" ", tuple(Code(f"[{mark}]") for mark in marks))
    return Say(
        "Please reply once more, with {marks} in it: names that I keep from you belong there.",
        marks=listed,
    )


def outdated(book: Book, entry: str) -> list[Notice]:
    """The author changed the message: its translation is marked where it stands, and what was done
    of a new one is void. -> what its reader is told."""
    told = []
    for conversation, author, language, person, text in book.all(
        "select e.conversation, e.author, t.language, t.person, t.text from translations t"
        " join entries e on e.id = t.entry where t.entry = :id and t.text <> ''",
        id=entry,
    ):
        old = joint.unseal(book, entry, person, "translations.text", f"{entry}.{language}", text)
        reader = next(p for p in parties_of(book, conversation).values() if p != author)
        stale = Say("The author changed this message. A new translation is coming.")
        first = f"t.{entry}.{language}"
        told.append(
            Notice(
                reader,
                lines(Joined(" ", (Say("🌐"), stale)), Quote(old)),
                reply=Reply("relay", {"conversation": conversation, "entry": entry}),
                answers=entry,
                key=f"{first}.{uuid.uuid4().hex}",
                replaces=first,
            )
        )
    book.do("update translations set text = '' where entry = :id", id=entry)
    tasks.done(book, entry)
    return told


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
