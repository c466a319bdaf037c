"""Translators: asked where two sides share no language, shown each message that one side can't
read, answering it with a native reply. That reply is the translation.
"""

from __future__ import annotations

import secrets
import uuid

from core import people, pseudonyms
from core.actions import No
from core.message import Choice, Code, Joined, Name, Notice, Quote, Reply, Say, Sayable, lines
from core.people import Person
from core.store import Book
from core.text import shortened

ASKED_AT_ONCE = 5
_BUSY = 5
"""A translator with this many open conversations is asked no more."""
_LOOK_AGAIN = 3600
_ENOUGH = 200
"""Characters of the original that stand below its translation."""
_SIDES = {"asker": "A", "helper": "B"}


def _parties(book: Book, conversation: str) -> dict[str, str]:
    """role -> person, for asker and helper."""
    rows = book.all(
        "select role, person from members where conversation = :id and role <> 'translator'",
        id=conversation,
    )
    return {row.role: row.person for row in rows}


def _gaps(book: Book, conversation: str) -> list[tuple[str, str]]:
    """The translations that this conversation needs and no translator in it gives: (from, to), the
    first language of each side. Empty where the sides share a language."""
    parties = _parties(book, conversation)
    asker, helper = (people.reads(book, parties[role]) for role in ("asker", "helper"))
    if set(asker) & set(helper):
        return []
    return [
        (one[0], other[0])
        for one, other in ((asker, helper), (helper, asker))
        if not book.value(
            "select 1 from members m join pairs t on t.person = m.person where"
            " m.conversation = :id and m.role = 'translator'"
            f" and t.source = :source and t.target in ({_listed(other)})",
            id=conversation,
            source=one[0],
            **_values(other),
        )
    ]


def _listed(languages: list[str]) -> str:
    return ", ".join(f":language{n}" for n in range(len(languages)))


def _values(languages: list[str]) -> dict[str, str]:
    return {f"language{n}": language for n, language in enumerate(languages)}


def wanted(book: Book, conversation: str) -> bool:
    """Is it open, and does one side still not read the other?"""
    state = book.value("select state from conversations where id = :id", id=conversation)
    return state == "open" and bool(_gaps(book, conversation))


def find_translators(book: Book, conversation: str) -> list[Notice]:
    """Asks the next free translators. Where nobody is free both sides are told once, and it is
    tried again every hour."""
    gaps = _gaps(book, conversation)
    if not gaps:
        return []
    row = book.one(
        "select n.code, n.audience, n.person, n.id from conversations c join needs n"
        " on n.id = c.need where c.id = :id and c.state = 'open'",
        id=conversation,
    )
    if row is None:
        return []
    parties = _parties(book, conversation)
    found: list[str] = []
    for source, target in gaps:
        found += book.column(
            """
            select t.person from pairs t join people p on p.id = t.person
            where t.source = :source and t.target = :target and p.state = 'live'
              and p.trust >= :trust and t.person not in (:asker, :helper)
              and not exists (select 1 from invitations i
                              where i.conversation = :id and i.person = t.person)
              and not exists (select 1 from blocks b
                              where (b.person = t.person and b.blocked in (:asker, :helper))
                                 or (b.blocked = t.person and b.person in (:asker, :helper)))
              and (select count(*) from members m join conversations c on c.id = m.conversation
                   where m.person = t.person and m.role = 'translator' and c.state = 'open') < :busy
            order by (select count(*) from invitations i where i.person = t.person), t.person
            limit :limit
            """,
            source=source, target=target, trust=row.audience, id=conversation,
            asker=parties["asker"], helper=parties["helper"], busy=_BUSY, limit=ASKED_AT_ONCE,
        )  # fmt: skip
    found = list(dict.fromkeys(found))
    book.many(
        "insert into invitations(conversation, person, state, at)"
        " values (:conversation, :person, 'asked', :now)",
        [{"conversation": conversation, "person": person, "now": book.now} for person in found],
    )
    first_look = not book.value("select 1 from timers where about = :id", id=conversation)
    if first_look:
        book.do(
            "insert into timers(due, kind, about) values (:due, 'look_for_translators', :id)",
            due=book.now + _LOOK_AGAIN,
            id=conversation,
        )
        book.wakes.add("timers")
    source, target = gaps[0]
    ask = lines(
        Say(
            "Somebody who writes {source} and somebody who writes {target}"
            " need a translator for {code}. You will see their messages, not who they are.",
            source=Name("language", source),
            target=Name("language", target),
            code=Code(row.code),
        ),
    )
    choices = (
        Choice(f"join {conversation}", Say("I'll do it")),
        Choice(f"notnow {conversation}", Say("Not now")),
    )
    asked = [Notice(person, ask, choices, urgent=False) for person in found]
    if not first_look:
        return asked
    told = (
        Say("You two share no language. Translators are being asked; just write, it is kept.")
        if found
        else Say("You two share no language, and no translator is free now. I keep looking.")
    )
    return [*(Notice(person, told) for person in parties.values()), *asked]


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
    if not _gaps(book, conversation):
        raise No(Say("Somebody else was quicker. Thank you."))
    _answered(book, who, conversation, "joined")
    parties = _parties(book, conversation)
    taken = book.column("select pseudonym from members where conversation = :id", id=conversation)
    name = pseudonyms.new(taken, secrets.SystemRandom())
    book.do(
        "insert into members(conversation, person, role, pseudonym)"
        " values (:id, :who, 'translator', :name)",
        id=conversation,
        who=who.id,
        name=name,
    )
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


