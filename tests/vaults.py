"""Keys for the databases of tests."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from core.privacy import Vault
from core.store import Book
from core.tables import metadata

_HERE = "MOVEMENTS_TEST_KEYS"
if _HERE not in os.environ:  # a process that a test starts uses its parent's
    _made = tempfile.TemporaryDirectory(prefix="movements-keys-")
    os.environ[_HERE] = _made.name
FOLDER = Path(os.environ[_HERE])


def vault_of(url: str) -> Vault:
    """The same keys for the same database, however often it is opened; not for one in memory."""
    name = hashlib.sha256(url.encode()).hexdigest()[:20]
    keys = "sqlite://" if url == "sqlite://" else f"sqlite:///{FOLDER}/{name}.db"
    return Vault(keys, FOLDER / "master.key")


SEALED = (
    ("addresses", "handle", "person", "handle_index"),
    ("needs", "text", "person", "id"),
    ("offers", "text", "person", "id"),
    ("offers", "pseudonym", "person", "id"),
    ("forms", "answers", "person", "person"),
    ("forms", "about", "person", "person"),
    ("reports", "text", "person", "id"),
    ("entries", "text", "conversation", "id"),
    ("members", "pseudonym", "conversation", "person"),
    ("translations", "text", "person", "entry || '.' || language"),
    ("tasks", "text", "person", "entry || '.' || language || '.' || part"),
    ("tasks", "draft", "person", "entry || '.' || language || '.' || part"),
    ("glossary", "sealed", "'glossary'", "mark"),
    ("outbox", "notice", "person", "key"),
)
"""Table, column, whose key seals it, what names the row."""


def opened(book: Book, table: str, column: str) -> list[str]:
    """What a sealed column says, as far as there are keys."""
    ((owner, row),) = [names[2:] for names in SEALED if names[:2] == (table, column)]
    found = []
    for whose, name, sealed in book.all(f"select {owner}, {row}, {column} from {table}"):
        said = book.unseal(whose, f"{table}.{column}", name, sealed)
        if said.startswith('{"of"'):
            outer = json.loads(said)
            said = book.unseal(outer["of"], "outbox.words", name, outer["box"])
        found.append(said)
    return found


def in_clear(book: Book) -> str:
    """Everything in the database, and everything sealed in it that can be opened."""
    rows = [repr(row) for table in metadata.tables for row in book.all(f"select * from {table}")]
    rows += [repr(said) for table, column, *_ in SEALED for said in opened(book, table, column)]
    for whose, name, sealed in book.all(
        "select a.person, c.native_index, c.native from copies c join addresses a"
        " on a.id = c.address"
    ):
        rows.append(repr(book.unseal(whose, "copies.native", name, sealed)))
    return "\n".join(rows)
