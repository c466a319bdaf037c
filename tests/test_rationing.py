"""How much a patient infiltrator is shown: a little a day, and never an address."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bots.clock import run_due
from bots.config import RetentionSettings
from core import people
from core.actions import alerts, needs
from core.people import DAY, TRUST
from core.rationing import RATIONS
from tests.room import Room

SKILLS = ("writing", "journalism", "legal_defence", "press_freedom", "translation", "design")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    room.join("Ana")
    yield room
    room.close()


def post(room: Room, count: int, *, to: int = 1, skill: str = "writing") -> list[str]:
    """-> the codes of needs of Ana's, each with a word of its own in it. Nobody is told."""

    def do(book: Any) -> list[str]:
        ana = people.known(book, room.id(book, "Ana"))
        made = []
        for _ in range(count):
            n = book.value("select count(*) from needs")
            needs.post_need(
                book, ana, text=f"A letter, secret-{n}.", skills=[skill], country="", audience=to,
                language="en", days=30,
            )  # fmt: skip
            made.append(book.value("select code from needs order by rowid desc limit 1"))
        return made

    return room.store.now(do)


def seen(room: Room, name: str) -> set[str]:
    """The needs of which somebody saw what they say."""
    words = " ".join(shown.text for shown in room.people[name].shown).replace(".", " ").split()
    return {word for word in words if word.startswith("secret-")}


@pytest.mark.parametrize("trust", TRUST)
def test_so_many_are_read_in_a_day_and_then_again(room: Room, trust: str) -> None:
    most = RATIONS["read"][TRUST.index(trust)]
    assert most is not None
    codes = post(room, most + 2, to=0)
    room.join("Vic", trust=trust)
    room.can("Vic", "writing")
    for code in codes[:most]:
        assert "secret-" in room.does("Vic", pressed=f"read {code}")[0]
    for code in codes[most:]:
        (told,) = room.does("Vic", pressed=f"read {code}")
        assert told.startswith("That is as much as one can see in a day. More in ")
    assert "secret-0" in room.does("Vic", pressed=f"read {codes[0]}")[0], "a second time"
    room.time += DAY
    assert "secret-" in room.does("Vic", pressed=f"read {codes[most]}")[0]


@pytest.mark.parametrize("trust", TRUST)
def test_so_many_offers_are_made_in_a_day(room: Room, trust: str) -> None:
    most = RATIONS["offered"][TRUST.index(trust)]
    assert most is not None
    codes = post(room, most + 1, to=0)
    room.join("Vic", trust=trust)
    room.can("Vic", "writing")
    for code in codes[:most]:
        assert room.says("Vic", f"offer {code} I write.")[0].startswith("Sent.")
    for text in (f"offer {codes[most]} I write.", f"offer {codes[most]}"):
        (told,) = room.says("Vic", text)
        assert told.startswith("You have offered your help as often as one can in a day.")
    assert room.value("select count(*) from offers") == most
    room.time += DAY
    assert room.says("Vic", f"offer {codes[most]} I write.")[0].startswith("Sent.")


@pytest.mark.parametrize(("now", "hours"), [(0, "24 hours"), (1, "24 hours"), (82801, "1 hour.")])
def test_it_is_told_when_to_come_back(room: Room, now: int, hours: str) -> None:
    codes = post(room, 6)
    room.join("Vic", trust="vouched")
    room.can("Vic", "writing")
    room.time += DAY - room.time % DAY + now
    told = [room.does("Vic", pressed=f"read {code}")[0] for code in codes]
    assert hours in told[-1]


def test_a_list_shows_summaries_and_so_many_in_a_day(room: Room) -> None:
    room.join("Vic", trust="vouched")
    room.can("Vic", "writing")
    listed: set[str] = set()
    for _ in range(8):
        codes = post(room, 5)
        (told,) = room.says("Vic", "needs")
        listed |= {code for code in codes if code in told}
        assert "secret-" not in told
        room.time += 61
    assert told.startswith("That is as much as one can see in a day.")
    assert len(listed) == RATIONS["listed"][1]


