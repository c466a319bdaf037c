"""Routes: on which of somebody's addresses a notice reaches them, and which notices go only over
end-to-end encrypted ones.

Whether an address is encrypted is what came last from there. Its keys may change: then nothing
sensitive goes there until whoever has it confirms that it is still them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator

from core.message import Choice, Code, Joined, Notice, Say, SayMany
from core.store import Book
from core.timers import remind
from core.words import code

JITTER = (1, 30)
"""Seconds that something sensitive waits before it goes to the others, drawn anew each time: who
sees both chats' traffic can't tell by the time that they belong together."""

NAMES = {"telegram": "Telegram", "xmpp": "XMPP", "matrix": "Matrix"}
"""The platforms, as people call them in every language."""

_SAFE = "e.alive = 1 and e.encrypted = 1 and e.changed = 0"


def chosen(away: Iterable[str] = ()) -> tuple[str, dict[str, object]]:
    """-> the number of the address for a row `o` of the outbox to a person `p`, in SQL, with its
    values. Where they wrote last, unless that can't carry it or its platform is away; then where
    they wrote last before that. away: platforms that have been down for some time."""
    gone = {f"away{n}": name for n, name in enumerate(away)}
    later = f"case when e.platform in ({', '.join(f':{n}' for n in gone)}) then 1 else 0 end,"
    return (
        # SQLite finds no column of the outer query in `order by`: hence `q`
        "case when o.address is not null then o.address else (select e.id from addresses e"
        " join people q on q.id = e.person"
        " where e.person = p.id and q.address is not null and e.alive = 1"
        f" and (o.sensitive = 0 or ({_SAFE})) order by {later if gone else ''}"
        " case when e.id = q.address then 0 else 1 end, e.turn desc, e.id desc limit 1) end"
    ), dict(gone)


def encrypted(book: Book, who: str) -> int | None:
    """-> the address where somebody gets what is sensitive; None: nowhere now."""
    found: int | None = book.value(
        "select e.id from addresses e join people p on p.id = e.person where p.id = :who"
        f" and {_SAFE} order by case when e.id = p.address then 0 else 1 end, e.turn desc,"
        " e.id desc limit 1",
        who=who,
    )
    return found


def has_any(book: Book, who: str) -> bool:
    """Whether they have an encrypted address, or one whose keys are still to be confirmed."""
    found = book.value(
        "select 1 from addresses where person = :who and alive = 1 and encrypted = 1", who=who
    )
    return found is not None


def has_encrypted(person: str) -> str:
    """The same as a condition in SQL, on a column with a person's id."""
    return f"exists (select 1 from addresses e where e.person = {person} and {_SAFE})"


def safe(book: Book, address: int | None) -> bool:
    """Whether this address carries what is sensitive."""
    found = book.value(f"select 1 from addresses e where e.id = :id and {_SAFE}", id=address)
    return found is not None


def is_encrypted(book: Book, address: int | None) -> bool:
    """Whether what came last from there was."""
    return bool(book.value("select encrypted from addresses where id = :id", id=address))


def has_new_keys(book: Book, address: int | None) -> bool:
    """Whether nobody has confirmed yet that the keys behind this address are its owner's."""
    return bool(book.value("select changed from addresses where id = :id", id=address))


def heard(book: Book, who: str, address: int, encrypted: bool) -> None:
    """Something came from there. What waits for an encrypted route goes now, if it is one."""
    changed = book.do(
        "update addresses set encrypted = :it where id = :id and encrypted <> :it",
        it=int(encrypted),
        id=address,
    )
    if changed:
        book.wakes.add(f"person:{who}")


def exposed(book: Book, address: int) -> str | None:
    """Nothing can be sent encrypted there: it is a plain address until something encrypted comes
    from there again; with keys to be confirmed it waits for that. -> whose it is, if it was not
    known before."""
    changed = book.do(
        "update addresses set encrypted = 0 where id = :id and encrypted = 1 and changed = 0",
        id=address,
    )
    person: str | None = book.value("select person from addresses where id = :id", id=address)
    book.wakes.add(f"person:{person}")
    return person if changed else None


# ------------------------------------------------------------------ what is sensitive

_ID = re.compile(r"[0-9a-f]{32}")


def _codes(said: object) -> Iterator[str]:
    """The codes that a sentence shows: of needs, among others."""
    if isinstance(said, Code):
        yield said.text
    elif isinstance(said, Joined):
        for part in said.parts:
            yield from _codes(part)
    elif isinstance(said, Say | SayMany):
        for part in said.args.values():
            yield from _codes(part)


