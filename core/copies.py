"""Copies: every message as it stands on one address, found again by its native id. A native reply
to it leads back to what it means; its own words are not kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from core.message import Reply
from core.store import Book

_NATIVE = "copies.native"


@dataclass(frozen=True, slots=True)
class Copy:
    """A message on one address, found again by its native id."""

    key: str | None
    entry: str | None
    reply: Reply | None
    choices: tuple[str, ...]
    at: int

    def means_something(self) -> bool:
        return bool(self.entry or self.choices or self.reply)


def own(
    book: Book,
    person: str,
    address: int,
    native: str,
    *,
    entry: str | None = None,
    reply: Reply | None = None,
) -> None:
    """The author's own message is a copy too: replies to it, and its edits, lead to the entry."""
    book.do(
        "insert into copies(address, native_index, native, entry, reply, ours, at)"
        " values (:address, :mark, :native, :entry, :reply, 0, :now)",
        address=address,
        **named(book, person, address, native),
        entry=entry,
        reply=dump_reply(reply),
        now=book.now,
    )


def move(book: Book, one: str, row: int, other: str, there: int) -> None:
    """What stands on one person's address stands on another's from now on, to be deleted there one
    day; nothing else is known of it."""
    for id, mark, sealed in book.all(
        "select id, native_index, native from copies where address = :row", row=row
    ):
        book.do(
            "update copies set address = :there, native_index = :mark, native = :native,"
            " key = null, entry = null, reply = null, choices = null where id = :id",
            id=id,
            there=there,
            **named(book, other, there, book.unseal(one, _NATIVE, mark, sealed)),
        )


_COPY = "select key, entry, reply, choices, at from copies where address = :address"


def of(book: Book, address: int, native: str) -> Copy | None:
    row = book.one(
        f"{_COPY} and native_index = :mark order by id desc limit 1",
        address=address,
        mark=_mark(book, address, native),
    )
    return _copy(*row) if row else None


def latest(book: Book, address: int) -> list[Copy]:
    """The newest messages on an address, newest first: what a bare number may mean."""
    rows = book.all(f"{_COPY} order by id desc limit 12", address=address)
    return [_copy(*row) for row in rows]


def _copy(
    key: str | None, entry: str | None, reply: str | None, choices: str | None, at: int
) -> Copy:
    return Copy(key, entry, load_reply(reply), tuple(json.loads(choices)) if choices else (), at)


def dump_reply(reply: Reply | None) -> str | None:
    return json.dumps([reply.action, dict(reply.args)]) if reply else None


def load_reply(raw: str | None) -> Reply | None:
    return Reply(*json.loads(raw)) if raw else None


def native(book: Book, person: str, address: int, column: str, value: str) -> str | None:
    """-> the native id, on a person's address, of the first copy with this key or entry."""
    found = book.one(
        f"select native_index, native from copies where address = :address and {column} = :value"
        " order by id limit 1",
        address=address,
        value=value,
    )
    return book.unseal(person, _NATIVE, *found) if found else None


def named(book: Book, person: str, address: int, native: str) -> dict[str, str]:
    """-> how a native id is kept: sealed, and what it is found by."""
    mark = _mark(book, address, native)
    return {"mark": mark, "native": book.seal(person, _NATIVE, mark, native)}


def _mark(book: Book, address: int, native: str) -> str:
    """What a copy is found by."""
    return book.vault.index(_NATIVE, f"{address}|{native}")
