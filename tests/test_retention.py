"""What goes by itself, and when: each time with a clock that is moved."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bots.clock import run_due
from bots.config import RetentionSettings
from bots.talk import Talk
from bots.turn import Community
from core import outbox, people, tasks
from core.actions import belonging, parting
from core.message import Address, Inbound, Notice, Say
from core.people import VOUCHED
from core.store import Book, Store
from tests.platforms.memory import MemoryPlatform
from tests.vaults import in_clear, opened, vault_of
from tests.world import LANGUAGES, World, database, plain

STORY = (Path(__file__).parent / "stories" / "three_people_meet.txt").read_text("utf-8")
HOUR, DAY = 3600, 86400
KEPT = RetentionSettings()
BEGAN = 20_000 * DAY


class Town:
    """A store whose clock stands until it is moved, and a talk; nothing is sent by itself."""

    def __init__(self, url: str) -> None:
        self.time = float(BEGAN)
        self.store = Store(url, vault_of(url), lambda: self.time)
        self.talk = Talk(LANGUAGES, Community("Movements", VOUCHED, {}))
        self.count = 0

    def say(self, name: str, text: str, **more: Any) -> str:
        self.count += 1
        id = f"n{self.count}"
        event = Inbound(id, Address("memory", name), text=text, native=id, locale="en")
        self.do(partial(self.talk.hear, event=replace(event, **more)))
        return id

    def do(self, job: Callable[[Book], Any]) -> Any:
        return self.store.now(job)

    def value(self, statement: str, **values: Any) -> Any:
        return self.do(lambda book: book.value(statement, **values))

    def who(self, name: str) -> people.Person:
        found = self.do(lambda book: people.at(book, Address("memory", name)))
        assert found is not None
        return found[0]  # type: ignore[no-any-return]

    def known(self, name: str) -> bool:
        return self.do(lambda book: people.at(book, Address("memory", name))) is not None

    def told(self, name: str) -> list[str]:
        """Delivers what waits for somebody. -> what it says, to them."""
        found = []
        for row in self.do(partial(outbox.waiting_for, person=self.who(name).id)):
            found.append(plain(LANGUAGES.render(row.notice.say, "en")))
            sent = outbox.Sent(row, (f"b{row.id}",), ())
            self.do(lambda book, sent=sent: outbox.delivered(book, [sent]))
        return found

    def wait(self, seconds: float, kept: RetentionSettings = KEPT) -> None:
        """So much time passes, and what came due is done as it would be."""
        until = self.time + seconds
        while self.time < until:
            self.time = min(until, self.time + 12 * HOUR)
            self.do(partial(run_due, kept=kept))

    def texts(self) -> str:
        """Everything that is anywhere in the database."""
        return str(self.do(in_clear))

    def conversation(self) -> str:
        """Ana and Vic talk. -> the conversation."""
        from benchmarks.people import introduce

        pair = (Address("memory", "ana"), Address("memory", "vic"))
        self.do(lambda book: introduce(book, [pair]))
        self.told("ana"), self.told("vic")
        found: str = self.value("select id from conversations")
        return found


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(database(tmp_path))
    yield made
    made.store.close()


# ------------------------------------------------------------------ texts


def test_a_message_that_could_not_be_delivered_for_72_hours_goes_and_its_author_is_told(
    town: Town,
) -> None:
    town.conversation()
    town.say("ana", "they took him from the library")
    town.wait(71 * HOUR)
    assert town.told("ana") == []
    assert "from the library" in town.texts()
    town.wait(13 * HOUR)
    (told,) = town.told("ana")
    assert "1 message from you to" in told
    assert "could not be delivered for 72 hours" in told
    assert "from the library" not in town.texts()
    assert town.told("vic") == []
    town.wait(3 * DAY)
    assert town.told("ana") == []


def test_many_lost_messages_of_one_conversation_are_told_of_once(town: Town) -> None:
    town.conversation()
    for number in range(7):
        town.say("ana", f"line number {number} of what happened")
    town.wait(4 * DAY)
    (told,) = town.told("ana")
    assert "7 messages from you" in told


def test_a_delivered_message_is_not_told_of(town: Town) -> None:
    town.conversation()
    town.say("ana", "they took him from the library")
    assert len(town.told("vic")) == 1
    town.wait(4 * DAY)
    assert town.told("ana") == []


def close_the_needs(book: Book) -> None:
    for id, who in book.all("select id, person from needs"):
        text = book.seal(who, "needs.text", id, "a lawyer, quickly")
        book.do("update needs set state = 'closed', text = :text where id = :id", text=text, id=id)


def test_a_closed_conversation_goes_after_7_days_with_all_that_was_said(town: Town) -> None:
    id = town.conversation()
    town.say("ana", "they took him from the library")
    town.say("vic", "I am calling the prison now")
    town.told("ana"), town.told("vic")
    names = town.do(lambda book: opened(book, "members", "pseudonym"))
    ana = town.who("ana")
    town.do(lambda book: parting.leave(book, ana, id))
    town.do(close_the_needs)
    assert "a lawyer, quickly" in town.texts()
    town.wait(6 * DAY)
    assert "from the library" in town.texts()
    town.wait(2 * DAY)
    left = town.texts()
    for gone in ("from the library", "calling the prison", "a lawyer, quickly", id, *names):
        assert gone not in left
    assert town.known("ana")
    assert town.known("vic")


def test_an_open_conversation_keeps_its_words_while_replies_can_find_them(town: Town) -> None:
    town.conversation()
    town.say("ana", "they took him from the library")
    town.told("vic")
    town.wait(29 * DAY)
    assert "from the library" in town.texts()
    town.wait(2 * DAY)
    assert "from the library" not in town.texts()
    assert town.value("select count(*) from copies where entry is not null") == 0
    town.say("vic", "are you still there")
    assert "are you still there" in town.told("ana")[-1]


def test_a_need_that_was_half_written_goes_7_days_after_its_author_wrote_last(town: Town) -> None:
    town.say("ana", "need They took my brother from the library")
    town.wait(6 * DAY)
    assert "from the library" in town.texts()
    assert town.value("select count(*) from forms") == 1
    town.told("ana")
    town.wait(2 * DAY)
    assert town.value("select count(*) from forms") == 0
    assert "from the library" not in town.texts()


def test_what_is_half_translated_goes_with_the_message(town: Town) -> None:
    town.conversation()
    town.say("ana", "they took him from the library")
    town.told("vic")
    entry, vic = town.value("select id from entries"), town.who("vic").id
    town.do(lambda book: tasks.keep_part(book, entry, "fa", 1, vic, "half of it is translated"))
    town.wait(29 * DAY)
    assert "half of it is translated" in town.texts()
    town.wait(2 * DAY)
    assert "half of it is translated" not in town.texts()


# ------------------------------------------------------------------ people


def test_who_does_not_come_back_is_warned_after_83_days_and_forgotten_after_90(
    town: Town,
) -> None:
    town.conversation()
    town.told("ana")
    town.wait(82 * DAY)
    assert not [text for text in town.told("ana") if "forget everything about you" in text]
    town.wait(1 * DAY)
    (warning,) = [text for text in town.told("ana") if "forget everything about you" in text]
    assert "In 7 days" in warning
    town.wait(6 * DAY)
    assert town.known("ana")
    town.wait(1 * DAY + 12 * HOUR)
    assert not town.known("ana")
    assert not town.known("vic")
    assert "'ana'" not in town.texts()
    assert town.value("select count(*) from people") == 0


def test_one_word_is_enough_to_stay(town: Town) -> None:
    town.say("ana", "/start")
    town.wait(85 * DAY)
    town.say("ana", "still here")
    town.wait(82 * DAY)
    assert town.known("ana")
    town.wait(9 * DAY)
    assert not town.known("ana")


def test_the_other_side_learns_only_that_the_conversation_is_closed(town: Town) -> None:
    town.conversation()
    told = []
    while town.known("ana"):
        town.wait(2 * DAY)
        town.say("vic", "/help")
        told += town.told("vic")
    closed = [text for text in told if "conversation" in text and "closed" in text]
    assert [text.partition(" about ")[0] for text in closed] == ["The conversation"]
    assert not [text for text in told if "forget everything about you" in text]


def test_nobody_is_forgotten_unwarned_when_the_gateway_was_off(town: Town) -> None:
    town.say("ana", "/start")
    town.time += 400 * DAY
    town.do(partial(run_due, kept=KEPT))
    assert town.known("ana")
    assert "In 7 days" in town.told("ana")[-1]
    town.wait(6 * DAY)
    assert town.known("ana")
    town.wait(2 * DAY)
    assert not town.known("ana")


def test_only_the_day_is_kept_and_written_once_a_day(town: Town) -> None:
    town.say("ana", "/start")
    town.do(lambda book: book.do("update people set warned = 7"))
    town.time += 5 * HOUR
    town.say("ana", "hello")
    assert town.value("select warned from people") == 7  # not written again
    town.time += DAY
    town.say("ana", "hello again")
    assert town.value("select seen from people") == BEGAN // DAY + 1
    assert town.value("select warned from people") is None


# ------------------------------------------------------------------ bans


def suspend(town: Town, name: str) -> None:
    who = town.who(name).id
    town.do(lambda book: book.do("update people set state = 'suspended' where id = :w", w=who))


def test_a_suspended_person_who_is_gone_is_not_let_in_for_12_months(town: Town) -> None:
    town.say("mallory", "/start")
    suspend(town, "mallory")
    town.wait(92 * DAY)
    assert not town.known("mallory")
    assert "mallory" not in town.texts()
    town.say("mallory", "/start")
    assert not town.known("mallory")
    assert town.value("select count(*) from outbox") == 0
    town.wait(362 * DAY)
    town.say("mallory", "/start")
    assert not town.known("mallory")
    town.wait(4 * DAY)
    town.say("mallory", "/start")
    assert town.known("mallory")


def test_forgetting_is_no_way_out_of_a_ban(town: Town) -> None:
    town.say("mallory", "/start")
    suspend(town, "mallory")
    mallory = town.who("mallory")
    notices = town.do(lambda book: belonging.forget(book, mallory))
    town.do(lambda book: outbox.put(book, notices))
    town.say("mallory", "/start")  # before the goodbye is delivered: they are who they were
    assert town.who("mallory").state == "suspended"
    town.wait(4 * DAY)
    assert not town.known("mallory")
    town.say("mallory", "/start")
    assert not town.known("mallory")


def test_a_fingerprint_cannot_be_made_without_the_key(town: Town, tmp_path: Path) -> None:
    def of(store: Store, *parts: str) -> str:
        return store.now(lambda book: book.fingerprint(*parts))

    url = f"sqlite:///{tmp_path}/other.db"
    with contextlib.closing(Store(url, vault_of(url))) as other:
        assert of(town.store, "memory", "ana") == of(town.store, "memory", "ana")
        assert of(town.store, "memory", "ana") != of(town.store, "memorya", "na")
        assert of(town.store, "memory", "ana") != of(other, "memory", "ana")


# ------------------------------------------------------------------ fingerprints, copies, settings


def test_what_was_heard_is_recognised_for_14_days_and_copies_stand_for_30(town: Town) -> None:
    town.say("ana", "/start")
    town.told("ana")
    assert town.value("select count(*) from heard") == 1
    town.wait(13 * DAY)
    assert town.value("select count(*) from heard") == 1
    town.wait(2 * DAY)
    assert town.value("select count(*) from heard") == 0
    assert town.value("select count(*) from copies") > 0
    town.wait(16 * DAY)
    assert town.value("select count(*) from copies") == 0


def test_the_settings_decide(town: Town) -> None:
    kept = RetentionSettings(undelivered_hours=1, idle_days=5, warning_days=3, heard_days=1)
    town.say("ana", "/start")
    town.wait(DAY, kept)
    assert town.value("select count(*) from outbox where state = 'waiting'") == 0
    town.wait(DAY, kept)
    assert town.value("select count(*) from heard") == 0
    town.wait(DAY, kept)
    assert "In 2 days" in town.told("ana")[-1]
    town.wait(3 * DAY, kept)
    assert not town.known("ana")


@pytest.mark.parametrize("days", [4, 30])
def test_a_need_closes_in_time_unless_its_author_still_needs_it(town: Town, days: int) -> None:
    town.talk = Talk(LANGUAGES, Community("Movements", VOUCHED, {}, replace(KEPT, need_days=days)))
    for word in ("letter", "poem"):
        town.say("Ana", f"need Somebody to write a {word} for my sister")
        town.say("Ana", "Post it")
    assert f"closes by itself in {days} days" in str(town.told("Ana"))
    one, two = town.do(lambda book: book.column("select code from needs order by rowid"))
    town.wait((days - 3) * DAY - HOUR)
    assert "closes in 3 days" not in str(town.told("Ana"))
    town.wait(2 * HOUR)
    asked = "Your need {} closes in 3 days. Is it still needed?"
    assert town.told("Ana") == [asked.format(one), asked.format(two)]
    town.say("Ana", "", pressed=f"keep {two}")
    town.wait(3 * DAY)
    assert f"{one} is closed" in str(town.told("Ana"))
    state = "select state from needs where code = :code"
    assert [town.value(state, code=code) for code in (one, two)] == ["closed", "open"]
    town.wait((days - 3) * DAY - HOUR)
    assert town.value(state, code=two) == "open"
    town.wait(DAY)
    assert town.value(state, code=two) == "closed"


def test_an_undelivered_goodbye_takes_its_address_with_it(town: Town) -> None:
    town.say("ana", "/start")
    ana = town.who("ana")
    notices = town.do(lambda book: belonging.forget(book, ana))
    town.do(lambda book: outbox.put(book, notices))
    assert town.known("ana")  # the address, for the goodbye
    town.wait(4 * DAY)
    assert not town.known("ana")


# ------------------------------------------------------------------ a running gateway


async def test_what_waits_with_the_courier_is_not_sent_after_its_time(tmp_path: Path) -> None:
    """A platform is down for three days; on its return nobody gets what its author was told is
    deleted."""
    time = [float(BEGAN)]
    platforms = {"here": MemoryPlatform("here"), "away": MemoryPlatform("away")}
    places = {"Ana": "here", "Vic": "away"}
    async with World(platforms, database(tmp_path), places, clock=lambda: time[0]) as world:
        await world.join("Ana", "en")
        await world.join("Vic", "en", "verified")
        pair = [world.players[name].phone.address for name in ("Ana", "Vic")]
        away = world.gateway.adapters["away"]
        away.up.clear()

        def talk(book: Book) -> None:
            ana, vic = (people.at(book, address) for address in pair)
            assert ana is not None
            assert vic is not None
            outbox.put(book, [Notice(vic[0].id, Say("an old text that nobody may see any more"))])
            book.wakes.add("timers")

        await world.gateway.do(talk)
        time[0] += 73 * HOUR
        await world.gateway.do(lambda book: book.wakes.add("timers"))
        waiting = "select count(*) from outbox where state = 'waiting'"
        while await world.gateway.do(lambda book: book.value(waiting)):
            await world.gateway.do(lambda book: book.wakes.add("timers"))
        await world.gateway.do(
            lambda book: outbox.put(book, [Notice(people.at(book, pair[1])[0].id, Say("news"))])  # type: ignore[index]
        )
        away.up.set()
        await world.sees("Vic", "news")
