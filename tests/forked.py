"""A program in a process that begins with everything imported: a test that kills it twenty times
does not wait twenty times for Python to read it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from multiprocessing import get_context

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "tests.echo"])


class Forked:
    """run: a function of a module, called with `given`."""

    def __init__(self, run: Callable[..., object], *given: object) -> None:
        self.process = _FORKS.Process(target=run, args=given)
        self.process.start()

    async def kill(self) -> None:
        """With SIGKILL."""
        self.process.kill()
        await asyncio.to_thread(self.process.join)
