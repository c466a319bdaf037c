"""What came along with a message: fetched and cleaned before the message is heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from adapters import Adapter
from bots.cleaning import Cleaning, Unclean
from core.actions import pictures
from core.message import LARGEST_FILE, Inbound, Undelivered

log = logging.getLogger("movements.pictures")

AT_ONCE = 8
"""Files that are fetched or wait to be cleaned; each is in memory."""


class Pictures:
    """do: runs a job in the store."""

    def __init__(
        self, do: Callable[[Any], Awaitable[Any]], adapters: Mapping[str, Adapter]
    ) -> None:
        self._do, self._adapters = do, adapters
        self._cleaning = Cleaning()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def opened(self, event: Inbound) -> Inbound:
        """-> the event with its pictures, or with why there are none; unchanged if its sender is in
        no conversation: no stranger's file is looked into. Raises StoreDown."""
        if event.edits or event.deleted:
            return event
        if not await self._do(partial(pictures.may_send, sender=event.sender)):
            return event
        file = next(file for file in event.files if file.ref)
        try:
            if file.size > LARGEST_FILE:
                raise Unclean("large")
            async with self._room:
                body = await self._adapters[event.sender.platform].fetch(file)
                return replace(event, pictures=await self._cleaning.clean(body))
        except Unclean as unclean:
            why = unclean.why
        except Undelivered:
            why = "away"
        except Exception as error:
            why = "broken"
            log.error("a file could not be opened: %s", type(error).__name__)
        log.info("a file was refused: %s", why)
        return replace(event, unclean=why)
