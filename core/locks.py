"""The words that people choose against danger, and the stand-ins behind which the frozen wait.

A panic word, a freeze word and a PIN, each kept as a keyed fingerprint of this person's alone,
sealed under their key: whoever has the database can't try which they are, and once their owner is
forgotten nobody can. The words cost one HMAC to compare, for every message of those who chose some;
the PIN, which is short, is stretched on top of it (Argon2id), and only for what looks like one.

While somebody is frozen each of their addresses belongs to a stand-in: a newcomer with nothing, in
every respect but that its lock names whom it stands for. So nothing has to remember to hide
anything: whatever is looked up, shown or sent finds the newcomer.
"""

from __future__ import annotations

import hmac
import json
import secrets
import unicodedata
from dataclasses import asdict, dataclass, replace
from typing import Any

from core import people
from core.folding import bare, fold
from core.people import Person
from core.privacy import Damaged, stretched
from core.store import Book

TRIES = 5
"""Wrong PINs before a pause of an hour; each next pause is twice as long, a day at most."""
_PAUSE, _LONGEST_PAUSE = 3600, 86400
PIN_DIGITS = range(6, 13)
IDLE_HOURS = 12
_PLACE = "people.lock"
_SIGNS = " \t\n.,:;!?…·。！？،؛؟\"'«»“”‘’()[]-–—_/"


@dataclass(frozen=True, slots=True, repr=False)
class Lock:
    """panic, freeze: fingerprints. pin: salt and Argon2id of its fingerprint, in hex. idle: they
    are frozen by themselves after `IDLE_HOURS`. wrong, until: wrong PINs so far, and the second
    since 1970 until which none is tried. stands_for: whose stand-in this is. stand_ins: theirs."""

    panic: str = ""
    freeze: str = ""
    pin: str = ""
    idle: bool = False
    wrong: int = 0
    until: int = 0
    stands_for: str = ""
    stand_ins: tuple[str, ...] = ()


NONE = Lock()


def of(book: Book, who: Person) -> Lock:
    """Nothing if it was altered on disk: nobody shall be shut out of being heard by that."""
    if not who.lock:
        return NONE
    try:
        kept = json.loads(book.unseal(who.id, _PLACE, who.id, who.lock) or "{}")
    except (Damaged, ValueError):
        return NONE
    return Lock(**{**kept, "stand_ins": tuple(kept.get("stand_ins", ()))})


def keep(book: Book, id: str, lock: Lock) -> None:
    kept = {name: value for name, value in asdict(lock).items() if value}
    sealed = book.seal(id, _PLACE, id, json.dumps(kept)) if kept else ""
    book.do("update people set lock = :sealed where id = :id", sealed=sealed, id=id)


def change(book: Book, id: str, **what: Any) -> None:
    """Changes some of it."""
    if who := people.known(book, id):
        keep(book, id, replace(of(book, who), **what))


# ------------------------------------------------------------------ comparing


def spelt(text: str) -> str:
    """What all spellings of a word or a phrase have in common."""
    return bare(fold(text)).translate(_NO_SIGNS)


_NO_SIGNS = dict.fromkeys(map(ord, _SIGNS))


def mark(book: Book, id: str, text: str) -> str:
    """The fingerprint of a word, or a PIN, of this person."""
    return book.fingerprint("lock", id, spelt(text))


def same(one: str, other: str) -> bool:
    """Whether there is such a word, and this is it."""
    return bool(one) and hmac.compare_digest(one, other)


def stretch(mark: str) -> str:
    """A PIN as it is kept, made of its fingerprint."""
    salt = secrets.token_hex(16)
    return f"{salt}{stretched(mark, salt)}"


def looks_like_pin(text: str) -> bool:
    """In any digits, with spaces or not."""
    plain = spelt(text)
    return plain.isascii() and plain.isdigit() and len(plain) in PIN_DIGITS


def opens(book: Book, id: str, lock: Lock, text: str) -> bool:
    """Whether this is their PIN; what is not is counted. During a pause nothing is."""
    if not lock.pin or not looks_like_pin(text) or book.now < lock.until:
        return False
    salt, kept = lock.pin[:32], lock.pin[32:]
    if hmac.compare_digest(stretched(mark(book, id, text), salt), kept):
        return True
    wrong = lock.wrong + 1
    pause = min(_PAUSE * 2 ** (wrong // TRIES - 1), _LONGEST_PAUSE) if wrong % TRIES == 0 else 0
    change(book, id, wrong=wrong, until=book.now + pause if pause else lock.until)
    return False


def length(text: str) -> int:
    """In letters of an alphabet; one of Chinese, Japanese or Korean says as much as two."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in spelt(text))


# ------------------------------------------------------------------ who belongs together


def owner(book: Book, who: Person) -> Person:
    """Whom this person stands for; themselves, if for nobody."""
    lock = of(book, who)
    return (people.known(book, lock.stands_for) if lock.stands_for else None) or who


def together(book: Book, who: Person) -> list[Person]:
    """Somebody and their stand-ins."""
    real = owner(book, who)
    ids = dict.fromkeys((real.id, *of(book, real).stand_ins, who.id))
    return [found for id in ids if (found := people.known(book, id))]
