"""What waits to be told. A notice is a row in the transaction that caused it, in no language yet;
it is emptied when it is delivered, and a copy is kept of where it stands.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core import copies, people, routes, unsends
from core.message import Address, Notice, Sayable
from core.packing import dump, load
from core.people import Person
from core.privacy import Damaged
from core.store import Book

FAREWELL = "farewell."
"""The key of the last message to somebody who was forgotten; once sent, its address goes too."""
_NOTICE, _WORDS = "outbox.notice", "outbox.words"
PICTURE = "files.body"


@dataclass(frozen=True, slots=True, repr=False)
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
    """Native ids on that address of the message it answers or corrects, if it stands there.
    thread: of the message in whose thread it belongs."""
    quote: str | None
    private: bool
    """What came last from there was end-to-end encrypted."""
    thread: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """What the platform took. natives: one for each part of the text; the last has the choices."""

    waiting: Waiting
    natives: tuple[str, ...]
    choices: tuple[str, ...]
    fleeting: bool = False
    """It shows somebody's words where others read them."""


def put(book: Book, notices: Iterable[Notice], actor: str = "") -> None:
    """actor: who did what these come of. What is sensitive reaches the others after a while by
    chance, and whoever has no encrypted route is told only that something waits."""
    rows: list[dict[str, object]] = []
    for notice in notices:
        # not who was forgotten in the meantime
        if notice.to in book.forgotten or not book.vault.knows(notice.to):
            continue
        due = 0
        if is_sensitive := routes.is_sensitive(book, notice):
            acted = notice.to == actor
            if instead := routes.instead(book, notice.to, acted):
                _write(book, [_row(book, instead, False, 0)])
            due = 0 if acted else routes.not_before(book, notice.to)
        rows.append(_row(book, notice, is_sensitive, due))
        if due:  # the next one is to stand behind it
            _write(book, rows)
            rows = []
    _write(book, rows)


def _row(book: Book, notice: Notice, is_sensitive: bool, due: int) -> dict[str, object]:
    key = notice.key or uuid.uuid4().hex
    return {
        "key": key,
        "person": notice.to,
        "notice": _sealed(book, notice, key),
        "urgent": int(notice.urgent),
        "at": book.now,
        "sensitive": int(is_sensitive),
        "due": due,
        "address": notice.at,
    }


def _write(book: Book, rows: list[dict[str, object]]) -> None:
    if rows:
        book.many(
            "insert into outbox(key, person, notice, urgent, at, sensitive, not_before, address)"
            " values (:key, :person, :notice, :urgent, :at, :sensitive, :due, :address)"
            " on conflict (key) do nothing",
            rows,
        )
        book.wakes.add("outbox")


# A notice that shows somebody's words has the key "<letter>.<id of the entry, offer, need or report
# that they are in>". It is sealed under their key first and then under its reader's: it can be read
# as long as neither is forgotten.
_WHOSE = {
    **dict.fromkeys("eptd", "select conversation from entries where id = :id"),
    **dict.fromkeys("ar", "select person from needs where id = :id"),
    "o": "select person from offers where id = :id",
    "q": "select case when o.person = :reader then n.person else o.person end"
    " from offers o join needs n on n.id = o.need where o.id = :id",
    "c": "select id from conversations where id = :id",
    "x": "select person from reports where id = :id",
}
_KEY = re.compile(r"([a-z])\.([0-9a-f]{32})(?:\.|$)")


def _sealed(book: Book, notice: Notice, key: str) -> str:
    said, found = dump(notice), _KEY.match(key)
    if found and found[1] in _WHOSE:
        owner = book.value(_WHOSE[found[1]], id=found[2], reader=notice.to)
        if owner and owner != notice.to:
            said = json.dumps({"of": owner, "box": book.seal(owner, _WORDS, key, said)})
            return book.vault.seal(notice.to, _NOTICE, key, said, pads=False)
    return book.seal(notice.to, _NOTICE, key, said)


