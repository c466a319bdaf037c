"""The platforms: what an adapter is, and which there are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from core.message import Address, Facts, File, Hear, Outbound, Safe

KNOWN = {
    "telegram": "adapters.telegram:Telegram",
    "xmpp": "adapters.xmpp:Xmpp",
    "matrix": "adapters.matrix:Matrix",
    "web": "adapters.web:Web",
}
"""Imported only when configured: a platform that is not used costs no memory."""


class Adapter(Protocol):
    """One messenger. It turns the platform's events into `Inbound` and sends `Outbound`; it knows
    nothing of needs or people, and decides nothing."""

    facts: Facts
    up: asyncio.Event
    """Set while the platform is connected and messages can be sent."""

    async def run(self, hear: Hear, since: str | None, safe: Safe) -> None:
        """Connects and hears until cancelled. `since`: the last stored `Inbound.cursor`. `safe`:
        for what its library for encryption keeps.

        An event is acknowledged to the platform only after `hear` returned; if `hear` raises, the
        event must come again. One person's events are heard in order, one after the other; a slow
        one holds up nobody else. Ends by raising `Down`; its caller waits and runs it again.
        """

    async def send(self, out: Outbound) -> str:
        """-> the platform's id of the message, once the platform has it.

        Raises Gone, Later, Unsent, Unknown, Refused, and nothing else; for an `Outbound` that is
        sensitive also Exposed.
        """

    async def unsend(self, to: Address, natives: Sequence[str]) -> None:
        """Deletes the bot's own messages to a person on the platform, on both sides where it can.

        natives: what `send` returned, `Facts.unsend_at_once` of them at most. Those that cannot be
        deleted, are gone already or never were are left without a word; once more does no harm.
        Raises Gone, Later, Unsent, Unknown, Refused, and nothing else.
        """

    async def fetch(self, file: File) -> bytes:
        """-> what came along with a message that was heard just now, as it came.

        Reads no more than LARGEST_FILE. Asks no host but the platform's own, follows no redirect.
        Raises Unsent (it did not come), Refused (too large, gone, not allowed), nothing else.
        """

    def forget(self, handle: str) -> None:
        """Drops what is held in memory of somebody: they were forgotten just now, and what was in
        the safe of theirs is gone."""

    def confirmed(self, handle: str) -> None:
        """Somebody said that the keys at their address, of which `Changed` told, are theirs. If it
        does not run just now it finds that in the safe: `CONFIRMED`."""

    async def end(self, to: Address, conversation: str) -> None:
        """A conversation of somebody's is over: a chat of its own, if it had one, is left soon.
        Once more does no harm. Raises nothing."""

    async def check(self) -> str:
        """Logs in once and leaves. -> the account's public name. Raises Down."""
