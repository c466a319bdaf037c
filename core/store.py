"""Transactions: one writer thread, many jobs in one commit, a savepoint for each.

A job is a function of a `Book`, the open transaction. What it returns reaches its caller only after
the commit is on disk; what it raises undoes that job alone. SQLite runs with synchronous=FULL; the
same statements run on PostgreSQL.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from core.upgrades import upgrade

T = TypeVar("T")
Job = Callable[["Book"], T]
_MOST_IN_ONE_COMMIT = 256


@lru_cache(1000)
def _pyformat(statement: str) -> str:
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%"))


@lru_cache(1000)
def _row(columns: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    row: Any = namedtuple("Row", columns, rename=True)  # type: ignore[misc]
    make: Callable[[Iterable[Any]], Any] = row._make
    return make


class Book:
    """An open transaction. Statements name their values (`:code`) and run on both databases; rows
    are named tuples.

    They go to the driver itself: each is written by hand, and through SQLAlchemy it would take five
    times as long. The transaction and its connection are SQLAlchemy's.
    """

    def __init__(self, connection: Connection, now: float) -> None:
        self._driver: Any = connection.connection.driver_connection
        self._pyformat = connection.dialect.paramstyle == "pyformat"
        self.now = int(now)
        """Seconds since 1970; the store's clock, which tests move."""
        self.wakes: set[str] = set()
        """What was written that somebody waits for: "outbox", "timers"."""

    def all(self, statement: str, **values: Any) -> list[Any]:
        cursor = self._execute(statement, values)
        return list(map(_columns(cursor), cursor.fetchall()))

    def one(self, statement: str, **values: Any) -> Any | None:
        cursor = self._execute(statement, values)
        row = cursor.fetchone()
        return None if row is None else _columns(cursor)(row)

    def value(self, statement: str, **values: Any) -> Any:
        row = self._execute(statement, values).fetchone()
        return None if row is None else row[0]

    def column(self, statement: str, **values: Any) -> list[Any]:
        return [row[0] for row in self._execute(statement, values).fetchall()]

    def do(self, statement: str, **values: Any) -> int:
        """-> how many rows it changed."""
        changed: int = self._execute(statement, values).rowcount
        return changed

    def many(self, statement: str, rows: Iterable[Mapping[str, Any]]) -> None:
        if rows := list(rows):
            spelt = _pyformat(statement) if self._pyformat else statement
            self._driver.cursor().executemany(spelt, rows)

    def _execute(self, statement: str, values: Mapping[str, Any]) -> Any:
        spelt = _pyformat(statement) if self._pyformat else statement
        return self._driver.execute(spelt, values)


def _columns(cursor: Any) -> Callable[[Iterable[Any]], Any]:
    return _row(tuple([column[0] for column in cursor.description]))


class StoreDown(Exception):
    """Nothing of this commit is on disk: full, locked, unreachable."""


@dataclass(frozen=True)
class Done:
    """The end of a job, as it is given back: to whom, its result, or what it raised."""

    token: Any
    result: Any
    error: BaseException | None


class Store:
    """The database and its one writer thread."""

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        """Opens, and upgrades, the database. Raises SQLAlchemyError, OSError, upgrades.TooNew."""
        self.clock = clock
        self.engine = open_engine(url)
        self.driver_error: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        with self.engine.begin() as connection:
            upgrade(connection)
        self.jobs: queue.SimpleQueue[tuple[Job[Any], Any] | None] = queue.SimpleQueue()
        self.give_back: Callable[[list[Done], set[str]], None] = lambda done, wakes: None
        """Called by the writer after each commit, with what that commit ended and what it woke."""
        self.thread = threading.Thread(target=self._write, name="writer", daemon=True)
        self.thread.start()

    def submit(self, job: Job[Any], token: Any) -> None:
        """Queues a job; its end comes to `give_back` under the same token."""
        self.jobs.put((job, token))

    def now(self, job: Job[T]) -> T:
        """Runs one job in a transaction of its own and waits, past the writer: for commands."""
        with self.engine.begin() as connection:
            return job(Book(connection, self.clock()))

    def close(self) -> None:
        """Ends after the jobs that are queued."""
        self.jobs.put(None)
        self.thread.join()
        self.engine.dispose()

    def _write(self) -> None:
        going = True
        while going:
            batch: list[tuple[Job[Any], Any]] = []
            taken = self.jobs.get()
            while True:
                if taken is None:
                    going = False
                    break
                batch.append(taken)
                if len(batch) == _MOST_IN_ONE_COMMIT:
                    break
                try:
                    taken = self.jobs.get_nowait()
                except queue.Empty:
                    break
            if batch:
                self.give_back(*self._commit(batch))

    def _commit(self, batch: list[tuple[Job[Any], Any]]) -> tuple[list[Done], set[str]]:
        done: list[Done] = []
        try:
            with self.engine.begin() as connection:
                book = Book(connection, self.clock())
                for job, token in batch:
                    done.append(_run(book, job, token))
                wakes = book.wakes
        except (
            SQLAlchemyError,
            self.driver_error,
            OSError,
        ) as error:  # nothing of this batch is on disk
            down = StoreDown(type(error).__name__)
            return [Done(token, None, down) for _, token in batch], set()
        return done, wakes


def _run(book: Book, job: Job[Any], token: Any) -> Done:
    """Raises the driver's error if the transaction itself is gone: then there is no savepoint."""
    book.do("savepoint job")
    try:
        result = job(book)
    except Exception as error:
        book.do("rollback to savepoint job")
        book.do("release savepoint job")
        return Done(token, None, error)
    book.do("release savepoint job")
    return Done(token, result, None)


def open_engine(url: str) -> Engine:
    """hide_parameters: what people write must reach no error message."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(
        parsed, hide_parameters=True, connect_args={"timeout": 30, "cached_statements": 500}
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # begin and savepoints are ours, not the driver's
        for pragma in ("journal_mode=wal", "synchronous=full", "secure_delete=on"):
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("begin immediate")

    return engine
