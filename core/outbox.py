"""What waits to be told, and the copies that were told: where a native reply finds its way back.

A notice is a row in the transaction that caused it, in no language yet. It is emptied when it is
delivered; the copy keeps what a reply to it means, never what it said.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from core import people
from core.message import Address, Choice, Notice, Reply, Sayable, pack, unpack
from core.store import Book

FAREWELL = "farewell."
"""The key of the last message to somebody who was forgotten; once sent, its address goes too."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice, and where its reader is now."""

    id: int
    key: str
    person: str
    language: str
    address: int
    to: Address
    urgent: bool
    notice: Notice
    answers: str | None
    replaces: str | None
    """Native ids on that address of the message it answers or corrects, if it stands there."""
    quote: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What the platform took. natives: one for each part of the text; the last has the choices."""

    waiting: Waiting
    natives: tuple[str, ...]
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """A message on one address, found again by its native id."""

    key: str | None
    entry: str | None
    reply: Reply | None
    choices: tuple[str, ...]
    at: int


def put(book: Book, notices: Iterable[Notice]) -> None:
    rows = [
        {
            "key": n.key or uuid.uuid4().hex,
            "person": n.to,
            "notice": _dump(n),
            "urgent": int(n.urgent),
            "at": book.now,
        }
        for n in notices
    ]
    if rows:
        book.many(
            "insert into outbox(key, person, notice, urgent, at)"
            " values (:key, :person, :notice, :urgent, :at) on conflict (key) do nothing",
            rows,
        )
        book.wakes.add("outbox")


_WAITING = """
select o.id, o.key, o.person, p.language, a.id as address, a.platform, a.handle, o.urgent, o.notice
from outbox o join people p on p.id = o.person join addresses a on a.id = p.address
where o.state = 'waiting' and a.alive = 1
"""


def waiting(book: Book, after: int, limit: int = 500) -> tuple[list[Waiting], int]:
    """-> deliverable rows after a row id, oldest first, and the last id that was looked at."""
    rows = book.all(
        f"{_WAITING} and o.id > :after order by o.id limit :limit", after=after, limit=limit
    )
    if len(rows) < limit:
        last = book.value("select max(id) from outbox where id > :after", after=after)
    else:
        last = rows[-1].id
    return [_waiting(book, *row) for row in rows], max(after, last or 0)


def waiting_for(book: Book, person: str) -> list[Waiting]:
    """Everything that waits for one person, who can be reached again."""
    rows = book.all(f"{_WAITING} and o.person = :person order by o.id", person=person)
    return [_waiting(book, *row) for row in rows]


def _waiting(
    book: Book,
    id: int,
    key: str,
    person: str,
    language: str,
    address: int,
    platform: str,
    handle: str,
    urgent: int,
    raw: str,
) -> Waiting:
    notice = _load(person, key, raw)
    return Waiting(
        id, key, person, language, address, Address(platform, handle), bool(urgent), notice,
        answers=None, replaces=None, quote=None,
    )  # fmt: skip


def anchored(book: Book, row: Waiting) -> Waiting:
    """Finds the message that a notice answers or corrects, on its reader's address, when its turn
    comes: what stands before it in the same lane has been delivered by then."""
    notice = row.notice
    answers = replaces = quote = None
    if notice.answers:
        answers = _native(book, row.address, "entry", notice.answers)
        quote = book.value("select text from entries where id = :id", id=notice.answers)
    if notice.replaces:
        replaces = _native(book, row.address, "key", notice.replaces)
    return replace(row, answers=answers, replaces=replaces, quote=quote)


def _native(book: Book, address: int, column: str, value: str) -> str | None:
    found: str | None = book.value(
        f"select native from copies where address = :address and {column} = :value"
        " order by id limit 1",
        address=address,
        value=value,
    )
    return found


def picture(book: Book, row: Waiting) -> bytes | None:
    """-> the picture that goes with a notice; None if it was taken back, or is too old."""
    notice = row.notice
    body = book.value(
        "select body from files where entry = :entry and number = :number",
        entry=notice.entry,
        number=notice.picture,
    )
    return bytes(body) if body else None


def delivered(book: Book, sent: Sequence[Sent]) -> None:
    for s in sent:
        if s.waiting.notice.picture is not None:
            book.do(
                "update files set body = :nothing where entry = :entry and number = :number",
                nothing=b"",
                entry=s.waiting.notice.entry,
                number=s.waiting.notice.picture,
            )
    book.many(
        "update outbox set state = 'sent', notice = '' where id = :id",
        [{"id": s.waiting.id} for s in sent],
    )
    book.many(
        "insert into copies(address, native, key, entry, reply, choices, at)"
        " values (:address, :native, :key, :entry, :reply, :choices, :at)",
        [
            {
                "address": s.waiting.address,
                "native": native,
                "key": s.waiting.key if native == s.natives[0] else None,
                "entry": s.waiting.notice.entry if native == s.natives[0] else None,
                "reply": _dump_reply(s.waiting.notice.reply),
                "choices": json.dumps(s.choices) if s.choices and native == s.natives[-1] else None,
                "at": book.now,
            }
            for s in sent
            for native in s.natives
        ],
    )


def farewell(book: Book, to: Address, language: str, state: str, say: Sayable) -> Notice:
    """Says goodbye at an address that is not known any more, to nobody in particular; who was
    suspended stays so until they are told."""
    nobody = people.meet(book, to, language)
    book.do("update people set state = :state where id = :id", state=state, id=nobody.id)
    return Notice(nobody.id, say, key=f"{FAREWELL}{nobody.id}")


def dropped(book: Book, id: int) -> None:
    """The platform will never take it."""
    book.do("update outbox set state = 'dropped', notice = '' where id = :id", id=id)


def tried(book: Book, id: int) -> None:
    book.do("update outbox set tries = tries + 1 where id = :id", id=id)


def dead(book: Book, address: int) -> None:
    """Nobody is reached here any more: their next address alive, if any, takes over."""
    book.do("update addresses set alive = 0 where id = :address", address=address)
    book.do(
        "update people set address = (select max(a.id) from addresses a"
        " where a.person = people.id and a.alive = 1) where address = :address",
        address=address,
    )
    for person in book.column("select person from addresses where id = :id", id=address):
        book.wakes.add(f"person:{person}")


def own(book: Book, address: int, native: str, entry: str) -> None:
    """The author's own message is a copy of the entry too: replies to it can be shown natively."""
    book.do(
        "insert into copies(address, native, entry, at) values (:address, :native, :entry, :now)",
        address=address,
        native=native,
        entry=entry,
        now=book.now,
    )


