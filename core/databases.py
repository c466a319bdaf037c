"""Opens databases: SQLite and PostgreSQL behave alike, and one gateway alone works on each."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

_LOCK = 0x6D6F7665
"""The number of the advisory lock that the one gateway on a PostgreSQL database holds."""
_SESSION_ENDS = 5
"""Seconds until a session that ended is gone for certain."""
_LOCK_NOT_AVAILABLE = "55P03"


class NotAlone(Exception):
    """Another gateway runs on this database: two would send everything twice."""


def lock_file(engine: Engine) -> int | None:
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
