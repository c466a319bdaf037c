"""Strangers' files are opened in a process of their own, one each, that can do nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from bots import cleaner

AT_ONCE = 2
SECONDS = 20.0
"""For one file, on a busy machine; the process itself has `cleaner.SECONDS` of the processor."""
MOST_OUT = 40_000_000
"""Bytes that a process may answer with: twenty pages."""


class Unclean(Exception):
    """Nothing of the file is passed on. why: one of the words in `cleaner`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Cleaning:
    """command: the program that cleans."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        self._command = command or (sys.executable, "-I", "-B", str(Path(cleaner.__file__)))
        self._free = asyncio.Semaphore(AT_ONCE)

    async def clean(self, body: bytes) -> tuple[bytes, ...]:
        """A picture, or a PDF -> JPEG pictures made of nothing but its pixels. Raises Unclean."""
        if len(body) > cleaner.MOST_BYTES:
            raise Unclean("large")
        async with self._free:
            said = await self._run(body)
        if said.startswith(b"refused "):
            raise Unclean(said[8:40].decode("ascii", "replace"))
        pictures = _pictures(said)
        if not pictures:
            raise Unclean("broken")
        return pictures

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            close_fds=True,
            start_new_session=True,
        )

    async def _run(self, body: bytes) -> bytes:
        process = self._start()
        try:  # not asyncio's own: cancelled at the wrong moment, it waits for ever
            said = await asyncio.to_thread(_talk, process, body)
        except asyncio.CancelledError:
            process.kill()  # the thread sees its end, and clears up
            raise
        if len(said) > MOST_OUT:
            raise Unclean("large")
        return said


def _talk(process: subprocess.Popen[bytes], body: bytes) -> bytes:
    """-> all that it says, or more than MOST_OUT, before its time is over. Ends it."""
    assert process.stdin is not None
    assert process.stdout is not None
    end = threading.Timer(SECONDS, process.kill)
    end.start()
    try:
        with process.stdout:
            with contextlib.suppress(BrokenPipeError), process.stdin:  # it need not read all
                process.stdin.write(body)
            return process.stdout.read(MOST_OUT + 1)
    finally:
        end.cancel()
        process.kill()
        process.wait()


def _pictures(said: bytes) -> tuple[bytes, ...]:
    """-> what the process made; () if it did not end its sentence."""
    if not said.startswith(b"clean"):
        return ()
    pictures, at = [], 5
    while at < len(said):
        start = at + 4
        end = start + int.from_bytes(said[at:start], "big")
        picture = said[start:end]
        if end > len(said) or not (picture[:3] == b"\xff\xd8\xff" and picture[-2:] == b"\xff\xd9"):
            return ()
        pictures.append(picture)
        at = end
    return tuple(pictures)
