"""Sentences in no language yet. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, init=False)
class Say:
    """A sentence: an English msgid with `{name}` placeholders, and its arguments.

    A plain `str` argument is something a person or the outside world wrote: it is isolated when
    rendered and can never be taken for the bot's own words. Never an f-string: pybabel skips it.
    """

    text: str
    args: Mapping[str, Arg] = field(repr=False)

    def __init__(self, text: str, /, **args: Arg) -> None:
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "args", args)


@dataclass(frozen=True, init=False)
class SayMany:
    """A sentence that counts: chosen by `n` with the reader's plural rule; `{n}` is the number."""

    one: str
    many: str
    n: int
    args: Mapping[str, Arg] = field(repr=False)

    def __init__(self, one: str, many: str, n: int, /, **args: Arg) -> None:
        for name, value in (("one", one), ("many", many), ("n", n), ("args", args)):
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Word:
    """A command as its reader types it: Word("offer") is "offer", in Persian «پیشنهاد»."""

    id: str


@dataclass(frozen=True)
class Name:
    """A thing with a code. kind: skill | group | country | language | pseudonym | trust | day."""

    kind: str
    code: str = field(repr=False)


@dataclass(frozen=True)
class Code:
    """Letters and digits that stay left-to-right wherever they stand: `7KQ`, a link, a command."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Quote:
    """Somebody's words, every line behind a bar, so that they never pass for the bot's."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Joined:
    """Parts in a row. by: a line break, a blank line, " · " in a summary, ", " in a list."""

    by: str
    parts: tuple[Arg, ...] = field(repr=False)


Sayable = Say | SayMany | Word | Name | Code | Quote | Joined
Arg = Sayable | str | int


def lines(*parts: Arg | None) -> Joined:
    return Joined("\n", tuple(p for p in parts if p is not None))


def paragraphs(*parts: Arg | None) -> Joined:
    return Joined("\n\n", tuple(p for p in parts if p is not None))


def dots(*parts: Arg | None) -> Joined:
    return Joined(" · ", tuple(p for p in parts if p is not None))
