"""Brings a database to today's schema in numbered steps, at every start.

A new database gets today's schema at once. An older one goes through the steps it lacks: a step
that has landed is never changed; a change of `tables.py` comes with a new step at the end (a test
compares what both ways lead to).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, inspect, text

from core.tables import metadata


def _retention(connection: Connection) -> None:
    """Whoever is known today counts as seen today."""
    connection.execute(text("alter table people add column seen bigint default '0' not null"))
    connection.execute(text("alter table people add column warned bigint"))
    connection.execute(text("create index people_seen on people (seen)"))
    connection.execute(text("update people set seen = :day"), {"day": int(time.time()) // 86400})
    connection.execute(text("alter table needs add column closed bigint"))
    connection.execute(text("alter table conversations add column closed bigint"))
    connection.execute(
        text(
            "create table bans (fingerprint text not null, at bigint not null,"
            " primary key (fingerprint))"
        )
    )


def _files(connection: Connection) -> None:
    body = "bytea" if connection.dialect.name == "postgresql" else "blob"
    connection.execute(
        text(
            "create table files (entry text not null, number bigint not null,"
            f" body {body} not null, at bigint not null, primary key (entry, number))"
        )
    )
    connection.execute(text("create index files_at on files (at)"))


STEPS: tuple[Callable[[Connection], None], ...] = (_retention, _files)
"""What leads from schema 1 to 2, from 2 to 3, ..."""


class TooNew(Exception):
    """The database was written by a newer version of this program."""


def upgrade(connection: Connection) -> None:
    """Runs the steps that are missing, inside the caller's transaction. Raises TooNew."""
    if connection.dialect.name == "postgresql":  # SQLite's transactions come one by one anyway
        connection.execute(text("select pg_advisory_xact_lock(0)"))
    newest = 1 + len(STEPS)
    if not inspect(connection).has_table("version"):
        metadata.create_all(connection)
        connection.execute(text("insert into version(step) values (:step)"), {"step": newest})
        return
    step = connection.scalar(text("select step from version"))
    if step > newest:
        raise TooNew(f"schema {step}, this program knows {newest}")
    for change in STEPS[step - 1 :]:
        change(connection)
    connection.execute(text("update version set step = :step"), {"step": newest})
