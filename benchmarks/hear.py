"""How many messages a second are heard: understood, answered into the outbox, on disk.

    python -m benchmarks.hear [--people 1 50] [--seconds 2] [--rounds 3]

Each person writes, waits until that is committed, and writes again. Three kinds of message: a
command with its answer (`mine`), the steps of a form (`translate`: question after question), and a
line that is relayed to the other side of a conversation. SQLite lies in the current folder, with
synchronous=FULL; nothing is sent.

The yardstick, in turn with them in every round, is the sqlite3 module with the same settings and
one table: a row and a commit for each message, by itself and with as many rows in one commit as
there are people. A ratio is the median over the rounds of each round's rate over the yardstick's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks.people import introduce
from bots.talk import Talk
from bots.turn import Community
from core.language import Languages
from core.message import Address, Inbound
from core.store import Done, Store

KINDS = {
    "answer": ("mine",),
    "form step": ("translate", "Persian", "English", "no"),
    "relay": ("The lawyer can meet you tomorrow at nine, at the usual place.",),
}


def raw(folder: str, rows: int, seconds: float) -> float:
    """-> rows a second, `rows` of them in each commit."""
    with contextlib.closing(sqlite3.connect(f"{folder}/raw.db", isolation_level=None)) as disk:
        for pragma in ("journal_mode=wal", "synchronous=full", "secure_delete=on"):
            disk.execute(f"pragma {pragma}")
        disk.execute("create table if not exists heard(id integer primary key, text text)")
        insert, count = "insert into heard(text) values (?)", 0
        values = [(KINDS["relay"][0],)] * rows
        begin = time.perf_counter()
        while (spent := time.perf_counter() - begin) < seconds:
            disk.execute("begin immediate")
            for value in values:
                disk.execute(insert, value)
            disk.execute("commit")
            count += rows
        return count / spent


class Hearing:
    """A store with people on it, heard as the gateway hears them, without platforms."""

    def __init__(self, folder: str, people: int) -> None:
        self.store = Store(f"sqlite:///{folder}/{people}.db")
        self.talk = Talk(Languages(["en"]), Community("Movements", 0, {}))
        self.addresses = [Address("memory", f"p{n}") for n in range(people + people % 2)]
        pairs = zip(self.addresses[::2], self.addresses[1::2], strict=True)
        self.store.now(partial(introduce, pairs=pairs))
        del self.addresses[people:]
        self.ids = itertools.count()

    async def rate(self, lines: tuple[str, ...], seconds: float) -> tuple[float, list[float]]:
        """-> messages a second, and how long each took, sorted."""
        loop = asyncio.get_running_loop()

        def resolve(done: list[Done]) -> None:
            for end in done:
                assert end.error is None
                end.token.set_result(end.result)

        def give_back(done: list[Done], wakes: set[str]) -> None:
            loop.call_soon_threadsafe(resolve, done)

        self.store.give_back = give_back
        times: list[float] = []
        begin = time.perf_counter()

        async def write(who: Address) -> None:
            for line in itertools.cycle(lines):
                if (asked := time.perf_counter()) - begin > seconds and line == lines[0]:
                    return
                event = Inbound(f"{next(self.ids)}", who, line, native=f"{next(self.ids)}")
                done: asyncio.Future[Any] = loop.create_future()
                self.store.submit(partial(self.talk.hear, event=event), done)
                await done
                times.append(time.perf_counter() - asked)

        await asyncio.gather(*map(write, self.addresses))
        return len(times) / (time.perf_counter() - begin), sorted(times)


@contextlib.contextmanager
def hearing(folder: str, people: int) -> Iterator[Hearing]:
    made = Hearing(folder, people)
    yield made
    made.store.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--people", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print("people  what         msgs/s  p50 ms  p99 ms  ratio to: a commit each  batches")
    for people in given.people:
        with tempfile.TemporaryDirectory(dir=".", prefix="benchmark-") as folder:
            measure(folder, people, given.seconds, given.rounds)


def measure(folder: str, people: int, seconds: float, rounds: int) -> None:
    rates: dict[str, list[float]] = {}
    times: dict[str, list[list[float]]] = {}
    with hearing(folder, people) as subject:
        for _ in range(rounds):
            rates.setdefault("commit each", []).append(raw(folder, 1, seconds))
            rates.setdefault("batches", []).append(raw(folder, people, seconds))
            for kind, lines in KINDS.items():
                rate, took = asyncio.run(subject.rate(lines, seconds))
                rates.setdefault(kind, []).append(rate)
                times.setdefault(kind, []).append(took)
    for name, seen in rates.items():
        line = f"{people:6}  {name:<11} {statistics.median(seen):7.0f}"
        if took_each := times.get(name):
            for part in (0.5, 0.99):
                at = [took[int(len(took) * part)] * 1e3 for took in took_each]
                line += f" {statistics.median(at):7.2f}"
            for yardstick, width in (("commit each", 25), ("batches", 8)):
                ratio = statistics.median(
                    rate / raw for rate, raw in zip(seen, rates[yardstick], strict=True)
                )
                line += f" {ratio:{width}.3f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
