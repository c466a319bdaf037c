"""What was sent, on disk: whatever went out while one record was committed is the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from core import outbox
from core.outbox import Sent


class Records:
    """surely: runs a job in the store, as soon as it is up."""

    def __init__(self, surely: Callable[[Any], Awaitable[Any]]) -> None:
        self.surely = surely
        self.sent: list[tuple[Sent, asyncio.Future[None]]] = []
        self.task: asyncio.Task[None] | None = None

    async def add(self, sent: Sent) -> None:
        """Many records, one job: whatever was sent while the last one was committed."""
        done = asyncio.get_running_loop().create_future()
        self.sent.append((sent, done))
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._record_all())
        await done

    async def _record_all(self) -> None:
        while self.sent:
            taken, self.sent = self.sent, []
            failed = None
            try:  # it is out: it must not go out again for want of a row
                await self.surely(partial(outbox.delivered, sent=[sent for sent, _ in taken]))
            except Exception as error:
                failed = error
            for _, done in taken:
                if done.done():
                    continue
                if failed is None:
                    done.set_result(None)
                else:
                    done.set_exception(failed)
