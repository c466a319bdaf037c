"""Phones on XMPP: ordinary clients on a real Prosody, the bot behind a network that can break."""

from __future__ import annotations

import asyncio
import io
import re
import secrets
import ssl

import aiohttp
import slixmpp
from slixmpp.xmlstream import ET

from adapters.xmpp import Xmpp
from bots.menu import menu_for
from core.language import Languages
from core.message import Address
from tests.planted import plant
from tests.platforms import Seen
from tests.platforms.prosody import DOMAIN, PASSWORD, Network, Prosody, shared

PLUGINS = (
    "xep_0030",
    "xep_0066",
    "xep_0191",
    "xep_0308",
    "xep_0359",
    "xep_0428",
    "xep_0461",
    "xep_0363",
)
MENU = menu_for(Languages())
FILES = {"picture": "jpg", "voice": "m4a", "video": "mp4", "document": "pdf", "sticker": "webp"}


class XmppPhone:
    """One person's client. `client` is there for what the contract does not know."""

    def __init__(self, server: Prosody, bot: str, user: str, locale: str) -> None:
        self.server, self.bot = server, bot
        jid = f"{user}@{DOMAIN}"
        self.address = Address("xmpp", jid)
        self.trust = ssl.create_default_context(cafile=str(server.ca_file))
        self.client = slixmpp.ClientXMPP(
            f"{jid}/{secrets.token_hex(4)}",
            PASSWORD,
            lang=locale,
            ssl_context=ssl.create_default_context(cafile=str(server.ca_file)),
        )
        self.client.enable_direct_tls = False
        self.client.use_origin_id = True
        for plugin in PLUGINS:
            self.client.register_plugin(plugin)
        self.inbox: asyncio.Queue[slixmpp.Message] = asyncio.Queue()
        self.gone: asyncio.Queue[str] = asyncio.Queue()
        self.client.add_event_handler("message", self._take)

    def _take(self, message: slixmpp.Message) -> None:
        retract = message.xml.find("{urn:xmpp:message-retract:1}retract")
        if retract is None:
            self.inbox.put_nowait(message)
        else:
            self.gone.put_nowait(retract.get("id", ""))

    async def connect(self) -> None:
        started = asyncio.ensure_future(self.client.wait_until("session_start", 20))
        self.client.connect("127.0.0.1", self.server.port)
        await started
        self.client.send_presence()

    async def hang_up(self) -> None:
        await self.client.disconnect(ignore_send_queue=True)
        sender = self.client._run_out_filters
        assert sender is not None
        sender.cancel()  # slixmpp leaves it running
        await asyncio.wait({sender})

    def message(self, text: str) -> slixmpp.Message:
        return self.client.make_message(mto=self.bot, mbody=text, mtype="chat")

    def raw(self, xml: str) -> None:
        """Sends exactly this."""
        self.client.send_raw(xml)

    async def say(self, text: str, *, reply_to: str | None = None) -> str:
        message = self.message(text)
        if reply_to is not None:
            message["reply"]["id"] = reply_to
            message["reply"]["to"] = self.bot
            message["reply"].add_quoted_fallback("what the bot said 💧\nin two lines")
        message.send()
        return str(message["id"])

    async def edit(self, native: str, text: str) -> str:
        message = self.message(text)
        message["replace"]["id"] = native
        message.send()
        return str(message["id"])

    async def press(self, seen: Seen, label: str) -> None:
        found = re.search(rf"(\d+)\W* \W*{re.escape(label)}", seen.text)
        assert found, f"no line with this label among {len(seen.text)} characters"
        await self.say(found[1])

    async def send_file(self, kind: str) -> str:
        url = f"https://upload.{DOMAIN}/{secrets.token_hex(8)}/a.{FILES[kind]}"
        message = self.message(url)
        message["oob"]["url"] = url
        if kind == "sticker":
            message.append(ET.Element("{urn:xmpp:stickers:0}sticker", {"pack": "x"}))
        message.send()
        return str(message["id"])

    async def send_picture(self, body: bytes, text: str = "", name: str = "a.jpg") -> str:
        """The text is a message of its own, after it."""
        link = await self.upload(body, name)
        message = self.message(link)
        message["oob"]["url"] = link
        message.send()
        if text:
            await self.say(text)
        return str(message["id"])

    async def upload(self, body: bytes, name: str) -> str:
        """-> the link to it."""
        type = "application/pdf" if name.endswith(".pdf") else "image/jpeg"
        answer = await self.client.plugin["xep_0363"].request_slot(
            slixmpp.JID(f"upload.{DOMAIN}"), name, len(body), type
        )
        slot = answer["http_upload_slot"]
        headers = {h["name"]: h["value"] for h in slot["put"]["headers"]} | {"Content-Type": type}
        async with (
            aiohttp.ClientSession() as session,
            session.put(
                slot["put"]["url"], data=io.BytesIO(body), headers=headers, ssl=self.trust
            ) as put,
        ):
            assert put.status == 201
        return str(slot["get"]["url"])

    async def _picture(self, url: str) -> bytes:
        async with aiohttp.ClientSession() as session, session.get(url, ssl=self.trust) as answer:
            return await answer.read()

    async def next(self, seconds: float = 10.0) -> Seen:
        async with asyncio.timeout(seconds):
            message = await self.inbox.get()
        text, answers_to, replaces = message["body"], None, None
        if message.get_plugin("reply", check=True) is not None:
            answers_to = message["reply"]["id"]
            text = message["reply"].strip_fallback_content()
        if message.get_plugin("replace", check=True) is not None:
            replaces = message["replace"]["id"]
        picture = None
        if message.get_plugin("oob", check=True) is not None and message["oob"]["url"] == text:
            text, picture = "", await self._picture(text)
        return Seen(message["id"], text, (), answers_to, replaces, picture=picture)

    async def unsent(self, seconds: float = 10.0) -> str:
        async with asyncio.timeout(seconds):
            return await self.gone.get()

    async def leave(self) -> None:
        await self.client.plugin["xep_0191"].block(slixmpp.JID(self.bot))


class XmppPlatform:
    """archive: whether the server keeps one for the bot. The people's own is always on."""

    name = "xmpp"

    def __init__(self, *, archive: bool = False, server: Prosody | None = None) -> None:
        self.archive, self._server = archive, server

    async def start(self) -> None:
        self.server = self._server or shared()
        self.bot = self.server.account(f"bot-{secrets.token_hex(4)}", archive=self.archive)
        self.network = await Network(self.server.port).start()
        self.phones: list[XmppPhone] = []

    async def stop(self) -> None:
        for phone in self.phones:
            await phone.hang_up()
        await self.network.stop()

    def adapter(self) -> Xmpp:
        xmpp = Xmpp(
            jid=self.bot,
            password=plant(PASSWORD),
            host="127.0.0.1",
            port=self.network.port,
            ca_file=str(self.server.ca_file),
            menu=MENU,
        )
        xmpp.quiet, xmpp.patience = 2.0, 2.0
        return xmpp

    async def phone(self, locale: str = "en") -> XmppPhone:
        user = f"ana-{secrets.token_hex(4)}"
        self.server.account(user)
        return await self.device(user, locale)

    async def device(self, user: str, locale: str = "en") -> XmppPhone:
        """A client of an account that exists, be it the bot's own."""
        phone = XmppPhone(self.server, self.bot, user, locale)
        self.phones.append(phone)
        await phone.connect()
        return phone

    async def cut(self) -> None:
        self.network.cut()
