"""Strangers' files are opened in a process of their own, one each, that can do nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import sys
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

    async def _run(self, body: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            cwd="/",
            close_fds=True,
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        said = bytearray()
        try:
            async with asyncio.timeout(SECONDS):
                with contextlib.suppress(ConnectionError):  # it refused before it had read all
                    process.stdin.write(body)
                    await process.stdin.drain()
                    process.stdin.close()
                while piece := await process.stdout.read(1 << 20):
                    said += piece
                    if len(said) > MOST_OUT:
                        raise Unclean("large")
        except TimeoutError:
            raise Unclean("broken") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return bytes(said)


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
