"""Telegram, through the Bot API (https://core.telegram.org/bots/api) with outbound connections."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from telegram import Bot, InputFile
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    TelegramError,
)

from adapters.telegram import unsending
from adapters.telegram.menu import Commands, Menu
from adapters.telegram.poller import Event, Poller
from adapters.telegram.requests import UPLOAD, Flood, NotSent, QuietBot, Requests
from adapters.telegram.updates import WANTED
from adapters.telegram.writing import UNSENDABLE, rows
from core.message import (
    LARGEST_FILE,
    Address,
    Down,
    Exposed,
    Facts,
    File,
    Gone,
    Hear,
    Inbound,
    Later,
    Outbound,
    Refused,
    Safe,
    Undelivered,
    Unknown,
    Unsent,
)

# At DEBUG it logs every text and address, at ERROR every answer that is not JSON.
logging.getLogger("telegram").setLevel(logging.CRITICAL)

LONG_POLL = 25  # seconds that an empty getUpdates waits at Telegram
GRACE = 15.0  # seconds that it may take longer until its answer is here
TRIES = 5  # polls that fail in a row before the adapter gives up and is started anew
REFUSALS = 3  # the same for 401 and 404, which a proxy or a hiccup can give as well
TICK = "👌"  # one of the emoji that setMessageReaction takes; it says "handed on"
TICKS = 5  # reactions under way at once: they are the first to go when there is much to do

NOBODY = ("chat not found", "user not found", "peer_id_invalid", "input_user_deactivated")
NOT_EDITABLE = ("message to edit not found", "message can't be edited", "message_id_invalid")


class Telegram:
    """token: from @BotFather. api: the server's URL. proxy: http, socks5 (names are looked up by
    the proxy) or None. menu: what opens behind the menu button."""

    facts = Facts(
        buttons=True,
        edits=True,
        max_length=4000,  # Telegram's 4096, with room for whichever unit it counts in
        unit="utf16",
        gap=1.05,
        rate=25.0,
        reader="telegram",
        caption=1000,  # 1024, likewise
        unsend_at_once=unsending.AT_ONCE,
        unsend_within=unsending.WITHIN,
    )

    def __init__(
        self,
        *,
        token: str,
        api: str = "https://api.telegram.org",
        proxy: str | None = None,
        menu: Commands | None = None,
    ) -> None:
        self.up = asyncio.Event()
        self._menu = Menu(menu or {})
        self._token, self._api, self._proxy = token, api.rstrip("/"), proxy
        self._bot: Bot | None = None
        self._asides: set[asyncio.Task[None]] = set()
        self._paused: dict[str, float] = {}  # chat -> until when Telegram wants no call to it

    # ----------------------------------------------------------------------------- in

    async def run(self, hear: Hear, since: str | None, safe: Safe) -> None:
        """Polls until cancelled. Raises Down."""
        bot = self._bot = await self._open()
        poller = Poller(self._updates, self._menu.hearing(hear), self._after, since)
        try:
            down = await self._poll(poller)
        finally:
            self.up.clear()
            await poller.close()
            for task in self._asides:
                task.cancel()
            await asyncio.gather(*self._asides, return_exceptions=True)
            self._bot = None
            await bot.request.shutdown()
        raise down

    async def _poll(self, poller: Poller) -> Down:
        """Returns when trying on here has no point."""
        try:
            await self._call("GetMe")
            await self._call("DeleteWebhook")  # while one is set, every poll is a 409
        except TelegramError as error:
            return self._down(error)
        self.up.set()
        self._aside("SetMyCommands", *self._menu.for_all())
        failed = 0
        while True:
            try:
                await poller.round()
                failed = 0
                self.up.set()
                continue
            except TelegramError as error:
                failed += 1
                self.up.clear()
                down, wait = self._down(error), 0.1 * 2**failed
                if isinstance(error, Flood):
                    wait = 1.25 * error.seconds
                tries = REFUSALS if isinstance(error, InvalidToken) else TRIES
                if failed >= tries or isinstance(error, Conflict):
                    return down
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))

    async def _updates(self, offset: int | None) -> Any:
        # After trouble a short one, to see at once whether it is over. `allowed_updates` is
        # always given: the server goes by the last that it was given.
        seconds = LONG_POLL if self.up.is_set() else 0
        wanted = {"timeout": seconds, "allowed_updates": WANTED}
        return await self._call("GetUpdates", seconds + GRACE, offset=offset, **wanted)

    def _after(self, event: Event, handed_on: bool) -> None:
        """Takes the clock off the button that was pressed; ticks what was handed on."""
        if not isinstance(event, Inbound):
            return
        if event.pressed is not None:
            self._aside("AnswerCallbackQuery", {"callback_query_id": event.id[1:]})
        elif handed_on and len(self._asides) < TICKS and not self._pauses():
            tick = [{"type": "emoji", "emoji": TICK}]
            where = {"chat_id": event.sender.handle, "message_id": event.native}
            self._aside("SetMessageReaction", where | {"reaction": tick})

    def _aside(self, method: str, /, *calls: dict[str, Any]) -> None:
        """Nice to have, one after the other: nobody waits for it, and it may fail ("query is too
        old")."""

        async def attempt() -> None:
            with contextlib.suppress(TelegramError):
                for fields in calls:
                    await self._call(method, **fields)

        task = asyncio.create_task(attempt())
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    # ----------------------------------------------------------------------------- out

    async def send(self, out: Outbound) -> str:
        """sendMessage or editMessageText, at once. -> message id. Raises Gone, Later, Unsent,
        Unknown, Refused, Exposed."""
        outcome: Undelivered
        if out.sensitive:
            raise Exposed
        if not (out.to.handle.isascii() and out.to.handle.isdecimal()):
            raise Gone  # a person has a number; "@name" would be a public channel
        try:
            native = await self._send(out)
            if call := self._menu.change(out.to.handle, out.language):
                self._aside(*call)
            return native
        except TelegramError as error:
            outcome = self._outcome(error, out.to.handle)
        raise outcome  # not inside `except`: PTB's own would be its context, token and all

    async def _send(self, out: Outbound) -> str:
        fields: dict[str, Any] = {
            "chat_id": out.to.handle,
            "text": UNSENDABLE.sub("", out.text),
            "link_preview_options": {"is_disabled": True},
        }
        if out.picture is not None:
            # always as bytes: the id of a file would be the same for everybody who has it
            photo = InputFile(out.picture, filename="picture.jpg")
            fields = {"chat_id": out.to.handle, "photo": photo, "caption": fields["text"]}
        if out.choices:
            fields["reply_markup"] = {"inline_keyboard": rows(out.choices)}
        if out.replaces and out.picture is None and await self._edit(out.replaces, fields):
            return out.replaces
        if out.answers_to and out.answers_to.isdecimal():
            fields["reply_parameters"] = {
                "message_id": int(out.answers_to),
                "allow_sending_without_reply": True,
            }
        how = ("SendMessage", None) if out.picture is None else ("SendPhoto", UPLOAD)
        try:
            sent = await self._call(*how, **fields)
        except BadRequest as error:
            # Despite `allow_sending_without_reply` some messages can't be replied to.
            if "repl" not in error.message.lower() or not fields.pop("reply_parameters", None):
                raise
            sent = await self._call(*how, **fields)
        if not isinstance(sent, dict) or "message_id" not in sent:
            raise TelegramError("no message in the answer")
        return str(sent["message_id"])

    async def _edit(self, native: str, fields: dict[str, Any]) -> bool:
        """-> False: that message cannot be edited any more, a new one has to be sent."""
        try:
            await self._call("EditMessageText", message_id=native, **fields)
        except BadRequest as error:
            text = error.message.lower()
            if "no text in the message" in text:  # a picture: it goes, the text comes instead
                await self._call("DeleteMessage", chat_id=fields["chat_id"], message_id=native)
                return False
            if "not modified" not in text and not any(sign in text for sign in NOT_EDITABLE):
                raise
            return "not modified" in text
        except TelegramError as error:
            if isinstance(self._outcome(error, fields["chat_id"]), Unknown):
                raise NotSent("edit") from None  # as good as: doing it twice changes nothing
            raise
        return True

    def _outcome(self, error: TelegramError, handle: str) -> Undelivered:
        if isinstance(error, Flood):
            self._paused[handle] = time.monotonic() + error.seconds
            return Later(error.seconds, everywhere=self._pauses() >= 3)
        if isinstance(error, Forbidden):  # blocked, deactivated, never started
            return Gone()
        if isinstance(error, BadRequest):  # a NetworkError to PTB: it has to come first
            gone = any(sign in error.message.lower() for sign in NOBODY)
            return Gone() if gone else Refused()
        if isinstance(error, ChatMigrated):  # happens to groups only
            return Refused()
        if isinstance(error, NotSent | InvalidToken | Conflict):
            return Unsent()
        return Unknown()

    def _pauses(self) -> int:
        """-> how many chats Telegram wants no call to. Several: it means the whole bot."""
        now = time.monotonic()
        self._paused = {chat: end for chat, end in self._paused.items() if end > now}
        return len(self._paused)

    async def unsend(self, to: Address, natives: Sequence[str]) -> None:
        """deleteMessages, both sides."""
        messages = [int(native) for native in natives if native.isascii() and native.isdecimal()]
        if not messages:
            return
        try:
            await unsending.delete(self._call, to.handle, messages, NOBODY)
            return
        except TelegramError as error:
            outcome = self._outcome(error, to.handle)
        raise outcome

    # ----------------------------------------------------------------------------- files

    def forget(self, handle: str) -> None:
        self._aside(*self._menu.forget(handle))

    def confirmed(self, handle: str) -> None:
        """Nothing is encrypted here."""

    async def end(self, to: Address, conversation: str) -> None:
        """No conversation has a chat of its own here."""

    async def fetch(self, file: File) -> bytes:
        """getFile, and the download that it names (https://core.telegram.org/bots/api#getfile)."""
        body: bytes | None
        if not file.ref or file.size > LARGEST_FILE:
            raise Refused
        bot = self._bot
        try:
            found = await self._call("GetFile", file_id=file.ref)
            path = found.get("file_path") if isinstance(found, dict) else None
            if bot is None or not isinstance(path, str) or path.startswith("/"):
                raise TelegramError("no path in the answer")
            url = f"{self._api}/file/bot{self._token}/{quote(path)}"
            assert isinstance(bot.request, Requests)
            body = await bot.request.download(url, LARGEST_FILE)
        except BadRequest:
            body = None
        except TelegramError:
            body = b""
        if body:
            return body
        raise Refused if body is None else Unsent  # not inside `except`, as above

    # ----------------------------------------------------------------------------- both

    async def check(self) -> str:
        """getMe. -> "@username"."""
        bot = await self._open()
        try:
            me = await bot.do_api_request("GetMe")
            return f"@{me['username']}"
        except TelegramError as error:
            down = self._down(error)
        except (KeyError, TypeError):
            down = Down("this is not the Bot API", "api")
        finally:
            await bot.request.shutdown()
        raise down

    async def _open(self) -> Bot:
        """-> a bot whose calls have a pool of connections. Raises Down."""
        if not re.fullmatch(r"\d+:[\w-]+", self._token, re.ASCII):
            raise Down("this is not a token as @BotFather gives them", "token_file")
        try:
            requests = Requests(self._proxy)
            await requests.initialize()
        except ValueError:
            raise Down("this is not the URL of a proxy", "proxy") from None
        base = f"{self._api}/bot"
        return QuietBot(self._token, base_url=base, request=requests, get_updates_request=requests)

    async def _call(self, method: str, deadline: float | None = None, /, **fields: Any) -> Any:
        """-> the result as plain JSON. Raises TelegramError. Methods are written with a capital,
        which is the same to the Bot API: the names that PTB knows it would answer with a warning,
        and its own methods turn every answer into objects, 0.1 ms each."""
        if self._bot is None:
            raise NotSent("not running")
        return await self._bot.do_api_request(method, api_kwargs=fields, read_timeout=deadline)

    def _down(self, error: TelegramError) -> Down:
        if isinstance(error, InvalidToken):
            return Down("Telegram refuses the token", "token_file")
        if isinstance(error, Conflict):
            return Down("another process polls this bot")
        if isinstance(error, NotSent):
            key = "proxy" if self._proxy else "api"
            return Down(f"Telegram cannot be reached: {error.message}", key)
        return Down(f"Telegram does not answer as it should: {type(error).__name__}")
