"""What is kept, as the operator deals with it: opened as configured, copied, given a new master
key, and somebody forgotten from the terminal."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from bots.config import PLAYGROUND, Config, Wrong
from core import audit, forgetting, outbox, people
from core.actions import belonging
from core.keys import Locked
from core.message import Address
from core.privacy import Vault
from core.store import Book, NotAlone, Store
from core.upgrades import TooNew


def open_store(config: Config, *, alone: bool = False) -> Store:
    """alone: for the gateway itself; commands work beside it. Raises Wrong."""
    where = config.where("store", "url")
    vault = open_vault(config)
    try:
        return Store(config.database(), vault, alone=alone)
    except Locked as locked:
        raise Wrong(f"{config.where('store', 'keys_url')}: {locked}") from None
    except NotAlone:
        raise Wrong(f"{where}: another gateway runs on this database; end it first") from None
    except TooNew as error:
        raise Wrong(f"{where}: written by a newer version ({error}); upgrade first") from None
    except (SQLAlchemyError, OSError, ValueError) as error:
        if config.store.url.startswith("sqlite"):
            remedy = "is it a database, and may this user write it and its folder?"
        else:
            remedy = "does the server run, and are host, user and database right?"
        raise Wrong(f"{where} can't be opened ({type(error).__name__}); {remedy}") from None


def open_vault(config: Config) -> Vault:
    """Raises Wrong."""
    where = config.where("store", "keys_url")
    if config is PLAYGROUND:
        raise Wrong(
            "the playground keeps nothing; copy config.example.toml to config.toml, or name a"
            " configuration with --config"
        )
    try:
        return Vault(config.keys(), config.master_key())
    except Locked as locked:
        raise Wrong(f"{config.where('store', 'master_key_file')}: {locked}") from None
    except (SQLAlchemyError, OSError, ValueError) as error:
        remedy = "may this user write it and its folder, or does its server run?"
        raise Wrong(f"{where} can't be opened ({type(error).__name__}); {remedy}") from None


def check_audit(config: Config) -> str:
    """-> how the record of the moderators' acts is. Raises Wrong if it was tampered with."""
    store = open_store(config)
    try:
        trouble, (count, alone) = store.now(lambda book: (audit.trouble(book), audit.counts(book)))
    finally:
        store.close()
    if trouble:
        raise Wrong(
            f"{config.where('store', 'url')}: the record of what moderators did was tampered with:"
            f" {trouble}; ask who had this database, and look at a backup"
        )
    return f"{count} acts" + (f", {alone} of them by one moderator alone" if alone else "")


def rotate_key(config: Config) -> int:
    """While the gateway runs; cut at any point, it is simply run again. Raises Wrong."""
    vault = open_vault(config)
    try:
        wrapped = sum(vault.rotate())
    except Locked as locked:
        raise Wrong(str(locked)) from None
    finally:
        vault.close()
    print(f"A new master key, {wrapped} keys wrapped by it. Keep a copy of it; burn the old one.")
    return 0


def backup(config: Config, target: Path) -> int:
    """Copies the database as it is at one moment, beside a running gateway, and no keys: without
    today's key store the copy can't be read (https://www.sqlite.org/backup.html). Raises Wrong."""
    source = config.database().removeprefix("sqlite:///")
    if source == config.database():
        raise Wrong(f"PostgreSQL makes the copy itself; run: pg_dump -Fc -f {target} DATABASE")
    open_store(config).close()  # what is copied is today's schema, and all of it sealed
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
        with contextlib.suppress(OSError):
            beside.unlink()
        why = "is there room, and may this user write there?"
        raise Wrong(f"{target}: not copied ({type(error).__name__}); {why}") from None
    print(f"{target}: everything but the keys. How to restore it: docs/running.md")
    return 0


def forget(config: Config, address: Address) -> int:
    """Forgets whoever is at an address, on a full disk too. Raises Wrong if there is nobody."""
    store = open_store(config)
    try:
        keys = store.now(lambda book: _keys_of(book, address))
        if not keys:
            raise Wrong("nobody here has this address; there is nothing to forget")
        try:
            store.now(lambda book: _forget(book, address))
        except Exception as error:
            store.vault.destroy(keys)
            why = type(error).__name__
            print(f"Nothing of theirs can be read any more. Their rows are still there ({why});")
            print("the next start of the gateway erases them.")
        else:
            print("Done. Nothing of theirs can be read any more. What the gateway wrote to them is")
            print("deleted from their chat, as far as the messenger lets it, while it runs.")
    finally:
        store.close()
    return 0


def _keys_of(book: Book, address: Address) -> list[str]:
    found = people.at(book, address)
    return [found[0].id, *forgetting.conversations_of(book, found[0].id)] if found else []


def _forget(book: Book, address: Address) -> None:
    if found := people.at(book, address):
        outbox.put(book, belonging.forget(book, found[0]))
