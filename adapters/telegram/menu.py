"""The list that opens behind Telegram's menu button: in the language that the gateway writes to
somebody, which need not be that of their app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.message import Event, Hear, Inbound

Commands = Mapping[str, Sequence[tuple[str, str]]]
"""language -> the commands, and what each does; English is for whoever has another language."""

Call = tuple[str, dict[str, Any]]
"""A method of the Bot API and its fields."""

MOST = 10_000
"""Chats that are remembered at once."""


class Menu:
    """What each chat's menu is in, as far as it was heard of since the start."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._apps: dict[str, str] = {}  # chat -> the language that the app has it in
        self._own: dict[str, str] = {}  # chat -> that it was given of its own
        self._tags = {tag: language for language in commands if (tag := _tag(language))}

    def for_all(self) -> Iterator[dict[str, Any]]:
        """What https://core.telegram.org/bots/api#setmycommands is called with, once a language:
        two letters there, and Latin commands."""
        for language in self._commands:
            tag = _tag(language)
            if tag or language == "en":
                scope = {"type": "all_private_chats"}
                yield {"commands": self._listed(language), "scope": scope, "language_code": tag}

    def hearing(self, hear: Hear) -> Hear:
        """Remembers, before something is heard, which menu its sender has."""

        async def heard(event: Event) -> bool:
            if isinstance(event, Inbound) and self._commands:
                if len(self._apps) >= MOST:
                    self._apps.clear()
                    self._own.clear()
                tag = (event.locale or "").lower()[:2]
                self._apps[event.sender.handle] = self._tags.get(tag, "en")
            return await hear(event)

        return heard

    def change(self, chat: str, language: str) -> Call | None:
        """The call, if there is one, after which a chat's menu is in the language that is written
        there (https://core.telegram.org/bots/api#botcommandscopechat)."""
        app = self._apps.get(chat)
        if app is None or language not in self._commands:
            return None
        if language == self._own.get(chat, app):
            return None
        self._own[chat] = language
        if language == app:
            return "DeleteMyCommands", {"scope": _only(chat)}
        return "SetMyCommands", {"commands": self._listed(language), "scope": _only(chat)}

    def forget(self, chat: str) -> Call:
        """The call after which a chat has no menu of its own; there may be one from before the last
        start."""
        self._apps.pop(chat, None)
        self._own.pop(chat, None)
        return "DeleteMyCommands", {"scope": _only(chat)}

    def _listed(self, language: str) -> list[dict[str, str]]:
        return [{"command": word, "description": what} for word, what in self._commands[language]]


def _tag(language: str) -> str | None:
    tag = language.split("_")[0]
    return tag if len(tag) == 2 and language != "en" else None


def _only(chat: str) -> dict[str, Any]:
    return {"type": "chat", "chat_id": chat}
