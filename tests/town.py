"""Everybody who has a part in something, and everything that a button can name."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from core import audit, people
from core.message import Address, Inbound
from core.store import Book
from core.tables import metadata
from tests.room import Room, Somebody

ROLES = {
    "stranger": "wrote nothing before",
    "new": "nobody vouched for them; they have the skill",
    "unskilled": "vouched for, without the skill",
    "vouched": "vouched for, with the skill",
    "verified": "verified, with the skill",
    "moderator": "one of two",
    "proposer": "the other moderator, who proposed something",
    "suspended": "verified, and suspended",
    "asker": "whose needs they are; new",
    "helper": "the other side of the conversation; vouched for",
    "offering": "has an offer that waits; vouched for",
    "translator": "of the conversation; vouched for",
    "invited": "to translate it; vouched for",
}
_TRUST = {
    "stranger": "new", "new": "new", "verified": "verified", "moderator": "moderator",
    "proposer": "moderator", "suspended": "verified", "asker": "new",
}  # fmt: skip


@dataclass(frozen=True)
class Effect:
    """told: the last message they got. changed: the tables that are not as before. others: who
    else was told something."""

    told: str
    changed: frozenset[str]
    others: frozenset[str]


_NO_EFFECT = {"heard", "outbox", "copies"}
"""What every message leaves behind."""


class _Undone(Exception):
    pass


class Town:
    """The second need waits with an offer, the first one led to the conversation; `spare` is a need
    that nobody was told of."""

    def __init__(self, url: str) -> None:
        self.room = room = Room(url)
        for role in ROLES:
            if role != "stranger":
                language = "fa" if role == "asker" else "en"
                room.join(role, language, _TRUST.get(role, "vouched"))
        for role in ("helper", "offering"):
            room.can(role, "writing")
        for role in ("translator", "invited"):
            room.translates(role, "fa", "en")
        room.store.now(self._settle)
        room.says("helper", f"offer {self._need('first')} I write letters.")
        room.presses("asker", "می‌پذیرم")
        room.presses("translator", "I'll do it")
        self._need("spare")
        room.says("offering", f"offer {self._need('second')} I write letters.")
        room.store.now(self._settle_more)
        room.does("proposer", pressed="suspend of-helper")
        for role in ("new", "vouched", "verified", "suspended"):
            room.can(role, "writing")
        room.says("asker", "او را دیشب از خانه بردند")
        room.says("asker", "زبان انگلیسی")
        room.people["stranger"] = Somebody(Address("buttons", "handle-of-stranger-49e1"), "en")
        self.names = self._names()
        self.before = room.store.now(_state)

    def _need(self, word: str) -> str:
        self.room.says("asker", f"نیاز: یک نویسنده برای نامهٔ {word}")
        self.room.presses("asker", "منتشر کن")
        found: str = self.room.value("select code from needs order by rowid desc limit 1")
        return found

    def _settle(self, book: Book) -> None:
        book.do("update people set state = 'suspended', suspended = 1 where id = :id",
                id=self.room.id(book, "suspended"))  # fmt: skip

    def _settle_more(self, book: Book) -> None:
        asker = self.room.id(book, "asker")
        for about in ("helper", "offering"):
            book.do(
                "insert into reports(id, person, about, text, at)"
                " values (:id, :asker, :about, '', 0)",
                id=f"of-{about}", asker=asker, about=self.room.id(book, about),
            )  # fmt: skip
        moderator = people.known(book, self.room.id(book, "moderator"))
        assert moderator is not None
        audit.number_of(book, moderator)

    def _names(self) -> dict[str, str]:
        value = self.room.value
        codes = self.room.store.now(
            lambda book: book.column("select code from needs order by rowid")
        )
        return {
            "first": codes[0], "spare": codes[1], "second": codes[2],
            "offer": value("select id from offers where state = 'sent'"),
            "conversation": value("select id from conversations"),
            "proposal": value("select id from proposals"),
            "mark": self.room.store.now(
                lambda book: book.fingerprint("suspended", self.room.id(book, "suspended"))[:12]
            ),
            "report": "of-offering",
            "entry": value("select id from entries"),
        }  # fmt: skip

    def presses(self, role: str, value: str) -> Effect:
        """What it would do; nothing of it stays."""
        room, found = self.room, []
        marks = {name: len(who.shown) for name, who in room.people.items()}
        event = Inbound(
            id=f"try {role} {value}", sender=room.people[role].address, pressed=value,
            native=f"try {role} {value}", locale=room.people[role].locale,
        )  # fmt: skip

        def job(book: Book) -> None:
            room._heard(book, event)
            after = _state(book)
            found.append({table for table in after if self.before[table] != after[table]})
            raise _Undone

        with contextlib.suppress(_Undone):
            room.store.now(job)
        told = {name: [s.text for s in who.shown[marks[name] :]]
                for name, who in room.people.items()}  # fmt: skip
        for name, who in room.people.items():
            del who.shown[marks[name] :]
        mine = told.pop(role)
        others = frozenset(name for name, texts in told.items() if texts)
        return Effect(mine[-1] if mine else "", frozenset(found[0]), others)


def _state(book: Book) -> dict[str, Any]:
    return {
        table: sorted(map(repr, book.all(f"select * from {table}")))
        for table in metadata.tables
        if table not in _NO_EFFECT
    }
