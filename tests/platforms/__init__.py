"""How tests play people on a platform: every platform, real or in memory, offers the same phones.

A `Platform` is made for one test. It brings its server (or uses the session's), a fresh bot
account, and people with fresh accounts. `adapter()` is called again for each restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from adapters import Adapter
from core.message import Address


@dataclass(frozen=True)
class Seen:
    """A message from the bot as it stands on a phone. choices: labels of native buttons."""

    native: str
    text: str
    choices: tuple[str, ...] = ()
    answers_to: str | None = None
    replaces: str | None = None
    thread: str | None = None
    picture: bytes | None = None


class Phone(Protocol):
    """One person's client, at the level of the platform's own protocol."""

    address: Address

    async def say(self, text: str, *, reply_to: str | None = None) -> str:
        """Writes to the bot, as a native reply if asked. -> native id, as replies would name it."""

    async def edit(self, native: str, text: str) -> str:
        """Changes an own earlier message. -> native id of the edit."""

    async def press(self, seen: Seen, label: str) -> None:
        """Presses a native button. Platforms without buttons: writes the number of the line
        "N label" in the text of `seen`."""

    async def send_file(self, kind: str) -> str:
        """Sends a picture, voice message, document or sticker, without text."""

    async def send_picture(self, body: bytes, text: str = "", name: str = "a.jpg") -> str:
        """Uploads a real one, or a PDF, with a text under it where the platform has that."""

    async def next(self, seconds: float = 10.0) -> Seen:
        """The next message (or edit) from the bot, in order. Raises TimeoutError."""

    async def unsent(self, seconds: float = 10.0) -> str:
        """-> the native id of the next message that the bot took back. Raises TimeoutError."""

    async def leave(self) -> None:
        """Blocks the bot, or leaves the room: nothing can be sent here any more."""


class Platform(Protocol):
    name: str

    async def start(self) -> None:
        """The bot's account exists and the server runs. Nothing listens yet."""

    async def stop(self) -> None: ...

    def adapter(self) -> Adapter:
        """A new adapter for the bot's account, with the state the last one left on disk."""

    async def phone(self, locale: str = "en") -> Phone:
        """A new person who can write to the bot."""

    async def cut(self) -> None:
        """The connection between bot and server breaks, now."""
