"""Calls to the Bot API: python-telegram-bot's request interface on aiohttp.

httpx's pool does work for every connection on every request, and one failed TLS handshake through
a proxy takes a slot away for ever (httpcore#1023). Every call here has one hard deadline, and its
failure says whether Telegram can have seen it.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp_socks import ProxyConnector
from telegram import Bot
from telegram.error import NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

DEADLINE = 30.0  # seconds for one whole call
UPLOAD = 180.0  # the same with a picture in it
DOWNLOAD = 60.0  # what is not confirmed meanwhile holds up the next hundred updates
CONNECT = 15.0  # seconds to the open connection, Tor and TLS included

JSON = {"Content-Type": "application/json"}


class QuietBot(Bot):
    def __repr__(self) -> str:
        """The library's own shows the token."""
        return type(self).__name__

    __str__ = __repr__


class NotSent(NetworkError):
    """Telegram surely did not get the call."""


class Flood(TelegramError):
    """429: no call to this chat for `seconds`.

    Instead of PTB's RetryAfter, which warns about its own attribute whenever it is made.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("429")
        self.seconds = seconds


class Requests(BaseRequest):
    """proxy: None, or a URL with the scheme http, socks4, socks5 or socks5h. Names are always
    looked up by the proxy. The environment's proxies are not used. ValueError: not such a URL."""

    def __init__(self, proxy: str | None = None) -> None:
        self._proxy = proxy.replace("socks5h:", "socks5:", 1) if proxy else None
        if self._proxy and not self._proxy.startswith(("http://", "socks4://", "socks5://")):
            raise ValueError("not the URL of a proxy")
        self._http: aiohttp.ClientSession | None = None
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def read_timeout(self) -> float:
        return DEADLINE

    async def initialize(self) -> None:
        """Opens the pool; nothing is connected yet."""
        if self._http is None:
            reached = aiohttp.TraceConfig()
            reached.on_connection_create_end.append(_reached)
            reached.on_connection_reuseconn.append(_reached)
            self._http = aiohttp.ClientSession(
                connector=self._connector(),
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_connect=CONNECT),
                trace_configs=[reached],
                trust_env=False,
            )

    def _connector(self) -> aiohttp.BaseConnector:
        if self._proxy and self._proxy.startswith("socks"):
            return ProxyConnector.from_url(self._proxy, rdns=True, limit=0)
        return aiohttp.TCPConnector(limit=0)

    async def shutdown(self) -> None:
        """Lets the calls under way end first: what a cut one did would never be known."""
        http, self._http = self._http, None
        if http is not None:
            await self._idle.wait()
            await http.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = None,
        write_timeout: Any = None,
        connect_timeout: Any = None,
        pool_timeout: Any = None,
    ) -> tuple[int, bytes]:
        """-> status and body. read_timeout: the hard deadline, if it is a number of seconds.

        Raises NotSent, Flood, or NetworkError (perhaps sent). No text holds the URL: it has the
        token in it.
        """
        if self._http is None:
            raise NotSent("closed")
        body: bytes | aiohttp.FormData | None = None
        if request_data and request_data.contains_files:
            body = _form(request_data)
        elif request_data:
            body = json.dumps(request_data.parameters).encode()
        seconds = read_timeout if isinstance(read_timeout, int | float) else DEADLINE
        call = SimpleNamespace(reached=False)
        try:
            with self._under_way():
                async with (
                    asyncio.timeout(seconds),
                    self._http.request(
                        method,
                        url,
                        data=body,
                        headers=JSON if isinstance(body, bytes) else None,
                        proxy=self._http_proxy,
                        allow_redirects=False,  # elsewhere nobody may see the token
                        trace_request_ctx=call,
                    ) as response,
                ):
                    return _checked(response.status, await response.read())
        except TelegramError:
            raise
        except Exception as error:  # aiohttp, sockets, TLS and proxies each have their own
            trouble = type(error).__name__
        raise (NetworkError if call.reached else NotSent)(trouble)

    async def download(self, url: str, most: int) -> bytes | None:
        """-> the file; None if it has more bytes than that. Raises NetworkError, without the URL:
        this one has the token in it too."""
        if self._http is None:
            raise NotSent("closed")
        body = bytearray()
        try:
            with self._under_way():
                async with (
                    asyncio.timeout(DOWNLOAD),
                    self._http.get(
                        url,
                        proxy=self._http_proxy,
                        allow_redirects=False,
                        trace_request_ctx=SimpleNamespace(reached=False),
                    ) as response,
                ):
                    if response.status == 200:
                        async for piece in response.content.iter_any():
                            body += piece
                            if len(body) > most:
                                return None
                        return bytes(body)
                    trouble = f"status {response.status}"
        except Exception as error:
            trouble = type(error).__name__
        raise NetworkError(trouble)

    @property
    def _http_proxy(self) -> str | None:
        return self._proxy if self._proxy and self._proxy.startswith("http") else None

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        self._calls += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Instead of PTB's own, which writes an answer that it can't read, texts and all, to the
        log. Raises TelegramError."""
        answer = _answer(payload)
        if not answer or not answer.keys() & {"result", "description"}:
            raise TelegramError("not an answer of the Bot API")
        return {"result": None, **answer}


async def _reached(session: object, context: SimpleNamespace, params: object) -> None:
    # From here on bytes may have gone out. Before it: no name, no proxy, no TLS, no free slot.
    context.trace_request_ctx.reached = True


def _form(data: RequestData) -> aiohttp.FormData:
    """Files can't stand in JSON. Everything else is written as JSON, but for texts."""
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, kind) in data.multipart_data.items():
        body = io.BytesIO(content) if isinstance(content, bytes) else content
        form.add_field(name, body, filename=filename, content_type=kind)
    return form


def _answer(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _checked(status: int, body: bytes) -> tuple[int, bytes]:
    """Tells the Bot API's own refusals from those of anything in between: a censor's 403 page
    must not look like a person who blocked the bot, nor a proxy's 404 like a wrong token."""
    if 200 <= status < 300:
        return status, body
    answer = _answer(body)
    if answer is None or "ok" not in answer:
        raise (NetworkError if status >= 500 else NotSent)(f"status {status}, not the Bot API")
    parameters = answer.get("parameters") or {}
    if status == 429 or "retry_after" in parameters:
        raise Flood(float(parameters.get("retry_after", 5)))
    return status, body
