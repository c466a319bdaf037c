"""Transactions: one writer thread, many jobs in one commit, a savepoint for each.

A job is a function of a `Book`, the open transaction. What it returns reaches its caller only after
the commit is on disk; what it raises undoes that job alone. SQLite runs with synchronous=FULL; the
same statements run on PostgreSQL.

Keys are ahead of rows: those of newcomers are on disk before the commit that uses them, those of
the forgotten are gone before the commit that says so.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import sqlite3
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection

from core import forgetting
from core.databases import NotAlone, lock_file, open_engine
from core.privacy import Vault
from core.spare import Spare, no_room
from core.upgrades import upgrade

__all__ = ["Book", "Done", "Job", "NotAlone", "Store", "StoreDown", "open_engine"]

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

    def __init__(self, connection: Connection, now: float, vault: Vault) -> None:
        self._driver: Any = connection.connection.driver_connection
        self._pyformat = connection.dialect.paramstyle == "pyformat"
        self.vault = vault
        """What people write is sealed before it becomes a row, and opened when one is read."""
        self.now = int(now)
        """Seconds since 1970; the store's clock, which tests move."""
        self.wakes: set[str] = set()
        """What was done that somebody waits for: "outbox", "timers", "erased", "forgotten:" an
        address, "person:" the id of somebody who can be reached again."""
        self.scarce = False
        """There is no room on the disk but what was kept back for forgetting."""
        self.forgotten: list[str] = []
        """Whose keys are destroyed with this transaction: ids of people and conversations."""

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
        """The same for the same parts, and without the keys nobody can try which they were."""
        return self.vault.fingerprint(*parts)

    def seal(self, owner: str, place: str, row: str, text: str) -> str:
        """place: "needs.text"; row: what names it there. Raises privacy.Forgotten."""
        return self.vault.seal(owner, place, row, text)

    def unseal(self, owner: str, place: str, row: str, sealed: str) -> str:
        """-> "" where the owner was forgotten. Raises privacy.Damaged."""
        return self.vault.unseal(owner, place, row, sealed)

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

    def __init__(
        self,
        url: str,
        vault: Vault,
        clock: Callable[[], float] = time.time,
        *,
        alone: bool = False,
    ) -> None:
        """Opens, and upgrades, the database; the vault is closed with it. alone: for a gateway, of
        which one may run on it; commands work beside it. A gateway's first commit also erases the
        rows of those whose keys are gone. Raises SQLAlchemyError, OSError, upgrades.TooNew,
        NotAlone."""
        self.clock, self.vault = clock, vault
        self.unfinished: list[str] = []
        """Their keys are gone and their rows are not: a commit failed, or an old copy came back."""
        self.engine = open_engine(url, alone)
        self.driver: Any = self.engine.dialect.loaded_dbapi
        self.spare, self.scarce = Spare(self.engine), False
        self.lock: int | None = None
        try:
            if alone:
                self.lock = lock_file(self.engine)
                self.spare.keep()
            with self.engine.begin() as connection:
                changed = upgrade(connection, vault)
                if alone:
                    self.unfinished = forgetting.forgotten(connection, vault)
            if changed:
                self._vacuum()
        except BaseException:
            self._leave()
            raise
        self.jobs: queue.SimpleQueue[tuple[Job[Any], Any] | None] = queue.SimpleQueue()
        self.give_back: Callable[[list[Done], set[str]], None] = lambda done, wakes: None
        """Called by the writer after each commit, with what that commit ended and what it woke."""
        self.ends_with: Mapping[str, tuple[Job[Any], Any]] = {}
        """By a wake: a job that runs last in a commit which wakes it, and its token. It reads what
        the commit wrote, and saves a second transaction for it."""
        self.thread = threading.Thread(target=self._write, name="writer", daemon=True)
        self.thread.start()

    def submit(self, job: Job[Any], token: Any) -> None:
        """Queues a job; its end comes to `give_back` under the same token."""
        self.jobs.put((job, token))

    def now(self, job: Job[T]) -> T:
        """Runs one job in a transaction of its own and waits, past the writer: for commands."""
        with self.engine.begin() as connection:
            book = Book(connection, self.clock(), self.vault)
            result = job(book)
            self._settle_keys(book)
        self._after(book)
        return result

    def close(self) -> None:
        """Ends after the jobs that are queued."""
        self.jobs.put(None)
        self.thread.join()
        self._leave()

    def _leave(self) -> None:
        self.engine.dispose()
        self.vault.close()
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

    def _commit(
        self, batch: list[tuple[Job[Any], Any]], again: bool = False
    ) -> tuple[list[Done], set[str]]:
        """A commit that finds no room is tried once more with the room that was kept back."""
        done: list[Done] = []
        self.scarce = self.scarce and not self.spare.keep()
        try:
            with self.engine.begin() as connection:
                book = Book(connection, self.clock(), self.vault)
                book.scarce = self.scarce
                for id in self.unfinished:
                    forgetting.erase(book, id)
                for job, token in batch:
                    done.append(self._run(book, job, token))
                for wake in book.wakes & self.ends_with.keys():
                    done.append(self._run(book, *self.ends_with[wake]))
                self._settle_keys(book)
            self._after(book)
        except Exception as error:  # nothing of this batch is on disk
            if no_room(error) and not self.scarce and not again:
                self.spare.give()
                self.scarce = True
                return self._commit(batch, again=True)
            down = StoreDown(type(error).__name__)
            return [Done(token, None, down) for _, token in batch], set()
        return done, book.wakes

    def _settle_keys(self, book: Book) -> None:
        """The last thing before a commit. What is to be forgotten is, whether there is room for new
        keys or not."""
        if book.forgotten:
            self.unfinished = list({*self.unfinished, *book.forgotten})
            self.vault.destroy(book.forgotten)
        self.vault.flush()

    def _after(self, book: Book) -> None:
        """After the commit: what was erased leaves the write-ahead log too."""
        if book.forgotten:
            self.unfinished = []
            self._checkpoint()

    def _checkpoint(self) -> None:
        """https://www.sqlite.org/pragma.html#pragma_wal_checkpoint; if a reader holds it up, the
        next one does it. PostgreSQL keeps old rows for a while: they have lost their key."""
        if self.engine.dialect.name == "sqlite":
            with self._outside_transactions() as connection, contextlib.suppress(sqlite3.Error):
                connection.execute("pragma busy_timeout=500")
                connection.execute("pragma wal_checkpoint(truncate)").fetchall()
                connection.execute("pragma busy_timeout=30000")

    def _vacuum(self) -> None:
        """What lay in clear before an upgrade is nowhere in the files afterwards."""
        with self._outside_transactions() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.execute("vacuum")
            else:
                connection.autocommit = True
                connection.execute("vacuum full")
                connection.autocommit = False
        self._checkpoint()

    @contextlib.contextmanager
    def _outside_transactions(self) -> Iterator[Any]:
        """The driver's own connection."""
        with contextlib.closing(self.engine.raw_connection()) as connection:
            yield connection.driver_connection

    def _run(self, book: Book, job: Job[Any], token: Any) -> Done:
        """Raises the driver's error if the database is at fault: this commit is lost then."""
        book.do("savepoint job")
        forgotten = len(book.forgotten)
        try:
            result = job(book)
        except Exception as error:
            if self._is_down(error):
                raise
            del book.forgotten[forgotten:]
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
