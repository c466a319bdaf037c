"""The clean pictures of an entry, kept until they are delivered."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace

from core import people
from core.message import Address, Code, Notice, Sayable, dots
from core.outbox import PICTURE
from core.store import Book


def keep(book: Book, conversation: str, entry: str, pictures: Sequence[bytes]) -> None:
    """They wait for the other side; each is emptied in the transaction that records its delivery
    (`outbox.delivered`)."""
    book.many(
        "insert into files(entry, number, body, at) values (:entry, :number, :body, :now)",
        [
            {"entry": entry, "number": number, "body": sealed, "now": book.now}
            for number, body in enumerate(pictures)
            for sealed in (
                book.seal(
                    conversation,
                    PICTURE,
                    f"{entry}.{number}",
                    base64.b64encode(body).decode(),
                ),
            )
        ],
    )


def pages(shown: Notice, head: Sayable, of: int) -> list[Notice]:
    """-> the notice that shows the entry, with its first picture, and one for each further."""
    more = [
        replace(shown, say=dots(head, Code(f"{n + 1}/{of}")), picture=n, key=f"{shown.key}.{n}")
        for n in range(1, of)
    ]
    return [replace(shown, picture=0), *more]


def may_send(book: Book, sender: Address) -> bool:
    """Whether somebody there is in a conversation; nobody else's file is looked into."""
    found = people.at(book, sender)
    return bool(
        found
        and found[0].state != "suspended"
        and book.value(
            "select 1 from members m join conversations c on c.id = m.conversation"
            " where m.person = :who and m.role <> 'translator' and c.state = 'open'",
            who=found[0].id,
        )
    )


def numbers(book: Book, entry: str) -> list[int]:
    return book.column("select number from files where entry = :id order by number", id=entry)


def take_back(book: Book, entry: str) -> None:
    book.do("delete from files where entry = :id", id=entry)


def shred(book: Book, before: int) -> None:
    """Those that nobody came to see since then."""
    book.do(
        "update files set body = '' where at < :before and body <> ''",
        before=before,
    )