def _opened(book: Book, person: str, key: str, sealed: str) -> Notice | None:
    said = book.unseal(person, _NOTICE, key, sealed)
    if said.startswith('{"of"'):
        outer = json.loads(said)
        said = book.unseal(outer["of"], _WORDS, key, outer["box"])
    return load(person, key, said) if said else None


def _waiting_at(away: Collection[str]) -> tuple[str, dict[str, object]]:
    address, values = routes.chosen(away)
    return (
        "select o.id, o.key, o.person, p.language, a.id as address, a.platform, a.handle_index,"
        " a.handle, a.encrypted, o.urgent, o.sensitive, o.notice"
        f" from outbox o join people p on p.id = o.person join addresses a on a.id = {address}"
        " where o.state = 'waiting' and a.alive = 1 and o.not_before <= :now"
    ), values


def waiting(
    book: Book, after: int, limit: int = 500, away: Collection[str] = ()
) -> tuple[list[Waiting], int, bool]:
    """-> deliverable rows after a row id, oldest first, the last id that was looked at, and whether
    there may be more. away: platforms that have been down for some time."""
    found, values = _waiting_at(away)
    rows = book.all(
        f"{found} and o.id > :after order by o.id limit :limit",
        after=after, limit=limit, now=book.now, **values,
    )  # fmt: skip
    more = len(rows) == limit
    if more:
        last = rows[-1].id
    else:
        last = book.value("select max(id) from outbox where id > :after", after=after)
    return _readable(book, rows), max(after, last or 0), more


def waiting_for(book: Book, person: str, away: Collection[str] = ()) -> list[Waiting]:
    """Everything that can be delivered to one person now."""
    found, values = _waiting_at(away)
    rows = book.all(
        f"{found} and o.person = :person order by o.id", person=person, now=book.now, **values
    )
    return _readable(book, rows)


def still_waiting(book: Book) -> set[int]:
    """-> the ids of everything that waits, deliverable or not."""
    return set(book.column("select id from outbox where state = 'waiting'"))


def _readable(book: Book, rows: Sequence[Any]) -> list[Waiting]:
    """Without those of, and to, people who were forgotten, and those that somebody altered on disk:
    one such row must not hold up everybody's."""
    found: list[Waiting] = []
    for row in rows:
        try:
            opened = _waiting(book, *row)
        except (Damaged, ValueError, KeyError):
            dropped(book, row.id)
            continue
        if opened is not None:
            found.append(opened)
    return found


def _waiting(
    book: Book,
    id: int,
    key: str,
    person: str,
    language: str,
    address: int,
    platform: str,
    mark: str,
    handle: str,
    private: int,
    urgent: int,
    is_sensitive: int,
    sealed: str,
) -> Waiting | None:
    notice = _opened(book, person, key, sealed)
    if notice is None:
        return None
    notice = replace(notice, sensitive=bool(is_sensitive))
    to = Address(platform, people.handle(book, person, mark, handle))
    return Waiting(
        id, key, person, language, address, to, bool(urgent), notice,
        answers=None, replaces=None, quote=None, private=bool(private), thread=notice.thread,
    )  # fmt: skip


def anchored(book: Book, row: Waiting) -> Waiting:
    """Finds the message that a notice answers or corrects, on its reader's address, when its turn
    comes: what stands before it in the same lane has been delivered by then."""
    notice = row.notice
    answers = replaces = quote = None
    thread = notice.thread
    if notice.under and not thread:
        thread = copies.native(book, row.person, row.address, "entry", notice.under)
    if notice.answers:
        answers = copies.native(book, row.person, row.address, "entry", notice.answers)
        quote = text_of(book, notice.answers)
    if notice.replaces:
        replaces = copies.native(book, row.person, row.address, "key", notice.replaces)
    return replace(row, answers=answers, replaces=replaces, quote=quote, thread=thread)


