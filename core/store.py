"""Transactions: one writer thread, many jobs in one commit, a savepoint for each.

A job is a function of a `Book`, the open transaction. What it returns reaches its caller only after
the commit is on disk; what it raises undoes that job alone. SQLite runs with synchronous=FULL; the
same statements run on PostgreSQL.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import queue
import re
import sqlite3
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

from core.upgrades import upgrade

T = TypeVar("T")
Job = Callable[["Book"], T]
_MOST_IN_ONE_COMMIT = 256
_LOCK = 0x6D6F7665
"""The number of the advisory lock that the one gateway on a PostgreSQL database holds."""
_SESSION_ENDS = 5
"""Seconds until a session that ended is gone for certain."""
_LOCK_NOT_AVAILABLE = "55P03"


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

    def __init__(self, connection: Connection, now: float, key: bytes = b"") -> None:
        self._key = key
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

    def fingerprint(self, *parts: str) -> str:
        """The same for the same parts, and without the key nobody can try which they were."""
        said = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(said, key=self._key, digest_size=16).hexdigest()

    def _execute(self, statement: str, values: Mapping[str, Any]) -> Any:
        spelt = _pyformat(statement) if self._pyformat else statement
        return self._driver.execute(spelt, values)


def _columns(cursor: Any) -> Callable[[Iterable[Any]], Any]:
    return _row(tuple([column[0] for column in cursor.description]))


class StoreDown(Exception):
    """Nothing of this commit is on disk: full, locked, unreachable."""


class NotAlone(Exception):
    """Another gateway runs on this database: two would send everything twice."""


@dataclass(frozen=True)
class Done:
    """The end of a job, as it is given back: to whom, its result, or what it raised."""

    token: Any
    result: Any
    error: BaseException | None


class Store:
    """The database and its one writer thread."""

    def __init__(
        self,
        url: str,
        clock: Callable[[], float] = time.time,
        *,
        alone: bool = False,
        key: bytes = b"",
    ) -> None:
        """Opens, and upgrades, the database. alone: for a gateway, of which one may run on it;
        commands work beside it. key: of fingerprints, at most 64 bytes, kept elsewhere.
        Raises SQLAlchemyError, OSError, upgrades.TooNew, NotAlone."""
        self.clock, self.key = clock, key
        self.engine = open_engine(url, alone)
        self.driver: Any = self.engine.dialect.loaded_dbapi
        self.lock: int | None = None
        try:
            if alone:
                self.lock = _lock_file(self.engine)
            with self.engine.begin() as connection:
                upgrade(connection)
        except BaseException:
            self._leave()
            raise
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
            return job(Book(connection, self.clock(), self.key))

    def close(self) -> None:
        """Ends after the jobs that are queued."""
        self.jobs.put(None)
        self.thread.join()
        self._leave()

    def _leave(self) -> None:
        self.engine.dispose()
        if self.lock is not None:
            os.close(self.lock)

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
                book = Book(connection, self.clock(), self.key)
                for job, token in batch:
                    done.append(self._run(book, job, token))
                wakes = book.wakes
        except Exception as error:  # nothing of this batch is on disk
            down = StoreDown(type(error).__name__)
            return [Done(token, None, down) for _, token in batch], set()
        return done, wakes

    def _run(self, book: Book, job: Job[Any], token: Any) -> Done:
        """Raises the driver's error if the database is at fault: this commit is lost then."""
        book.do("savepoint job")
        try:
            result = job(book)
        except Exception as error:
            if self._is_down(error):
                raise
            book.do("rollback to savepoint job")
            book.do("release savepoint job")
            return Done(token, None, error)
        book.do("release savepoint job")
        return Done(token, result, None)

    def _is_down(self, error: Exception) -> bool:
        """Gone, full, locked, shutting down: the database's trouble, not this job's alone."""
        if isinstance(error, sqlite3.Error):  # a wrong statement is an OperationalError there too
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            return isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR
        return isinstance(error, (self.driver.OperationalError, self.driver.InterfaceError))


def _lock_file(engine: Engine) -> int | None:
    """-> the open file whose lock, gone with the process, says that a gateway runs here."""
    if engine.dialect.name != "sqlite":
        return None
    file = os.open(f"{engine.url.database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise NotAlone from None
    return file


def open_engine(url: str, alone: bool = False) -> Engine:
    """hide_parameters: what people write must reach no error message."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        if not alone:
            return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
        # one connection, which holds the lock: if it breaks, the next has to get the lock first
        engine = create_engine(
            parsed, hide_parameters=True, pool_pre_ping=True, pool_size=1, max_overflow=0
        )
        event.listen(engine, "connect", _take_lock)
        return engine
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


def _take_lock(connection: Any, _: Any) -> None:
    """A session's lock outlives its transactions, and goes with the session, which the server may
    notice a moment after its program has ended:
    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS"""
    connection.execute(f"set lock_timeout = '{_SESSION_ENDS}s'")
    try:
        connection.execute("select pg_advisory_lock(%s)", [_LOCK])
    except connection.OperationalError as error:
        connection.close()
        if error.sqlstate != _LOCK_NOT_AVAILABLE:
            raise
        raise NotAlone from None
    connection.execute("set lock_timeout = 0")
    connection.commit()
