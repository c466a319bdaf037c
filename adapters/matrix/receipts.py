"""Receipts: to the person, and only where no answer says the same (section "Receipts")."""

from __future__ import annotations

import asyncio
import contextlib

from nio import AsyncClient, LocalProtocolError  # type: ignore[import-untyped]

from adapters.matrix.session import NETWORK

AFTER = 1.0
"""Seconds in which an answer makes a receipt unnecessary: each costs the server like a message."""


class Receipts:
    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._read: dict[tuple[str, str], str] = {}
        self._some = asyncio.Event()

    def due(self, room: str, thread: str | None, event: str) -> None:
        self._read[room, thread or "main"] = event
        self._some.set()

    def answered(self, room: str, thread: str | None) -> None:
        self._read.pop((room, thread or "main"), None)

    async def tell(self) -> None:
        """One receipt a thread for all that was heard since the last one; a lost one is no loss.
        (Without a thread it would be one for all, but nio sends null for that: M_INVALID_PARAM.)"""
        while True:
            await self._some.wait()
            await asyncio.sleep(AFTER)
            self._some.clear()
            read, self._read = self._read, {}
            for (room, thread), event in read.items():
                with contextlib.suppress(*NETWORK, LocalProtocolError):
                    await self._client.update_receipt_marker(room, event, thread_id=thread)
