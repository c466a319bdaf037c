"""Machine drafts: what a translator has in hand is drafted, if an engine is in place and the author
agreed; she corrects it or takes it. Nobody else ever sees a draft.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bots.engines import Engine
from core import outbox
from core.actions import drafting
from core.actions.drafting import Undrafted
from core.folding import fold
from core.language import Languages
from core.masking import marks_in
from core.store import Book, StoreDown

log = logging.getLogger("movements.drafts")

_MOST = 50
"""Messages that wait for a draft; beyond it they stay without."""
_SHORTEST, _LONGEST = 0.3, 3.0
"""How much shorter or longer than its original a translation can be."""
_SAME = 0.8
"""So many of an original's words in its translation, and it was not translated."""
_WORD = re.compile(r"[^\W\d_]+")


class Drafts:
    """do: runs a job in the store."""

    def __init__(
        self, do: Callable[[Any], Awaitable[Any]], languages: Languages, engine: Engine
    ) -> None:
        self.do, self.languages, self.engine = do, languages, engine
        self.waiting: asyncio.Queue[str] = asyncio.Queue(_MOST)

    def wake(self, entry: str) -> None:
        """An entry is with a translator now."""
        if not self.waiting.full():
            self.waiting.put_nowait(entry)

    async def run(self) -> None:
        try:
            while True:
                await self._draft(await self.waiting.get())
        finally:
            self.engine.close()

    async def _draft(self, entry: str) -> None:
        try:
            for part in await self.do(partial(drafting.undrafted, entry=entry)):
                text = await self.engine.draft(part.source, part.target, part.text)
                if sound(self.languages, part, text):
                    await self.do(partial(_hand_over, part=part, text=text))
        except StoreDown:
            pass  # she translates without
        except Exception as error:
            log.error("a draft failed: %s", type(error).__name__)


def sound(languages: Languages, part: Undrafted, text: str) -> bool:
    """Whether a draft may help: as long as its original would be, with every mark once, and in the
    language that was asked for. In doubt it is not shown: she translates without."""
    if not _SHORTEST <= len(text) / max(1, len(part.text)) <= _LONGEST:
        return False
    if marks_in(text) != marks_in(part.text):
        return False
    original = _words(part.text)
    if original and len(original & _words(text)) >= _SAME * len(original):
        return False
    return languages.reads_as(text, part.target, part.source)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(fold(text)))


def _hand_over(book: Book, part: Undrafted, text: str) -> None:
    outbox.put(book, drafting.drafted(book, part, text))
