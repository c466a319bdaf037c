"""What every adapter promises, in an encrypted chat on a real Prosody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from core import safe
from core.message import Address, Exposed, Outbound
from core.store import Book
from tests.conftest import need_program
from tests.platforms.omemo import DOMAIN, OmemoPhone, OmemoPlatform
from tests.test_contract import (  # noqa: F401
    Gateway,
    test_a_cut_connection_loses_nothing_either_way,
    test_a_file_is_heard_as_what_it_is,
    test_a_message_at_the_platform_s_limit_arrives,
    test_a_native_reply_names_the_message_it_answers,
    test_a_picture_is_fetched_byte_for_byte,
    test_a_picture_is_seen_as_it_was_sent,
    test_an_edit_names_the_message_it_replaces,
    test_characters_that_break_streams_do_no_harm,
    test_messages_of_one_person_keep_their_order,
    test_nothing_written_while_the_bot_is_away_is_lost,
    test_the_bot_corrects_its_own_message_in_place,
    test_the_bot_s_answer_arrives_with_its_text_untouched,
    test_what_a_person_writes_is_heard_whole,
    test_what_was_not_committed_comes_again,
    to,
)
from tests.world import World, database


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    need_program("prosody")
    platform = OmemoPlatform()
    await platform.start()
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await platform.stop()


async def test_the_goodbye_is_encrypted_and_nothing_of_its_session_stays(tmp_path: Path) -> None:
    """Their client answers it by itself, when nobody is here any more."""
    need_program("prosody")
    async with World({"xmpp": OmemoPlatform()}, database(tmp_path)) as world:
        await world.tell(
            "people: Ana en\nAna: help\nAna sees: need\nAna: forget\nAna sees: cannot be undone\n"
            "Ana presses: Forget everything\nAna sees: I am removing my messages"
        )
        handle = world.players["Ana"].phone.address.handle
        async with asyncio.timeout(30):
            while await world.gateway.do(lambda book: book.value("select 1 from people")):
                await asyncio.sleep(0.02)
            while not await world.gateway.do(partial(_kept_of, handle=handle)):
                await asyncio.sleep(0.02)
            await world.tell("6 minutes pass")
            while await world.gateway.do(partial(_kept_of, handle=handle)):
                await asyncio.sleep(0.02)


def _kept_of(book: Book, handle: str) -> list[str]:
    return [secret.name for secret in safe.load(book, "xmpp") if secret.of == handle]


async def test_what_is_sensitive_goes_encrypted_also_to_whoever_wrote_in_plain_text(
    gateway: Gateway,
) -> None:
    phone = await gateway.platform.phone()
    assert isinstance(phone, OmemoPhone)
    phone.encrypts = False
    await phone.say("hello")
    await gateway.until(1)
    await gateway.adapter.send(to(phone, "for nobody else", "s1", sensitive=True))
    assert (await phone.next()).text == "for nobody else"
    await gateway.adapter.send(to(phone, "for everybody", "s2"))
    await phone.next_plain()  # what goes with the encrypted one, for clients that cannot read it
    assert (await phone.next_plain()).text == "for everybody"
    nobody = Outbound("s3", Address("xmpp", f"nobody@{DOMAIN}"), "for nobody", sensitive=True)
    with pytest.raises(Exposed):
        await gateway.adapter.send(nobody)
