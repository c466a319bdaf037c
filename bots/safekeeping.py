"""The gateway's side of an adapter's safe: each call is a job in the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from core import safe
from core.message import Secret


@dataclass(frozen=True)
class Safekeeping:
    """The `Safe` of one platform. do: runs a job in the next commit."""

    do: Callable[[Any], Awaitable[Any]]
    platform: str

    async def load(self) -> list[Secret]:
        found: list[Secret] = await self.do(partial(safe.load, platform=self.platform))
        return found

    async def keep(self, secrets: Sequence[Secret]) -> None:
        if secrets:
            await self.do(partial(safe.keep, platform=self.platform, secrets=secrets))
