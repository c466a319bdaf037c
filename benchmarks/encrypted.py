"""An encrypted chat beside a plain one, the whole way through the gateway and a real server.

    python -m benchmarks.encrypted xmpp|matrix [--people 4] [--messages 20] [--rounds 3]

Each of PEOPLE writes a command (`mine`) MESSAGES times, every time after the answer to the last; in
each round once in plain text and once end-to-end encrypted (OMEMO, with slixmpp-omemo; Megolm, with
stock nio). The gateway is whole (`benchmarks.gateway`), in a process of its own: heard, decrypted,
understood, on disk, acknowledged, encrypted, sent, recorded. The people's own cryptography is in
the rate, and not in the gateway's processor time.

ratio: median over the rounds of encrypted to plain. first: from somebody's first message, with the
key exchange, to the greeting.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from omemo import NoEligibleDevices

from benchmarks.xmpp_load import cpu_seconds
from tests.platforms import Phone
from tests.platforms.matrix import API, MatrixPlatform
from tests.platforms.matrix import PASSWORD as MATRIX_PASSWORD
from tests.platforms.megolm import MegolmPhone, MegolmPlatform
from tests.platforms.omemo import OmemoPhone, OmemoPlatform
from tests.platforms.prosody import PASSWORD

XMPP = '[xmpp]\njid = "{user}"\nhost = "127.0.0.1"\nport = {port}\nca_file = "{ca}"\n'
MATRIX = '[matrix]\nhomeserver = "{url}"\nuser = "{user}"\n'
STORE = 'password_file = "{folder}/password"\n[store]\nurl = "sqlite:///{folder}/movements.db"\n'
Platform = OmemoPlatform | MegolmPlatform


@dataclass(frozen=True)
class Outcome:
    """first: seconds; rate: answers a second; cpu: the gateway's microseconds for one."""

    first: float
    rate: float
    cpu: float


def settings(platform: Platform, folder: Path) -> Path:
    """Writes the gateway's. -> where they are."""
    password = folder / "password"
    if isinstance(platform, OmemoPlatform):
        password.write_text(PASSWORD)
        server = platform.server
        table = XMPP.format(user=platform.bot, port=server.port, ca=server.ca_file)
    else:
        password.write_text(MATRIX_PASSWORD)
        table = MATRIX.format(url=platform.synapse.url, user=platform.bot)
    password.chmod(0o400)
    config = folder / "config.toml"
    config.write_text(table + STORE.format(folder=folder))
    return config


def started(platform: Platform, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.gateway", str(settings(platform, folder))]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


async def person(platform: Platform, encrypted: bool) -> Phone:
    if isinstance(platform, OmemoPlatform):
        phone = await platform.phone()
        phone.encrypts = encrypted
        return phone
    return await (platform.phone() if encrypted else MatrixPlatform.phone(platform))


async def answer(phone: Phone, text: str) -> float:
    """-> seconds until it is there."""
    began = time.perf_counter()
    await phone.say(text)
    if isinstance(phone, OmemoPhone) and not phone.encrypts:
        await phone.next_plain(60)
    else:
        await phone.next(60)
    return time.perf_counter() - began


async def reachable(platform: Platform) -> None:
    """Until the gateway is there, with its keys."""
    phone = await person(platform, True)
    async with asyncio.timeout(60):
        while True:
            try:
                if isinstance(phone, MegolmPhone):
                    wanted = {"device_keys": {phone.bot: []}}
                    shown = await phone.ask("POST", f"{API}/keys/query", wanted)
                    if shown["device_keys"].get(phone.bot):
                        return
                else:
                    await answer(phone, "hello")
                    return
            except NoEligibleDevices:
                pass
            await asyncio.sleep(0.2)


async def measure(
    platform: Platform, pid: int, encrypted: bool, people: int, messages: int
) -> Outcome:
    phones = [await person(platform, encrypted) for _ in range(people)]
    first = statistics.median([await answer(phone, "hello") for phone in phones])

    async def talks(phone: Phone) -> None:
        for _ in range(messages):
            await answer(phone, "mine")

    before, began = cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(*map(talks, phones))
    spent, count = time.perf_counter() - began, people * messages
    return Outcome(first, count / spent, (cpu_seconds(pid) - before) / count * 1e6)


async def run(name: str, people: int, messages: int, rounds: int) -> None:
    platform: Platform = OmemoPlatform() if name == "xmpp" else MegolmPlatform()
    await platform.start()
    seen: dict[bool, list[Outcome]] = {False: [], True: []}
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix="benchmark-") as folder:
        process = started(platform, Path(folder))
        try:
            await reachable(platform)
            for _ in range(rounds):
                for encrypted, outcomes in seen.items():
                    outcomes.append(
                        await measure(platform, process.pid, encrypted, people, messages)
                    )
        finally:
            process.terminate()
            process.wait(20)
            await platform.stop()
    print(f"{name}: {people} people, {messages} messages each, median of {rounds} rounds")
    for encrypted, outcomes in seen.items():
        of = {
            field: statistics.median(getattr(o, field) for o in outcomes)
            for field in vars(outcomes[0])
        }
        print(
            f"{'encrypted' if encrypted else 'plain':<9} {of['rate']:6.1f} answers/s"
            f"  first {of['first'] * 1e3:5.0f} ms  gateway {of['cpu']:6.0f} us an answer"
        )
    pairs = list(zip(seen[True], seen[False], strict=True))
    for what in ("rate", "first", "cpu"):
        ratio = statistics.median(getattr(a, what) / getattr(b, what) for a, b in pairs)
        print(f"ratio of {what}, encrypted to plain: {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("platform", choices=["xmpp", "matrix"])
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--messages", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    asyncio.run(run(given.platform, given.people, given.messages, given.rounds))


if __name__ == "__main__":
    main()
