"""The program as operators run it, in encrypted chats on a real Prosody, killed with SIGKILL again
and again: between a ratchet's step and its message, in a key exchange, anywhere."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from omemo import NoEligibleDevices
from omemo.backend import DecryptionFailed

from benchmarks.people import introduce
from core.privacy import Vault
from core.store import Store
from tests.conftest import need_program
from tests.platforms.omemo import OmemoPhone, OmemoPlatform
from tests.platforms.prosody import PASSWORD
from tests.test_kill import Program

PAIRS, LINES, KILLS = 4, 75, 20


class XmppProgram(Program):
    """`movements run`, with XMPP alone."""

    def __init__(self, folder: Path, platform: OmemoPlatform) -> None:
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        self.config = folder / "config.toml"
        server = platform.server
        self.config.write_text(
            f'[store]\nurl = "sqlite:///{folder}/movements.db"\n'
            f'[xmpp]\njid = "{platform.bot}"\npassword_file = "password"\n'
            f'host = "127.0.0.1"\nport = {server.port}\nca_file = "{server.ca_file}"\n'
        )


async def until_there(phone: OmemoPhone) -> None:
    """Writes the first message as soon as the gateway has published keys."""
    async with asyncio.timeout(60):
        while True:
            try:
                await phone.say("mine")
                return
            except NoEligibleDevices:
                await asyncio.sleep(0.1)


async def read(phone: OmemoPhone, lines: int) -> list[int]:
    """-> the numbers of the lines as they were read, each message once: a client knows again what
    has the same id."""
    seen: dict[str, int] = {}
    while len(seen) < lines:
        try:
            message = await phone.next(60)
        except DecryptionFailed:  # the same ciphertext once more
            continue
        if found := re.search(r"line (\d+)", message.text):
            seen.setdefault(message.native, int(found[1]))
    return list(seen.values())


async def test_killed_at_random_it_reads_and_passes_on_everything_once_and_in_order(
    tmp_path: Path,
) -> None:
    need_program("prosody")
    platform = OmemoPlatform()
    await platform.start()
    dice = random.Random(7)
    phones = [await platform.phone() for _ in range(2 * PAIRS)]
    vault = Vault(f"sqlite:///{tmp_path}/var/keys.db", tmp_path / "var" / "master.key")
    store = Store(f"sqlite:///{tmp_path}/movements.db", vault)
    pairs = list(zip(phones[::2], phones[1::2], strict=True))
    store.now(lambda book: introduce(book, [(a.address, b.address) for a, b in pairs]))
    store.close()
    written = 0

    async def writes(phone: OmemoPhone) -> None:
        nonlocal written
        for line in range(LINES):
            await phone.say(f"this is line {line} of mine")
            written += 1
            await asyncio.sleep(dice.random() / 10)  # somebody types

    async with XmppProgram(tmp_path, platform) as program:
        for phone in phones:
            await until_there(phone)
        await program.end(signal.SIGKILL)  # in the middle of the key exchanges
        await program.start()
        for phone in phones:
            await phone.next(60)
        readers = [asyncio.create_task(read(phone, LINES)) for phone in phones]
        writers = [asyncio.create_task(writes(phone)) for phone in phones]
        for kill in range(KILLS):
            enough = (kill + 1) * len(phones) * LINES // (KILLS + 1)
            while written < enough and not all(writer.done() for writer in writers):
                await asyncio.sleep(0.01)
            await asyncio.sleep(dice.random() / 5)
            await program.end(signal.SIGKILL)
            await program.start()
        await asyncio.gather(*writers)
        everything = await asyncio.gather(*readers)
        await program.end(signal.SIGTERM)
    assert everything == [list(range(LINES))] * len(phones)
    with closing(sqlite3.connect(tmp_path / "movements.db")) as database:
        rows = "".join(str(row) for row in database.execute("select * from safe"))
    for phone in phones:
        assert phone.address.handle.partition("@")[0] not in rows
    for file in tmp_path.rglob("*"):
        if file.is_file():
            body = file.read_bytes()
            assert b"this is line" not in body, file.name
            assert not any(p.address.handle.encode() in body for p in phones), file.name
    await platform.stop()
