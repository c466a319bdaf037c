"""What new addresses wrote while too many came at once: on disk, sealed, until it is their turn.

Nobody is made of it yet, and what was acknowledged must not be lost. It is sealed under a key of
its address alone, which goes with whoever is forgotten there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from core import people
from core.message import Address, File, Inbound
from core.store import Book, StoreDown

_PLACE = "newcomers.sealed"
_LONGEST = 5000
"""Characters that are kept of a message: more than is ever read."""
_KEPT = "kept"
"""Instead of where a file lies: there was one, and nobody fetches what a stranger sends."""


@dataclass(frozen=True)
class Waiting:
    mark: str
    event: Inbound


def keep(book: Book, events: Sequence[Inbound]) -> None:
    """All of one platform. What is kept already stays as it is. Raises StoreDown on a full disk."""
    if book.scarce:
        raise StoreDown("no room")
    last = (
        book.value(
            "select max(turn) from newcomers where platform = :platform",
            platform=events[0].sender.platform,
        )
        or 0
    )
    rows = []
    for turn, event in enumerate(events, last + 1):
        owner = people.found_by(book, event.sender)
        mark = book.fingerprint("newcomers", owner, event.id)
        if not book.vault.knows(owner):
            book.vault.create(owner)
        sealed = book.seal(owner, _PLACE, mark, _packed(event))
        at = {"mark": mark, "platform": event.sender.platform, "turn": turn}
        rows.append({**at, "owner": owner, "sealed": sealed})
    book.many(
        "insert into newcomers(mark, platform, turn, owner, sealed)"
        " values (:mark, :platform, :turn, :owner, :sealed) on conflict (mark) do nothing",
        rows,
    )


def waiting(book: Book) -> list[Inbound]:
    """-> all of them, each platform's in the order in which they came."""
    rows = book.all("select mark, platform, owner, sealed from newcomers order by turn")
    book.vault.expect({row.owner for row in rows})
    return [found.event for row in rows if (found := _opened(book, *row))]


def first(book: Book, platform: str, heard: str | None) -> Waiting | None:
    """-> whose turn it is. heard: the mark of the one before, which goes now."""
    gone(book, heard)
    while row := book.one(
        "select mark, platform, owner, sealed from newcomers where platform = :platform"
        " order by turn limit 1",
        platform=platform,
    ):
        if found := _opened(book, *row):
            return found
        gone(book, row.mark)  # forgotten meanwhile
    return None


def gone(book: Book, mark: str | None) -> None:
    """It was heard."""
    book.do("delete from newcomers where mark = :mark", mark=mark)


def _opened(book: Book, mark: str, platform: str, owner: str, sealed: str) -> Waiting | None:
    packed = book.unseal(owner, _PLACE, mark, sealed)
    return Waiting(mark, _unpacked(platform, packed)) if packed else None


def _packed(event: Inbound) -> str:
    plain = {
        "id": event.id,
        "handle": event.sender.handle,
        "text": event.text[:_LONGEST],
        "native": event.native,
        "pressed": event.pressed and event.pressed[:_LONGEST],
        "answers_to": event.answers_to,
        "edits": event.edits,
        "thread": event.thread,
        "locale": event.locale,
        "encrypted": event.encrypted,
        "deleted": event.deleted,
        "files": [[file.kind, bool(file.ref)] for file in event.files],
    }
    # half a surrogate pair has no place in UTF-8, and is read as U+FFFD later on anyway
    return json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace").decode()


def _unpacked(platform: str, packed: str) -> Inbound:
    plain = json.loads(packed)
    sender = Address(platform, plain.pop("handle"))
    files = tuple(File(kind, _KEPT if ref else "") for kind, ref in plain.pop("files"))
    return Inbound(sender=sender, files=files, **plain)
