"""What the operator does with the data: copying it, and forgetting somebody from the terminal."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from bots.config import Config, Wrong
from core import forgetting, outbox, people
from core.actions import belonging
from core.message import Address
from core.store import Book, Store


def backup(config: Config, target: Path) -> None:
    """Copies the database as it is at one moment, beside a running gateway, and no keys: without
    today's key store the copy can't be read (https://www.sqlite.org/backup.html). Raises Wrong."""
    source = config.database().removeprefix("sqlite:///")
    if source == config.database():
        raise Wrong(f"PostgreSQL makes the copy itself; run: pg_dump -Fc -f {target} DATABASE")
    if target.exists():
        raise Wrong(f"{target} is there already; name a new file")
    beside = target.with_name(f"{target.name}.part")
    try:
        beside.unlink(missing_ok=True)
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with (
            contextlib.closing(sqlite3.connect(source)) as data,
            contextlib.closing(sqlite3.connect(beside)) as copy,
        ):
            data.backup(copy)
            copy.execute("pragma journal_mode=delete")  # one file, complete by itself
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.rename(target)
    except (OSError, sqlite3.Error) as error:
        beside.unlink(missing_ok=True)
        why = "is there room, and may this user write there?"
        raise Wrong(f"{target}: not copied ({type(error).__name__}); {why}") from None


def forget(store: Store, address: Address) -> str:
    """Forgets whoever is at an address, on a full disk too. -> what to tell the operator. Raises
    Wrong if there is nobody."""
    found = store.now(lambda book: _keys_of(book, address))
    if found is None:
        raise Wrong("nobody here has this address; there is nothing to forget")
    try:
        store.now(lambda book: _forget(book, address))
    except Exception as error:
        store.vault.destroy(found)
        return (
            f"The keys are destroyed; the rows, which nobody can read any more, could not be erased"
            f" ({type(error).__name__}). They are at the gateway's next start."
        )
    return "Done. Nothing about them can be read any more."


def _keys_of(book: Book, address: Address) -> list[str] | None:
    found = people.at(book, address)
    return [found[0].id, *forgetting.conversations_of(book, found[0].id)] if found else None


def _forget(book: Book, address: Address) -> None:
    if found := people.at(book, address):
        outbox.put(book, belonging.forget(book, found[0]))
