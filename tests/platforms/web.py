"""Phones on the playground: they speak the page's own WebSocket to the adapter."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import secrets
import socket
import uuid
from typing import Any

import aiohttp

from adapters.web import Web
from core.message import Address
from tests.platforms import Seen


class WebPhone:
    """One page with one phone. Like the page, it keeps each event until it is heard, comes again
    when the connection breaks, and knows a message by its id."""

    def __init__(self, platform: WebPlatform, handle: str, locale: str) -> None:
        self.platform, self.locale = platform, locale
        self.address = Address("web", handle)
        self.unheard: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, str] = {}
        self.values: dict[tuple[str, str], str] = {}
        self.committed = asyncio.Event()
        """Set while nothing waits to be heard."""
        self.seen: asyncio.Queue[Seen] = asyncio.Queue()
        self.gone: asyncio.Queue[str] = asyncio.Queue()
        self.wire: aiohttp.ClientWebSocketResponse | None = None
        self.task = asyncio.create_task(self._stay())

    async def _stay(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                adapter = self.platform.current
                await adapter.up.wait()
                with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                    origin = adapter.url.rstrip("/")
                    async with session.ws_connect(
                        f"{adapter.url}wire", headers={"Origin": origin}
                    ) as wire:
                        await self._talk(wire)
                self.wire = None
                await asyncio.sleep(0.05)

    async def _talk(self, wire: aiohttp.ClientWebSocketResponse) -> None:
        handle = self.address.handle
        await wire.send_json({"do": "open", "phone": handle, "language": self.locale})
        for event in list(self.unheard.values()):
            await wire.send_json(event)
        self.wire = wire
        async for frame in wire:
            what = json.loads(frame.data)
            if what["is"] in ("heard", "refused"):
                self.unheard.pop(what["id"], None)
                if not self.unheard:
                    self.committed.set()
            elif what["is"] == "message" and not what["message"]["mine"]:
                await self._show(what["message"])
            elif what["is"] == "unsent" and self.versions.pop(what["id"], None):
                self.gone.put_nowait(what["id"])

    async def _show(self, message: dict[str, Any]) -> None:
        native, face = message["id"], json.dumps([message["text"], message["choices"]])
        if self.versions.get(native) == face:
            return
        replaces = native if native in self.versions else None
        self.versions[native] = face
        for value, label in message["choices"]:
            self.values[native, label] = value
        labels = tuple(label for _, label in message["choices"])
        picture = None
        if message["picture"]:
            url = self.platform.current.url + message["picture"]
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                picture = await answer.read()
        self.seen.put_nowait(
            Seen(native, message["text"], labels, message["answers_to"], replaces, picture=picture)
        )

    async def _do(self, what: str, **more: object) -> str:
        id = str(uuid.uuid4())
        self.unheard[id] = {"do": what, "phone": self.address.handle, "id": id, **more}
        self.committed.clear()
        if self.wire is not None:
            with contextlib.suppress(ConnectionError):
                await self.wire.send_json(self.unheard[id])
        return id

    async def say(self, text: str, *, reply_to: str | None = None) -> str:
        return await self._do("say", text=text, answers_to=reply_to)

    async def edit(self, native: str, text: str) -> str:
        return await self._do("edit", text=text, edits=native)

    async def press(self, seen: Seen, label: str) -> None:
        await self._do("press", on=seen.native, value=self.values[seen.native, label])

    async def send_file(self, kind: str) -> str:
        return await self._do("file", kind=kind)

    async def send_picture(self, body: bytes, text: str = "", name: str = "a.jpg") -> str:
        """Too large a file gets no `ref`, as on the page."""
        base = self.platform.current.url
        async with (
            aiohttp.ClientSession(headers={"Origin": base.rstrip("/")}) as session,
            session.post(base + "pictures", data=io.BytesIO(body)) as answer,
        ):
            ref = await answer.text() if answer.ok else "-"
        kind = "document" if name.endswith(".pdf") else "picture"
        return await self._do("file", kind=kind, ref=ref, **({"text": text} if text else {}))

    async def next(self, seconds: float = 10.0) -> Seen:
        async with asyncio.timeout(seconds):
            return await self.seen.get()

    async def unsent(self, seconds: float = 10.0) -> str:
        async with asyncio.timeout(seconds):
            return await self.gone.get()

    async def leave(self) -> None:
        await self._do("leave")

    def cut(self) -> None:
        if self.wire is not None:
            self.wire.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


class WebPlatform:
    name = "web"

    async def start(self) -> None:
        self.phones: list[WebPhone] = []

    async def stop(self) -> None:
        for phone in self.phones:
            await phone.close()

    def adapter(self) -> Web:
        self.current = Web(listen="127.0.0.1:0")
        return self.current

    async def phone(self, locale: str = "en", handle: str = "") -> WebPhone:
        """handle: one of the page's own phones ("volunteer"); otherwise a new one is added."""
        self.phones.append(WebPhone(self, handle or secrets.token_hex(4), locale))
        return self.phones[-1]

    async def cut(self) -> None:
        for phone in self.phones:
            phone.cut()
