"""Files: the account's own upload service (XEP-0363), and downloads from people's (XEP-0066); in
encrypted chats they are encrypted as well (XEP-0454).

A link in a message may name any host. Only two kinds are asked: where the own server's upload
service keeps its files, as it told us itself; and public hosts under the domain of the sender's
server. Anybody else's could learn where the gateway is, or be something inside its network.
Servers that keep files under another domain are out of reach: the person is told.
"""

from __future__ import annotations

import contextlib
import io
import ipaddress
import secrets
import ssl
from collections.abc import AsyncIterator
from socket import AddressFamily
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp_socks import ProxyConnector
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from slixmpp.exceptions import IqError, IqTimeout

from adapters.xmpp.stream import Stream
from core.message import LARGEST_FILE, File, Later, Refused, Undelivered, Unsent

ITEMS, INFO = "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/disco#info"
UPLOAD = "urn:xmpp:http:upload:0"
SECONDS = 120.0
HEADERS = ("authorization", "cookie", "expires")
"""What a slot may ask to be sent along; everything else is to be left out (XEP-0363, 5)."""


class Files:
    """domain: the own server's. trust: the authorities for it; others are checked as usual."""

    def __init__(self, domain: str, trust: ssl.SSLContext, proxy: str | None) -> None:
        self._domain, self._trust = domain, trust
        self._proxy = proxy.replace("socks5h://", "socks5://", 1) if proxy else None
        self._service: str | None = None
        self._own: set[str] = set()
        """Scheme, host and port of where the own service keeps files."""

    async def upload(self, stream: Stream, picture: bytes) -> str:
        """-> the link to it. Raises Unsent, Later, Refused."""
        try:
            put, headers, get = await self._slot(stream, len(picture))
            async with (
                self._asking(own=True) as session,
                session.put(
                    put,
                    data=io.BytesIO(picture),
                    headers=headers | {"Content-Type": "image/jpeg"},
                    allow_redirects=False,
                ) as answer,
            ):
                if answer.status not in (200, 201):
                    raise Unsent
        except (Undelivered, IqError, IqTimeout):
            raise
        except Exception:  # aiohttp, sockets, TLS and proxies each have their own
            raise Unsent from None
        return get

    async def fetch(self, stream: Stream, file: File) -> bytes:
        """file.ref: the sender's domain, the link, and what opens it if it is encrypted. Raises
        Unsent, Refused."""
        sender, url, key = (*file.ref.split(" "), "", "", "")[:3]
        origin = _origin(url)
        if origin is None or file.size > LARGEST_FILE:
            raise Refused
        if not self._own and sender == self._domain:
            with contextlib.suppress(Undelivered):
                await self._slot(stream, 1)  # tells where our server keeps files
        own = origin in self._own
        if not own and not _at(url, sender):
            raise Refused
        body = bytearray()
        try:
            async with (
                self._asking(own) as session,
                session.get(url, allow_redirects=False) as answer,
            ):
                if answer.status >= 500:
                    raise Unsent
                if answer.status != 200:
                    raise Refused
                async for piece in answer.content.iter_any():
                    body += piece
                    if len(body) > LARGEST_FILE:
                        raise Refused
        except Undelivered:
            raise
        except Exception:
            raise Unsent from None
        return unlocked(bytes(body), key) if key else bytes(body)

    @contextlib.asynccontextmanager
    async def _asking(self, own: bool) -> AsyncIterator[aiohttp.ClientSession]:
        trust = self._trust if own else ssl.create_default_context()
        connector: aiohttp.BaseConnector
        if self._proxy:
            connector = ProxyConnector.from_url(self._proxy, rdns=True, ssl=trust)
        else:
            connector = aiohttp.TCPConnector(resolver=None if own else Public(), ssl=trust)
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, trust_env=False
        ) as session:
            yield session

    # ----------------------------------------------------------------------------- slots

    async def _slot(self, stream: Stream, size: int) -> tuple[str, dict[str, str], str]:
        """-> where to put it, with which headers, and where it is got. Raises Later, Refused."""
        try:
            service = self._service = self._service or await self._discover(stream)
            wish = Element(f"{{{UPLOAD}}}request")
            wish.attrib |= {"filename": "picture.jpg", "size": str(size)}
            wish.set("content-type", "image/jpeg")
            slot = (await stream.ask(wish, to=service)).find(f"{{{UPLOAD}}}slot")
        except IqTimeout:
            raise Unsent from None
        except IqError as error:
            wait = error.etype == "wait"
            raise (Later(60.0) if wait else Refused()) from None
        put = slot.find(f"{{{UPLOAD}}}put") if slot is not None else None
        get = slot.find(f"{{{UPLOAD}}}get") if slot is not None else None
        if put is None or get is None:
            raise Refused
        headers = {
            name: (header.text or "").replace("\n", "").replace("\r", "")
            for header in put.iterfind(f"{{{UPLOAD}}}header")
            if (name := header.get("name", "").lower()) in HEADERS
        }
        there, link = put.get("url", ""), get.get("url", "")
        origin = _origin(link)
        if _origin(there) is None or origin is None:
            raise Refused
        self._own.add(origin)
        return there, headers, link

    async def _discover(self, stream: Stream) -> str:
        """-> the address of the upload service. Raises Refused if there is none."""
        answer = await stream.ask(Element(f"{{{ITEMS}}}query"), to=self._domain)
        found = [item.get("jid", "") for item in answer.iter(f"{{{ITEMS}}}item")]
        for jid in (self._domain, *found[:20]):
            with contextlib.suppress(IqError, IqTimeout):
                info = await stream.ask(Element(f"{{{INFO}}}query"), to=jid)
                if any(f.get("var") == UPLOAD for f in info.iter(f"{{{INFO}}}feature")):
                    return jid
        raise Refused


def locked(picture: bytes) -> tuple[bytes, str]:
    """-> the picture encrypted as in XEP-0454, and what opens it, for behind the link."""
    nonce, key = secrets.token_bytes(12), AESGCM.generate_key(256)
    return AESGCM(key).encrypt(nonce, picture, None), (nonce + key).hex()


def unlocked(body: bytes, opener: str) -> bytes:
    """opener: nonce, 12 or 16 bytes, and key, 32, in hexadecimal. Raises Refused."""
    raw = bytes.fromhex(opener)
    try:
        return AESGCM(raw[-32:]).decrypt(raw[:-32], body, None)
    except InvalidTag:
        raise Refused from None


def _origin(url: str) -> str | None:
    """-> "https://host:port"; None for a link that is not safe to follow."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        return None
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        return None
    return f"https://{parts.hostname}:{port}"


def _at(url: str, domain: str) -> bool:
    """Whether the link leads to that domain, or below it. An address in numbers never does."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        ipaddress.ip_address(host)
        return False
    except ValueError:
        return "." in domain and (host == domain or host.endswith(f".{domain}"))


class Public(AbstractResolver):
    """Looks names up, and finds only addresses on the public internet."""

    def __init__(self) -> None:
        self._names = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily | Any = 0
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        public = [one for one in found if ipaddress.ip_address(one["host"]).is_global]
        if not public:
            raise OSError("not a public address")
        return public

    async def close(self) -> None:
        await self._names.close()
