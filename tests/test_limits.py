"""Floods: who writes too much is told and not heard; everybody else is heard as if nothing were."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bots import limits as rules
from bots import strangers as intake
from bots.bucket import Bucket
from bots.limits import AFTER_PAUSE, BURST, Known, Limits, Verdict
from core import forgetting, newcomers, people
from core.message import Address, Event, File, Inbound, Left
from core.newcomers import Waiting
from core.people import VOUCHED
from core.store import Book, Store, StoreDown
from tests.platforms.memory import MemoryPlatform
from tests.vaults import vault_of
from tests.world import World, plain
from tests.world import database as database_of

HOUR, DAY = 3600, 86400


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


# ------------------------------------------------------------------ one address


def somebody(now: float = 0.0) -> Known:
    return Known(Bucket(BURST, now), False, now)


def counted(known: Known, times: list[float]) -> dict[Verdict, int]:
    found = [known.ask(time) for time in times]
    return {verdict: found.count(verdict) for verdict in Verdict}


def test_ten_messages_in_a_second_are_all_heard() -> None:
    known = somebody()
    for start in range(0, 300, 10):
        assert counted(known, [start + n / 10 for n in range(10)])[Verdict.HEAR] == 10


def test_a_day_of_quick_talk_is_heard_to_the_last_message() -> None:
    assert counted(somebody(), [n * 1.0 for n in range(DAY)])[Verdict.HEAR] == DAY


def test_who_writes_too_much_is_told_once_in_each_pause_and_pauses_grow() -> None:
    known, told, time = somebody(), [], 0.0
    while time < 12 * HOUR:
        if known.ask(time) is Verdict.TELL:
            told.append(known.paused_until - time)
        time += 0.25
    assert told[:8] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert set(told[7:]) == {3600}


def test_four_messages_a_second_for_a_day_come_to_less_than_one_write_in_four_minutes() -> None:
    found = counted(somebody(), [n / 4 for n in range(4 * DAY)])
    assert found[Verdict.HEAR] + found[Verdict.TELL] < DAY / 240


def test_after_a_pause_a_person_is_heard_again() -> None:
    known = somebody()
    assert counted(known, [0.0] * 200)[Verdict.TELL] == 1
    assert known.ask(59.9) is Verdict.DROP
    assert [known.ask(60.0) for _ in range(int(AFTER_PAUSE))] == [Verdict.HEAR] * int(AFTER_PAUSE)


def test_an_hour_of_peace_makes_the_next_pause_the_first_again() -> None:
    known = somebody()
    counted(known, [0.0] * 200)
    counted(known, [60.0] * 200)
    assert known.paused_until == 60 + 120
    counted(known, [180 + HOUR + 1.0] * 200)
    assert known.paused_until == 180 + HOUR + 1 + 60


# ------------------------------------------------------------------ between platform and store


class Town:
    """Limits between a few addresses and a store that only knows who is known, and who waits."""

    def __init__(self, known: dict[Address, int]) -> None:
        self.known, self.clock = known, Clock()
        self.limits = Limits(self.clock)
        self.heard: list[Address] = []
        self.opened: list[Address] = []
        self.questions: list[int] = []
        self.told: list[Address] = []
        self.disk: dict[tuple[Address, str], Inbound] = {}
        self.writes: list[int] = []
        self.down = False
        self.open = asyncio.Event()
        """Hearing ends while it is set."""
        self.open.set()

    async def hear(self, event: Event) -> bool:
        self.heard.append(event.sender)
        await self.open.wait()
        self.known.setdefault(event.sender, 0)
        return True

    async def open_files(self, event: Inbound) -> Inbound:
        self.opened.append(event.sender)
        return event

    async def do(self, job: Any) -> object:
        await asyncio.sleep(0)
        if self.down:
            raise StoreDown("full")
        given = getattr(job, "keywords", {})
        match getattr(job, "func", job):
            case rules.trust:
                self.questions.append(len(given["senders"]))
                return [self.known.get(sender) for sender in given["senders"]]
            case rules.refuse:
                self.told.append(given["sender"])
            case newcomers.waiting:
                return list(self.disk.values())
            case newcomers.keep:
                self.writes.append(len(given["events"]))
                for event in given["events"]:
                    self.disk.setdefault((event.sender, event.id), event)
            case newcomers.first:
                self.disk.pop(given["heard"], None)
                mine = [e for e in self.disk.values() if e.sender.platform == given["platform"]]
                return Waiting((mine[0].sender, mine[0].id), mine[0]) if mine else None  # type: ignore[arg-type]
        return None

    async def write(self, *senders: Address) -> list[bool]:
        events = (Inbound(f"{next(IDS)}", sender, text="hello") for sender in senders)
        return await asyncio.gather(*map(self.limits.admit, events))

    async def until(self, done: Callable[[], bool]) -> None:
        """Time passes until then."""
        async with asyncio.timeout(20):
            while not done():
                self.clock.time += 1
                await asyncio.sleep(0.002)


IDS = itertools.count()


def addresses(kind: str, count: int, platform: str = "memory") -> list[Address]:
    return [Address(platform, f"{kind}{n}") for n in range(count)]


@pytest.fixture
async def town(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setattr(intake, "BURST", 300.0)
    made = Town(dict.fromkeys(addresses("friend", 50), 0))
    made.limits.begin(made.hear, made.do, made.open_files)
    running = asyncio.create_task(made.limits.run())
    await asyncio.sleep(0)
    yield made
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_flood_of_new_addresses_lets_known_people_pass(town: Town) -> None:
    friends, strangers = addresses("friend", 50), addresses("stranger", 10_000)
    town.open.clear()
    flood = asyncio.create_task(town.write(*strangers))
    while not town.heard:
        await asyncio.sleep(0)
    talk = asyncio.create_task(town.write(*friends))
    while len(town.heard) < 51:
        await asyncio.sleep(0)
    assert len([a for a in town.heard if a in set(strangers)]) == 1  # the first, and no other
    town.open.set()
    assert all(await talk)
    assert sum(await flood) == intake.BURST


async def test_the_store_is_asked_in_few_questions_however_many_come(town: Town) -> None:
    await town.write(*addresses("stranger", 10_000))
    assert len(town.questions) <= 3
    assert sum(town.questions) == 10_000


async def test_strangers_beyond_the_limit_come_in_later_in_their_order(town: Town) -> None:
    strangers = addresses("stranger", 1000)
    await town.write(*strangers)
    assert town.heard[:300] == strangers[:300]
    await town.until(lambda: not town.limits.strangers["memory"].waiting)
    assert town.heard == strangers
    await town.until(lambda: not town.disk)


async def test_who_waits_is_on_disk_before_it_is_acknowledged(town: Town) -> None:
    strangers = addresses("stranger", 500)
    await town.write(*strangers)
    assert len(town.heard) + len(town.disk) >= 500
    assert max(town.writes) <= intake._AT_ONCE
    town.down = True
    with pytest.raises(StoreDown):
        await town.write(*addresses("later", 1))


async def test_who_waited_before_a_restart_is_heard_after_it(town: Town) -> None:
    strangers = addresses("stranger", 320)
    waiting = [Inbound(f"{next(IDS)}", sender, text="hello") for sender in strangers]
    again = Town(town.known)
    again.disk = {(event.sender, event.id): event for event in waiting}
    again.limits.begin(again.hear, again.do, again.open_files)
    running = asyncio.create_task(again.limits.run())
    assert await again.limits.admit(waiting[-1]) is False  # its platform gives it once more
    await again.until(lambda: len(again.heard) >= 320 and not again.disk)
    assert again.heard == strangers
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_what_a_waiting_stranger_adds_stays_behind_and_what_has_no_place_is_told(
    town: Town,
) -> None:
    strangers = addresses("stranger", 302)
    await town.write(*strangers)
    assert await town.write(*[strangers[-1]] * 10) == [False] * 10
    await town.until(lambda: not town.limits.strangers["memory"].waiting)
    assert town.heard[300:] == [strangers[300], *[strangers[301]] * intake._EACH]
    assert town.told == [strangers[301]]
    assert await town.write(strangers[301]) == [True]


async def test_a_flood_on_one_platform_leaves_newcomers_on_another_alone(town: Town) -> None:
    await town.write(*addresses("stranger", 1000))
    assert await town.write(Address("other", "newcomer")) == [True]


async def test_trusted_people_do_not_wait_for_a_crowd(town: Town) -> None:
    crowd, trusted = addresses("crowd", 1000), addresses("trusted", 20)
    town.known |= dict.fromkeys(crowd, 0) | dict.fromkeys(trusted, VOUCHED)
    town.open.clear()
    flood = asyncio.create_task(town.write(*crowd))
    while not town.heard:
        await asyncio.sleep(0)
    talk = asyncio.create_task(town.write(*trusted))
    while not set(trusted) <= set(town.heard):
        await asyncio.sleep(0)
    assert len(town.heard) == rules._SHARE + len(trusted)
    town.open.set()
    assert all(await talk)
    assert all(await flood)


async def test_the_memory_that_a_flood_takes_is_bounded(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_REMEMBERED", 500)
    monkeypatch.setattr(intake, "_ROOM", 200)
    crowd = addresses("crowd", 2000)
    town.known |= dict.fromkeys(crowd, 0)
    await town.write(*crowd)
    assert list(town.limits.known) == crowd[-500:]
    await town.write(*addresses("stranger", 1000))
    assert len(town.heard) + len(town.limits.strangers["memory"].waiting) == 2500
    assert len(town.disk) == 200
    monkeypatch.setattr(intake, "_ROOM", 10_000)
    monkeypatch.setattr(intake, "_SPACE", 10_000)
    for stranger in addresses("other", 100):
        await town.limits.admit(Inbound("1", stranger, text="x" * 1000))
    assert len(town.disk) <= 210


async def test_a_stranger_who_leaves_is_no_matter(town: Town) -> None:
    assert await town.limits.admit(Left(Address("memory", "nobody"))) is False
    assert town.heard == []


async def test_trust_gained_is_noticed_and_a_pause_outlives_the_question(town: Town) -> None:
    (friend,) = addresses("friend", 1)
    await town.write(*[friend] * 200)
    assert town.told == [friend]
    town.limits.known[friend].paused_until += HOUR
    town.known[friend] = VOUCHED
    town.clock.time += HOUR + 1
    assert await town.write(friend) == [False]
    assert town.limits.known[friend].trusted


async def test_nothing_is_fetched_for_who_writes_too_much_or_is_not_known(town: Town) -> None:
    (friend,) = addresses("friend", 1)
    await town.write(*[friend] * 200, *addresses("stranger", 400))
    assert town.opened == [friend] * int(BURST)


# ------------------------------------------------------------------ a whole gateway


async def rows(world: World, name: str) -> dict[str, int]:
    """How many rows a person caused."""
    address = world.players[name].phone.address

    def count(book: Book) -> dict[str, int]:
        who = book.value("select person from addresses where handle = :h", h=address.handle)
        return {
            "outbox": book.value("select count(*) from outbox where person = :who", who=who),
            "heard": book.value("select count(*) from heard"),
        }

    found: dict[str, int] = await world.gateway.do(count)
    return found


async def test_one_who_writes_thousands_of_messages_is_not_noticed_by_twenty_others(
    tmp_path: Path,
) -> None:
    async with World({"memory": MemoryPlatform()}, database_of(tmp_path)) as world:
        everybody = [f"Person{n}" for n in range(20)]
        for name in (*everybody, "Abuser"):
            await world.join(name, "en")
        stopped = world.limits.now()  # on a slow machine more would be heard otherwise
        world.limits.now = lambda: stopped
        before = (await rows(world, "Abuser"))["heard"]
        abuser = world.players["Abuser"].phone
        for line in range(10):
            for number in range(300):
                await abuser.say(f"I write and write {line} and {number}")
            for name in everybody:
                await world.says(name, "/cancel" if line % 2 else "help")
        for line in range(10):
            for name in everybody:
                await world.sees(name, "nothing to cancel" if line % 2 else "need")
        for name in everybody:
            await world._nothing(name)
        caused = await rows(world, "Abuser")
        assert caused["heard"] - before - 200 <= BURST
        assert caused["outbox"] <= BURST + 2
        assert world.limits.refused >= 3000 - BURST
        said = []
        while not world.players["Abuser"].phone.server.phones[abuser.address.handle].empty():
            said.append(plain((await abuser.next()).text))
        assert len([text for text in said if "more than I can take in" in text]) == 1


async def test_the_refusal_comes_in_the_language_of_its_reader(tmp_path: Path) -> None:
    async with World({"memory": MemoryPlatform()}, database_of(tmp_path)) as world:
        player = await world.join("Ana", "fa")
        for number in range(int(BURST) + 5):
            await player.phone.say(f"/cancel {number}")
        async with asyncio.timeout(20):
            while "۱ دقیقه" not in plain((await player.phone.next()).text):
                pass


# ------------------------------------------------------------------ newcomers on disk


EVENT = Inbound(
    "7", Address("memory", "handle-of-a-stranger"), "a planted word \ud800", native="n7",
    answers_to="b1", locale="fa", encrypted=True, files=(File("picture", "where-it-lies", 5),),
)  # fmt: skip


def test_who_waits_is_kept_sealed_once_and_in_order(database: str, tmp_path: Path) -> None:
    store = Store(database, vault_of(database))
    second = Inbound("8", EVENT.sender, "second")
    store.now(partial(newcomers.keep, events=[EVENT, second]))
    store.now(partial(newcomers.keep, events=[EVENT]))
    rows = store.now(lambda book: book.all("select * from newcomers"))
    assert not any(word in repr(rows) for word in ("planted", "stranger", "lies"))
    store.close()
    store = Store(database, vault_of(database))
    kept, then = store.now(newcomers.waiting)
    assert kept == replace(EVENT, text="a planted word ?", files=(File("picture", "kept"),))
    assert then == second
    first = store.now(partial(newcomers.first, platform="memory", heard=None))
    assert first.event == kept
    assert store.now(partial(newcomers.first, platform="memory", heard=first.mark)).event == second
    assert store.now(partial(newcomers.first, platform="other", heard=None)) is None
    store.close()


def test_what_somebody_wrote_as_a_stranger_goes_with_them(database: str) -> None:
    store = Store(database, vault_of(database), alone=True)
    store.now(partial(newcomers.keep, events=[EVENT]))
    who = store.now(partial(people.meet, address=EVENT.sender, language="en"))
    sealed = store.now(lambda book: book.one("select * from newcomers"))
    store.now(partial(forgetting.erase, id=who.id))
    assert store.now(newcomers.waiting) == []
    assert not store.vault.knows(sealed.owner)
    old = "insert into newcomers values (:mark, :platform, :turn, :owner, :sealed)"
    store.now(lambda book: book.do(old, **sealed._asdict()))
    assert store.now(newcomers.waiting) == []
    store.close()


async def test_a_stranger_who_waits_through_a_crash_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BURST", 0.0)
    monkeypatch.setattr(intake, "RATE", 0.0001)
    async with World({"memory": MemoryPlatform()}, database_of(tmp_path)) as world:
        phone = await world.platforms["memory"].phone("fa")
        await phone.say("سلام، کمک می‌خواهم")
        server = world.platforms["memory"].server  # type: ignore[attr-defined]
        async with asyncio.timeout(10):
            while server.events:
                await asyncio.sleep(0.01)
        world.task.cancel()
        monkeypatch.setattr(intake, "BURST", 300.0)
        await world.again()
        assert "Movements" in plain((await phone.next()).text)
