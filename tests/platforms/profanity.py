"""A person at Profanity (Debian's package), a client that shares no code with the gateway: typed at
through a terminal, read from the log that it keeps of the chat."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import tempfile
import termios
from pathlib import Path

from tests.platforms.prosody import DOMAIN, PASSWORD, Prosody

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]|[\x00-\x08\x0e-\x1f]")
PREFERENCES = """
[logging]
chlog=true
[omemo]
log=on
trustmode=blind
policy=automatic
[ui]
splash=false
[notifications]
message=off
"""


class Profanity:
    """screen: everything it ever drew, without colours and positions."""

    def __init__(self, server: Prosody, user: str, bot: str) -> None:
        self.server, self.user, self.bot = server, user, bot
        self.screen = ""

    async def __aenter__(self) -> Profanity:
        self.folder = tempfile.TemporaryDirectory(prefix="movements-profanity-")
        home = Path(self.folder.name)
        (home / "config" / "profanity").mkdir(parents=True)
        (home / "config" / "profanity" / "profrc").write_text(PREFERENCES)
        self.terminal, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        places = {"XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data")}
        world = {"HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8", **places}
        self.process = await asyncio.create_subprocess_exec(
            "profanity",
            stdin=side,
            stdout=side,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={**world, "PATH": os.environ["PATH"]},
        )
        os.close(side)
        os.set_blocking(self.terminal, False)
        asyncio.get_running_loop().add_reader(self.terminal, self._drawn)
        where = f"server 127.0.0.1 port {self.server.port} tls trust"
        await self.until("Profanity")
        await self.type(f"/connect {self.user}@{DOMAIN} {where}", "password")
        await self.type(PASSWORD, "logged in")
        await self.type("/omemo gen", "materials generated")
        return self

    async def __aexit__(self, *exc: object) -> None:
        asyncio.get_running_loop().remove_reader(self.terminal)
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        os.close(self.terminal)
        self.folder.cleanup()

    def _drawn(self) -> None:
        with contextlib.suppress(OSError):
            drawn = os.read(self.terminal, 65536)
            self.screen += _CONTROL.sub(b" ", drawn).decode("utf-8", "replace")

    async def type(self, line: str, then: str = "") -> None:
        """then: what it is to draw after it, a regular expression."""
        before = len(self.screen)
        os.write(self.terminal, f"{line}\r".encode())
        if then:
            await self.until(then, before)

    async def until(self, drawn: str, since: int = 0, seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not re.search(drawn, self.screen[since:]):
                await asyncio.sleep(0.02)

    async def encrypts(self, fingerprint: str) -> None:
        """Opens the chat with the bot, encrypted, once it has the bot's keys and shows them."""
        await self.type(f"/msg {self.bot}", "unencrypted")
        await self.type(f"/omemo start {self.bot}")
        async with asyncio.timeout(20):
            while fingerprint.replace(" ", "-") not in self.screen:
                await self.type(f"/omemo fingerprint {self.bot}")
                await asyncio.sleep(0.2)  # it does not say when it has them

    def said(self) -> str:
        """-> the chat with the bot, as it keeps it."""
        logs = Path(self.folder.name).rglob(f"{self.bot.replace('@', '_at_')}/*.log")
        return "".join(log.read_text("utf-8") for log in sorted(logs))

    async def reads(self, words: str, seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while words not in self.said():
                await asyncio.sleep(0.02)
