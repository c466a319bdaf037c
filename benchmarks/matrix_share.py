"""How fast messages are echoed through a real Synapse, and whose work that is.

    python -m benchmarks.matrix_share [--encrypted] [ROOMS] [MESSAGES]

ROOMS people each write MESSAGES messages, every one after the answer to the last. The adapter
runs in a process of its own, so that its share of the processor stands beside Synapse's. (The
people's own clients sync as well: their requests are in Synapse's share.) --encrypted: the same
again in encrypted rooms, with the people on stock nio, and the ratio.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import statistics
import sys
import time

from adapters.matrix import Matrix
from core.message import Event, Inbound, Outbound
from tests.platforms.matrix import API, PASSWORD, MatrixPhone, MatrixPlatform
from tests.platforms.megolm import MegolmPlatform
from tests.safes import Pocket
from tests.test_matrix import until


def cpu(pid: int) -> float:
    """-> seconds of processor time used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")


async def echo(url: str, user: str, folder: str) -> None:
    bot = Matrix(homeserver=url, user=user, password=PASSWORD, folder=pathlib.Path(folder))
    sending: set[asyncio.Task[str]] = set()

    async def hear(event: Event) -> bool:
        if isinstance(event, Inbound):
            task = asyncio.create_task(bot.send(Outbound(event.id, event.sender, event.text)))
            sending.add(task)
            task.add_done_callback(sending.discard)
        return False

    await bot.run(hear, None, Pocket())


async def talk(phone: MatrixPhone, messages: int) -> list[float]:
    times = []
    for i in range(messages):
        begin = time.monotonic()
        await phone.say(f"message {i}")
        assert (await phone.next(60)).text == f"message {i}"
        times.append(time.monotonic() - begin)
    return times


async def published(phone: MatrixPhone) -> bool:
    """Whether the bot's device can be written to."""
    wanted = {"device_keys": {phone.bot: []}}
    shown = await phone.ask("POST", f"{API}/keys/query", wanted)
    return bool(shown["device_keys"].get(phone.bot))


async def measure(platform: MatrixPlatform, rooms: int, messages: int) -> float:
    """-> echoes a second."""
    await platform.start()
    synapse = platform.synapse
    command = [sys.executable, "-m", "benchmarks.matrix_share", "--echo"]
    folder = f"{platform.disk.name}/matrix"
    bot = await asyncio.create_subprocess_exec(*command, synapse.url, platform.bot, folder)
    try:
        phones = [await platform.phone() for _ in range(rooms)]
        await until(lambda: published(phones[0]), 60)
        first = [(await talk(phone, 1))[0] for phone in phones]
        assert synapse.process
        pids = {"synapse": synapse.process.pid, "adapter": bot.pid, "people": os.getpid()}
        before, begin = {name: cpu(pid) for name, pid in pids.items()}, time.monotonic()
        talks = await asyncio.gather(*(talk(phone, messages) for phone in phones))
        seconds = time.monotonic() - begin
        used = {name: cpu(pid) - before[name] for name, pid in pids.items()}
    finally:
        bot.terminate()
        await bot.wait()
    times, count = sorted(took for each in talks for took in each), rooms * messages
    print(f"{count / seconds:.1f} echoes/s in {rooms} rooms, {seconds:.1f} s")
    print(f"first word to first answer, invitation included: {statistics.median(first):.3f} s")
    print(f"echo: median {statistics.median(times):.3f} s, 95% {times[int(count * 0.95)]:.3f} s")
    for name, cost in used.items():
        print(f"{name}: {cost / count * 1000:.1f} ms an echo, {cost / seconds:.0%} of one core")
    await platform.stop()
    return count / seconds


async def compare(rooms: int, messages: int) -> None:
    print("plain")
    plain = await measure(MatrixPlatform(), rooms, messages)
    print("encrypted")
    encrypted = await measure(MegolmPlatform(), rooms, messages)
    print(f"encrypted to plain: {encrypted / plain:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--echo"]:
        asyncio.run(echo(*sys.argv[2:5]))
    else:
        words = [word for word in sys.argv[1:] if word != "--encrypted"]
        numbers = [int(word) for word in words] + [10, 30][len(words) :]
        if "--encrypted" in sys.argv:
            asyncio.run(compare(*numbers))
        else:
            asyncio.run(measure(MatrixPlatform(), *numbers))