def is_sensitive(book: Book, notice: Notice) -> bool:
    """Whether it shows, names or leads to a need that is sensitive, or to its conversations."""
    if notice.sensitive:
        return True
    codes = {*_codes(notice.say), *(c for choice in notice.choices for c in _codes(choice.label))}
    ways = [choice.value for choice in notice.choices]
    ways += notice.reply.args.values() if notice.reply else ()
    ways += [notice.key or "", notice.replaces or "", notice.entry or "", notice.answers or ""]
    ways += [notice.conversation or "", notice.under or ""]
    codes.update(word for way in ways for word in way.split() if len(word) <= 5)
    ids = {id for way in ways for id in _ID.findall(way)}
    return bool(codes or ids) and _any(book, codes, ids)


def involved(book: Book, who: str) -> bool:
    """Whether anything sensitive is theirs, or they are in it."""
    return bool(
        book.value(
            "select 1 from needs where person = :who and sensitive = 1"
            " union all select 1 from offers o join needs n on n.id = o.need"
            " where o.person = :who and n.sensitive = 1"
            " union all select 1 from members m join conversations c on c.id = m.conversation"
            " join needs n on n.id = c.need where m.person = :who and n.sensitive = 1 limit 1",
            who=who,
        )
    )


def involves(book: Book, who: str) -> None:
    """From now on they are: a code for linking that was handed out in plain is worth no more."""
    book.do("delete from codes where person = :who and kind = 'link'", who=who)


def leads_to(book: Book, *named: object) -> bool:
    """Whether one of these names what is sensitive: a code as it was typed, or an id."""
    words = [word for each in named if isinstance(each, str) for word in each.split()[:1]]
    codes = {found for word in words if (found := code(word))}
    ids = {word for word in words if _ID.fullmatch(word)}
    return bool(codes or ids) and _any(book, codes, ids)


def _any(book: Book, codes: set[str], ids: set[str]) -> bool:
    names = {f"code{n}": code for n, code in enumerate(sorted(codes))}
    names |= {f"id{n}": id for n, id in enumerate(sorted(ids))}
    listed = ", ".join(f":{name}" for name in names)
    return bool(
        book.value(
            f"select 1 from needs where sensitive = 1 and (code in ({listed}) or id in ({listed}))"
            f" union all select 1 from conversations c join needs n on n.id = c.need"
            f" where n.sensitive = 1 and c.id in ({listed})"
            f" union all select 1 from offers f join needs n on n.id = f.need"
            f" where n.sensitive = 1 and f.id in ({listed})"
            f" union all select 1 from entries t join conversations c on c.id = t.conversation"
            f" join needs n on n.id = c.need where n.sensitive = 1 and t.id in ({listed})"
            f" union all select 1 from reports where sensitive = 1 and id in ({listed}) limit 1",
            **names,
        )
    )


def conversation_is(book: Book, conversation: str) -> bool:
    """Whether a conversation is about a sensitive need."""
    return bool(
        book.value(
            "select n.sensitive from conversations c join needs n on n.id = c.need"
            " where c.id = :id",
            id=conversation,
        )
    )


# ------------------------------------------------------------------ when, and what is said instead

# Translators: a button: how to move to an encrypted messenger
HOW = (Choice("link", Say("How to get there")),)
ASK = (Choice("confirm", Say("What to do")),)
_WAITS = Say("🔒 Something waits for you that I send only over an encrypted chat.")
_THERE = Say("🔒 I answer that only in your encrypted chat. It is there now.")


def not_before(book: Book, reader: str) -> int:
    """When something sensitive that others caused may go to its reader: after a while by chance,
    and after what waits so already."""
    ahead: int = book.value(
        "select max(not_before) from outbox where person = :who and state = 'waiting'", who=reader
    )
    due = max(book.now + secrets.SystemRandom().randint(*JITTER), ahead or 0)
    remind(book, due, "release", reader)
    return due


def instead(book: Book, reader: str, acted: bool) -> Notice | None:
    """What somebody is told in plain, without content, of something sensitive: once while it waits,
    and whenever it answers what they did themselves. acted: it does."""
    route = encrypted(book, reader)
    if route is None:
        waits = book.value(
            "select 1 from outbox where person = :who and state = 'waiting' and sensitive = 1",
            who=reader,
        )
        return None if waits and not acted else waiting(book, reader)
    here = book.value("select address from people where id = :who", who=reader)
    return Notice(reader, _THERE) if acted and route != here else None


def waiting(book: Book, reader: str) -> Notice:
    unsure = book.value(
        "select 1 from addresses where person = :who and alive = 1 and encrypted = 1"
        " and changed = 1",
        who=reader,
    )
    return Notice(reader, _WAITS, ASK if unsure else HOW)
