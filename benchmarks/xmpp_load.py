"""How many messages a second an XMPP bot answers, and at what price.

A private Prosody; N users, each in a closed loop: send a line, wait for the next body from the bot,
send again. So every bot must answer each line with exactly one message; answers too many are
counted. Users are plain sockets without TLS or an XML library, so that the load costs little
beside what it loads; the bot has TLS and SCRAM as in life. Before it is measured every user has
had one answer, so first contact is over. In each round each bot in turn, so that all meet the same
noise; figures are medians over rounds, "ratio" the median of each round's rate divided by that of
the first bot.

Run: python benchmarks/xmpp_load.py --bot NAME="COMMAND" [--bot ...] [--template FILE]
     [--users 1 50] [--seconds 5] [--rounds 3] [--line "hello {n}"]

     COMMAND may hold {port} {ca} {jid} {password_file} {folder} (empty, fresh for each start) and,
     with --template, {config}: a copy of FILE in which the same placeholders are filled in.

     python benchmarks/xmpp_load.py \\
       --bot raw="python benchmarks/raw_xmpp_echo.py --port {port} --ca {ca} --jid {jid}
                  --password-file {password_file}" \\
       --bot gateway="python -m bots run --config {config}" --template config.toml
Needs: prosody on the PATH, Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import re
import secrets
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.platforms.prosody import DOMAIN, PASSWORD, Prosody

TICKS = os.sysconf("SC_CLK_TCK")
OPEN = (
    f"<?xml version='1.0'?><stream:stream to='{DOMAIN}' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
).encode()
BIND = b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
SASL = b"urn:ietf:params:xml:ns:xmpp-sasl"


@dataclass(frozen=True)
class Outcome:
    rate: float
    p50: float
    p99: float
    bot_cpu: float
    server_cpu: float
    surplus: int
    unanswered: int


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class User(asyncio.Protocol):
    def __init__(self, name: str, bot: str) -> None:
        self.name, self.bot, self.buffer, self.wanted = name, bot, b"", b""
        self.reader = self
        """Who gets what the bot makes of this user's lines."""
        self.answered: asyncio.Future[None] | None = None
        self.bodies = self.lines = self.expected = 0
        self.run = secrets.token_hex(4)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self.wanted in self.buffer:
            self.buffer = self.buffer.partition(self.wanted)[2]
            self.bodies += 1
            if self.answered is not None and not self.answered.done():
                self.answered.set_result(None)

    async def exchange(self, data: bytes, wanted: bytes, reader: User | None = None) -> None:
        reader = reader or self
        reader.wanted = wanted
        reader.answered = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        await reader.answered

    async def login(self) -> None:
        secret = base64.b64encode(f"\0{self.name}\0{PASSWORD}".encode())
        auth = b"<auth xmlns='" + SASL + b"' mechanism='PLAIN'>" + secret + b"</auth>"
        await self.exchange(OPEN, b"</stream:features>")
        await self.exchange(auth, b"<success")
        await self.exchange(OPEN, b"</stream:features>")
        await self.exchange(BIND, b"</iq>")
        self.buffer, self.bodies = b"", 0
        self.transport.write(b"<presence/>")

    async def say(self, line: str) -> float:
        """-> seconds until the answer."""
        begun, self.lines = time.perf_counter(), self.lines + 1
        self.reader.expected += 1
        text = line.replace("{n}", str(self.lines))
        id = f"{self.name}-{self.run}-{self.lines}"
        message = f"<message to='{self.bot}' type='chat' id='{id}'><body>{text}"
        await self.exchange(f"{message}</body></message>".encode(), b"</body>", self.reader)
        return time.perf_counter() - begun

    async def loop(self, line: str, until: float, times: list[float]) -> None:
        while time.perf_counter() < until:
            times.append(await self.say(line))


async def answering(user: User, line: str) -> None:
    """Until the bot is there: what is written before is lost."""
    while True:
        try:
            async with asyncio.timeout(1):
                await user.say(line)
                break
        except TimeoutError:
            continue
    await asyncio.sleep(0.2)
    for one in {user, user.reader}:
        one.bodies = one.expected = 0


def user_name(number: int, bot: str) -> str:
    return f"u{number}-{bot.partition('@')[0]}"


