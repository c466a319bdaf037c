"""Phones on Telegram, against our own strict Bot API server."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

from adapters.telegram import Telegram
from core.message import Address
from tests.planted import plant
from tests.platforms import Seen
from tests.platforms.bot_api import BotApi

FILE = {"file_id": "FILE", "file_unique_id": "UNIQUE"}
SIZE = {"width": 90, "height": 90}
FILES: dict[str, dict[str, Any]] = {
    "picture": {"photo": [FILE | SIZE]},
    "voice": {"voice": FILE | {"duration": 2}},
    "video": {"video": FILE | SIZE | {"duration": 2}},
    "document": {"document": FILE | {"file_name": "letter.pdf"}},
    "sticker": {
        "sticker": FILE | SIZE | {"type": "regular", "is_animated": False, "is_video": False}
    },
    "location": {"location": {"latitude": 35.7, "longitude": 51.4}},
    "contact": {"contact": {"phone_number": "+100", "first_name": "Bo"}},
    "other": {"dice": {"emoji": "🎲", "value": 4}},
}


class TelegramPhone:
    def __init__(self, api: BotApi, user: int) -> None:
        self.api, self.user = api, user
        self.address = Address("telegram", str(user))

    async def say(self, text: str, *, reply_to: str | None = None) -> str:
        reply = int(reply_to) if reply_to else None
        return str(await self.api.write(self.user, reply_to=reply, text=text))

    async def edit(self, native: str, text: str) -> str:
        message = self.api.messages[self.user, int(native)]
        message |= {"text": text, "edit_date": int(time.time())}
        await self.api.push(edited_message=message)
        return native

    async def press(self, seen: Seen, label: str) -> None:
        rows = self.api.messages[self.user, int(seen.native)]["reply_markup"]["inline_keyboard"]
        (data,) = [b["callback_data"] for row in rows for b in row if b["text"] == label]
        await self.api.press(self.user, int(seen.native), data)

    async def send_file(self, kind: str) -> str:
        return str(await self.api.write(self.user, **FILES[kind]))

    async def send_picture(self, body: bytes, text: str = "", name: str = "a.jpg") -> str:
        file = {"file_id": self.api.keep(body), "file_unique_id": "U", "file_size": len(body)}
        content: dict[str, Any] = {"photo": [FILE | SIZE, file | {"width": 900, "height": 90}]}
        if name.endswith(".pdf"):
            document = file | {"file_name": name, "mime_type": "application/pdf"}
            content = {"document": document}
        if text:
            content["caption"] = text
        return str(await self.api.write(self.user, **content))

    async def next(self, seconds: float = 10.0) -> Seen:
        async with asyncio.timeout(seconds):
            what, message = await self.api.screens[self.user].get()
        native = str(message["message_id"])
        rows = message.get("reply_markup", {"inline_keyboard": []})["inline_keyboard"]
        answered = message.get("reply_to_message")
        return Seen(
            native=native,
            text=message.get("text", message.get("caption", "")),
            choices=tuple(button["text"] for row in rows for button in row),
            answers_to=str(answered["message_id"]) if answered else None,
            replaces=native if what == "edited" else None,
            picture=self.api.files[message["photo"][-1]["file_id"]] if "photo" in message else None,
        )

    async def unsent(self, seconds: float = 10.0) -> str:
        async with asyncio.timeout(seconds):
            return str(await self.api.unsent[self.user].get())

    async def leave(self) -> None:
        await self.api.block(self.user)


class TelegramPlatform:
    name = "telegram"

    async def start(self) -> None:
        self.api = BotApi()
        await self.api.start()

    async def stop(self) -> None:
        await self.api.stop()
        assert self.api.violations == []

    def adapter(self) -> Telegram:
        """Unpaced: the server here has no flood limit unless a test sets one."""
        adapter = Telegram(token=plant(self.api.token), api=self.api.url)
        adapter.facts = replace(adapter.facts, gap=0, rate=1000)
        return adapter

    async def phone(self, locale: str = "en") -> TelegramPhone:
        return TelegramPhone(self.api, self.api.user(locale))

    async def cut(self) -> None:
        self.api.cut()
