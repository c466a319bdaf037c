"""Where keys lie: the key store, a database of its own that holds wrapped keys and nothing else,
and the file with the master key.

SQLite: a rollback journal that is truncated, `secure_delete`, synchronous=EXTRA, so that a deleted
key is nowhere in the files once `destroy` returns (with a WAL it stays until a checkpoint:
antonz.org/sqlite-secure-delete). On PostgreSQL give it a small database without archived WAL.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import secrets
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

KEY_BYTES = 32
_AT_ONCE = 200
_SCHEMA = (
    "create table if not exists keys"
    " (id text primary key, wrapped text not null, generation integer not null)",
    "create table if not exists master (generation integer not null)",
)


class Locked(Exception):
    """One line for the operator: what is wrong with the keys, and the remedy."""


# ------------------------------------------------------------------------------- the master key


class MasterFile:
    """Lines of a generation and its key (`1 <base64 of 32 bytes>`): one, or two while the keys are
    rotated. systemd may hand it over instead, as the credential `movements.master`
    (systemd.exec(5), LoadCredentialEncrypted=)."""

    def __init__(self, path: Path) -> None:
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        credential = Path(folder) / "movements.master" if folder else None
        self.handed_over = credential is not None and credential.exists()
        self.path = credential if credential and self.handed_over else path

    def read(self) -> dict[int, bytes]:
        """generation -> key. Raises Locked; FileNotFoundError if there is none yet."""
        try:
            if not self.handed_over and self.path.stat().st_mode & 0o077:
                raise Locked(f"{self.path}: others can read it; run: chmod 400 {self.path}")
            lines = self.path.read_text("ascii").splitlines()
            keys = {
                int(n): base64.b64decode(key, validate=True) for n, key in map(str.split, lines)
            }
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Locked(f"{self.path}: can't be read ({type(error).__name__})") from None
        except (ValueError, binascii.Error):
            raise Locked(f"{self.path}: this is no master key; put the right file back") from None
        if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise Locked(f"{self.path}: this is no master key; put the right file back")
        return keys

    def make(self) -> None:
        """A new key, unless another process was quicker."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._beside({1: secrets.token_bytes(KEY_BYTES)})
        with contextlib.suppress(FileExistsError):
            os.link(beside, self.path)
        beside.unlink()
        self._settle()

    def write(self, keys: Mapping[int, bytes]) -> None:
        """All or nothing, and on disk when it returns. Raises Locked: systemd's is not ours."""
        if self.handed_over:
            raise Locked(f"{self.path}: systemd hands it over; change it where systemd has it from")
        os.replace(self._beside(keys), self.path)
        self._settle()

    def _beside(self, keys: Mapping[int, bytes]) -> Path:
        beside = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        lines = (f"{n} {base64.b64encode(key).decode()}\n" for n, key in sorted(keys.items()))
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        try:
            os.write(handle, "".join(lines).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        return beside

    def _settle(self) -> None:
        """The folder's entry on disk; and what a cut left beside it is gone."""
        mine = re.compile(re.escape(self.path.name) + r"\.[0-9a-f]{8}")
        for left in self.path.parent.iterdir():
            if mine.fullmatch(left.name):
                left.unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


# ------------------------------------------------------------------------------- the key store


class KeyStore:
    """Wrapped keys by id, each with the generation of the master key that wraps it."""

    def __init__(self, url: str) -> None:
        """Opens it, and makes its tables. Raises SQLAlchemyError, OSError."""
        self.engine = _open(url)
        self.sqlite = self.engine.dialect.name == "sqlite"
        with self.writing() as connection:
            if not self.sqlite:  # several processes may start at once
                connection.exec_driver_sql("select pg_advisory_xact_lock(5271)")
            for statement in _SCHEMA:
                connection.exec_driver_sql(statement)

    def close(self) -> None:
        self.engine.dispose()

    @contextlib.contextmanager
    def writing(self, *, alone: bool = False) -> Iterator[Connection]:
        """A transaction that nobody else's interleaves with; durable when it is left. alone: no
        other one of these is open meanwhile; on SQLite none ever is."""
        with self.engine.execution_options(begin="begin immediate").begin() as connection:
            if alone and not self.sqlite:
                connection.exec_driver_sql("select pg_advisory_xact_lock(5272)")
            yield connection

    def get(self, id: str) -> tuple[str, int] | None:
        """-> the wrapped key, and its generation."""
        with self.engine.connect() as connection:
            row = connection.execute(_GET, {"id": id}).first()
        return (row[0], row[1]) if row and row[0].strip("0") else None

    def several(self, ids: Collection[str]) -> dict[str, tuple[str, int]]:
        """-> id: the wrapped key, and its generation; of those whose key is here."""
        rows: dict[str, tuple[str, int]] = {}
        with self.engine.connect() as connection:
            for some in _parts(list(ids)):
                names = {f"id{n}": id for n, id in enumerate(some)}
                listed = ", ".join(f":{name}" for name in names)
                found = connection.execute(
                    text(f"select id, wrapped, generation from keys where id in ({listed})"), names
                )
                rows |= {row[0]: (row[1], row[2]) for row in found if row[1].strip("0")}
        return rows

    def missing(self, ids: Collection[str]) -> set[str]:
        """-> those whose key is not here (any more)."""
        return set(ids) - self.several(ids).keys()

    def generation(self, connection: Connection) -> int | None:
        """What new keys are wrapped with; it stays so until this transaction ends."""
        share = "" if self.sqlite else " for share"
        found: int | None = connection.scalar(text(f"select generation from master{share}"))
        return found

    def set_generation(self, connection: Connection, generation: int) -> None:
        if not connection.execute(
            text("update master set generation = :g"), {"g": generation}
        ).rowcount:
            connection.execute(text("insert into master values (:g)"), {"g": generation})

    def put(self, connection: Connection, rows: Iterable[tuple[str, str, int]]) -> None:
        """id, wrapped key, generation. One that is there already stays."""
        values = [{"id": id, "wrapped": wrapped, "g": g} for id, wrapped, g in rows]
        if values:
            connection.execute(_PUT, values)

    def older(self, connection: Connection, generation: int) -> list[tuple[str, str, int]]:
        """Some that are wrapped by an older generation: id, wrapped key, generation."""
        found = connection.execute(_OLDER, {"g": generation, "limit": _AT_ONCE})
        return [(row[0], row[1], row[2]) for row in found]

    def rewrap(self, connection: Connection, rows: Iterable[tuple[str, str, int]]) -> None:
        """Changes those that are still there; what was destroyed meanwhile stays destroyed."""
        values = [{"id": id, "wrapped": wrapped, "g": g} for id, wrapped, g in rows]
        if values:
            connection.execute(_REWRAP, values)

    def destroy(self, ids: Collection[str]) -> None:
        """They are gone from the disk when this returns. It needs no room on the disk."""
        values = [{"id": id} for id in ids]
        if not values:
            return
        try:
            with self.writing() as connection:
                connection.execute(_DESTROY, values)
        except OperationalError:
            if not self.sqlite:
                raise
            self._overwrite(values)

    def _overwrite(self, values: list[dict[str, str]]) -> None:
        """On a full disk no journal can be written: zeros of the same length go over each key where
        it lies. Each changes one page, in one write; a kill between two leaves whole ones."""
        with self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            try:
                raw.execute("pragma journal_mode=memory")
                for value in values:
                    raw.execute(_ZEROS, value)
            except sqlite3.Error as error:
                raise OSError(type(error).__name__) from None
            finally:
                connection.invalidate()  # the next connection has its journal again


_ZEROS = (
    "update keys set wrapped = replace(hex(zeroblob(length(wrapped))), '00', '0') where id = :id"
)
_GET = text("select wrapped, generation from keys where id = :id")
_PUT = text("insert into keys values (:id, :wrapped, :g) on conflict (id) do nothing")
_OLDER = text("select id, wrapped, generation from keys where generation < :g limit :limit")
_REWRAP = text("update keys set wrapped = :wrapped, generation = :g where id = :id")
_DESTROY = text("delete from keys where id = :id")


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(ids), 500):
        yield ids[begin : begin + 500]


def _open(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
    Path(parsed.database or "").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # begin is ours, not the driver's
        for pragma in ("journal_mode=truncate", "secure_delete=on", "synchronous=extra"):
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "begin"))

    return engine
