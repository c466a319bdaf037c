"""What is to be deleted from people's chats: messages of the gateway's own, by their native ids.

It waits for its platform like the outbox does, and outlives whoever was forgotten: their chat is
sealed under a key made for this alone, destroyed with the row when it is done or too old.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core import people
from core.message import Address
from core.privacy import Damaged
from core.store import Book

_PLACE = "unsends.chat"

Natives = tuple[tuple[str, int], ...]
"""Native ids, and when each was sent."""


@dataclass(frozen=True, slots=True, repr=False)
class Unsend:
    id: str
    to: Address
    natives: Natives


def put(book: Book, to: Address, natives: Natives, owner: str | None = None) -> None:
    """owner: whose key seals it; None: a key of its own."""
    if not natives:
        return
    id = uuid.uuid4().hex
    if owner is None:
        book.vault.create(id)
    chat = json.dumps([to.platform, to.handle, natives])
    book.do(
        "insert into unsends(id, owner, chat, at) values (:id, :owner, :chat, :now)",
        id=id,
        owner=owner or id,
        chat=book.seal(owner or id, _PLACE, id, chat),
        now=book.now,
    )
    book.wakes.add("unsends")


_COPIES = """
select a.person, a.platform, a.handle_index, a.handle, c.address, c.native_index, c.native, c.at
from copies c join addresses a on a.id = c.address
"""


def of_person(book: Book, id: str) -> None:
    """Everything that was sent to somebody who is forgotten next."""
    rows = book.all(f"{_COPIES} where a.person = :id and c.ours = 1", id=id)
    for to, natives in _by_chat(book, rows):
        put(book, to, natives)
    for one in _opened(book, book.all(f"{_ALL} where owner = :id", id=id)):
        put(book, one.to, one.natives)


def carry_over(book: Book, one: str, other: str) -> None:
    """What is to be deleted for one person is for another from now on."""
    for waits in _opened(book, book.all(f"{_ALL} where owner = :id", id=one)):
        put(book, waits.to, waits.natives, other)


def passing(book: Book, before: int) -> None:
    """What shows somebody's words where others read them, and was sent before a time. From now on
    no reply and no correction finds it."""
    rows = book.all(f"{_COPIES} where c.fleeting = 1 and c.at <= :before", before=before)
    by_person: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_person[row.person].append(row)
    for person, theirs in by_person.items():
        for to, natives in _by_chat(book, theirs):
            put(book, to, natives, person)
    book.many(
        "delete from copies where address = :address and native_index = :mark",
        [{"address": row.address, "mark": row.native_index} for row in rows],
    )


def _by_chat(book: Book, rows: Iterable[Any]) -> list[tuple[Address, Natives]]:
    """Without what somebody altered on disk: it must not hold up the rest."""
    found: defaultdict[Address, dict[str, int]] = defaultdict(dict)
    for row in rows:
        try:
            handle = people.handle(book, row.person, row.handle_index, row.handle)
            native = book.unseal(row.person, "copies.native", row.native_index, row.native)
        except Damaged:
            continue
        if native and handle:
            found[Address(row.platform, handle)].setdefault(native, row.at)
    return [(to, tuple(natives.items())) for to, natives in found.items()]


_ALL = "select id, owner, chat from unsends"


def waiting(book: Book) -> list[Unsend]:
    return _opened(book, book.all(f"{_ALL} order by at"))


def _opened(book: Book, rows: Iterable[Any]) -> list[Unsend]:
    found = []
    for id, owner, sealed in rows:
        try:
            chat = book.unseal(owner, _PLACE, id, sealed)
        except Damaged:
            chat = ""
        if chat:
            platform, handle, natives = json.loads(chat)
            found.append(Unsend(id, Address(platform, handle), tuple((n, at) for n, at in natives)))
    return found


def done(book: Book, id: str) -> None:
    if book.do("delete from unsends where id = :id and owner = :id", id=id):
        book.forgotten.append(id)
    book.do("delete from unsends where id = :id", id=id)


def drop(book: Book, before: int) -> None:
    """What could not be deleted for so long is left."""
    for id in book.column("select id from unsends where at <= :before", before=before):
        done(book, id)
        book.wakes.add("unsends")
