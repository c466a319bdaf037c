"""A throw-away PostgreSQL from the Debian package: one cluster, a fresh database for each test.

It listens on a socket in its own folder alone. PostgreSQL refuses to run as root: there it runs as
`nobody`, who owns the folder.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg


def programs() -> Path | None:
    """The newest installed version's folder."""
    found = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found and (initdb := shutil.which("initdb")):
        found = [Path(initdb).parent]
    return max(found, key=lambda p: [int(n) for n in p.parts if n.isdigit()], default=None)


class Postgres:
    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="movements-pg-"))
        self.owner = "nobody" if os.geteuid() == 0 else None
        if self.owner:
            shutil.chown(self.folder, self.owner)
        self.numbers = itertools.count(1)
        self.process: subprocess.Popen[bytes] | None = None
        data = self.folder / "data"
        self._run(
            "initdb", "--pgdata", data, "--username", "movements", "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
        )  # fmt: skip

    def _popen(self, program: str, *args: object) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [str(self.programs / program), *map(str, args)],
                cwd=self.folder,
                user=self.owner,
                extra_groups=[] if self.owner else None,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _run(self, program: str, *args: object) -> None:
        assert self._popen(program, *args).wait(60) == 0, (self.folder / "log").read_text()

    def start(self) -> Postgres:
        self.process = self._popen(
            "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=",
            "-c", "max_connections=40", "-c", "shared_buffers=16MB", "-c", "fsync=off",
        )  # fmt: skip
        until = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.address("postgres")).close()
                return self
            except psycopg.OperationalError:
                running = self.process.poll() is None and time.monotonic() < until
                assert running, (self.folder / "log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        """Throws everybody out, and returns when the last has gone."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)
            self.process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def address(self, database: str) -> str:
        return f"postgresql://movements@/{database}?host={self.folder}"

    def database(self) -> str:
        """-> the store's url of a new, empty database."""
        name = f"test{next(self.numbers)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name} template template0")  # type: ignore[arg-type]
        return self.address(name).replace("postgresql://", "postgresql+psycopg://", 1)
