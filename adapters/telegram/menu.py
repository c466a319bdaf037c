"""The list that opens behind Telegram's menu button."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Menu = Mapping[str, Sequence[tuple[str, str]]]
"""language -> the commands, and what each does; English is for whoever has another language."""


def settings(menu: Menu) -> Iterator[dict[str, Any]]:
    """What https://core.telegram.org/bots/api#setmycommands is called with, once a language: two
    letters there, and Latin commands."""
    for language, lines in menu.items():
        tag = None if language == "en" else language.split("_")[0]
        if tag is None or len(tag) == 2:
            yield {
                "commands": [{"command": word, "description": what} for word, what in lines],
                "scope": {"type": "all_private_chats"},
                "language_code": tag,
            }
