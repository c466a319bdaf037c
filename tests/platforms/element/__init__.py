"""People on a Matrix client that is not ours: the library under Element Web, in a Node process.

`npm ci` in this folder brings it (the Makefile does). https://github.com/matrix-org/matrix-js-sdk
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import pathlib
from dataclasses import replace
from typing import Any

from tests.platforms import Seen
from tests.platforms.matrix import API, PASSWORD, MatrixPhone, MatrixPlatform, seen

HERE = pathlib.Path(__file__).parent


class Client:
    """One running client. events: what others wrote, as it was decrypted."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count()

    async def start(self, **more: object) -> None:
        quiet = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self._process = await asyncio.create_subprocess_exec(
            "node",
            str(HERE / "client.js"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=2**24,
            env=quiet,
        )
        self._reading = asyncio.create_task(self._read())
        await self.do("start", **more)

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            said = json.loads(line)
            if "event" in said:
                self.events.put_nowait(said["event"])
            elif "error" in said:
                self._answers.pop(said["id"]).set_exception(RuntimeError(said["error"]))
            elif "ok" in said:
                self._answers.pop(said["id"]).set_result(said["ok"])
        for answer in [each for each in self._answers.values() if not each.done()]:
            answer.set_exception(RuntimeError("the client has ended"))

    async def do(self, what: str, **more: object) -> Any:
        """One command of client.js. Raises RuntimeError."""
        id = next(self._ids)
        self._answers[id] = asyncio.get_running_loop().create_future()
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"id": id, "do": what, **more}).encode() + b"\n")
        async with asyncio.timeout(30):
            return await self._answers[id]

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()
        await self._reading


class ElementPhone(MatrixPhone):
    """strict: it excludes insecure devices, in both directions. sign: it has an identity."""

    client: Client
    device: str
    strict = False
    sign = True

    async def start(self) -> None:
        self.client = Client()
        await self.client.start(
            url=self.synapse.url,
            user=self.user,
            token=self.token,
            device=self.device,
            password=PASSWORD,
            strict=self.strict,
            sign=self.sign,
        )
        if self.room:
            await self.client.do("enter", room=self.room)

    async def stop(self) -> None:
        await self.client.stop()

    async def log_in_again(self) -> ElementPhone:
        """-> the same person's phone with nothing on it: a new device, which nobody vouches for."""
        who = {"type": "m.id.user", "user": self.user}
        body = {"type": "m.login.password", "identifier": who, "password": PASSWORD}
        account = await self.ask("POST", f"{API}/login", body)
        phone = ElementPhone(self.synapse, account, self.bot, self.locale)
        phone.device, phone.room, phone.sign = account["device_id"], self.room, False
        await phone.start()
        return phone

    async def make_room(self, **more: object) -> str:
        wish = {"encrypted": True, **more}
        self.room = str(await self.client.do("chat", bot=self.bot, **wish))
        return self.room

    async def invited(self) -> dict[str, Any]:
        """Waits for an invitation from the bot. -> the room, and what it shows to whoever asks."""
        return dict(await self.client.do("invited", by=self.bot))

    async def join(self, room: str) -> None:
        """Accepts an invitation, and writes there from now on."""
        await self.client.do("join", room=room)
        self.room = room

    async def enter(self, room: str | None) -> None:
        """Writes there from now on."""
        self.room = room
        await self.client.do("enter", room=room)

    async def write(self, content: object, kind: str = "m.room.message") -> str:
        if not self.room:
            await self.make_room()
        return str(await self.client.do("write", content=content))

    async def hears(self, seconds: float = 15.0) -> dict[str, Any]:
        """-> the next event from the bot, with what the client thinks of it."""
        async with asyncio.timeout(seconds):
            return await self.client.events.get()

    async def next(self, seconds: float = 15.0) -> Seen:
        event = await self.hears(seconds)
        assert not event["failed"], event["failed"]
        content = dict(event["content"])
        if event["relation"]:
            content["m.relates_to"] = event["relation"]
        picture = await self._picture(content)
        found = seen({"event_id": event["id"], "content": content})
        return replace(found, picture=picture)


class ElementPlatform(MatrixPlatform):
    """As `MatrixPlatform`, with people on Element. strict: who excludes insecure devices: every
    second one, the first included."""

    async def start(self) -> None:
        await super().start()
        self.phones: list[ElementPhone] = []

    async def stop(self) -> None:
        for phone in self.phones:
            await phone.stop()
        await super().stop()

    async def phone(self, locale: str = "en") -> ElementPhone:
        account = await self._register("person")
        phone = ElementPhone(self.synapse, account, self.bot, locale)
        phone.device, phone.strict = account["device_id"], len(self.phones) % 2 == 0
        await phone.start()
        self.phones.append(phone)
        return phone
