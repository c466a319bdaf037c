"""Keys for the databases of tests."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from pathlib import Path

from core import joint
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
    ("people", "lock", "id", "id"),
    ("unsends", "chat", "owner", "id"),
    ("safe", "sealed", "owner", "mark"),
    ("files", "body", "(select conversation from entries where id = entry)",
     "entry || '.' || number"),
    ("copies", "native", "(select person from addresses a where a.id = address)", "native_index"),
)  # fmt: skip
"""Table, column, whose key seals it, what names the row."""
JOINT = ("translations", "tasks")
"""There each text is sealed under its conversation's key as well."""


def opened(book: Book, table: str, column: str) -> list[str]:
    """What a sealed column says, as far as there are keys."""
    ((owner, row),) = [names[2:] for names in SEALED if names[:2] == (table, column)]
    found = []
    for whose, name, sealed in book.all(f"select {owner}, {row}, {column} from {table}"):
        place = f"{table}.{column}"
        if table in JOINT:
            found.append(joint.unseal(book, name.split(".")[0], whose, place, name, sealed))
            continue
        said = book.unseal(whose, place, name, sealed)
        if table == "safe" and said:
            kept_as, value, of = json.loads(said)
            said = f"{kept_as} {base64.b64decode(value)!r} {of}"
        if said.startswith('{"of"'):
            outer = json.loads(said)
            said = book.unseal(outer["of"], "outbox.words", name, outer["box"])
        found.append(said)
    return found


def in_clear(book: Book) -> str:
    """Everything in the database, and everything sealed in it that can be opened; but for what is
    to be deleted from chats, which outlives whoever is forgotten until it is done."""
    rows = [repr(row) for table in metadata.tables for row in book.all(f"select * from {table}")]
    rows += [
        repr(said)
        for table, column, *_ in SEALED
        for said in opened(book, table, column)
        if table != "unsends"
    ]
    return "\n".join(rows)
