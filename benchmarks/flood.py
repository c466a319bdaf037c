"""What others notice of a flood: how long their messages take to be heard, beside calm.

    python -m benchmarks.flood [--people 100] [--seconds 5] [--rounds 5]

Everybody writes once a second, through a whole gateway with its limits; a message counts as heard
when its commit is on disk and its platform may be told. In every round, in turn: calm; one more
person writes a hundred times as much as anybody (`sender`); addresses that nobody has seen write
for the first time, ten thousand a minute (`newcomers`). A ratio is the median over the rounds of
the 99th percentile in the flood over that in the calm before it. SQLite lies in the current folder,
with synchronous=FULL; what is told is sent to nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

from adapters.memory import Memory, Server
from benchmarks.people import introduce
from bots.gateway import Gateway
from bots.limits import Limits
from bots.talk import Talk
from bots.turn import Community
from core.language import Languages
from core.message import Address, Inbound
from core.privacy import Vault
from core.store import Store

TIMES = 100
NEWCOMERS = 10_000 / 60
"""A second."""
LINE = "The lawyer can meet you tomorrow at nine, at the usual place."

ids = itertools.count()


class Subject:
    """A gateway on a new database, with people in conversations."""

    def __init__(self, folder: str, people: int) -> None:
        vault = Vault(f"sqlite:///{folder}/keys.db", Path(folder) / "master.key")
        self.store = Store(f"sqlite:///{folder}/movements.db", vault)
        self.people = [Address("memory", f"p{n}") for n in range(people)]
        self.flooder = Address("memory", "flooder")
        pairs = zip(self.people[::2], self.people[1::2], strict=True)
        self.store.now(partial(introduce, pairs=[*pairs, (self.flooder, Address("memory", "q"))]))
        talk = Talk(Languages(["en"]), Community("Movements", 0, {}))
        self.gateway = Gateway(self.store, talk, {"memory": Memory(Server())}, Limits())

    async def hear(self, who: Address, text: str) -> None:
        """Until it is heard, or refused."""
        await self.gateway.hear(Inbound(f"{next(ids)}", who, text, native=f"{next(ids)}"))

    async def measured(self, seconds: float) -> list[float]:
        """-> how long each message of the people took since it was written, in order of length.
        As adapters do, each person's are heard one after the other."""
        took: list[float] = []

        async def write(n: int, who: Address) -> None:
            due = time.perf_counter() + n / len(self.people)
            end = due + seconds
            while due < end:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                await self.hear(who, LINE)
                took.append(time.perf_counter() - due)
                due += 1.0

        await asyncio.gather(*(write(n, who) for n, who in enumerate(self.people)))
        return sorted(took)

    async def sender(self) -> None:
        """One person, a hundred times as often as anybody. Until cancelled."""
        due = time.perf_counter()
        while True:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self.hear(self.flooder, LINE)
            due += 1 / TIMES

    async def newcomers(self) -> None:
        """Each writes once. Until cancelled."""
        due = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(self.hear(Address("memory", f"new{next(ids)}"), "hello"))
                due += 1 / NEWCOMERS


FLOODS: dict[str, Callable[[Subject], Awaitable[None]]] = {
    "sender": Subject.sender,
    "newcomers": Subject.newcomers,
}


@contextlib.asynccontextmanager
async def running(folder: str, people: int) -> AsyncIterator[Subject]:
    subject = Subject(folder, people)
    task = asyncio.create_task(subject.gateway.run())
    try:
        await subject.measured(0.5)
        yield subject
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(subject.store.close)


async def measure(people: int, seconds: float, rounds: int) -> dict[str, list[list[float]]]:
    """-> what was measured in each round, by its name."""
    found: dict[str, list[list[float]]] = {"calm": [], **{name: [] for name in FLOODS}}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=".", prefix="benchmark-") as folder:
            async with running(folder, people) as subject:
                found["calm"].append(await subject.measured(seconds))
                for name, flood in FLOODS.items():
                    flooding = asyncio.ensure_future(flood(subject))
                    found[name].append(await subject.measured(seconds))
                    flooding.cancel()
                    await asyncio.gather(flooding, return_exceptions=True)
    return found


def part(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--people", type=int, default=100, help="an even number")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found = asyncio.run(measure(given.people, given.seconds, given.rounds))
    print("flood      p50 ms  p99 ms  ratio of p99 to calm")
    for name, rounds in found.items():
        p50, p99 = (statistics.median(part(t, share) for t in rounds) for share in (0.5, 0.99))
        ratio = statistics.median(
            part(t, 0.99) / part(calm, 0.99) for t, calm in zip(rounds, found["calm"], strict=True)
        )
        print(f"{name:<9} {p50 * 1e3:7.2f} {p99 * 1e3:7.2f} {ratio:21.2f}")


if __name__ == "__main__":
    main()
