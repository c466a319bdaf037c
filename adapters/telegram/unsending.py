"""Deleting what the bot sent, for both sides (https://core.telegram.org/bots/api#deletemessages)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from telegram.error import BadRequest

AT_ONCE = 100
WITHIN = 48 * 3600


async def delete(
    call: Callable[..., Awaitable[Any]],
    chat: str,
    messages: Sequence[int],
    nobody: Sequence[str],
) -> None:
    """One message that is too old, and Telegram refuses all of them: it is looked for by halves,
    and left. nobody: what a refusal says when there is no such chat. Raises TelegramError."""
    try:
        await call("DeleteMessages", chat_id=chat, message_ids=list(messages))
    except BadRequest as error:
        if any(sign in error.message.lower() for sign in nobody):
            raise
        half = len(messages) // 2
        for part in (messages[:half], messages[half:]) if half else ():
            await delete(call, chat, part, nobody)
