"""Encrypted chats on a real Prosody: read once, kept, regained, and never in plain text."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.message import Inbound
from tests.conftest import need_program
from tests.platforms.omemo import OmemoPhone, OmemoPlatform
from tests.test_contract import Gateway, to


@pytest.fixture(params=[False, True], ids=["no archive", "archive"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    need_program("prosody")
    platform = OmemoPlatform(archive=request.param)
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await platform.stop()


async def person(gateway: Gateway) -> OmemoPhone:
    phone = await gateway.platform.phone()
    assert isinstance(phone, OmemoPhone)
    return phone


async def test_what_is_written_encrypted_is_heard_and_answered_encrypted(gateway: Gateway) -> None:
    phone = await person(gateway)
    await phone.say("پدرم را دیشب بردند")
    (event,) = await gateway.until(1)
    assert isinstance(event, Inbound)
    assert (event.text, event.encrypted, event.files) == ("پدرم را دیشب بردند", True, ())
    native = await gateway.adapter.send(to(phone, "we heard you", "k1"))
    seen = await phone.next()
    assert (seen.text, seen.native) == ("we heard you", native)
    for i in range(3):
        await phone.say(f"more {i}")
    await gateway.until(4)
    await gateway.adapter.send(to(phone, "and again", "k2"))
    assert (await phone.next()).text == "and again"
