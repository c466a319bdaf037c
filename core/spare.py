"""Room on the disk that is kept back, so that people can be forgotten when the disk is full."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Engine

SIZE = 8 << 20
"""Bytes: the write-ahead log up to its checkpoint (1000 pages), and as much again."""


class Spare:
    """A file of nothing beside a SQLite database. It is given up when a write finds no room, and
    made again when there is twice as much."""

    def __init__(self, engine: Engine, size: int = SIZE) -> None:
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        self.path = Path(f"{file}.spare") if file and file != ":memory:" else None
        self.size = size

    def give(self) -> None:
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()

    def keep(self) -> bool:
        """-> whether the room is kept back (again)."""
        if self.path is None:
            return True
        try:
            if self.path.exists() and self.path.stat().st_size == self.size:
                return True
            there = os.statvfs(self.path.parent)
            if there.f_bavail * there.f_frsize < 2 * self.size:
                return False
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(file, 0, self.size)
            finally:
                os.close(file)
        except OSError:
            self.give()
            return False
        return True


def no_room(error: BaseException | None) -> bool:
    """Whether SQLite, or the system, found no room on the disk."""
    error = getattr(error, "orig", None) or error  # SQLAlchemy wraps it
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
    return isinstance(error, OSError) and error.errno in (28, 122)  # ENOSPC, EDQUOT
