"""The courier: in order for each address, nobody held up by others, answers before alerts.

Time is the loop's own and jumps: a wait of an hour takes no longer than its notes in the margin.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import selectors
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from adapters.memory import Memory, Server
from bots.courier import Courier
from core import forgetting, outbox, people
from core.message import (
    Address,
    Exposed,
    Gone,
    Later,
    Notice,
    Outbound,
    Refused,
    Say,
    Undelivered,
    Unknown,
    Unsent,
)
from core.store import Book, Job, Store, StoreDown
from tests.vaults import vault_of
from tests.world import LANGUAGES, plain

HOUR = 3600.0


class Jumping(asyncio.SelectorEventLoop):
    """When there is only waiting left to do, it is later at once."""

    def __init__(self) -> None:
        self.later = 0.0
        super().__init__(Selector(self))

    def time(self) -> float:
        return self.later


class Selector(selectors.SelectSelector):
    def __init__(self, loop: Jumping) -> None:
        super().__init__()
        self.loop = loop

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing is left that could ever happen"
        self.loop.later += timeout
        return super().select(0)


class Wire(Memory):
    """A platform whose server answers as the test says."""

    def __init__(self, name: str, **facts: Any) -> None:
        super().__init__(Server(name))
        self.facts = replace(self.facts, **facts)
        self.up.set()
        self.sent: list[tuple[float, str, str]] = []
        self.answer: Callable[[Outbound], Undelivered | None] = lambda out: None

    async def send(self, out: Outbound) -> str:
        await asyncio.sleep(0)
        if trouble := self.answer(out):
            raise trouble
        self.sent.append((asyncio.get_running_loop().time(), out.to.handle, plain(out.text)))
        return await super().send(out)

    def to(self, handle: str) -> list[str]:
        return [text for _, there, text in self.sent if there == handle]


class Office:
    """A store and a courier over wires, and nothing else."""

    def __init__(self, *wires: Wire) -> None:
        self.store = Store("sqlite://", vault_of("sqlite://"))
        self.wires = {wire.server.name: wire for wire in wires}
        self.courier = Courier(self.do, LANGUAGES, self.wires)
        self.down = 0
        """So many jobs from now on find the store down."""

    async def do(self, job: Job[Any]) -> Any:
        """As the courier sees it."""
        if self.down:
            self.down -= 1
            raise StoreDown
        return await self.now(job)

    async def now(self, job: Job[Any]) -> Any:
        await asyncio.sleep(0)
        wakes: set[str] = set()

        def noted(book: Book) -> Any:
            book.wakes = wakes
            return job(book)

        result = self.store.now(noted)
        for wake in wakes:
            if wake == "outbox":
                self.courier.wake()
            elif wake == "erased":
                self.courier.doubt()
            elif wake.startswith("person:"):
                self.courier.again(wake.removeprefix("person:"))
        return result

    async def person(self, handle: str, *platforms: str) -> str:
        """Reached on the first platform; the others are linked."""
        first, *others = platforms or (next(iter(self.wires)),)

        def meet(book: Book) -> str:
            who = people.meet(book, Address(first, handle), "en").id
            for platform in others:
                linked = people.meet(book, Address(platform, handle), "en")
                people.move(book, linked.id, who)
                book.do("delete from people where id = :it", it=linked.id)
            return who

        found: str = await self.now(meet)
        return found

    async def tell(self, person: str, *words: str, urgent: bool = True) -> None:
        notices = [Notice(person, Say("{n}", n=word), urgent=urgent) for word in words]
        await self.now(lambda book: outbox.put(book, notices))

    async def until(self, *, waiting: int = 0) -> None:
        """Until no more than so many notices wait."""
        count = "select count(*) from outbox where state = 'waiting'"
        while await self.now(lambda book: book.value(count)) > waiting:
            await asyncio.sleep(0.5)


@asynccontextmanager
async def office(*wires: Wire) -> AsyncIterator[Office]:
    place = Office(*wires)
    task = asyncio.create_task(place.courier.run())
    try:
        yield place
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        place.store.close()


@pytest.fixture
def run() -> Iterator[Callable[[Coroutine[Any, Any, None]], None]]:
    with asyncio.Runner(loop_factory=Jumping) as runner:
        yield runner.run


Run = Callable[[Coroutine[Any, Any, None]], None]
NUMBERS = [str(n) for n in range(20)]


@pytest.mark.parametrize("seed", range(5))
def test_each_address_gets_its_messages_in_order_and_once_whatever_happens(
    run: Run, seed: int
) -> None:
    dice = random.Random(seed)
    wire = Wire("a", rate=30.0, gap=0.1)
    wire.answer = lambda out: dice.choice(
        [None, None, None, Unsent(), Later(dice.random() * 9), Later(1.0, everywhere=True)]
    )

    async def story() -> None:
        async with office(wire) as here:
            handles = [f"person{n}" for n in range(5)]
            who = {handle: await here.person(handle) for handle in handles}
            for word in NUMBERS:
                for handle in handles:
                    await here.tell(who[handle], word, urgent=dice.random() < 0.5)
            await here.until()
            for handle in handles:
                assert wire.to(handle) == NUMBERS

    run(story())


@pytest.mark.parametrize(
    "trouble", [Later(HOUR), Unsent(), Unknown()], ids=lambda t: type(t).__name__
)
def test_a_stuck_address_delays_nobody_else(run: Run, trouble: Undelivered) -> None:
    wire = Wire("a")
    wire.answer = lambda out: trouble if out.to.handle == "stuck" else None

    async def story() -> None:
        async with office(wire) as here:
            stuck, well = await here.person("stuck"), await here.person("well")
            for word in NUMBERS:
                await here.tell(stuck, word)
                await here.tell(well, word)
            await here.until(waiting=20)
            assert wire.to("well") == NUMBERS
            assert max(when for when, _, _ in wire.sent) < 1.0
            assert wire.to("stuck") == []

    run(story())


def test_a_platform_that_is_down_delays_no_other(run: Run) -> None:
    one, other = Wire("one"), Wire("other")
    one.up.clear()

    async def story() -> None:
        async with office(one, other) as here:
            ana, vic = await here.person("ana", "one"), await here.person("vic", "other")
            await here.tell(ana, *NUMBERS)
            await here.tell(vic, *NUMBERS)
            await here.until(waiting=20)
            assert (one.to("ana"), other.to("vic")) == ([], NUMBERS)
            one.up.set()
            await here.until()
            assert one.to("ana") == NUMBERS

    run(story())


def test_a_pause_for_a_whole_platform_is_kept_and_is_its_own(run: Run) -> None:
    one, other = Wire("one"), Wire("other")
    asked: list[float] = []

    def busy(out: Outbound) -> Undelivered | None:
        asked.append(asyncio.get_running_loop().time())
        return Later(40.0, everywhere=True) if len(asked) == 1 else None

    one.answer = busy

    async def story() -> None:
        async with office(one, other) as here:
            ana, bo = await here.person("ana", "one"), await here.person("bo", "one")
            vic = await here.person("vic", "other")
            await here.tell(ana, "first")
            while not asked:
                await asyncio.sleep(0.01)
            await here.tell(bo, "second")
            await here.tell(vic, "third")
            await here.until()
            assert [when - asked[0] >= 40.0 for when, _, _ in one.sent] == [True, True]
            assert other.sent[0][0] < 40.0

    run(story())


def test_after_an_address_is_gone_the_next_one_alive_gets_everything_in_order(run: Run) -> None:
    one, two, three = Wire("one"), Wire("two"), Wire("three")
    left = False
    one.answer = lambda out: Gone() if left else None

    async def story() -> None:
        nonlocal left
        async with office(one, two, three) as here:
            ana = await here.person("ana", "one", "two", "three")
            dead = "update addresses set alive = 0 where platform = 'three'"
            await here.now(lambda book: book.do(dead))
            await here.tell(ana, *NUMBERS[:5])
            await here.until()
            left = True
            for word in NUMBERS[5:]:
                await here.tell(ana, word)
            await here.until()
            assert one.to("ana") == NUMBERS[:5]
            assert two.to("ana") == NUMBERS[5:]
            assert three.sent == []

    run(story())


def test_what_waits_for_a_platform_that_is_down_goes_where_the_person_writes_now(run: Run) -> None:
    one, two = Wire("one"), Wire("two")

    async def story() -> None:
        async with office(one, two) as here:
            ana = await here.person("ana", "one", "two")
            await here.tell(ana, *NUMBERS[:5])
            await here.until()
            one.up.clear()
            await here.tell(ana, *NUMBERS[5:10])
            await asyncio.sleep(HOUR)
            await here.now(lambda book: writes(book, Address("two", "ana")))
            await here.tell(ana, *NUMBERS[10:])
            await here.until()
            assert (one.to("ana"), two.to("ana")) == (NUMBERS[:5], NUMBERS[5:])

    run(story())


def test_a_message_on_its_way_while_the_person_moves_comes_once_and_first(run: Run) -> None:
    one, two = Wire("one"), Wire("two")
    landing = asyncio.Event()

    async def story() -> None:
        async with office(one, two) as here:
            ana = await here.person("ana", "one", "two")
            send = one.send

            async def slow(out: Outbound) -> str:
                await landing.wait()
                return await send(out)

            one.send = slow  # type: ignore[method-assign]
            await here.tell(ana, *NUMBERS)
            await asyncio.sleep(1)
            await here.now(lambda book: writes(book, Address("two", "ana")))
            await asyncio.sleep(1)
            assert two.sent == []
            landing.set()
            await here.until()
            assert (one.to("ana"), two.to("ana")) == (NUMBERS[:1], NUMBERS[1:])

    run(story())


def test_when_a_platform_is_blocked_another_address_takes_over_until_it_is_back(run: Run) -> None:
    one, two = Wire("one"), Wire("two")

    async def story() -> None:
        async with office(one, two) as here:
            ana = await here.person("ana", "one", "two")
            one.up.clear()
            await here.tell(ana, *NUMBERS[:5])
            await asyncio.sleep(HOUR)
            assert (one.sent, two.sent) == ([], [])
            here.courier.reroute(["one"])
            await here.tell(ana, *NUMBERS[5:10])
            await here.until()
            assert (one.sent, two.to("ana")) == ([], NUMBERS[:10])
            one.up.set()
            here.courier.reroute([])
            await here.tell(ana, *NUMBERS[10:])
            await here.until()
            assert (one.to("ana"), two.to("ana")) == (NUMBERS[10:], NUMBERS[:10])

    run(story())


def test_what_is_sensitive_goes_to_an_encrypted_address_or_waits_for_one(run: Run) -> None:
    """She wrote last where it can't go; her encrypted messenger is blocked, another one is not."""
    open_, closed, spare = Wire("open"), Wire("closed", encrypts=True), Wire("spare", encrypts=True)

    async def story() -> None:
        async with office(open_, closed, spare) as here:
            ana = await here.person("ana", "open", "closed", "spare")
            keys = "update addresses set encrypted = 1, turn = :turn where platform = :platform"
            for turn, platform in ((2, "closed"), (1, "spare")):
                await here.now(partial(_does, keys, turn=turn, platform=platform))

            async def tell(word: str) -> None:
                notice = Notice(ana, Say("{n}", n=word), sensitive=True)
                await here.now(lambda book: outbox.put(book, [notice], actor=ana))

            async def sensitive(*wires: Wire) -> list[list[str]]:
                return [[word for word in wire.to("ana") if word in NUMBERS] for wire in wires]

            await tell("1")
            await here.until()
            assert await sensitive(open_, closed, spare) == [[], ["1"], []]
            here.courier.reroute(["closed"])
            await tell("2")
            await here.until()
            assert await sensitive(open_, closed, spare) == [[], ["1"], ["2"]]
            new = "update addresses set changed = 1 where platform = :platform"
            await here.now(partial(_does, new, platform="spare"))
            here.courier.reroute([])
            closed.answer = lambda out: Exposed() if out.sensitive else None
            await tell("3")
            await here.until(waiting=1)
            assert await sensitive(open_, closed, spare) == [[], ["1"], ["2"]]
            confirmed = "update addresses set changed = 0 where platform = :platform"
            await here.now(partial(_does, confirmed, platform="spare"))
            here.courier.again(ana)
            await here.until()
            assert await sensitive(open_, closed, spare) == [[], ["1"], ["2", "3"]]

    run(story())


