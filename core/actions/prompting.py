"""What a translator is shown: each message that one side can't read, in parts of a bearable length,
without the names in it, beside the words that translators agreed on.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from core import glossary, people, pseudonyms, routes, tasks
from core.actions import No
from core.actions.translators import (
    answered,
    find_translators,
    gaps_of,
    listed,
    parties_of,
    values_of,
)
from core.masking import NO_NAMES, masked, says_something
from core.message import Choice, Code, Name, Notice, Quote, Reply, Say, lines
from core.people import Person
from core.store import Book
from core.timers import remind

NUDGE = 300
"""Seconds before a message goes back, when its translator is asked whether she is at it."""
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
    if routes.conversation_is(book, conversation):
        routes.involves(book, who.id)
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
        " Leave [1], [2] as they are: they stand for names."
    )
    joined = Say(
        "A translator joined: {name}. They see your messages, not who you are. Names that I"
        " recognise stand as [1], [2] for them.",
        name=Name("pseudonym", name),
    )
    may_show = (Choice(f"shownames {conversation}", Say("Show names to the translator")),)
    waiting = book.column(
        "select id from entries where conversation = :id order by at,"
        " (select min(k.id) from copies k where k.entry = entries.id), id",
        id=conversation,
    )
    return [
        Notice(who.id, welcome, (Choice(f"leave {conversation}", Say("I can't go on here")),)),
        *(
            Notice(person, joined, may_show, conversation=conversation)
            for person in parties.values()
        ),
        *(notice for entry in waiting for notice in to_translators(book, conversation, entry)),
    ]


def to_translators(book: Book, conversation: str, entry: str) -> list[Notice]:
    """Shows an entry to a translator for the side that can't read it, unless it is translated, or
    somebody is at it."""
    row = book.one(
        "select e.author, e.text, e.language, n.code from entries e"
        " join conversations c on c.id = e.conversation join needs n on n.id = c.need"
        " where e.id = :id",
        id=entry,
    )
    if row is None or not row.text:
        return []
    parties = parties_of(book, conversation)
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
        " and not exists (select 1 from tasks k where k.entry = :entry and k.language = t.target"
        "   and k.person = m.person and k.until = 0 and k.text = '')"
        " order by case when t.source = :source then 0 else 1 end,"  # then one voice, if it can be
        " (select count(*) from translations d join entries e on e.id = d.entry"
        "   where e.conversation = :id and d.person = m.person) desc, m.person limit 1",
        id=conversation,
        entry=entry,
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
    held = tasks.holder(book, entry, pair.target)
    if done or (held and held[1] > book.now):
        return []
    side = _SIDES[next(role for role, person in parties.items() if person == row.author)]
    again = done is not None or held is not None
    return _prompts(book, conversation, entry, row, pair, side, again)


def _prompts(
    book: Book, conversation: str, entry: str, row: Any, pair: Any, side: str, again: bool
) -> list[Notice]:
    """One for each part of it. again: it was shown to somebody before."""
    text = book.unseal(conversation, "entries.text", entry, row.text)
    allowed = book.one(
        "select m.shows_names, c.drafts from members m"
        " join conversations c on c.id = m.conversation"
        " where m.conversation = :id and m.person = :author",
        id=conversation,
        author=row.author,
    )
    assert allowed is not None
    args = {"entry": entry, "target": pair.target}
    masks = NO_NAMES if allowed.shows_names else row.language
    text, hidden = masked(text, masks)
    if not says_something(text):
        return []
    if hidden:
        args["masks"] = masks
    if allowed.drafts:
        book.wakes.add(f"draft:{entry}")
    parts = tasks.parts(text)
    tasks.hand_out(book, entry, pair.target, pair.person, len(parts))
    remind(book, book.now + tasks.LEASE - NUDGE, "nudge_translator", entry)
    # Translators: above a message for a translator; {side} is A or B
    pair_said = Say(
        "{side} · {code} ({source} → {target})",
        side=Code(side),
        code=Code(row.code),
        source=Name("language", pair.source),
        target=Name("language", pair.target),
    )
    prompts = []
    for number, part in enumerate(parts, 1):
        key = f"p.{entry}.{pair.person}" + (f".{number}" if number > 1 else "")
        # Translators: above a part of a long message
        of = Say("Part {number} of {of}", number=number, of=len(parts)) if len(parts) > 1 else None
        said = glossary.occurring(book, pair.source, pair.target, part)
        words = (Quote(f"{term} = {meaning}") for term, meaning in said.items())
        prompts.append(
            Notice(
                pair.person,
                # Translators: words that translators agreed on, and how to translate them
                lines(pair_said, of, Quote(part), Say("Agreed:") if said else None, *words),
                reply=Reply("translate", {**args, "part": str(number), "of": str(len(parts))}),
                entry=entry,
                key=f"{key}.{uuid.uuid4().hex}" if again else key,
            )
        )
    return prompts
