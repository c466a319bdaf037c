"""Telegram's Bot API over real HTTP, strict: every request and every answer is checked against the
official types. What the bot did wrong is in `violations`; every test ends with [].

Behaviour: https://core.telegram.org/bots/api and the server's source, tdlib/telegram-bot-api.
Only what the adapter uses is here; any other method is a violation.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiogram.types import BufferedInputFile
from aiohttp import web

from tests.platforms.bot_api_types import parsed, wrong_in_answer

REACTIONS = "👍👎❤🔥🥰👏😁🤔😱😢🎉🤩🙏👌🕊🤡😍🐳💯🤣⚡🏆💔🤨😐😴😭🤓👻👀🎃😇🤝✍🤗🫡🆒💘😎🤷😡"


class Refusal(Exception):
    def __init__(self, code: int, text: str, **parameters: int) -> None:
        self.code, self.text, self.parameters = code, text, parameters


@dataclass
class Fault:
    """What happens to the next `times` calls of `method` (for `chat` alone, if given).

    kind: error (the API's own, with code, text, parameters), page (somebody else's HTML with
    status `code`), garbage (status 200, broken JSON), result (200, with `result` as it is), delay,
    late (done, answered after `seconds`), drop before (connection reset, nothing done), drop after
    (done, then reset).
    """

    method: str
    kind: str
    code: int = 500
    text: str = "Internal Server Error"
    parameters: dict[str, int] = field(default_factory=dict)
    result: Any = None
    seconds: float = 0.0
    chat: int | None = None
    times: int = 1


class BotApi:
    def __init__(self, token: str = "7000000001:AAplantedTOKENplantedTOKENplanted_12") -> None:
        self.token = token
        bot_id = int(token.split(":")[0])
        self.me = {"id": bot_id, "is_bot": True, "first_name": "Movements", "username": "movebot"}
        self.violations: list[str] = []
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.limits: tuple[int, int] | None = None  # messages a second: to one chat, in all
        self.webhook = ""
        self.users: dict[int, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.download: Callable[[web.Request], Awaitable[web.Response]] | None = None
        self.blocked: set[int] = set()
        self.messages: dict[tuple[int, int], dict[str, Any]] = {}
        self.screens: dict[int, asyncio.Queue[tuple[str, dict[str, Any]]]] = defaultdict(
            asyncio.Queue
        )
        self.unsent: dict[int, asyncio.Queue[int]] = defaultdict(asyncio.Queue)
        self.clock: Callable[[], float] = time.time
        self.reactions: dict[tuple[int, int], str] = {}
        self.commands: dict[str, dict[str, str]] = {}
        self.own_commands: dict[int, dict[str, str]] = {}
        self.queries: dict[str, bool] = {}  # callback id -> answered
        self.updates: list[dict[str, Any]] = []
        self.update_id = 700_000_000
        self.message_ids = itertools.count(1)
        self.changed = asyncio.Condition()
        self._poller = 0
        self._sent: dict[object, list[float]] = defaultdict(list)

    # ------------------------------------------------------------------------- the server

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        app.router.add_get("/file/bot{token}/files/{id}", self._download)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, shutdown_timeout=0.2, access_log=None
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])

    async def stop(self) -> None:
        await self._runner.cleanup()

    def cut(self) -> None:
        """Every connection is reset."""
        assert self._runner.server is not None
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def until(self, what: Any, seconds: float = 15.0) -> None:
        """Waits until `what()` holds; looked at after every call."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(what)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"].lower()
        fields: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json":
            fields |= await request.json()
        else:
            fields |= dict(await request.post())
            for name, value in fields.items():
                if isinstance(value, web.FileField):
                    fields[name] = BufferedInputFile(value.file.read(), value.filename)
        self.calls.append((method, fields))
        fault = self._fault(method, fields)
        kind = fault.kind if fault else ""
        try:
            if request.match_info["token"] != self.token:
                raise Refusal(401, "Unauthorized")
            if kind == "drop before":
                return self._drop(request)
            if fault and kind == "delay":
                await asyncio.sleep(fault.seconds)
            if fault and kind == "error":
                raise Refusal(fault.code, fault.text, **fault.parameters)
            if fault and kind == "page":
                page = "<html>no entry</html>"
                return web.Response(status=fault.code, text=page, content_type="text/html")
            if kind == "garbage":
                return web.Response(body=b'{"ok":true,"result":{"mess')
            if fault and kind == "result":
                return web.json_response({"ok": True, "result": fault.result})
            result = await self._do(method, fields)
            if fault and kind == "late":
                await asyncio.sleep(fault.seconds)
        except Refusal as no:
            answer = {"ok": False, "error_code": no.code, "description": no.text}
            more = {"parameters": no.parameters} if no.parameters else {}
            return web.json_response(answer | more, status=no.code)
        finally:
            async with self.changed:
                self.changed.notify_all()
        if kind == "drop after":
            return self._drop(request)
        return web.json_response({"ok": True, "result": result})

    async def _download(self, request: web.Request) -> web.Response:
        if self.download is not None:
            return await self.download(request)
        body = self.files.get(request.match_info["id"])
        if request.match_info["token"] != self.token or body is None:
            return web.Response(status=404)
        return web.Response(body=body)

    def keep(self, body: bytes) -> str:
        """-> the id of a new file."""
        self.files[id := f"F{len(self.files)}"] = body
        return id

    def _drop(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _fault(self, method: str, fields: dict[str, Any]) -> Fault | None:
        for fault in self.faults:
            there = fault.chat is None or str(fault.chat) == str(fields.get("chat_id"))
            if fault.times and fault.method.lower() == method and there:
                fault.times -= 1
                return fault
        return None

    async def _do(self, method: str, fields: dict[str, Any]) -> Any:
        do = getattr(self, f"do_{method}", None)
        if do is None:
            self.violations.append(f"{method}: no such method here")
            raise Refusal(404, "Not Found: method not found")
        call, wrong = parsed(method, fields)
        if wrong:
            self.violations += wrong
            raise Refusal(400, "Bad Request: " + "; ".join(wrong))
        result = await do(call)
        self.violations += wrong_in_answer(method, result)
        return result

    # ------------------------------------------------------------------------- people

    def user(self, locale: str = "en") -> int:
        id = 5_550_000_000 + len(self.users)
        self.users[id] = {"id": id, "is_bot": False, "first_name": "Ada", "language_code": locale}
        return id

    def chat(self, user: int) -> dict[str, Any]:
        return {"id": user, "type": "private", "first_name": "Ada"}

    async def push(self, **what: Any) -> int:
        """A new update waits for the bot. -> its id."""
        async with self.changed:
            self.update_id += 1
            self.updates.append({"update_id": self.update_id, **copy.deepcopy(what)})
            self.changed.notify_all()
        return self.update_id

    async def write(self, user: int, *, reply_to: int | None = None, **content: Any) -> int:
        """-> message id."""
        message = self._message(user, self.users[user], **content)
        if reply_to is not None:
            message["reply_to_message"] = self._bare(user, reply_to)
        await self.push(message=message)
        return int(message["message_id"])

    async def press(self, user: int, message: int, data: str) -> str:
        """-> callback id."""
        id = str(90_000_000_000 + len(self.queries))
        self.queries[id] = False
        stands_on = self.messages[user, message]
        query = {"id": id, "from": self.users[user], "message": stands_on, "data": data}
        await self.push(callback_query=query | {"chat_instance": "1"})
        return id

    async def block(self, user: int, *, again: bool = False) -> None:
        """The person blocks the bot, or (again) no longer does."""
        (self.blocked.discard if again else self.blocked.add)(user)
        kicked = {"status": "kicked", "user": self.me, "until_date": 0}
        member = {"status": "member", "user": self.me}
        old, new = (kicked, member) if again else (member, kicked)
        change = {"chat": self.chat(user), "from": self.users[user], "date": int(time.time())}
        await self.push(
            my_chat_member=change | {"old_chat_member": old, "new_chat_member": new},
        )

    def _message(self, user: int, author: dict[str, Any], **content: Any) -> dict[str, Any]:
        id, now = next(self.message_ids), int(self.clock())
        message = {"message_id": id, "date": now, "chat": self.chat(user), "from": author}
        self.messages[user, id] = message | content
        return self.messages[user, id]

    def _bare(self, user: int, id: int) -> dict[str, Any]:
        return {k: v for k, v in self.messages[user, id].items() if k != "reply_to_message"}

    # ------------------------------------------------------------------------- methods

    async def do_getme(self, call: Any) -> Any:
        no = ("can_join_groups", "can_read_all_group_messages", "supports_inline_queries")
        return self.me | dict.fromkeys(no, False)

    async def do_deletewebhook(self, call: Any) -> bool:
        if call.drop_pending_updates:
            self.violations.append("deleteWebhook: throws away what people wrote")
        self.webhook = ""
        return True

    async def do_setmycommands(self, call: Any) -> bool:
        for command in call.commands:
            if not re.fullmatch("[a-z0-9_]{1,32}", command.command):
                raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command.description) <= 256:
                raise Refusal(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        listed = {c.command: c.description for c in call.commands}
        if call.scope.type == "chat":
            if int(call.scope.chat_id) not in self.users or call.language_code:
                raise Refusal(400, "Bad Request: chat not found")
            self.own_commands[int(call.scope.chat_id)] = listed
        else:
            self.commands[call.language_code or ""] = listed
        return True

    async def do_deletemycommands(self, call: Any) -> bool:
        self.own_commands.pop(int(call.scope.chat_id), None)
        return True

    async def do_getupdates(self, call: Any) -> Any:
        if self.webhook:
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active")
        self._poller += 1
        me, offset = self._poller, call.offset
        if offset is not None and offset < 0:
            self.violations.append("getUpdates: a negative offset throws updates away")
        async with self.changed:
            self.changed.notify_all()  # whoever polled before is thrown out
            if offset:
                self.updates = [u for u in self.updates if u["update_id"] >= offset]
            try:
                async with asyncio.timeout(call.timeout or 0):
                    await self.changed.wait_for(lambda: self.updates or me != self._poller)
            except TimeoutError:
                pass
        if me != self._poller:
            raise Refusal(409, "Conflict: terminated by other getUpdates request")
        wanted = call.allowed_updates
        if wanted is None:
            self.violations.append("getUpdates: without allowed_updates, the last ones count")
        return [u for u in self.updates if not wanted or u.keys() & set(wanted)][
            : call.limit or 100
        ]

    async def do_sendmessage(self, call: Any) -> Any:
        chat, content = self._outgoing("sendMessage", call)
        reply = call.reply_parameters
        if reply and (chat, reply.message_id) in self.messages:
            content["reply_to_message"] = self._bare(chat, reply.message_id)
        elif reply and reply.allow_sending_without_reply is not True:
            raise Refusal(400, "Bad Request: message to be replied not found")
        message = self._message(chat, self.me, **content)
        self.screens[chat].put_nowait(("sent", message))
        return message

    async def do_getfile(self, call: Any) -> Any:
        body = self.files.get(call.file_id)
        if body is None:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(body) > 20 << 20:
            raise Refusal(400, "Bad Request: file is too big")
        path = f"files/{call.file_id}"
        return {"file_id": call.file_id, "file_unique_id": "U", "file_path": path}

    async def do_deletemessage(self, call: Any) -> bool:
        if self.messages.pop((int(call.chat_id), call.message_id), None) is None:
            raise Refusal(400, "Bad Request: message to delete not found")
        return True

    async def do_deletemessages(self, call: Any) -> bool:
        """All of them or none. Those that are not there are passed over."""
        chat, ids = int(call.chat_id), call.message_ids
        if not 1 <= len(ids) <= 100:
            self.violations.append("deleteMessages: 1 to 100 ids")
            raise Refusal(400, "Bad Request: message identifiers are not specified")
        if chat not in self.users:
            raise Refusal(400, "Bad Request: chat not found")
        there = [id for id in ids if (chat, id) in self.messages]
        if any(self.clock() - self.messages[chat, id]["date"] >= 48 * 3600 for id in there):
            raise Refusal(400, "Bad Request: message can't be deleted for everyone")
        for id in there:
            del self.messages[chat, id]
            self.unsent[chat].put_nowait(id)
        return True

    async def do_sendphoto(self, call: Any) -> Any:
        if not isinstance(call.photo, BufferedInputFile):
            self.violations.append("sendPhoto: a file that somebody else has already")
            raise Refusal(400, "Bad Request: wrong remote file identifier specified")
        caption = call.caption or ""
        if len(caption.encode("utf-16-le")) > 2 * 1024:
            raise Refusal(400, "Bad Request: message caption is too long")
        chat, content = self._outgoing("sendPhoto", call, caption)
        size = {"width": 90, "height": 90, "file_unique_id": "U"}
        content["photo"] = [{"file_id": self.keep(call.photo.data)} | size]
        reply = call.reply_parameters
        if reply and (chat, reply.message_id) in self.messages:
            content["reply_to_message"] = self._bare(chat, reply.message_id)
        message = self._message(chat, self.me, **content)
        self.screens[chat].put_nowait(("sent", message))
        return message

    async def do_editmessagetext(self, call: Any) -> Any:
        chat, content = self._outgoing("editMessageText", call)
        old = self.messages.get((chat, call.message_id))
        if old is None:
            raise Refusal(400, "Bad Request: message to edit not found")
        if old["from"] != self.me:
            raise Refusal(400, "Bad Request: message can't be edited")
        if all(old.get(n) == content.get(n) for n in ("text", "reply_markup")):
            raise Refusal(
                400, "Bad Request: message is not modified: specified new message content"
            )
        if "photo" in old:
            raise Refusal(400, "Bad Request: there is no text in the message to edit")
        kept = {k: v for k, v in old.items() if k != "reply_markup"}
        self.messages[chat, call.message_id] = message = kept | content
        message["edit_date"] = int(time.time())
        self.screens[chat].put_nowait(("edited", message))
        return message

    def _outgoing(
        self, method: str, call: Any, caption: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """-> chat, and what the message holds. Raises Refusal."""
        chat = int(call.chat_id)
        if isinstance(call.parse_mode, str):
            self.violations.append(f"{method}: a parse mode")
        text = call.text if caption is None else caption
        previews = getattr(getattr(call, "link_preview_options", None), "is_disabled", None)
        if caption is None and previews is not True:
            self.violations.append(f"{method}: link previews are on")
        if re.search("[\x00-\x08\x0b-\x1f\x7f]", text):
            self.violations.append(f"{method}: control characters, which Telegram takes out")
        self._flood(chat)
        if chat in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat not in self.users:
            raise Refusal(400, "Bad Request: chat not found")
        if caption is None and not text.strip():
            raise Refusal(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) > 2 * 4096:
            raise Refusal(400, "Bad Request: message is too long")
        content: dict[str, Any] = {"text": text} if caption is None else {}
        if caption:
            content["caption"] = caption
        if call.reply_markup:
            for button in itertools.chain(*call.reply_markup.inline_keyboard):
                if not 1 <= len(button.callback_data.encode()) <= 64:
                    raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
            content["reply_markup"] = json.loads(
                call.reply_markup.model_dump_json(exclude_none=True)
            )
        return chat, content

    def _flood(self, chat: int) -> None:
        if self.limits is None:
            return
        now = time.monotonic()
        for key, limit in zip((chat, "all"), self.limits, strict=True):
            self._sent[key] = [t for t in self._sent[key] if now - t < 1.0]
            if len(self._sent[key]) >= limit:
                raise Refusal(429, "Too Many Requests: retry after 1", retry_after=1)
        self._sent[chat].append(now)
        self._sent["all"].append(now)

    async def do_answercallbackquery(self, call: Any) -> bool:
        if self.queries.get(call.callback_query_id, True):
            raise Refusal(400, "Bad Request: query is too old and response timeout expired")
        self.queries[call.callback_query_id] = True
        return True

    async def do_setmessagereaction(self, call: Any) -> bool:
        if (int(call.chat_id), call.message_id) not in self.messages:
            raise Refusal(400, "Bad Request: message to react not found")
        for reaction in call.reaction or []:
            if reaction.emoji not in REACTIONS:
                raise Refusal(400, "Bad Request: REACTION_INVALID")
            self.reactions[int(call.chat_id), call.message_id] = reaction.emoji
        return True
