"""The whole gateway on Telegram beside an echo on plain aiohttp that keeps nothing.

    python -m benchmarks.telegram [--chats 1 64] [--messages 2000] [--rounds 3]

CHATS people each write a command (`mine`), wait for the one message that answers it, and write the
next, on `fast_bot_api`, over HTTP without TLS. The gateway is whole (`benchmarks.gateway`), SQLite
on disk in this folder with synchronous=FULL, its pace towards Telegram lifted.

ratio: median over the rounds of the gateway's rate over the echo's in the same round. bot us:
processor time a message, the start of the process included in neither. Needs: Linux.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.people import introduce
from benchmarks.xmpp_load import cpu_seconds
from core.message import Address
from core.store import Store

FIRST_CHAT = 1_000_000
TOKEN = "1:benchmark"
BOTS = ("aiohttp", "gateway")
CONFIG = """
[store]
url = "sqlite:///{folder}/movements.db"
[telegram]
token_file = "{folder}/token"
api = "{api}"
"""


def command(bot: str, api: str, folder: Path, chats: int) -> list[str]:
    """Prepares `folder`. -> the command that starts the bot."""
    if bot == "aiohttp":
        return [sys.executable, "-m", "benchmarks.raw_telegram_echo", api, TOKEN]
    token, config = folder / "token", folder / "config.toml"
    token.write_text(TOKEN)
    token.chmod(0o400)
    config.write_text(CONFIG.format(folder=folder, api=api))
    people = [Address("telegram", str(FIRST_CHAT + n)) for n in range(chats + chats % 2)]
    store = Store(f"sqlite:///{folder}/movements.db")
    store.now(lambda book: introduce(book, zip(people[::2], people[1::2], strict=True)))
    store.close()
    return [sys.executable, "-m", "benchmarks.gateway", str(config)]


def measure(bot: str, chats: int, messages: int) -> dict[str, Any]:
    """-> what `fast_bot_api` says of one bot, and `cpu`: its microseconds a message."""
    load = [sys.executable, "-m", "benchmarks.fast_bot_api", str(messages), str(chats)]
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd(), prefix="benchmark-") as folder,
        subprocess.Popen([*load, "--text", "mine"], stdout=subprocess.PIPE, text=True) as server,
        Path(folder, "log").open("wb") as log,
    ):
        assert server.stdout is not None
        started = command(bot, server.stdout.readline().strip(), Path(folder), chats)
        process = subprocess.Popen(started, stdout=log, stderr=log)
        try:
            server.stdout.readline()  # it has begun to poll
            before = cpu_seconds(process.pid)
            outcome: dict[str, Any] = json.loads(server.stdout.readline())
            outcome["cpu"] = (cpu_seconds(process.pid) - before) / messages * 1e6
            return outcome
        finally:
            for each in (process, server):
                each.terminate()
                each.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--chats", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print("chats  bot      msgs/s  ratio   p50 ms   p99 ms  bot us  surplus", flush=True)
    for chats in given.chats:
        seen = [
            {bot: measure(bot, chats, given.messages) for bot in BOTS} for _ in range(given.rounds)
        ]
        for bot in BOTS:
            ratio = statistics.median(r[bot]["per_s"] / r[BOTS[0]]["per_s"] for r in seen)
            of = {k: statistics.median(r[bot][k] for r in seen) for k in seen[0][bot]}
            print(
                f"{chats:5}  {bot:<7} {of['per_s']:7.0f} {ratio:6.2f} {of['p50_ms']:8.2f}"
                f" {of['p99_ms']:8.2f} {of['cpu']:7.0f} {of['other']:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