def _does(statement: str, book: Book, **values: object) -> None:
    book.do(statement, **values)


def writes(book: Book, address: Address) -> None:
    """What `bots.talk` does for somebody who writes from there."""
    found = people.at(book, address)
    assert found is not None
    people.here(book, found[0], found[1])
    book.wakes.add(f"person:{found[0].id}")


def test_whoever_left_everywhere_gets_what_waited_when_they_write_again(run: Run) -> None:
    wire = Wire("a")
    wire.answer = lambda out: Gone()

    async def story() -> None:
        async with office(wire) as here:
            ana = await here.person("ana")
            await here.tell(ana, *NUMBERS)
            alive = "select count(*) from addresses where alive = 1"
            while await here.now(lambda book: book.value(alive)):
                await asyncio.sleep(0.5)
            wire.answer = lambda out: None

            await here.now(lambda book: writes(book, Address("a", "ana")))
            here.down = 1  # just now
            await here.until()
            assert wire.to("ana") == NUMBERS

    run(story())


def test_answers_go_before_alerts(run: Run) -> None:
    wire = Wire("a", rate=30.0)

    async def story() -> None:
        async with office(wire) as here:
            for n in range(30):
                await here.tell(await here.person(f"volunteer{n}"), "alert", urgent=False)
                await here.tell(await here.person(f"asker{n}"), "answer")
            await here.until()
            words = [text for _, _, text in wire.sent]
            assert words[1:] == ["answer"] * words[1:].count("answer") + ["alert"] * words[
                1:
            ].count("alert")

    run(story())


