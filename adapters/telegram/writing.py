"""What a message may hold: text that Telegram takes, and buttons in rows."""

from __future__ import annotations

import re

from core.message import Refused

# What Telegram's own server would drop or refuse, and what UTF-8 cannot hold.
UNSENDABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def rows(choices: tuple[tuple[str, str], ...]) -> list[list[dict[str, str]]]:
    """Buttons side by side as long as their labels can be read on a small phone."""
    found: list[list[dict[str, str]]] = []
    width = 0
    for value, label in choices:
        if not 1 <= len(value.encode("utf-8", "surrogatepass")) <= 64 or UNSENDABLE.search(value):
            raise Refused  # InlineKeyboardButton.callback_data
        width += len(label) + 2
        if not found or len(found[-1]) == 3 or width > 30:
            found.append([])
            width = len(label) + 2
        found[-1].append({"text": UNSENDABLE.sub("", label), "callback_data": value})
    return found
