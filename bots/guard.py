"""Before a message means anything: is it one of its author's own words against danger?"""

from __future__ import annotations

from dataclasses import replace

from bots.commands import where_they_are
from bots.greeting import greet
from bots.turn import Turn
from core import locks
from core.actions import hiding
from core.locks import Lock
from core.message import Inbound, Say
from core.people import Person
from core.store import Book

SUSPENDED = Say("A moderator has suspended you.")


def panics(book: Book, who: Person, event: Inbound, text: str) -> bool:
    """Whether the whole message is the panic word; frozen or not, edited into it or new. Changes
    nothing."""
    if not who.lock or not text or event.pressed is not None:
        return False
    owner = locks.owner(book, who)
    return locks.same(locks.of(book, owner).panic, locks.mark(book, owner.id, text))


def acted(turn: Turn) -> bool:
    """Whether it was such a word, and is done: nothing else is to be made of the message. A word of
    theirs goes before forms, commands and conversations, and is answered as any newcomer's first
    message is. A PIN that is wrong is a message like any other."""
    book, who, event = turn.book, turn.who, turn.inbound
    if not who.lock:
        return False
    owner = locks.owner(book, who)
    lock = locks.of(book, owner)
    if owner.id == who.id:
        if lock.stands_for:  # whom it stood for is gone
            locks.keep(book, who.id, locks.NONE)
        return _in_the_open(turn, lock)
    if owner.state == "suspended":
        turn.who = replace(who, state="suspended")
    if panics(book, who, event, turn.text):
        return _panic(turn)
    if event.pressed is None and locks.opens(book, owner.id, lock, turn.text):
        turn.notices.clear()
        turn.who, told = hiding.thaw(book, owner, event.sender)
        turn.tell(told)
        where_they_are(turn, Say("You are back. Delete your PIN from this chat."))
        return True
    return False


def _in_the_open(turn: Turn, lock: Lock) -> bool:
    book, who, event = turn.book, turn.who, turn.inbound
    if panics(book, who, event, turn.text):
        return _panic(turn)
    typed = turn.text and event.pressed is None
    if typed and locks.same(lock.freeze, locks.mark(book, who.id, turn.text)):
        stand_in = hiding.freeze(book, who, event.sender)
        assert stand_in is not None, "an address was lost"
        _as_a_newcomer(turn, stand_in)
        return True
    if lock.idle:
        hiding.idle_from_now(book, who)
    return False


def _panic(turn: Turn) -> bool:
    new, told = hiding.panic(turn.book, turn.who, turn.inbound.sender)
    _as_a_newcomer(turn, new)
    turn.tell(told)
    return True


def _as_a_newcomer(turn: Turn, who: Person) -> None:
    turn.notices.clear()
    turn.who = who
    if who.state == "suspended":
        turn.say(SUSPENDED)
    else:
        greet(turn)
