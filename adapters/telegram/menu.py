"""The list that opens behind Telegram's menu button (setMyCommands).

Telegram takes Latin commands only; the descriptions are in the reader's language. Every other
language sees the English ones, and every command can be written in any language anyway.
"""

from __future__ import annotations


def _menu(**commands: str) -> list[dict[str, str]]:
    return [{"command": word, "description": text} for word, text in commands.items()]


MENU: dict[str | None, list[dict[str, str]]] = {
    None: _menu(
        need="Ask for help",
        needs="Open needs",
        skills="What you can help with",
        mine="Your needs and conversations",
        language="Change the language",
        stop="No more alerts",
        forget="Delete everything about you here",
        cancel="Leave the open question",
        help="What you can do here",
    ),
    "fa": _menu(
        need="کمک می‌خواهم",
        needs="نیازهای باز",
        skills="کمکی که از شما برمی‌آید",
        mine="نیازها و گفتگوهای شما",
        language="تغییر زبان",
        stop="دیگر هشداری نیاید",
        forget="پاک کردن هر چه از شما اینجاست",
        cancel="کنار گذاشتن پرسش باز",
        help="کارهایی که اینجا می‌توانید بکنید",
    ),
}
