"""The process ends at any statement, at any commit, before and after any send: nothing is lost,
nothing is done twice.

Each place is cut once, then a new gateway starts on the same database and the same platforms, which
deliver again what was not acknowledged. The story goes on all the while and must come out the same.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from adapters.memory import Memory
from core import outbox, people
from core import store as stores
from core.message import Address, Notice, Outbound, Say
from core.store import Book, Store
from tests import world as worlds
from tests.platforms import Seen
from tests.platforms.memory import MemoryPhone, MemoryPlatform
from tests.vaults import opened
from tests.world import World

STORY = (Path(__file__).parent / "stories" / "three_people_meet.txt").read_text("utf-8")
SHORT = (
    STORY[: STORY.index("# They share no language")]
    + """
Ana sees: You two share no language
Vic sees: You two share no language
Tom sees: Somebody who writes Persian
Ana sees nothing
Vic sees nothing
Tom sees nothing
"""
)


KINDS = ("a statement", "before a commit", "after a commit", "before a send", "after a send")


class Cut(BaseException):
    """The process ends here."""


class Scissors:
    """places: a place is cut when it is passed for the first time; whoever is cut stays dead until
    `mend`. Commits and sends are places of their own in every line of the story; by_line:
    statements too."""

    def __init__(self, *, by_line: bool) -> None:
        self.by_line, self.sharp, self.line = by_line, False, ""
        self.places: set[tuple[str, str, int]] = set()
        self.passed: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.dead = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.is_dead = False
        self.lock = threading.Lock()

    def mend(self) -> None:
        self.passed.clear()
        self.dead.clear()
        self.is_dead = False

    def at(self, kind: str, what: str = "") -> None:
        with self.lock:
            self._at(kind, what)

    def _at(self, kind: str, what: str) -> None:
        if self.is_dead:
            raise Cut
        if not self.sharp:
            return
        self.passed[kind + what] += 1
        line = self.line if self.by_line or kind != "a statement" else ""
        place = (line, kind + what, self.passed[kind + what])
        if place not in self.places:
            self.places.add(place)
            self.kinds[kind] += 1
            self.is_dead = True
            self.loop.call_soon_threadsafe(self.dead.set)
            raise Cut


class MortalPlatform(MemoryPlatform):
    """keys=False: as on Telegram, a message that is sent again comes again."""

    def __init__(self, name: str, scissors: Scissors, *, buttons: bool, keys: bool = True) -> None:
        super().__init__(name, buttons=buttons)
        self.scissors, self.keys = scissors, keys
        self.repeated = 0

    def adapter(self) -> Memory:
        here = self

        class Mortal(Memory):
            async def send(self, out: Outbound) -> str:
                try:
                    here.scissors.at("before a send")
                    if not here.keys:
                        self.server.sent.pop(out.key, None)
                    native = await super().send(out)
                    here.scissors.at("after a send")
                except Cut:
                    await asyncio.Event().wait()  # nothing comes back to a process that ended
                return native

        self.current = Mortal(self.server, buttons=self.buttons)
        return self.current

    async def phone(self, locale: str = "en") -> MemoryPhone:
        return AttentivePhone(self, await super().phone(locale))


class AttentivePhone(MemoryPhone):
    """Somebody who reads a message that came twice once."""

    def __init__(self, platform: MortalPlatform, phone: MemoryPhone) -> None:
        super().__init__(phone.server, phone.address.handle, phone.locale, phone.buttons)
        self.platform = platform
        self.keys: set[str] = set()

    async def next(self, seconds: float = 10.0) -> Seen:
        async with asyncio.timeout(seconds):
            while True:
                native, out = await self.server.phones[self.address.handle].get()
                seen = self.read(native, out)
                if out.key not in self.keys:
                    self.keys.add(out.key)
                    return seen
                self.platform.repeated += 1


class CutWorld(World):
    def __init__(self, scissors: Scissors, *given: Any) -> None:
        super().__init__(*given)
        self.scissors = scissors
        self.restarts = 0
        self.running = asyncio.Event()

    async def __aenter__(self) -> CutWorld:
        await super().__aenter__()
        self.running.set()
        self.reviving = asyncio.create_task(self._revive())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.reviving.cancel()
        await asyncio.gather(self.reviving, return_exceptions=True)
        await super().__aexit__(*exc)

    async def stop(self) -> None:
        self.gateway.courier.patience = 0.0  # killed: it waits for nothing
        await super().stop()

    async def _revive(self) -> None:
        while True:
            await self.scissors.dead.wait()
            self.running.clear()
            await self.stop()
            self.scissors.mend()
            self.restarts += 1
            starting = asyncio.create_task(self.start())
            dying = asyncio.create_task(self.scissors.dead.wait())
            await asyncio.wait({starting, dying}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                self.running.set()
            for task in (starting, dying):
                task.cancel()
            await asyncio.gather(starting, dying, return_exceptions=True)

    async def _line(self, line: str) -> None:
        """The test's own questions to the gateway are not cut."""
        self.scissors.line = line
        with self.scissors.lock:
            self.scissors.sharp = not (line.startswith("people:") or line.endswith("sees nothing"))
        if not self.scissors.sharp:
            while self.scissors.is_dead or not self.running.is_set():
                assert not self.reviving.done(), self.reviving.exception()
                await asyncio.sleep(0.01)
        await super()._line(line)


