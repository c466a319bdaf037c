"""The playground's server: one page, and one WebSocket that carries what happens on its phones.

Page to server, one JSON object a frame; `id` is a UUID that the page made, and makes a repeat
harmless:
    {"do": "open", "phone": handle, "language": tag}           answered with the whole chat
    {"do": "say", "phone", "id", "text", "answers_to"?}        {"do": "edit", ..., "text", "edits"}
    {"do": "press", ..., "on": message id, "value"}
    {"do": "file", ..., "kind", "ref"?, "text"?}
    {"do": "leave", "phone", "id"}                             {"do": "stop story"}
A real picture is posted to /pictures first; `ref` is what that answered.
Server to page:
    {"is": "message", "phone", "message": adapters.web.phones.Message}    new or changed
    {"is": "unsent", "phone", "id"}        a message that the bot took back
    {"is": "heard", "phone", "id"}         committed: the page forgets the event
    {"is": "refused", "id"?, "why"}        never will be
    {"is": "story", "playing": bool}
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from aiohttp import WSMsgType, web

from adapters.web.demo import play
from adapters.web.door import harden, loopback, only_from_here, page
from adapters.web.phones import LONGEST, PRESET, Message, Odd, Phone, open_phone
from core.message import (
    LARGEST_FILE,
    Address,
    Down,
    Exposed,
    Facts,
    File,
    Gone,
    Hear,
    Outbound,
    Refused,
    Safe,
    Unsent,
)

log = logging.getLogger(__name__)

FRAME = 16 * LONGEST  # bytes: the longest text, if every character is escaped, and its envelope
PHONES = 100  # a page that opens more is broken
PICTURES = 50  # of each kind, in memory
BEHIND = 2_000  # frames that a tab may be behind before it is sent away to come again
TAKEN = "something listens at this address already"
PATIENCE = 5.0  # seconds at most between two tries to have an event heard


@dataclass(eq=False)
class Tab:
    """One open page."""

    socket: web.WebSocketResponse
    opened: set[str] = field(default_factory=set)
    frames: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def tell(self, what: str, **more: object) -> None:
        self.frames.put_nowait(json.dumps({"is": what, **more}))


class Web:
    """listen: "host:port" on loopback; port 0 takes a free one. demo: the story plays by itself as
    soon as somebody looks. Raises Down if `listen` is not loopback."""

    def __init__(self, *, listen: str = "127.0.0.1:8642", demo: bool = False) -> None:
        self.host, self.port = loopback(listen)
        self.demo = demo
        self.facts = Facts(
            buttons=True, edits=True, max_length=LONGEST, unit="codepoints", caption=LONGEST
        )
        self.up = asyncio.Event()
        self.url = ""
        self.phones = {handle: Phone(handle, language) for handle, language in PRESET.items()}
        self.tabs: set[Tab] = set()
        self.posted: dict[str, bytes] = {}
        self.pictures: dict[str, bytes] = {}
        """Clean ones, by a name that cannot be guessed; a page shows them. What was posted is never
        given out again."""
        self.changed = asyncio.Event()
        """Set, and replaced by a new one, whenever a phone shows something new."""
        self._watched = asyncio.Event()
        self._story: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ the adapter

    async def run(self, hear: Hear, since: str | None, safe: Safe) -> None:
        """Serves the page until cancelled. Chats live in this object, events in the page until
        they are heard, so there is no cursor. Raises Down if the port is taken."""
        async with self._served(), asyncio.TaskGroup() as group:
            self._hear_from: Callable[[Phone], object] = lambda phone: group.create_task(
                self._listen(phone, hear)
            )
            for phone in self.phones.values():
                self._hear_from(phone)
            self.up.set()
            if self.demo:
                await self._watched.wait()
                self._story = group.create_task(self._play())
            await asyncio.Event().wait()

    async def send(self, out: Outbound) -> str:
        if not self.up.is_set():
            raise Unsent
        if out.sensitive:
            raise Exposed
        if len(out.text) > LONGEST:
            raise Refused
        phone = self.phones.get(out.to.handle)
        if phone is None:  # a phone of an earlier run: its page is closed, or comes again soon
            if len(self.phones) >= PHONES:
                raise Gone
            phone = self._add(Phone(out.to.handle, out.language))
        if phone.gone:
            raise Gone
        path = None
        if out.picture is not None:
            path = f"pictures/{_keep(self.pictures, out.picture)}"
        id, changed = phone.show(out, path)
        self._show(phone, changed)
        return id

    async def unsend(self, to: Address, natives: Sequence[str]) -> None:
        if not self.up.is_set():
            raise Unsent
        phone = self.phones.get(to.handle)
        if phone is None:
            raise Gone
        for id in natives:
            if message := phone.messages.get(id):
                self.pictures.pop((message.picture or "").removeprefix("pictures/"), None)
        for id in phone.unsend(natives):
            for tab in self.tabs:
                if phone.handle in tab.opened:
                    tab.tell("unsent", phone=phone.handle, id=id)

    def forget(self, handle: str) -> None:
        """Nothing is encrypted here: nothing is held."""

    def confirmed(self, handle: str) -> None:
        """Nothing is encrypted here."""

    async def end(self, to: Address, conversation: str) -> None:
        """No conversation has a chat of its own here."""

    async def fetch(self, file: File) -> bytes:
        body = self.posted.get(file.ref)
        if body is None:
            raise Refused
        return body

    async def check(self) -> str:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(asyncio.Protocol, self.host, self.port)
        except OSError:
            raise Down(TAKEN, key="listen") from None
        server.close()
        return f"{self.host}:{self.port}"

    @contextlib.asynccontextmanager
    async def _served(self) -> AsyncIterator[None]:
        app = web.Application(middlewares=[only_from_here], client_max_size=2 * LARGEST_FILE)
        app.on_response_prepare.append(harden)
        app.router.add_get("/wire", self._wire)
        app.router.add_post("/pictures", self._post)
        app.router.add_get("/pictures/{name}", self._picture)
        app.router.add_get("/{name:[a-z]*\\.?[a-z]*}", page)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, self.host, self.port).start()
            except OSError:
                raise Down(TAKEN, key="listen") from None
            host, port = runner.addresses[0][:2]
            self.url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
            yield
        finally:
            self.up.clear()
            for tab in list(self.tabs):
                await tab.socket.close(code=1001)
            await runner.cleanup()

    # ------------------------------------------------------------ from the phones

    async def _wire(self, request: web.Request) -> web.StreamResponse:
        if "Origin" not in request.headers:
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(max_msg_size=FRAME, heartbeat=30, timeout=1)
        await socket.prepare(request)
        tab = Tab(socket)
        self.tabs.add(tab)
        writer = asyncio.create_task(_write(tab))
        tab.tell("story", playing=self._playing)
        self._watched.set()
        try:
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT:
                    tab.tell("refused", why="not text")
                    continue
                self._read(tab, frame.data)
        finally:
            self.tabs.discard(tab)
            writer.cancel()
        return socket

    async def _post(self, request: web.Request) -> web.StreamResponse:
        if "Origin" not in request.headers:
            raise web.HTTPForbidden
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > LARGEST_FILE:
                raise web.HTTPRequestEntityTooLarge(LARGEST_FILE, len(body))
        return web.Response(text=_keep(self.posted, bytes(body)))

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        body = self.pictures.get(request.match_info["name"])
        if body is None:
            raise web.HTTPNotFound
        return web.Response(body=io.BytesIO(body), content_type="image/jpeg")

    def _read(self, tab: Tab, frame: str) -> None:
        event: object = None
        try:
            event = json.loads(frame)
            if not isinstance(event, dict):
                raise Odd("not an object")
            if event.get("do") == "open":
                self._open(tab, event)
            elif event.get("do") == "stop story":
                self._stop_story()
            else:
                self.take(event, tab)
        except (ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, Odd) else "not JSON"
            id = event.get("id") if isinstance(event, dict) else None
            tab.tell("refused", id=id if isinstance(id, str) else None, why=why)

    def _open(self, tab: Tab, event: Mapping[str, object]) -> None:
        wanted = open_phone(event)
        phone = self.phones.get(wanted.handle) or self._add(wanted)
        phone.language = wanted.language
        tab.opened.add(phone.handle)
        for id in phone.unsent:
            tab.tell("unsent", phone=phone.handle, id=id)
        for message in phone.messages.values():
            tab.tell("message", phone=phone.handle, message=asdict(message))

    def _add(self, phone: Phone) -> Phone:
        if len(self.phones) >= PHONES:
            raise Odd("too many phones")
        self.phones[phone.handle] = phone
        self._hear_from(phone)
        return phone

    def take(self, event: Mapping[str, object], tab: Tab | None = None) -> str:
        """Something was done on a phone, by a hand or by the story -> the event's id. Raises Odd.

        A tab that repeats what was heard already is told so at once.
        """
        phone = self.phones.get(str(event.get("phone")))
        if phone is None:
            raise Odd("no such phone")
        id, changed = phone.take(event)
        self._show(phone, changed)
        if tab is not None and phone.done[id] is not None:
            tab.tell("heard", phone=phone.handle, id=id)
        return id

    async def _listen(self, phone: Phone, hear: Hear) -> None:
        """Has one phone's events heard, in order, each until it is committed."""
        pause = 0.1
        while True:
            while not phone.waiting:
                await self.changed.wait()
            try:
                handed_on = await hear(phone.waiting[0][1])
            except Exception as error:
                log.warning("not heard (%s); trying again", type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(2 * pause, PATIENCE)
                continue
            pause = 0.1
            id, changed = phone.heard(handed_on)
            for tab in self.tabs:
                if phone.handle in tab.opened:
                    tab.tell("heard", phone=phone.handle, id=id)
            self._show(phone, changed)

    # ------------------------------------------------------------ to the page

    def _show(self, phone: Phone, changed: list[Message]) -> None:
        for message in changed:
            for tab in self.tabs:
                if phone.handle in tab.opened:
                    tab.tell("message", phone=phone.handle, message=asdict(message))
        self.changed.set()
        self.changed = asyncio.Event()

    @property
    def _playing(self) -> bool:
        return self._story is not None and not self._story.done()

    async def _play(self) -> None:
        self._tell_story(True)
        try:
            await play(self)
        except TimeoutError:
            log.warning("the story waited in vain for the bot and stopped")
        finally:
            self._tell_story(False)

    def _stop_story(self) -> None:
        if self._story is not None:
            self._story.cancel()

    def _tell_story(self, playing: bool) -> None:
        for tab in self.tabs:
            tab.tell("story", playing=playing)


def _keep(kept: dict[str, bytes], body: bytes) -> str:
    """-> its new name. The oldest go when there are too many."""
    kept[name := secrets.token_urlsafe(16)] = body
    while len(kept) > PICTURES:
        del kept[next(iter(kept))]
    return name


async def _write(tab: Tab) -> None:
    """Sends a tab its frames; one that hangs holds up nobody else."""
    with contextlib.suppress(ConnectionError):
        while True:
            frame = await tab.frames.get()
            if tab.frames.qsize() > BEHIND:
                break
            await tab.socket.send_str(frame)
    await tab.socket.close(code=1013)