async def load(
    server: Prosody, bot: str, pid: int, count: int, line: str, seconds: float, relay: bool = False
) -> Outcome:
    """relay: users 0 and 1, 2 and 3, ... are pairs, and the bot hands each line to the other one;
    `count` of them write."""
    loop = asyncio.get_running_loop()
    users: list[User] = []
    for i in range(count + count % 2 if relay else count):
        name = user_name(i, bot)
        server.account(name, archive=False)
        factory = User(name, bot)
        await loop.create_connection(lambda user=factory: user, "127.0.0.1", server.port)  # type: ignore[misc]
        users.append(factory)
    if relay:
        for user, other in zip(users[::2], users[1::2], strict=True):
            user.reader, other.reader = other, user
    writers = users[:count]
    async with asyncio.timeout(60):
        await asyncio.gather(*(user.login() for user in users))
        await answering(writers[0], line)
        await asyncio.gather(*(user.say(line) for user in writers))
    assert server.process is not None
    pids = (pid, server.process.pid)
    times: list[float] = []
    before, start = [cpu_seconds(p) for p in pids], time.perf_counter()
    tasks = [asyncio.create_task(u.loop(line, start + seconds, times)) for u in writers]
    _, late = await asyncio.wait(tasks, timeout=seconds + 10)
    spent = time.perf_counter() - start
    cpu = [cpu_seconds(p) - b for p, b in zip(pids, before, strict=True)]
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    surplus = sum(max(0, user.bodies - user.expected) for user in users)
    for user in users:
        user.transport.close()
    n = max(len(times), 1)
    times = sorted(times) or [float("nan")]
    return Outcome(
        rate=len(times) / spent,
        p50=times[n // 2] * 1e3,
        p99=times[n * 99 // 100] * 1e3,
        bot_cpu=cpu[0] / n * 1e6,
        server_cpu=cpu[1] / n * 1e6,
        surplus=surplus,
        unanswered=len(late),
    )


def measure(command: str, o: argparse.Namespace) -> dict[int, Outcome]:
    """One start of one bot, on a server of its own. -> its outcome for each number of users."""
    server = Prosody(clear=True).start()
    jid = server.account("bot", archive=False)
    with tempfile.TemporaryDirectory(prefix="movements-bench-") as folder:
        password = Path(folder, "password")
        password.write_text(PASSWORD)
        password.chmod(0o400)
        known = {
            "port": str(server.port),
            "ca": str(server.ca_file),
            "jid": jid,
            "password_file": str(password),
            "folder": folder,
            "config": str(Path(folder, "config")),
        }

        def fill(text: str) -> str:
            return re.sub(r"\{(\w+)\}", lambda m: known.get(m[1], m[0]), text)

        if o.template:
            Path(known["config"]).write_text(fill(Path(o.template).read_text()))
        bot = subprocess.Popen(shlex.split(fill(command)), stdout=sys.stderr)
        try:
            return {
                n: asyncio.run(load(server, jid, bot.pid, n, o.line, o.seconds)) for n in o.users
            }
        finally:
            bot.terminate()
            bot.wait(20)
            server.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bot", action="append", required=True, metavar="NAME=COMMAND")
    parser.add_argument("--template", help="a config file; its filled-in copy is {config}")
    parser.add_argument("--users", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--line", default="hello {n}")
    o = parser.parse_args()
    bots = dict(bot.split("=", 1) for bot in o.bot)
    rounds = [
        {name: measure(command, o) for name, command in bots.items()} for _ in range(o.rounds)
    ]
    first = next(iter(bots))
    print(
        "bot        users  msg/s  ratio   p50 ms   p99 ms  bot us  server us  surplus  unanswered"
    )
    for n in o.users:
        for name in bots:
            seen = [r[name][n] for r in rounds]
            median = {k: statistics.median(getattr(s, k) for s in seen) for k in vars(seen[0])}
            ratio = statistics.median(r[name][n].rate / r[first][n].rate for r in rounds)
            print(
                f"{name:<10} {n:5} {median['rate']:6.0f} {ratio:6.2f} {median['p50']:8.2f}"
                f" {median['p99']:8.2f} {median['bot_cpu']:7.0f} {median['server_cpu']:10.0f}"
                f" {median['surplus']:8.0f} {median['unanswered']:11.0f}"
            )


if __name__ == "__main__":
    main()
