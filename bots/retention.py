"""What is kept for a time only, and then goes by itself; `RetentionSettings` says how long.

A text that nobody could be given; a conversation, and what a need said, once it is closed; people
who do not come back; the fingerprints of what was heard, and of whom nobody wants here.
"""

from __future__ import annotations

from itertools import groupby

from bots.config import RetentionSettings
from core import audit, forgetting, outbox, people, rationing, safe, timers, unsends
from core.actions import agreeing, belonging, pictures
from core.message import Code, Name, Notice, Reply, SayMany
from core.people import DAY
from core.store import Book

HOUR = 3600
_AT_ONCE = 200
"""People warned, and forgotten, in one hour: a transaction is not to become long."""


def clear_away(book: Book, kept: RetentionSettings) -> list[Notice]:
    """Every hour. -> what those concerned are told."""
    timers.remind(book, book.now + HOUR, "clear_away", "")
    _old(book, kept)
    _closed(book, kept)
    safe.doubt(book, HOUR)
    audit.trim(book, book.now // DAY - kept.audit_days)
    rationing.clear(book)
    return [
        *agreeing.expire(book),
        *_undelivered(book, kept),
        *_warned(book, kept),
        *_forgotten(book, kept),
    ]


def _undelivered(book: Book, kept: RetentionSettings) -> list[Notice]:
    """What waited too long is emptied. The author of a message learns that it did not arrive."""
    rows = book.all(
        "select id, key, person from outbox where state = 'waiting' and at <= :before order by id",
        before=book.now - kept.undelivered_hours * HOUR,
    )
    lost: list[tuple[str, str, str]] = []
    for id, key, person in rows:
        outbox.dropped(book, id)
        book.wakes.add(f"person:{person}")  # it may lie with the courier
        kind, _, rest = key.partition(".")
        if f"{kind}." == outbox.FAREWELL:
            belonging.unless_busy(book, person)
        elif kind == "e":
            lost += _lost(book, rest.partition(".")[0], person)
    notices = []
    for (author, conversation), entries in groupby(sorted(set(lost)), key=lambda e: e[:2]):
        notices.append(_not_arrived(book, author, conversation, [e[2] for e in entries], kept))
    return notices


def _lost(book: Book, entry: str, reader: str) -> list[tuple[str, str, str]]:
    """-> author, conversation, entry; the reader is the one it was for, not its translator."""
    row = book.one(
        "select e.author, e.conversation from entries e join members m"
        " on m.conversation = e.conversation and m.person = :reader and m.role <> 'translator'"
        " where e.id = :entry and"
        " (e.text <> '' or exists (select 1 from files f where f.entry = e.id))",
        entry=entry,
        reader=reader,
    )
    return [(row.author, row.conversation, entry)] if row else []


def _not_arrived(
    book: Book, author: str, conversation: str, entries: list[str], kept: RetentionSettings
) -> Notice:
    for id in entries:
        pictures.take_back(book, id)
    book.many("update entries set text = '' where id = :id", [{"id": id} for id in entries])
    book.many("update translations set text = '' where entry = :id", [{"id": id} for id in entries])
    place = book.one(
        "select n.code, m.person, m.pseudonym from conversations c join needs n on n.id = c.need"
        " join members m on m.conversation = c.id"
        " where c.id = :id and m.person <> :author and m.role <> 'translator'",
        id=conversation,
        author=author,
    )
    assert place is not None
    said = SayMany(
        "{n} message from you to {name} about {code} could not be delivered for {hours} hours."
        " It is deleted now. Write again if it still matters.",
        "{n} messages from you to {name} about {code} could not be delivered for {hours} hours."
        " They are deleted now. Write again if they still matter.",
        len(entries),
        name=Name("pseudonym", people.pseudonym(book, conversation, place.person, place.pseudonym)),
        code=Code(place.code),
        hours=kept.undelivered_hours,
    )
    return Notice(
        author,
        said,
        reply=Reply("relay", {"conversation": conversation}),
        answers=entries[0] if len(entries) == 1 else None,
    )


_CONVERSATIONS = "select id from conversations where closed <= :before"
_NEEDS = "select id from needs where closed <= :before"


def _closed(book: Book, kept: RetentionSettings) -> None:
    """A closed conversation goes whole, a closed need but for its code and its times, which say
    how people answered and are kept like idle people."""
    for table in ("conversations", "needs"):
        book.do(
            f"update {table} set closed = :now where state = 'closed' and closed is null",
            now=book.now,
        )
    before = book.now - kept.closed_days * DAY
    for id in book.column(_CONVERSATIONS, before=before):
        forgetting.erase_conversation(book, id)
    for statement in (
        f"delete from need_skills where need in ({_NEEDS})",
        f"update offers set text = '', pseudonym = '' where need in ({_NEEDS}) and text <> ''",
        "update needs set text = '', country = '' where closed <= :before and text <> ''",
    ):
        book.do(statement, before=before)
    gone = f"{_NEEDS} and not exists (select 1 from conversations c where c.need = needs.id)"
    for statement in (
        f"delete from offers where need in ({gone})",
        f"delete from alerts where need in ({gone})",
        f"delete from needs where id in ({gone})",
    ):
        book.do(statement, before=book.now - kept.idle_days * DAY)


def _warned(book: Book, kept: RetentionSettings) -> list[Notice]:
    today, left = book.now // DAY, kept.idle_days - kept.warning_days
    idle = book.column(
        "select id from people where seen <= :day and warned is null and state <> 'suspended'"
        " limit :limit",
        day=today - kept.warning_days,
        limit=_AT_ONCE,
    )
    book.many(
        "update people set warned = :today where id = :id",
        [{"today": today, "id": id} for id in idle],
    )
    warning = SayMany(
        "You have not written here for a long time. In {n} day I forget everything about you."
        " To stay, write anything.",
        "You have not written here for a long time. In {n} days I forget everything about you."
        " To stay, write anything.",
        left,
    )
    return [Notice(id, warning) for id in idle]


def _forgotten(book: Book, kept: RetentionSettings) -> list[Notice]:
    """Nobody is forgotten unwarned, however long the gateway was off or its clock wrong."""
    today = book.now // DAY
    idle = book.column(
        "select id from people where seen <= :day and (state = 'suspended' or warned <= :warned)"
        " limit :limit",
        day=today - kept.idle_days,
        warned=today - (kept.idle_days - kept.warning_days),
        limit=_AT_ONCE,
    )
    found = [who for id in idle if (who := people.known(book, id))]
    return [notice for who in found for notice in belonging.let_go(book, who)]


def _old(book: Book, kept: RetentionSettings) -> None:
    """Copies go, and with them what is still told of old entries: no reply finds them any more."""
    if kept.telegram_hours:
        unsends.passing(book, book.now - kept.telegram_hours * HOUR)
    unsends.drop(book, book.now - kept.undelivered_hours * HOUR)
    pictures.shred(book, book.now - kept.undelivered_hours * HOUR)
    for statement, seconds in (
        ("delete from files where at <= :before", kept.copies_days * DAY),
        ("delete from heard where at <= :before", kept.heard_days * DAY),
        ("delete from copies where at <= :before", kept.copies_days * DAY),
        ("update entries set text = '' where at <= :before and text <> ''", kept.copies_days * DAY),
        (
            "update translations set text = '' where at <= :before and text <> ''",
            kept.copies_days * DAY,
        ),
        # what is half translated by then waits for nobody
        (
            "delete from tasks where entry in (select id from entries where at <= :before)",
            kept.copies_days * DAY,
        ),
        ("delete from codes where until <= :before", 0),
        ("delete from bans where at <= :before", kept.ban_days * DAY),
        ("delete from outbox where state <> 'waiting' and at <= :before", DAY),
    ):
        book.do(statement, before=book.now - seconds)
    # a question that nobody answers: what they wrote up to it is theirs alone, and nobody has it
    book.do(
        "delete from forms where person in (select id from people where seen <= :day)",
        day=book.now // DAY - kept.closed_days,
    )