_COPY = "select key, entry, reply, choices, at from copies where address = :address"


def copy_of(book: Book, address: int, native: str) -> Copy | None:
    row = book.one(
        f"{_COPY} and native = :native order by id desc limit 1", address=address, native=native
    )
    return _copy(*row) if row else None


def latest(book: Book, address: int) -> list[Copy]:
    """The newest messages on an address, newest first: what a bare number may mean."""
    rows = book.all(f"{_COPY} order by id desc limit 12", address=address)
    return [_copy(*row) for row in rows]


def _copy(
    key: str | None, entry: str | None, reply: str | None, choices: str | None, at: int
) -> Copy:
    return Copy(key, entry, _load_reply(reply), tuple(json.loads(choices)) if choices else (), at)


def _dump_reply(reply: Reply | None) -> str | None:
    return json.dumps([reply.action, dict(reply.args)]) if reply else None


def _load_reply(raw: str | None) -> Reply | None:
    return Reply(*json.loads(raw)) if raw else None


def _dump(n: Notice) -> str:
    what: dict[str, object] = {"say": pack(n.say)}
    if n.choices:
        what["choices"] = [[c.value, pack(c.label)] for c in n.choices]
    if n.reply:
        what["reply"] = [n.reply.action, dict(n.reply.args)]
    for name in ("replaces", "answers", "entry", "thread"):
        if value := getattr(n, name):
            what[name] = value
    if n.picture is not None:
        what["picture"] = n.picture
    return json.dumps(what, ensure_ascii=False, separators=(",", ":"))


def _load(person: str, key: str, raw: str) -> Notice:
    what = json.loads(raw)
    return Notice(
        to=person,
        say=cast(Sayable, unpack(what["say"])),
        choices=tuple(Choice(value, unpack(label)) for value, label in what.get("choices", ())),
        reply=Reply(*what["reply"]) if "reply" in what else None,
        replaces=what.get("replaces"),
        answers=what.get("answers"),
        entry=what.get("entry"),
        picture=what.get("picture"),
        thread=what.get("thread"),
        key=key,
    )
