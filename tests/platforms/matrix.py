"""People on Matrix: each an account on a real Synapse, played at the level of the HTTP API.

The bot reaches Synapse through a `Line`, which counts requests, breaks, and lies when told.
"""

from __future__ import annotations

import asyncio
import io
import pathlib
import re
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web

from adapters.matrix import Matrix
from core.message import Address
from tests.planted import plant
from tests.platforms import Seen
from tests.platforms.synapse import Synapse, shared

API = "/_matrix/client/v3"
PASSWORD = "correct horse"


class Line:
    """What stands between bot and homeserver. lie: a request -> (status, body) instead of the
    homeserver's answer, or None. holds: whether the answer to a request is kept back for ever;
    held: one is. asked: every request: method, path, query. positions: what the
    bot synced from."""

    def __init__(self, synapse: Synapse) -> None:
        self.synapse = synapse
        self.asked: list[str] = []
        self.positions: list[str] = []
        self.lie: Callable[[web.Request], tuple[int, object] | None] = lambda _: None
        self.holds: Callable[[web.Request], bool] = lambda _: False
        self.held = asyncio.Event()
        self.open: set[asyncio.Transport] = set()

    async def start(self) -> None:
        self.out = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=2**27)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def stop(self) -> None:
        self.cut()
        await self.runner.cleanup()
        await self.out.close()

    def cut(self) -> None:
        for transport in self.open:
            transport.abort()

    def count(self, part: str) -> int:
        return sum(part in line for line in self.asked)

    async def _pass(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path_qs}")
        if "since" in request.query:
            self.positions.append(request.query["since"])
        if lie := self.lie(request):
            status, body = lie
            if isinstance(body, str):
                return web.Response(status=status, text=body, content_type="text/html")
            return web.json_response(body, status=status)
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)
        self.open.add(transport)
        names = ("Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        try:
            async with self.out.request(
                request.method,
                self.synapse.url + request.raw_path,
                data=await request.read(),
                headers=headers,
            ) as answer:
                body = await answer.read()
                if self.holds(request):
                    self.held.set()
                    await asyncio.Event().wait()
                kind = answer.content_type
                return web.Response(status=answer.status, body=body, content_type=kind)
        except aiohttp.ClientError:
            return web.Response(status=502, text="<h1>Bad Gateway</h1>", content_type="text/html")
        finally:
            self.open.discard(transport)


class MatrixPhone:
    """One person, in a direct room with the bot (made at the first message)."""

    def __init__(self, synapse: Synapse, account: dict[str, Any], bot: str, locale: str) -> None:
        self.synapse, self.bot, self.locale = synapse, bot, locale
        self.user, self.token = account["user_id"], account["access_token"]
        self.address = Address("matrix", self.user)
        self.room: str | None = None
        self.since: str | None = None
        self.new: asyncio.Queue[Seen] = asyncio.Queue()
        self.gone: asyncio.Queue[str] = asyncio.Queue()

    async def ask(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """One request as this person. Raises aiohttp.ClientResponseError."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession(self.synapse.url, headers=headers) as session,
            session.request(
                method, path, json=body if body is not None else None, params=query
            ) as answer,
        ):
            answer.raise_for_status()
            return await answer.json()

    async def make_room(self, **more: object) -> str:
        """A direct room as clients make it, with the bot invited. -> its id."""
        wish = {"preset": "trusted_private_chat", "is_direct": True, "invite": [self.bot]}
        room = (await self.ask("POST", f"{API}/createRoom", wish | more))["room_id"]
        self.room = str(room)
        return self.room

    async def joined(self, room: str, user: str) -> bool:
        members = await self.ask("GET", f"{API}/rooms/{quote(room)}/joined_members")
        return user in members["joined"]

    async def write(self, content: object, kind: str = "m.room.message") -> str:
        """Any event into the direct room. -> its id."""
        room = self.room or await self.make_room()
        path = f"{API}/rooms/{quote(room)}/send/{kind}/{secrets.token_hex(8)}"
        return str((await self.ask("PUT", path, content))["event_id"])

    async def say(self, text: str, *, reply_to: str | None = None) -> str:
        content: dict[str, object] = {"msgtype": "m.text", "body": text}
        if reply_to:
            content["m.relates_to"] = {"m.in_reply_to": {"event_id": reply_to}}
        return await self.write(content)

    async def say_in_thread(self, text: str, root: str, reply_to: str | None = None) -> str:
        """In a thread; as a reply to one of its messages if asked."""
        relation = {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": reply_to is None,
            "m.in_reply_to": {"event_id": reply_to or root},
        }
        return await self.write({"msgtype": "m.text", "body": text, "m.relates_to": relation})

    async def edit(self, native: str, text: str) -> str:
        content = {
            "msgtype": "m.text",
            "body": f"* {text}",
            "m.new_content": {"msgtype": "m.text", "body": text},
            "m.relates_to": {"rel_type": "m.replace", "event_id": native},
        }
        return await self.write(content)

    async def delete(self, native: str) -> str:
        assert self.room
        path = f"{API}/rooms/{quote(self.room)}/redact/{quote(native)}/{secrets.token_hex(8)}"
        return str((await self.ask("PUT", path, {}))["event_id"])

    async def press(self, seen: Seen, label: str) -> None:
        found = re.search(rf"(\d+)\W* \W*{re.escape(label)}", seen.text)
        assert found, f"no line with this label among {len(seen.text)} characters"
        await self.say(found[1])

    async def send_file(self, kind: str) -> str:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "image/png"}
        async with aiohttp.ClientSession(self.synapse.url, headers=headers) as session:
            path = "/_matrix/media/v3/upload?filename=file"
            async with session.post(path, data=b"\x89PNG") as answer:
                url = (await answer.json())["content_uri"]
        if kind == "sticker":
            return await self.write({"body": "a cat", "info": {}, "url": url}, "m.sticker")
        types = {"picture": "m.image", "voice": "m.audio", "video": "m.video"}
        content = {"msgtype": types.get(kind, "m.file"), "body": "file", "url": url}
        return await self.write(content)

    async def send_picture(self, body: bytes, text: str = "", name: str = "a.jpg") -> str:
        type = "application/pdf" if name.endswith(".pdf") else "image/jpeg"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": type}
        async with aiohttp.ClientSession(self.synapse.url, headers=headers) as session:
            path = "/_matrix/media/v3/upload?filename=" + name
            async with session.post(path, data=io.BytesIO(body)) as answer:
                url = (await answer.json())["content_uri"]
        kind = "m.file" if name.endswith(".pdf") else "m.image"
        content = {"msgtype": kind, "body": text or name, "filename": name, "url": url}
        info = {"mimetype": type, "size": len(body)}
        return await self.write(content | {"info": info})

    async def _picture(self, content: dict[str, Any]) -> bytes | None:
        if content["msgtype"] != "m.image":
            return None
        headers = {"Authorization": f"Bearer {self.token}"}
        path = "/_matrix/client/v1/media/download/" + content["url"].removeprefix("mxc://")
        async with (
            aiohttp.ClientSession(self.synapse.url, headers=headers) as session,
            session.get(path) as answer,
        ):
            return await answer.read()

    async def next(self, seconds: float = 10.0) -> Seen:
        async with asyncio.timeout(seconds):
            while self.new.empty():
                await self._sync()
            return self.new.get_nowait()

    async def unsent(self, seconds: float = 10.0) -> str:
        async with asyncio.timeout(seconds):
            while self.gone.empty():
                await self._sync()
            return self.gone.get_nowait()

    async def _sync(self) -> None:
        query = {"timeout": "10000"} | ({"since": self.since} if self.since else {})
        answer = await self.ask("GET", f"{API}/sync", **query)
        self.since = answer["next_batch"]
        for room in answer.get("rooms", {}).get("join", {}).values():
            for event in room["timeline"]["events"]:
                if event["type"] == "m.room.redaction" and event["sender"] == self.bot:
                    self.gone.put_nowait(event.get("redacts") or event["content"]["redacts"])
                elif not event["content"]:
                    continue  # redacted before it was seen
                elif event["type"] == "m.room.message" and event["sender"] == self.bot:
                    picture = await self._picture(event["content"])
                    self.new.put_nowait(replace(seen(event), picture=picture))

    async def receipts(self) -> set[str]:
        """-> the events that the bot said it has read, as of now."""
        answer = await self.ask("GET", f"{API}/sync")
        rooms = answer.get("rooms", {}).get("join", {}).values()
        contents = [e["content"] for room in rooms for e in room["ephemeral"]["events"]]
        return {
            event
            for content in contents
            for event, kinds in content.items()
            if self.bot in kinds.get("m.read", {})
        }

    async def leave(self, room: str | None = None) -> None:
        await self.ask("POST", f"{API}/rooms/{quote(room or self.room or '')}/leave", {})


def seen(event: dict[str, Any]) -> Seen:
    content = event["content"]
    if content.get("filename") == content["body"]:
        content["body"] = ""
    relation = content.get("m.relates_to", {})
    answers = relation.get("m.in_reply_to", {}).get("event_id")
    if relation.get("rel_type") == "m.replace":
        text = content["m.new_content"]["body"]
        return Seen(relation["event_id"], text, replaces=relation["event_id"])
    if relation.get("rel_type") == "m.thread":
        if relation.get("is_falling_back"):
            answers = None
        return Seen(event["event_id"], content["body"], (), answers, None, relation["event_id"])
    return Seen(event["event_id"], content["body"], answers_to=answers)


class MatrixPlatform:
    name = "matrix"

    async def start(self) -> None:
        self.synapse = await asyncio.to_thread(shared)
        self.line = Line(self.synapse)
        await self.line.start()
        self.bot = (await self._register("bot"))["user_id"]
        self.disk = tempfile.TemporaryDirectory(prefix="matrix-bot-")

    async def stop(self) -> None:
        await self.line.stop()
        self.disk.cleanup()

    async def _register(self, name: str) -> dict[str, Any]:
        user = f"{name}-{secrets.token_hex(4)}"
        return await asyncio.to_thread(self.synapse.register, user, PASSWORD)

    def adapter(self, **more: Any) -> Matrix:
        settings: dict[str, Any] = {
            "homeserver": self.line.url,
            "user": self.bot,
            "password": plant(PASSWORD),
            "folder": pathlib.Path(self.disk.name) / "matrix",
        }
        return Matrix(**(settings | more))

    async def phone(self, locale: str = "en") -> MatrixPhone:
        return MatrixPhone(self.synapse, await self._register("person"), self.bot, locale)

    async def cut(self) -> None:
        self.line.cut()
