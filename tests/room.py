"""The conversation without network, courier or waiting: what people do is heard at once, and what
they are told is on their phones at once. For tests that do a great many things.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from bots.courier import Courier
from bots.rendering import rendered
from bots.talk import Talk
from bots.turn import Community
from core import outbox, people
from core.actions import belonging
from core.language import Languages
from core.message import Address, Facts, Inbound
from core.people import TRUST, VOUCHED
from core.store import Book, Store
from tests.vaults import vault_of

LANGUAGES = Languages()
MARKS = re.compile("[\u200e\u200f\u061c\u2066-\u2069]")
_FACTS = {
    "buttons": Facts(buttons=True, edits=True, max_length=100_000, unit="codepoints"),
    "numbers": Facts(buttons=False, edits=True, max_length=100_000, unit="codepoints"),
}


@dataclass(frozen=True)
class Shown:
    """A message on somebody's phone. choices: (value, label)."""

    native: str
    text: str
    choices: tuple[tuple[str, str], ...]
    replaces: bool


@dataclass
class Somebody:
    """handle: unlike any word, so that it can be looked for in what others see."""

    address: Address
    locale: str
    shown: list[Shown] = field(default_factory=list)
    written: list[str] = field(default_factory=list)


class Room:
    def __init__(self, url: str) -> None:
        self.time = 1_800_000_000
        self.store = Store(url, vault_of(url), lambda: self.time)
        self.talk = Talk(LANGUAGES, Community("Movements", VOUCHED, {}))
        self.courier = Courier(None, LANGUAGES, {})  # type: ignore[arg-type]
        self.ids = itertools.count(1)
        self.people: dict[str, Somebody] = {}

    def close(self) -> None:
        self.store.close()

    def join(
        self, name: str, language: str = "en", trust: str = "new", platform: str = "buttons"
    ) -> Somebody:
        """Greeted, and then trusted."""
        who = Somebody(Address(platform, f"handle-of-{name.lower()}-49e1"), language)
        self.people[name] = who
        self.says(name, "/start")

        def settle(book: Book) -> None:
            book.do(
                "update people set trust = :trust where id = :id",
                trust=TRUST.index(trust),
                id=self.id(book, name),
            )

        self.store.now(settle)
        return who

    def can(self, name: str, *skills: str) -> None:
        def settle(book: Book) -> None:
            id = self.id(book, name)
            for skill in skills:
                book.do("insert into abilities(skill, person) values (:s, :id)", s=skill, id=id)
            book.do("insert into places(person, country) values (:id, '*')", id=id)
            people.speaks(book, id, self.people[name].locale)

        self.store.now(settle)

    def translates(self, name: str, one: str, other: str) -> None:
        def settle(book: Book) -> None:
            id = self.id(book, name)
            for source, target in ((one, other), (other, one)):
                book.do("insert into pairs values (:s, :t, :id)", s=source, t=target, id=id)

        self.store.now(settle)

    def id(self, book: Book, name: str) -> str:
        met = people.at(book, self.people[name].address)
        assert met is not None
        return met[0].id

    def value(self, statement: str, **values: Any) -> Any:
        return self.store.now(lambda book: book.value(statement, **values))

    # ------------------------------------------------------------------ doing

    def does(self, name: str, **what: Any) -> list[str]:
        """-> what this person is told at once, as they read it."""
        who = self.people[name]
        native = f"u{next(self.ids)}"
        event = Inbound(
            **{"id": native, "sender": who.address, "native": native, "locale": who.locale, **what}
        )
        return self.happens(name, event)

    def happens(self, name: str, event: Inbound) -> list[str]:
        who = self.people[name]
        if event.text and not event.edits:
            who.written.append(event.native)
        before = len(who.shown)
        self.store.now(lambda book: self._heard(book, event))
        return [shown.text for shown in who.shown[before:]]

    def says(self, name: str, text: str, reply_to: str | None = None) -> list[str]:
        return self.does(name, text=text, answers_to=reply_to)

    def presses(self, name: str, label: str) -> list[str]:
        """The newest button with this label."""
        for shown in reversed(self.people[name].shown):
            for value, text in shown.choices:
                if text.removeprefix("✓ ") == label:
                    return self.does(name, pressed=value, native=shown.native)
        raise AssertionError(f"{name} sees nothing to press called {label!r}")

    def last(self, name: str) -> str:
        return self.people[name].shown[-1].text

    def _heard(self, book: Book, event: Inbound) -> None:
        self.talk.hear(book, event)
        while True:
            rows, *_ = outbox.waiting(book, 0)
            if not rows:
                return
            for row in rows:
                self._deliver(book, outbox.anchored(book, row))

    def _deliver(self, book: Book, row: outbox.Waiting) -> None:
        who = next(p for p in self.people.values() if p.address == row.to)
        facts = _FACTS[row.to.platform]
        (out,) = rendered(self.courier.languages, row, facts)
        native = out.replaces or f"b{next(self.ids)}"
        choices = tuple((value, MARKS.sub("", label)) for value, label in out.choices)
        who.shown.append(Shown(native, MARKS.sub("", out.text), choices, bool(out.replaces)))
        values = () if facts.buttons else tuple(c.value for c in row.notice.choices)
        outbox.delivered(book, [outbox.Sent(row, (native,), values)])
        if row.key.startswith(outbox.FAREWELL):
            belonging.unless_busy(book, row.person)
