"""The whole gateway on XMPP beside a bare slixmpp bot that keeps nothing, on one Prosody.

    python -m benchmarks.xmpp [--users 1 50] [--seconds 5] [--rounds 3]

Two kinds of message, each in a closed loop (a user writes again when the answer is there):
    answer   a command (`mine`), and the one message that answers it
    relay    a line to the other side of a conversation, until it is there; a pair for two users
The gateway is whole (`benchmarks.gateway`), SQLite on disk in this folder with synchronous=FULL:
heard, understood, on disk, acknowledged, sent, recorded. Both bots use TLS and SCRAM; the users are
plain sockets. Prosody archives for neither (its archive costs it more than all else together).

ratio: median over the rounds of the gateway's rate over slixmpp's in the same round. bot us, server
us: processor time a message. With many users Prosody has one of the machine's cores for itself.
Needs: prosody on the PATH, Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.people import introduce
from benchmarks.xmpp_load import Outcome, load, user_name
from core.message import Address
from core.store import Store
from tests.platforms.prosody import DOMAIN, PASSWORD, Prosody

KINDS = {"answer": "mine", "relay": "Tomorrow at nine, at the usual place. {n}"}
BOTS = ("slixmpp", "gateway")
CONFIG = """
[store]
url = "sqlite:///{folder}/movements.db"
[community]
name = "Movements"
[xmpp]
jid = "{jid}"
password_file = "{folder}/password"
host = "127.0.0.1"
port = {port}
ca_file = "{ca}"
"""


def command(bot: str, kind: str, server: Prosody, jid: str, folder: Path, users: int) -> list[str]:
    """Prepares `folder`. -> the command that starts the bot."""
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o400)
    if bot == "slixmpp":
        given = ["--port", str(server.port), "--ca", str(server.ca_file), "--jid", jid]
        relay = ["--relay"] if kind == "relay" else []
        script = [sys.executable, "-m", "benchmarks.raw_xmpp_echo"]
        return [*script, *given, "--password-file", str(password), *relay]
    config = folder / "config.toml"
    known = {"folder": folder, "jid": jid, "port": server.port, "ca": server.ca_file}
    config.write_text(CONFIG.format(**known))
    people = [Address("xmpp", f"{user_name(n, jid)}@{DOMAIN}") for n in range(users + users % 2)]
    store = Store(f"sqlite:///{folder}/movements.db")
    store.now(lambda book: introduce(book, zip(people[::2], people[1::2], strict=True)))
    store.close()
    return [sys.executable, "-m", "benchmarks.gateway", str(config)]


def measure(
    server: Prosody, bot: str, kind: str, users: Sequence[int], seconds: float
) -> dict[int, Outcome]:
    """One start of one bot. -> its outcome for each number of users."""
    jid = server.account(f"{bot}-{kind}", archive=False)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix="benchmark-") as folder:
        started = command(bot, kind, server, jid, Path(folder), max(users))
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(started, stdout=log, stderr=log)
        try:
            return {
                n: asyncio.run(
                    load(server, jid, process.pid, n, KINDS[kind], seconds, kind == "relay")
                )
                for n in users
            }
        finally:
            process.terminate()
            process.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--users", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    seen: dict[tuple[str, str], list[dict[int, Outcome]]] = {}
    server = Prosody(clear=True).start()
    try:
        for _ in range(given.rounds):
            for kind in KINDS:
                for bot in BOTS:
                    outcome = measure(server, bot, kind, given.users, given.seconds)
                    seen.setdefault((kind, bot), []).append(outcome)
    finally:
        server.remove()
    print(
        "kind    users  bot      msgs/s  ratio   p50 ms   p99 ms  bot us  server us  lost  surplus"
    )
    for kind in KINDS:
        for users in given.users:
            for bot in BOTS:
                rounds = [outcomes[users] for outcomes in seen[kind, bot]]
                bare = [outcomes[users] for outcomes in seen[kind, BOTS[0]]]
                ratio = statistics.median(
                    ours.rate / theirs.rate for ours, theirs in zip(rounds, bare, strict=True)
                )
                of = {
                    name: statistics.median(getattr(outcome, name) for outcome in rounds)
                    for name in vars(rounds[0])
                }
                print(
                    f"{kind:<7} {users:5}  {bot:<7} {of['rate']:7.0f} {ratio:6.2f} {of['p50']:8.2f}"
                    f" {of['p99']:8.2f} {of['bot_cpu']:7.0f} {of['server_cpu']:10.0f}"
                    f" {of['unanswered']:5.0f} {of['surplus']:8.0f}"
                )


if __name__ == "__main__":
    main()
