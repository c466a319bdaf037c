"""Brings a database to today's schema in numbered steps, at every start.

A step that has landed is never changed: a change of the schema is a new step at the end, and
`tables.py` shows what all of them together lead to (a test compares the two).
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, inspect, text

from core.tables import metadata


def _first(connection: Connection) -> None:
    """Everything, on an empty database."""
    metadata.create_all(connection)


STEPS: tuple[Callable[[Connection], None], ...] = (_first,)


class TooNew(Exception):
    """The database was written by a newer version of this program."""


def upgrade(connection: Connection) -> None:
    """Runs the steps that are missing, inside the caller's transaction. Raises TooNew."""
    known = inspect(connection).has_table("version")
    step = connection.scalar(text("select step from version")) if known else 0
    if step > len(STEPS):
        raise TooNew(f"schema {step}, this program knows {len(STEPS)}")
    for number, change in enumerate(STEPS[step:], step + 1):
        change(connection)
        connection.execute(text("delete from version"))
        connection.execute(text("insert into version(step) values (:step)"), {"step": number})
