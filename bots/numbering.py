"""Which message a bare number means: lines are numbered where a platform has no buttons."""

from __future__ import annotations

from bots.turn import AT, Turn
from core import copies
from core.actions import No
from core.message import Say
from core.text import numbers

_AT_ONCE = 60
"""Seconds in which two questions that came unasked may both be meant by a bare number."""


def asking(turn: Turn) -> list[copies.Copy]:
    """-> the newest messages, where this was written, that a number or words may answer. Raises
    No: it may be meant for either of two."""
    recent = _here(turn, copies.latest(turn.book, turn.who.address or 0))
    found = [c for c in recent if c.choices or _of_conversation(c)]
    if _unclear(found):
        raise No(Say("Two messages wait for an answer. Reply to the one you mean."))
    return found


def about(turn: Turn, entry: str) -> copies.Copy | None:
    """-> the newest message about an entry that is to be translated, if this is the number of one
    of its lines."""
    recent = copies.latest(turn.book, turn.who.address or 0)
    found = next((c for c in recent if c.reply and c.reply.args.get("entry") == entry), None)
    picks = numbers(turn.text)
    fits = found and picks and all(1 <= n <= len(found.choices) for n in picks)
    return found if fits else None


def _here(turn: Turn, recent: list[copies.Copy]) -> list[copies.Copy]:
    """Those that stand where this was written: in a conversation's own chat, or outside of all."""
    if not turn.chat:
        return [c for c in recent if not (c.reply and c.reply.action == AT)]
    return [
        c
        for c in recent
        if (c.reply.args.get("conversation") == turn.chat if c.reply else c.entry)  # or their own
    ]


def _of_conversation(copy: copies.Copy) -> bool:
    talks = copy.reply is not None and copy.reply.action in ("relay", "translate")
    return talks or copy.entry is not None


def _unclear(asking: list[copies.Copy]) -> bool:
    """The two newest that could be answered both came unasked, soon after each other, from two
    sides: a bare number might mean the wrong one."""
    if len(asking) < 2 or not (asking[0].choices or asking[1].choices):
        return False
    new, old = asking[:2]
    return bool(new.reply and old.reply and new.reply != old.reply and new.at - old.at < _AT_ONCE)