@pytest.mark.parametrize("alerted", [False, True], ids=["somebody else", "one of the alerted"])
def test_a_thousand_alerts_delay_an_answer_by_one_turn_and_what_stood_before_it(
    run: Run, alerted: bool
) -> None:
    turn = 1 / 30
    wire = Wire("a", rate=30.0)

    async def story() -> None:
        async with office(wire) as here:
            volunteers = [await here.person(f"volunteer{n}") for n in range(1000)]
            notices = [Notice(v, Say("{n}", n="alert"), urgent=False) for v in volunteers]
            asker = volunteers[-1] if alerted else await here.person("asker")
            await here.now(lambda book: outbox.put(book, notices))
            await here.until(waiting=900)
            began = asyncio.get_running_loop().time()
            assert not any(text == "answer" for _, _, text in wire.sent)
            await here.tell(asker, "answer")
            await here.until()
            (when,) = [at for at, _, text in wire.sent if text == "answer"]
            assert when - began <= turn * (2 if alerted else 1) + 1e-6
            times = [at for at, _, _ in wire.sent]
            assert min(b - a for a, b in itertools.pairwise(times)) >= turn - 1e-6
            assert len(times) == 1001

    run(story())


def test_a_long_message_goes_on_where_it_was_interrupted(run: Run) -> None:
    wire = Wire("a", max_length=100)
    troubles: list[Undelivered | None] = [None, Later(5.0), None, Unsent(), None, None]
    wire.answer = lambda out: troubles.pop(0) if troubles else None
    words = [f"word{n:03}" for n in range(40)]

    async def story() -> None:
        async with office(wire) as here:
            await here.tell(await here.person("ana"), " ".join(words))
            await here.until()
            assert " ".join(wire.to("ana")).split() == words
            assert len(wire.sent) > 2

    run(story())


