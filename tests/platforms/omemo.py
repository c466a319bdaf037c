"""Phones that encrypt: a client with slixmpp-omemo, which the gateway itself does not use."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
from typing import Any
from xml.etree.ElementTree import fromstring

import slixmpp
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from omemo import SessionManager
from omemo.storage import Just, Maybe, Nothing, Storage
from omemo.types import DeviceInformation, JSONType
from slixmpp.plugins import register_plugin
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath
from slixmpp_omemo import XEP_0384

from tests.planted import plant
from tests.platforms import Seen
from tests.platforms.prosody import DOMAIN, PASSWORD
from tests.platforms.xmpp import FILES, XmppPhone, XmppPlatform

NAMESPACE = "eu.siacs.conversations.axolotl"
PAYLOAD = f"{{{NAMESPACE}}}payload"
ENCRYPTED, BODY = f"{{{NAMESPACE}}}encrypted", "{jabber:client}body"
PLUGINS = ("xep_0004", "xep_0060", "xep_0115", "xep_0163", "xep_0280", "xep_0334", "xep_0380")


class Keys(Storage):
    """What one client keeps: it outlives the client, and is lost with the phone."""

    def __init__(self) -> None:
        super().__init__(disable_cache=True)
        self.kept: dict[str, JSONType] = {}

    async def _load(self, key: str) -> Maybe[JSONType]:
        return Just(self.kept[key]) if key in self.kept else Nothing()

    async def _store(self, key: str, value: JSONType) -> None:
        self.kept[key] = value

    async def _delete(self, key: str) -> None:
        self.kept.pop(key, None)


class Omemo(XEP_0384):
    default_config = {"fallback_message": "(encrypted)", "keys": None}  # noqa: RUF012

    @property
    def storage(self) -> Storage:
        return self.keys  # type: ignore[no-any-return]

    @property
    def _btbv_enabled(self) -> bool:
        return True

    async def _prompt_manual_trust(
        self, manually_trusted: frozenset[DeviceInformation], identifier: str | None
    ) -> None:
        raise AssertionError("no device was ever verified")


register_plugin(Omemo)
# the phones' library, which the gateway does not load: it logs whatever is written
logging.getLogger("slixmpp_omemo").setLevel(logging.CRITICAL + 1)


class OmemoPhone(XmppPhone):
    """encrypts: turned off, what is written goes in plain text. arrived: what came encrypted;
    bodies: what stood beside it in plain text."""

    def __init__(self, *args: Any, keys: Keys | None = None) -> None:
        super().__init__(*args)
        self.keys, self.encrypts = keys or Keys(), True
        for plugin in PLUGINS:
            self.client.register_plugin(plugin)
        self.client.register_plugin(
            "xep_0384", {"keys": self.keys}, module=__import__(__name__, fromlist=["Omemo"])
        )
        self.bodies: list[str | None] = []
        self.arrived: asyncio.Queue[slixmpp.Message] = asyncio.Queue()
        path = MatchXPath(f"{{jabber:client}}message/{ENCRYPTED}")
        self.client.register_handler(Callback("omemo", path, self.arrived.put_nowait))
        self.lock = asyncio.Lock()

    @property
    def omemo(self) -> Omemo:
        plugin: Omemo = self.client.plugin["xep_0384"]
        return plugin

    async def connect(self) -> None:
        await super().connect()
        await self.omemo.get_session_manager()

    # ------------------------------------------------------------ what it keeps and publishes

    @property
    def number(self) -> int:
        """Of this device."""
        found = self.keys.kept["/own_device_id"]
        assert isinstance(found, int)
        return found

    def knows(self, device: int) -> bool:
        """Whether it heard that the bot has this device."""
        found = self.keys.kept.get(f"/devices/{self.bot}/list", [])
        return isinstance(found, list) and device in found

    def active(self) -> list[int]:
        """The bot's devices that it would encrypt for."""
        found = self.keys.kept.get(f"/devices/{self.bot}/list", [])
        assert isinstance(found, list)
        active = {n: self.keys.kept[f"/devices/{self.bot}/{n}/active"] for n in found}
        return [n for n, by in active.items() if isinstance(by, dict) and by.get(NAMESPACE)]

    def fingerprint_of_the_bot(self) -> str:
        (device,) = self.active()
        key = self.keys.kept[f"/devices/{self.bot}/{device}/identity_key"]
        assert isinstance(key, str)
        groups = SessionManager.format_identity_key(base64.urlsafe_b64decode(key))
        return " ".join(groups)

    async def announce(self, numbers: list[int]) -> None:
        """Publishes this list of the person's devices."""
        inside = "".join(f"<device id='{number}'/>" for number in numbers)
        await self.publish(f"{NAMESPACE}.devicelist", f"<list xmlns='{NAMESPACE}'>{inside}</list>")

    async def only_for_contacts(self) -> None:
        """From now on the list of devices is shown to contacts alone."""
        form = self.client.plugin["xep_0004"].make_form(ftype="submit")
        form.add_field("FORM_TYPE", "hidden", value="http://jabber.org/protocol/pubsub#node_config")
        form.add_field("pubsub#access_model", value="presence")
        await self.client.plugin["xep_0060"].set_node_config(
            self.client.boundjid.bare, f"{NAMESPACE}.devicelist", form
        )

    async def publish(self, node: str, payload: str) -> None:
        await self.client.plugin["xep_0060"].publish(
            self.client.boundjid.bare, node, id="current", payload=fromstring(payload)
        )

    async def encrypted(self, message: slixmpp.Message) -> slixmpp.Message:
        async with self.lock:
            sealed, _ = await self.omemo.encrypt_message(message, slixmpp.JID(self.bot))
        assert sealed is not None
        for name in ("reply", "fallback", "replace"):
            if (beside := message.get_plugin(name, check=True)) is not None:
                sealed.append(beside)
        return sealed

    async def say(self, text: str, *, reply_to: str | None = None) -> str:
        if not self.encrypts:
            return await super().say(text, reply_to=reply_to)
        message = self.message(text)
        if reply_to is not None:
            message["reply"]["id"] = reply_to
            message["reply"]["to"] = self.bot
            message["reply"].add_quoted_fallback("what the bot said 💧\nin two lines")
        (await self.encrypted(message)).send()
        return str(message["id"])

    async def send_file(self, kind: str) -> str:
        link = f"aesgcm://upload.{DOMAIN}/{secrets.token_hex(8)}/a.{FILES[kind]}"
        return await self.say(f"{link}#{secrets.token_hex(44)}")

    async def send_picture(self, body: bytes, text: str = "", name: str = "a.jpg") -> str:
        key, nonce = AESGCM.generate_key(256), secrets.token_bytes(12)
        link = await self.upload(AESGCM(key).encrypt(nonce, body, None), name)
        native = await self.say(f"{link.replace('https', 'aesgcm', 1)}#{(nonce + key).hex()}")
        if text:
            await self.say(text)
        return native

    async def edit(self, native: str, text: str) -> str:
        message = self.message(text)
        message["replace"]["id"] = native
        (await self.encrypted(message)).send()
        return str(message["id"])

    async def next(self, seconds: float = 10.0) -> Seen:
        """The next message that was encrypted. One in plain text is an error here."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.arrived.get()
                self.bodies += [body.text for body in message.xml.iter(BODY)]
                if message.xml.find(f"{ENCRYPTED}/{PAYLOAD}") is None and not self.concerned(
                    message
                ):
                    continue  # tends the session of another of this person's devices
                async with self.lock:
                    opened, _ = await self.omemo.decrypt_message(message)
                if opened["body"]:
                    break
        plant(opened["body"])
        text, answers_to, replaces = opened["body"], None, None
        if opened.get_plugin("reply", check=True) is not None:
            answers_to = opened["reply"]["id"]
            text = opened["reply"].strip_fallback_content()
        if opened.get_plugin("replace", check=True) is not None:
            replaces = opened["replace"]["id"]
        picture = None
        if text.startswith("aesgcm://"):
            link, _, opener = text.replace("aesgcm", "https", 1).partition("#")
            raw = bytes.fromhex(opener)
            sealed = await self._picture(link)
            text, picture = "", AESGCM(raw[-32:]).decrypt(raw[:-32], sealed, None)
        return Seen(opened["id"], text, (), answers_to, replaces, picture=picture)

    def concerned(self, message: slixmpp.Message) -> bool:
        keys = message.xml.iter(f"{{{NAMESPACE}}}key")
        return str(self.number) in {key.get("rid") for key in keys}

    async def next_plain(self, seconds: float = 10.0) -> Seen:
        return await super().next(seconds)


class OmemoPlatform(XmppPlatform):
    name = "xmpp"

    async def phone(self, locale: str = "en") -> OmemoPhone:
        user = f"ana-{secrets.token_hex(4)}"
        self.server.account(user)
        return await self.device(user, locale)

    async def device(self, user: str, locale: str = "en", keys: Keys | None = None) -> OmemoPhone:
        phone = OmemoPhone(self.server, self.bot, user, locale, keys=keys)
        self.phones.append(phone)
        await phone.connect()
        return phone


__all__ = ["DOMAIN", "PASSWORD", "Keys", "OmemoPhone", "OmemoPlatform"]
