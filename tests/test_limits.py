"""Floods: who writes too much is told and not heard; everybody else is heard as if nothing were."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots import limits as rules
from bots.limits import AFTER_PAUSE, BURST, Bucket, Known, Limits, Strangers, Verdict
from core.message import Address, Event, Inbound, Left
from core.people import VOUCHED
from core.store import Book
from tests.platforms.memory import MemoryPlatform
from tests.world import World, database, plain

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
    """Limits between a few addresses and a store that is only asked who is known."""

    def __init__(self, known: dict[Address, int]) -> None:
        self.known, self.clock = known, Clock()
        self.limits = Limits(self.clock)
        self.heard: list[Address] = []
        self.questions: list[int] = []
        self.told: list[Address] = []
        self.open = asyncio.Event()
        """Hearing ends while it is set."""
        self.open.set()

    async def hear(self, event: Event) -> bool:
        self.heard.append(event.sender)
        await self.open.wait()
        self.known.setdefault(event.sender, 0)
        return True

    async def do(self, job: object) -> object:
        function, given = job.func, job.keywords  # type: ignore[attr-defined]
        if function is rules.trust:
            self.questions.append(len(given["senders"]))
            return [self.known.get(sender) for sender in given["senders"]]
        self.told.append(given["sender"])
        return None

    async def write(self, *senders: Address) -> list[bool]:
        events = (Inbound(f"{next(IDS)}", sender, text="hello") for sender in senders)
        return await asyncio.gather(*map(self.limits.admit, events))


IDS = itertools.count()


def addresses(kind: str, count: int, platform: str = "memory") -> list[Address]:
    return [Address(platform, f"{kind}{n}") for n in range(count)]


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    made = Town(dict.fromkeys(addresses("friend", 50), 0))
    made.limits.begin(made.hear, made.do)
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
    assert sum(await flood) == rules.STRANGERS_BURST


async def test_the_store_is_asked_in_few_questions_however_many_come(town: Town) -> None:
    await town.write(*addresses("stranger", 10_000))
    assert len(town.questions) <= 3
    assert sum(town.questions) == 10_000


async def test_strangers_beyond_the_limit_come_in_later_in_their_order(town: Town) -> None:
    strangers = addresses("stranger", 1000)
    await town.write(*strangers)
    assert town.heard == strangers[:300]
    async with asyncio.timeout(20):
        while len(town.heard) < 1000:
            town.clock.time += 1
            await asyncio.sleep(0.02)
    assert town.heard == strangers


async def test_what_a_waiting_stranger_adds_stays_behind_what_they_wrote_first(
    town: Town,
) -> None:
    strangers = addresses("stranger", 302)
    await town.write(*strangers)
    assert await town.write(*[strangers[-1]] * 10) == [False] * 10
    async with asyncio.timeout(20):
        while town.limits.strangers["memory"].room:
            town.clock.time += 1
            await asyncio.sleep(0.02)
    assert town.heard[300:] == [strangers[300], *[strangers[301]] * rules._EACH]
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
    monkeypatch.setattr(rules, "_ROOM", 200)
    crowd = addresses("crowd", 2000)
    town.known |= dict.fromkeys(crowd, 0)
    await town.write(*crowd)
    assert list(town.limits.known) == crowd[-500:]
    for stranger in addresses("stranger", 1000):
        await town.limits.admit(Inbound("1", stranger, text="x" * 1_000_000))
    strangers = town.limits.strangers["memory"]
    assert len(strangers.room) == sum(strangers.waiting.values()) == 200
    assert max(len(event.text) for event in strangers.room) == rules._LONGEST


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


def test_a_late_message_does_not_take_the_position_back() -> None:
    strangers = Strangers(0)
    strangers.seat(Inbound("1", Address("memory", "a"), cursor="17"))
    assert strangers.next().cursor is None
    assert not strangers.waiting


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
    async with World({"memory": MemoryPlatform()}, database(tmp_path)) as world:
        everybody = [f"Person{n}" for n in range(20)]
        for name in (*everybody, "Abuser"):
            await world.join(name, "en")
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
    async with World({"memory": MemoryPlatform()}, database(tmp_path)) as world:
        player = await world.join("Ana", "fa")
        for number in range(int(BURST) + 5):
            await player.phone.say(f"/cancel {number}")
        async with asyncio.timeout(20):
            while "۱ دقیقه" not in plain((await player.phone.next()).text):
                pass
