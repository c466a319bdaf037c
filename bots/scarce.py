"""No room on the disk: whoever wants to be forgotten is heard, with the room that was kept back for
it. Others are told once that nothing is kept, for a message that waits here would hold up those
behind it, a “forget” of the same person among them."""

from __future__ import annotations

from bots import guard, meeting
from core import outbox, people
from core.message import Event, Inbound, Notice, Say, Word
from core.people import Person
from core.store import Book, StoreDown
from core.text import clean
from core.words import commands

_MOST_TOLD = 1000
"""People: being told takes room too."""
_ONCE_IN = 3600
"""Seconds."""
_LONGEST = 200
NO_ROOM = Say(
    "I have no room left and can't keep anything just now. Your message was not passed on; send it"
    " again later. “{forget}” still works.",
    forget=Word("forget"),
)


class Scarcity:
    def __init__(self) -> None:
        self.told: dict[str, int] = {}
        """When: in seconds since 1970."""

    def hears(self, book: Book, event: Event) -> bool:
        """False: it is acknowledged, and nothing comes of it. Raises StoreDown for somebody new:
        their platform keeps it."""
        if not isinstance(event, Inbound):
            return True
        found = people.at(book, event.sender)
        if found is None:
            raise StoreDown("no room")
        who = found[0]
        if wants_to_go(book, who, event):
            return True
        self.told = {id: at for id, at in self.told.items() if book.now - at < _ONCE_IN}
        tells = who.id not in self.told and len(self.told) < _MOST_TOLD
        if (tells or event.secrets) and meeting.first_time(book, event) and tells:
            self.told[who.id] = book.now
            outbox.put(book, [Notice(who.id, NO_ROOM)])
        return False


def wants_to_go(book: Book, who: Person, event: Inbound) -> bool:
    """Whether this may lead to their being forgotten: the word, in whatever way; what follows its
    question; the panic word. Changes nothing."""
    text = clean(event.text, _LONGEST + 1).strip()
    said = commands().command(text, [who.language], strict=True)
    if "forget" in (event.pressed, commands().universal(text), said and said[0]):
        return True
    form = book.value("select form from forms where person = :who", who=who.id)
    return form == "forget" or guard.panics(book, who, event, text)