@pytest.mark.parametrize(
    "trouble", [Refused(), Unknown(), ValueError()], ids=lambda t: type(t).__name__
)
def test_a_message_that_the_platform_never_takes_is_dropped_and_the_next_ones_go_on(
    run: Run, trouble: Any
) -> None:
    wire, tries = Wire("a"), defaultdict[str, int](int)

    def answer(out: Outbound) -> Any:
        tries[plain(out.text)] += 1
        return trouble if out.text.endswith("bad") or "bad" in out.text else None

    wire.answer = answer

    async def story() -> None:
        async with office(wire) as here:
            await here.tell(await here.person("ana"), "good", "bad", "better")
            await here.until()
            assert wire.to("ana") == ["good", "better"]
            assert tries["bad"] == (1 if isinstance(trouble, Refused) else 2)

    run(story())


def test_a_notice_that_cannot_be_rendered_holds_up_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire("a")

    async def story() -> None:
        async with office(wire) as here:
            ana = await here.person("ana")
            await here.tell(ana, "one")
            await here.until()

            def fails(*_: Any) -> Any:
                monkeypatch.undo()
                raise KeyError

            monkeypatch.setattr("bots.courier.rendered", fails)
            await here.tell(ana, "two", "three")
            await here.until()
            assert wire.to("ana") == ["one", "three"]

    run(story())