@pytest.fixture
async def scissors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Scissors:
    cut = Scissors(by_line=request.param)

    class MortalBook(Book):
        def _execute(self, statement: str, values: Mapping[str, Any]) -> Any:
            cut.at("a statement", statement)
            return super()._execute(statement, values)

        def many(self, statement: str, rows: Iterable[Mapping[str, Any]]) -> None:
            cut.at("a statement", statement)
            super().many(statement, rows)

    class MortalStore(Store):
        def __init__(self, *args: Any, **how: Any) -> None:
            super().__init__(*args, **how)
            event.listen(self.engine, "commit", lambda connection: cut.at("before a commit"))

        def _commit(self, batch: Any) -> Any:
            result = super()._commit(batch)
            cut.at("after a commit")
            return result

        def _write(self) -> None:
            try:
                super()._write()
            except Cut:
                return  # with it the writer's thread ends, whatever still waits

    monkeypatch.setattr(stores, "Book", MortalBook)
    monkeypatch.setattr(worlds, "Store", MortalStore)
    return cut


PICTURE = {
    "people": "language, trust, state, alerts",
    "addresses": "platform, alive",
    "heard": "1",
    "forms": "form, asked",
    "speaks": "language",
    "abilities": "skill",
    "places": "country",
    "pairs": "source, target",
    "needs": "language, country, audience, state, wave",
    "need_skills": "skill",
    "alerts": "state",
    "offers": "language, state",
    "conversations": "state",
    "members": "role",
    "invitations": "state",
    "entries": "language",
    "translations": "language",
    "outbox": "state",
    "timers": "kind",
}
WORDS = ("needs", "offers", "entries", "translations")


async def picture(world: World) -> dict[str, Any]:
    """What there is, and how many messages everybody saw; without what is random."""

    def read(book: Book) -> dict[str, Any]:
        rows = {
            table: sorted(map(repr, book.all(f"select {columns} from {table}")))
            for table, columns in PICTURE.items()
        }
        words = {f"{table}.text": sorted(opened(book, table, "text")) for table in WORDS}
        return rows | words

    found: dict[str, Any] = await world.gateway.do(read)
    return found | {name: len(player.seen) for name, player in world.players.items()}


def platforms(scissors: Scissors, *, keys: bool = True) -> dict[str, MortalPlatform]:
    return {
        name: MortalPlatform(name, scissors, buttons=name == "buttons", keys=keys)
        for name in ("buttons", "numbers", "lines")
    }


PLACES = {"Ana": "buttons", "Vic": "numbers", "Tom": "lines"}


async def uncut(story: str, url: str) -> dict[str, Any]:
    scissors = Scissors(by_line=False)
    async with World(platforms(scissors), url, PLACES) as world:
        await world.tell(story)
        return await picture(world)


SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"


@pytest.mark.parametrize("scissors", [SOAK], indirect=True, ids=["soak" if SOAK else ""])
async def test_the_story_comes_out_the_same_wherever_the_process_is_cut(
    scissors: Scissors, database: str, tmp_path: Path
) -> None:
    wanted = await uncut(STORY, f"sqlite:///{tmp_path}/uncut.db")
    async with CutWorld(scissors, platforms(scissors), database, PLACES) as world:
        await world.tell(STORY)
        assert await picture(world) == wanted
        assert world.restarts == len(scissors.places)
        messages = len(re.findall(r"^\w+ sees(?! nothing)", STORY, re.MULTILINE))
        for kind in KINDS:  # as often as the story shows a message, at least
            assert scissors.kinds[kind] >= messages > 40


@pytest.mark.parametrize("scissors", [False], indirect=True, ids=[""])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_without_keys_a_cut_repeats_the_messages_in_flight_and_nothing_else(
    scissors: Scissors, database: str, tmp_path: Path
) -> None:
    """On Telegram: one for each address whose message was out and not recorded yet."""
    wanted = await uncut(SHORT, f"sqlite:///{tmp_path}/uncut.db")
    there = platforms(scissors, keys=False)
    async with CutWorld(scissors, there, database, PLACES) as world:
        await world.tell(SHORT)
        assert await picture(world) == wanted
        repeated = sum(platform.repeated for platform in there.values())
        assert 0 < repeated <= world.restarts * len(PLACES)


async def test_a_number_means_the_message_that_was_sent_just_before_the_process_ended(
    tmp_path: Path,
) -> None:
    """Its id was not recorded. It is sent again, recorded, and only then the number is read."""

    class Slow(MemoryPlatform):
        def adapter(self) -> Memory:
            made = super().adapter()
            made.facts = replace(made.facts, rate=20.0)
            return made

    platform = Slow("numbers", buttons=False)
    async with World({"numbers": platform}, f"sqlite:///{tmp_path}/movements.db") as world:
        await world.tell("people: Ana en")
        send, out_there = platform.current.send, asyncio.Event()

        async def last_words(out: Outbound) -> str:
            await send(out)
            out_there.set()
            return await asyncio.Future[str]()

        platform.current.send = last_words  # type: ignore[method-assign]

        def others_wait(book: Book) -> None:
            for n in range(8):
                who = people.meet(book, Address("numbers", f"other{n}"), "en")
                outbox.put(book, [Notice(who.id, Say("Cancel"))])

        await world.gateway.do(others_wait)  # their turns come before hers
        await world.says("Ana", "mine")
        await world.sees("Ana", "What I can help with")
        await out_there.wait()
        platform.current.cut.set()  # what she writes now is heard by the next process
        await world.presses("Ana", "What I can help with")
        world.gateway.courier.patience = 0.0  # killed
        await world.again()
        await world.sees("Ana", "What can you help with?")
