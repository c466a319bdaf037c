"""Before a message means anything: can it be read at all, and was it said just now?"""

from __future__ import annotations

from dataclasses import dataclass

from bots.turn import Turn
from core.message import Say
from core.text import only_emoji

LONGEST = 4000
_THE_SAME = 60
"""Seconds in which the same sentence is the same."""
_REMEMBERED = 10_000

ONLY_THERE = Say("Pictures can be sent only within a conversation. Here, write it in words.")
_UNREADABLE = Say("I could not open this file, so nothing of it was passed on. Try a JPEG or PDF.")
_WHY = {
    "large": Say("This file is too large. Send a smaller one: 10 MB and 25 megapixels at most."),
    "long": Say("This document is too long: 20 pages at most. Send it in parts."),
    "locked": Say("This document is locked with a password. Send it without one."),
    "away": Say("I could not get this file. Please send it again."),
    "sandbox": Say("I can't pass on pictures here without risk. Write it in words."),
}
_KINDS = {
    "encrypted": Say(
        "I could not read this message: its encryption does not fit mine. If your app asks whether"
        " I may be your contact, allow it. Then please send it again. If that fails too, turn this"
        " chat's encryption off and on again, and write once more."
    ),
    "keyless": Say(
        "I could not read this message: its key has not come. Please send it again. If that fails"
        " too, leave this chat, open a new one with me, and write there."
    ),
    "picture": _UNREADABLE,
    "voice": Say("I can't pass on voice messages yet without risk. Write it in words."),
    "video": Say("I can't pass on videos without risk. Write it in words."),
    "sticker": Say("Please write it in words."),
}


def is_sentence(text: str) -> bool:
    """Long enough to say something; not every script has spaces."""
    return not only_emoji(text) and (len(text.split()) >= 3 or len(text) >= 20)


def readable(turn: Turn) -> bool:
    """False: there is nothing to read, or too much, and they were told."""
    files = turn.inbound.files
    if files and not turn.inbound.pictures:
        refuse_files(turn)
    if len(turn.text) > LONGEST:
        turn.say(Say("This is too long. {n} characters at most; send it in parts.", n=LONGEST))
        return False
    readable = bool(turn.text.strip("\ufffd \n"))
    if not readable and not files:
        turn.say(Say("I could not read that. Please write it in words."))
    return readable or bool(turn.inbound.pictures)


def refuse_files(turn: Turn) -> None:
    """Says why what came along is not passed on."""
    kind, why = turn.inbound.files[0].kind, turn.inbound.unclean
    if why is not None:
        return turn.say(_WHY.get(why, _UNREADABLE))
    if turn.inbound.files[0].ref:
        return turn.say(ONLY_THERE)
    other = Say("I can pass on only pictures and PDF documents. Write anything else in words.")
    turn.say(_KINDS.get(kind, other))


@dataclass
class Sentence:
    """What somebody wrote last, and the events that brought it: the first of them counts."""

    text: str
    at: int
    ids: list[str]


class Repeats:
    """The last sentence of each person, in memory."""

    def __init__(self) -> None:
        self.last: dict[str, Sentence] = {}

    def forget(self, person: str) -> None:
        self.last.pop(person, None)

    def before(self, turn: Turn) -> int:
        """How often the same sentence came just before, when nothing else came in between."""
        event, who = turn.inbound, turn.who.id
        if event.pressed is not None or event.answers_to or not is_sentence(turn.text):
            self.last.pop(who, None)
            return 0
        last = self.last.get(who)
        if last is None or last.text != turn.text or turn.book.now - last.at > _THE_SAME:
            if len(self.last) >= _REMEMBERED:
                self.last.clear()
            last = self.last[who] = Sentence(turn.text, turn.book.now, [])
        if event.id not in last.ids:  # the store was down: the same event is heard again
            last.ids.append(event.id)
        return last.ids.index(event.id)