@pytest.mark.parametrize("jobs", range(1, 6))
def test_a_store_that_is_down_for_a_while_makes_nothing_go_out_twice(run: Run, jobs: int) -> None:
    wire = Wire("a")
    wire.answer = lambda out: setattr(here_now, "down", jobs)  # type: ignore[func-returns-value]
    here_now: Any = None

    async def story() -> None:
        nonlocal here_now
        async with office(wire) as here:
            here_now = here
            ana = await here.person("ana")
            notices = [Notice(ana, Say("{n}", n=word)) for word in NUMBERS]
            await here.now(lambda book: outbox.put(book, notices))
            while len(wire.sent) < len(NUMBERS):
                await asyncio.sleep(1)
            await asyncio.sleep(HOUR)
            assert wire.to("ana") == NUMBERS

    run(story())


def test_a_notice_altered_on_disk_holds_up_nothing(run: Run) -> None:
    wire = Wire("a")

    async def story() -> None:
        async with office(wire) as here:
            wire.up.clear()
            ana, bo = await here.person("ana"), await here.person("bo")
            altered = Notice(ana, Say("{n}", n="altered"))

            def alter(book: Book) -> None:
                outbox.put(book, [altered])
                book.do("update outbox set notice = 'AAAA' where person = :ana", ana=ana)

            await here.now(alter)
            await here.tell(ana, "next")
            await here.tell(bo, "hers")
            wire.up.set()
            await here.until()
            assert (wire.to("ana"), wire.to("bo")) == (["next"], ["hers"])

    run(story())


@pytest.mark.parametrize("beside", [False, True], ids=["here", "by a command beside it"])
def test_what_is_forgotten_while_a_platform_is_down_is_never_sent(run: Run, beside: bool) -> None:
    wire = Wire("a")

    async def story() -> None:
        async with office(wire) as here:
            wire.up.clear()
            ana, bo = await here.person("ana"), await here.person("bo")
            await here.tell(ana, "hers", "and hers")
            await here.tell(bo, "his")
            await asyncio.sleep(HOUR if beside else 0.1)
            now = here.store.now if beside else here.now
            if (done := now(lambda book: forgetting.erase(book, ana))) is not None:
                await done
            await here.tell(bo, "and his")
            wire.up.set()
            await here.until()
            assert (wire.to("ana"), wire.to("bo")) == ([], ["his", "and his"])
            assert ana not in {person for person, _ in here.courier.lanes}

    run(story())


def test_what_is_on_its_way_at_the_end_is_recorded_and_the_rest_waits(run: Run) -> None:
    wire = Wire("a", gap=1.0)

    async def story() -> None:
        async with office(wire) as here:
            ana, bo, slow = [await here.person(name) for name in ("ana", "bo", "slow")]
            began, go = asyncio.Event(), asyncio.Event()
            send = wire.send

            async def slowly(out: Outbound) -> str:
                if out.to.handle == "slow":
                    began.set()
                    await go.wait()
                return await send(out)

            wire.send = slowly  # type: ignore[method-assign]
            await here.tell(slow, "under way", "next")
            await here.tell(ana, *NUMBERS)
            await began.wait()
            ending = asyncio.create_task(here.courier.finish())
            await asyncio.sleep(2.5)  # no turn, no gap and no new row makes it send again
            await here.tell(bo, "new")
            sent = len(wire.sent)
            go.set()
            await ending
            await asyncio.sleep(HOUR)
            assert wire.to("slow") == ["under way"]
            assert (len(wire.sent), wire.to("bo")) == (sent + 1, [])
            count = "select count(*) from outbox where state = 'sent'"
            assert await here.now(lambda book: book.value(count)) == len(wire.sent)

    run(story())
