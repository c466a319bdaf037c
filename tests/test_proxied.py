"""Behind a SOCKS5 proxy names are sent there and none is looked up: not to connect, and not for
pictures, neither way."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest

from adapters import Adapter
from adapters.telegram import Telegram
from adapters.xmpp import Xmpp
from core.message import Inbound
from tests.conftest import make_platform, need_program
from tests.crafted import jpeg
from tests.lookups import noted
from tests.platforms import Platform
from tests.platforms.matrix import MatrixPlatform
from tests.platforms.prosody import DOMAIN, PASSWORD
from tests.platforms.proxy import Proxy
from tests.platforms.telegram import TelegramPlatform
from tests.platforms.xmpp import XmppPlatform
from tests.test_contract import Gateway, to


def port_of(platform: Platform) -> int:
    if isinstance(platform, XmppPlatform):
        return platform.network.port
    if isinstance(platform, TelegramPlatform):
        url = platform.api.url
    else:
        assert isinstance(platform, MatrixPlatform)
        url = platform.line.url
    return int(url.rsplit(":", 1)[1])


def behind(platform: Platform, proxy: str) -> tuple[Adapter, set[str]]:
    """-> an adapter that knows only names which nobody here can look up, and those names."""
    if isinstance(platform, TelegramPlatform):
        api = "http://api.telegram.invalid"
        return Telegram(token=platform.api.token, api=api, proxy=proxy), {"api.telegram.invalid"}
    if isinstance(platform, MatrixPlatform):
        there = "http://matrix.invalid:8008"
        return platform.adapter(homeserver=there, proxy=proxy), {"matrix.invalid"}
    assert isinstance(platform, XmppPlatform)
    ca = str(platform.server.ca_file)
    adapter = Xmpp(jid=platform.bot, password=PASSWORD, ca_file=ca, proxy=proxy)
    return adapter, {DOMAIN, "localhost"}  # where its server says that files lie


@pytest.mark.parametrize("name", ["telegram", "xmpp", "matrix"])
async def test_no_name_is_looked_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "xmpp":
        need_program("prosody")
    platform = make_platform(name)
    await platform.start()
    async with Proxy("socks5", port_of(platform)) as proxy:
        with noted(monkeypatch) as names:
            adapter, hidden = behind(platform, proxy.url)
            monkeypatch.setattr(platform, "adapter", lambda: adapter)
            gateway = Gateway(platform)
            await gateway.start()
            phone = await platform.phone()
            body = jpeg(random.Random(7))
            await phone.send_picture(body, "This is her")
            events = [e for e in await gateway.until(1) if isinstance(e, Inbound) and e.files]
            assert await adapter.fetch(events[0].files[0]) == body
            await adapter.send(to(phone, "in words", "k1"))
            await adapter.send(to(phone, "", "k2", picture=body))
            assert (await phone.next()).text == "in words"
            assert (await phone.next()).picture == body
            await gateway.stop()
        assert names <= {"localhost"}, "looked up here"  # by the phone, not by the gateway
        assert proxy.names == hidden
    await platform.stop()


async def test_what_is_looked_up_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    import aiodns

    with noted(monkeypatch) as names:
        ares = aiodns.DNSResolver(nameservers=["127.0.0.1"], timeout=0.01, tries=1)
        for lookup in (
            asyncio.get_running_loop().getaddrinfo("one.invalid", 1),
            asyncio.to_thread(socket.gethostbyname, "two.invalid"),
            ares.query_dns("three.invalid", "A"),
        ):
            with pytest.raises((OSError, aiodns.error.DNSError)):
                await lookup
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", ("127.0.0.1", 9))
    assert names == {"one.invalid", "two.invalid", "three.invalid", "a datagram"}
