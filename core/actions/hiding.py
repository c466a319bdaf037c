"""Under somebody's eyes: everything forgotten by one word, or everything hidden until a PIN."""

from __future__ import annotations

from core import copies, locks, people, timers, unsends
from core.actions import belonging
from core.locks import Lock
from core.message import Address, Notice
from core.people import DAY, Person
from core.store import Book

HOUR = 3600


def panic(book: Book, who: Person, here: Address) -> tuple[Person, list[Notice]]:
    """Forgets them at once. -> the newcomer who is answered in their place, and what the others are
    told: that a conversation is closed, as when anybody leaves.

    The answer is the greeting that every stranger gets. Silence would be noticed, and any sentence
    made for this moment would be known to those who search phones. A greeting is what the gateway
    says to whoever it does not know, which is true; whoever writes on is treated as every newcomer
    is, because they are one. So the newcomer stays for a day, or the next message would be greeted
    again, which no stranger's is; then they go, unless they began something. Their language stays:
    a greeting in another one would be noticed too.
    """
    encrypted = people.encrypted(book, here)
    told = belonging.let_go(book, who)
    new = people.meet(book, here, who.language, encrypted=encrypted)
    book.do("update people set state = :state where id = :id", state=who.state, id=new.id)
    timers.remind(book, book.now + DAY, "forget_newcomer", new.id)
    return people.known(book, new.id) or new, told


def freeze(book: Book, who: Person, here: Address | None) -> Person | None:
    """From now on a stand-in has each of their addresses. What is written to them waits, like
    everything for somebody who can't be reached. -> the stand-in that is here.

    An address is found by its fingerprint: theirs gets another one, under which nothing is heard,
    and its row stays theirs, with the copies of what stands in the chat.
    """
    made, found = [], None
    for row, platform, mark, sealed in book.all(_ADDRESSES, who=who.id):
        handle = people.handle(book, who.id, mark, sealed)
        there = Address(platform, handle)
        encrypted = people.encrypted(book, there)
        _rename(book, who.id, row, _away(book, platform, handle), handle)
        stand_in = people.meet(book, there, who.language, encrypted=encrypted)
        locks.keep(book, stand_in.id, Lock(stands_for=who.id))
        book.do("update people set state = :state where id = :id", state=who.state, id=stand_in.id)
        made.append(stand_in.id)
        if there == here:
            found = people.known(book, stand_in.id)
    locks.change(book, who.id, stand_ins=tuple(made))
    book.do("update people set address = null where id = :id", id=who.id)
    book.do("delete from codes where person = :id and kind = 'link'", id=who.id)
    no_longer_idle(book, who)
    book.wakes.add(f"person:{who.id}")
    return found


def thaw(book: Book, who: Person, here: Address) -> tuple[Person, list[Notice]]:
    """Their addresses are theirs again; what their stand-ins did is forgotten. -> them, and what
    those are told who had to do with a stand-in."""
    told: list[Notice] = []
    address, state = None, who.state
    stand_ins = {one.id: one for one in locks.together(book, who) if one.id != who.id}
    for row, platform, mark, sealed in book.all(_ADDRESSES, who=who.id):
        handle = people.handle(book, who.id, mark, sealed)
        there = Address(platform, handle)
        if at := people.at(book, there):
            if at[0].id not in stand_ins:  # somebody else is there now
                _no_longer_at(book, row)
                continue
            copies.move(book, at[0].id, at[1], who.id, row)
            book.do(  # keys that changed meanwhile are still to be confirmed
                "update addresses set (encrypted, changed) = (select s.encrypted,"
                " case when addresses.changed = 1 then 1 else s.changed end"
                " from addresses s where s.id = :there) where id = :row",
                there=at[1],
                row=row,
            )
            _no_longer_at(book, at[1])  # alone: its library's secrets stay
        _rename(book, who.id, row, people.found_by(book, there), handle)
        if there == here:
            address = row
    for stand_in in stand_ins.values():
        if stand_in.state == "suspended":
            state = "suspended"
        unsends.carry_over(book, stand_in.id, who.id)
        told += belonging.let_one_go(book, stand_in)
    book.do("update people set state = :state where id = :id", state=state, id=who.id)
    locks.change(book, who.id, stand_ins=(), wrong=0, until=0)
    if address is not None:
        people.here(book, who, address)
    people.seen(book, who)
    book.wakes.add(f"person:{who.id}")
    return people.known(book, who.id) or who, told


_ADDRESSES = "select id, platform, handle_index, handle from addresses where person = :who"


def _no_longer_at(book: Book, row: int) -> None:
    book.do("delete from copies where address = :row", row=row)
    book.do("delete from addresses where id = :row", row=row)


def _away(book: Book, platform: str, handle: str) -> str:
    return book.fingerprint("frozen", platform, handle)


def _rename(book: Book, who: str, row: int, mark: str, handle: str) -> None:
    book.do(
        "update addresses set handle_index = :mark, handle = :sealed where id = :row",
        mark=mark,
        sealed=book.seal(who, "addresses.handle", mark, handle),
        row=row,
    )


# ------------------------------------------------------------------ by itself


def idle_from_now(book: Book, who: Person) -> None:
    """They chose to be frozen when they write nothing for a while, and wrote just now. The time is
    kept by the hour."""
    no_longer_idle(book, who)
    due = (book.now // HOUR + locks.IDLE_HOURS + 1) * HOUR
    timers.remind(book, due, "freeze_idle", who.id)


def no_longer_idle(book: Book, who: Person) -> None:
    book.do("delete from timers where about = :id and kind = 'freeze_idle'", id=who.id)