def text_of(book: Book, entry: str) -> str | None:
    """What an entry says, for the quote above an answer."""
    row = book.one("select conversation, text from entries where id = :id", id=entry)
    return book.unseal(row.conversation, "entries.text", entry, row.text) if row else None


def picture(book: Book, row: Waiting) -> bytes | None:
    """-> the picture that goes with a notice; None if it was taken back, or is too old."""
    notice = row.notice
    found = book.one(
        "select e.conversation, f.body from files f join entries e on e.id = f.entry"
        " where f.entry = :entry and f.number = :number",
        entry=notice.entry,
        number=notice.picture,
    )
    if found is None:
        return None
    name = f"{notice.entry}.{notice.picture}"
    body = book.unseal(found.conversation, PICTURE, name, found.body)
    return base64.b64decode(body) if body else None


def delivered(book: Book, sent: Sequence[Sent]) -> None:
    for s in sent:
        if s.waiting.notice.picture is not None:
            book.do(
                "update files set body = '' where entry = :entry and number = :number",
                entry=s.waiting.notice.entry,
                number=s.waiting.notice.picture,
            )
    book.many(
        "update outbox set state = 'sent', notice = '' where id = :id",
        [{"id": s.waiting.id} for s in sent],
    )
    book.many(
        "insert into copies"
        "(address, native_index, native, key, entry, reply, choices, fleeting, at) values"
        " (:address, :mark, :native, :key, :entry, :reply, :choices, :fleeting, :at)",
        [
            {
                "address": s.waiting.address,
                **copies.named(book, s.waiting.person, s.waiting.address, native),
                "key": s.waiting.key if native == s.natives[0] else None,
                "entry": s.waiting.notice.entry if native == s.natives[0] else None,
                "reply": copies.dump_reply(s.waiting.notice.reply),
                "choices": json.dumps(s.choices) if s.choices and native == s.natives[-1] else None,
                "fleeting": int(s.fleeting),
                "at": book.now,
            }
            for s in sent
            if book.vault.knows(s.waiting.person)
            for native in s.natives
        ],
    )
    for s in sent:  # it was on its way when they were forgotten
        if not s.waiting.key.startswith(FAREWELL) and not book.vault.knows(s.waiting.person):
            unsends.put(book, s.waiting.to, tuple((native, book.now) for native in s.natives))


def farewell(book: Book, to: Address, gone: Person, say: Sayable, encrypted: bool) -> Notice:
    """Says goodbye at an address that is not known any more, to nobody in particular, encrypted as
    before; who was suspended stays so until they are told."""
    nobody = people.meet(book, to, gone.language, encrypted=encrypted)
    book.do("update people set state = :state where id = :id", state=gone.state, id=nobody.id)
    return Notice(nobody.id, say, key=f"{FAREWELL}{nobody.id}")


def everywhere(book: Book, person: str) -> list[Address]:
    """-> all addresses of somebody."""
    rows = book.all(
        "select platform, handle_index, handle from addresses where person = :who", who=person
    )
    return [Address(platform, people.handle(book, person, *row)) for platform, *row in rows]


def dropped(book: Book, id: int) -> None:
    """The platform will never take it."""
    book.do("update outbox set state = 'dropped', notice = '' where id = :id", id=id)


def exposed(book: Book, address: int) -> None:
    """Nothing sensitive can be sent here any more: it waits for another route."""
    person = routes.exposed(book, address)
    if person is not None and routes.encrypted(book, person) is None:
        put(book, [routes.waiting(book, person)])


def dead(book: Book, address: int) -> None:
    """Nobody is reached here any more: their next address alive, if any, takes over."""
    book.do("update addresses set alive = 0 where id = :address", address=address)
    book.do(
        "update people set address = (select a.id from addresses a where a.person = people.id"
        " and a.alive = 1 order by a.turn desc, a.id desc limit 1) where address = :address",
        address=address,
    )
    for person in book.column("select person from addresses where id = :id", id=address):
        book.wakes.add(f"person:{person}")