def not_now(book: Book, who: Person, conversation: str) -> list[Notice]:
    asked = book.value(
        "select 1 from invitations where conversation = :id and person = :who and state = 'asked'",
        id=conversation,
        who=who.id,
    )
    if not asked:
        raise No(Say("You have answered that already."))
    _answered(book, who, conversation, "declined")
    return [
        Notice(who.id, Say("Thank you. Others are asked.")),
        *find_translators(book, conversation),
    ]


def translates(book: Book, who: Person, conversation: str) -> bool:
    return bool(
        book.value(
            "select 1 from members m join conversations c on c.id = m.conversation"
            " where m.conversation = :id and m.person = :who and m.role = 'translator'"
            " and c.state = 'open'",
            id=conversation,
            who=who.id,
        )
    )


def resign(book: Book, who: Person, conversation: str) -> list[Notice]:
    """A translator can't go on: both sides are told, others are asked. Raises No."""
    if not translates(book, who, conversation):
        raise No(Say("This conversation is closed."))
    book.do(
        "delete from members where conversation = :id and person = :who",
        id=conversation,
        who=who.id,
    )
    left = Say("The translator had to leave. Others are being asked; just write, it is kept.")
    return [
        Notice(who.id, Say("Thank you. Others are asked.")),
        *(Notice(person, left) for person in _parties(book, conversation).values()),
        *find_translators(book, conversation),
    ]


def _answered(book: Book, who: Person, conversation: str, state: str) -> None:
    book.do(
        "update invitations set state = :state where conversation = :id and person = :who",
        state=state,
        id=conversation,
        who=who.id,
    )


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
    parties = _parties(book, conversation)
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
        f" and t.target in ({_listed(wanted)}) and t.source in (:source, :own)"
        " order by case when t.source = :source then 0 else 1 end, m.person limit 1",
        id=conversation,
        source=row.language,
        own=own[0],
        **_values(wanted),
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
        lines(head, Quote(row.text)),
        reply=Reply("translate", {"entry": entry, "target": pair.target}),
        entry=entry,
        # translated before: its author changed it, and the translator is asked once more
        key=f"p.{entry}.{pair.person}" + ("" if done is None else f".{uuid.uuid4().hex}"),
    )
    return [prompt]


def translate(
    book: Book, who: Person, *, entry: str, target: str, text: str, native: str
) -> list[Notice]:
    """The translation reaches its reader as a reply to the original; a later one replaces it."""
    row = book.one(
        "select e.conversation, e.author, e.text from entries e join conversations c"
        " on c.id = e.conversation join members m on m.conversation = e.conversation"
        " where e.id = :id and m.person = :who and m.role = 'translator' and c.state = 'open'",
        id=entry,
        who=who.id,
    )
    if row is None:
        raise No(Say("This conversation is closed."))
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
        id=entry, target=target, who=who.id, text=text, now=book.now,
    )  # fmt: skip
    if who.address is not None:
        # an edit of her reply names her own message: it must lead back to the entry
        book.do(
            "insert into copies(address, native, reply, at)"
            " values (:address, :native, :reply, :now)",
            address=who.address,
            native=native,
            reply=f'["translate", {{"entry": "{entry}", "target": "{target}"}}]',
            now=book.now,
        )
    reader = next(p for p in _parties(book, row.conversation).values() if p != row.author)
    first = f"t.{entry}.{target}"
    words: Sayable = lines(
        Joined(" ", (Say("🌐"), Say("translated by a person"))),
        Quote(text),
        Quote(f"({shortened(row.text, _ENOUGH)})"),
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
    row = book.one(
        "select e.conversation, e.author, e.text, m.pseudonym from entries e join conversations c"
        " on c.id = e.conversation join members m on m.conversation = e.conversation"
        " where e.id = :id and m.person = :who and m.role = 'translator' and c.state = 'open'",
        id=entry,
        who=who.id,
    )
    if row is None:
        raise No(Say("This conversation is closed."))
    question = Notice(
        row.author,
        lines(
            Say(
                "The translator {name} asks what you mean here. Say it in other words:",
                name=Name("pseudonym", row.pseudonym),
            ),
            Quote(shortened(row.text, _ENOUGH)),
        ),
        answers=entry,
        reply=Reply("relay", {"conversation": row.conversation, "entry": entry}),
        key=f"p.{entry}.{uuid.uuid4().hex}",
    )
    return [question, Notice(who.id, Say("Asked. The answer comes to you like any message."))]


def add_pair(book: Book, who: Person, *, source: str, target: str, both: bool) -> list[Notice]:
    """She translates from one language into another, and back if she says so."""
    wanted = [(source, target), *([(target, source)] if both else [])]
    book.many(
        "insert into pairs(source, target, person) values (:source, :target, :who)"
        " on conflict do nothing",
        [{"source": one, "target": other, "who": who.id} for one, other in wanted],
    )
    for language in (source, target):
        people.speaks(book, who.id, language)
    pairs = tuple(
        Say("{source} → {target}", source=Name("language", one), target=Name("language", other))
        for one, other in wanted
    )
    saved = Say("Saved: {pairs}. I will write when somebody needs you.", pairs=Joined(", ", pairs))
    waiting = book.column(
        "select about from timers where kind = 'look_for_translators' order by due limit 20"
    )
    asked = [notice for id in waiting for notice in find_translators(book, id)]
    return [
        Notice(who.id, saved, (Choice("translate", Say("Add another pair")),)),
        *asked,
    ]