def test_an_alert_beyond_the_ration_is_a_summary_that_can_be_answered(room: Room) -> None:
    room.join("Vic", trust="vouched")
    room.can("Vic", "writing")
    for n in range(7):
        room.says("Ana", f"need Somebody to write letter secret-{n}")
        room.presses("Ana", "Post it")
        assert "🔎" in room.last("Vic")
    assert len(seen(room, "Vic")) == RATIONS["read"][1]
    assert "secret" not in room.last("Vic")
    assert room.presses("Vic", "Read it")[0].startswith("That is as much")
    assert room.presses("Vic", "Offer my help")[0].startswith("Your offer for")


def test_a_daily_digest_holds_nobodys_words_and_uses_up_no_ration(room: Room) -> None:
    room.join("Vic", trust="vouched")
    room.can("Vic", "writing")
    room.store.now(lambda book: book.do("update people set alerts = 'daily'"))
    codes = post(room, RATIONS["read"][1])

    def digest(book: Any) -> str:
        vic = people.known(book, room.id(book, "Vic"))
        assert vic is not None
        (notice,) = alerts.digest(book, vic)
        return room.courier.languages.render(notice.say, "en")

    said = room.store.now(digest)
    assert "secret-" not in said
    assert all(code in said for code in codes)
    for code in codes:
        assert "secret-" in room.does("Vic", pressed=f"read {code}")[0]


def test_what_was_counted_names_nothing_and_goes_with_the_day(room: Room) -> None:
    (code,) = post(room, 1)
    room.join("Vic", trust="vouched")
    room.can("Vic", "writing")
    room.does("Vic", pressed=f"read {code}")
    row: Any = room.store.now(lambda book: book.one("select what, mark from rations"))
    need = room.value("select id from needs")
    assert row.what == "read"
    assert need not in row.mark
    room.time += DAY
    room.store.now(lambda book: run_due(book, RetentionSettings()))
    assert room.value("select count(*) from rations where mark = :mark", mark=row.mark) == 0


def test_a_moderator_closes_so_many_needs_of_others_in_a_day(room: Room) -> None:
    room.join("Mod", trust="moderator")
    most = RATIONS["closed"][3]
    assert most is not None
    for code in post(room, most + 1):
        room.says("Mod", f"close {code}")
        told = room.presses("Mod", "Close it")[0]
    assert told.startswith("That is as much as one can see in a day.")
    assert room.value("select count(*) from needs where state = 'open'") == 1


def test_infiltrators_who_try_everything_gain_little(room: Room) -> None:
    """Some who claim every skill, at each level of trust, press and write all that there is, for
    four days in a community in which twenty needs a day are posted. Nobody ever sees an address;
    newcomers read nothing; the others no more than their ration."""
    levels = {"Nia": "new", "Vera": "vouched", "Fay": "verified"}
    for name, trust in levels.items():
        room.join(name, trust=trust)
        room.can(name, *SKILLS)
    random = Random(7)
    days = 4
    for _ in range(days):
        codes = list(
            itertools.chain.from_iterable(post(room, 4, skill=skill) for skill in SKILLS[:5])
        )
        for name in levels:
            random.shuffle(codes)
            for code in codes:
                room.does(name, pressed=f"read {code}")
                room.says(name, f"offer {code}")
                room.does(name, pressed=f"why {code}")
                room.says(name, "cancel")
                room.time += 61  # nothing is taken for a repeated message
            room.says(name, "needs")
        room.time += DAY - room.time % DAY
    posted = room.value("select count(*) from needs")
    assert posted == 20 * days
    assert seen(room, "Nia") == set()
    for name, trust in (("Vera", 1), ("Fay", 2)):
        most = RATIONS["read"][trust]
        assert most is not None
        assert 0 < len(seen(room, name)) <= most * days
    assert len(seen(room, "Vera")) / posted <= 0.25
    for name in levels:
        everything = "\n".join(f"{s.text} {s.choices}" for s in room.people[name].shown)
        assert room.people["Ana"].address.handle not in everything
