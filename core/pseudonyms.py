"""Pseudonyms of two words, a quality and a bird: "grey heron". Said in the reader's language."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from random import Random
from typing import Any

from core.folding import key, load


@cache
def _tables() -> Any:
    """language -> order, birds, qualities; see locales/README.md."""
    return load("pseudonyms")


def new(taken: Collection[str], random: Random) -> str:
    """A pseudonym's code ("grey heron") that is not in `taken`; while possible, of a bird that is
    not either, because two herons are easily confused. `random`: `secrets.SystemRandom()`."""
    english = _tables()["en"]
    birds = {code.split()[1] for code in taken}
    for used in (birds, ()):
        free = [
            f"{quality} {bird}"
            for bird in english["birds"]
            if bird not in used
            for quality in english["qualities"]
            if f"{quality} {bird}" not in taken
        ]
        if free:
            return random.choice(free)
    raise LookupError("every pseudonym is taken")


@cache
def name(code: str, language: str) -> str | None:
    """The pseudonym in `language`; None if there are no words for it there."""
    table = _tables().get(language)
    quality, _, bird = code.partition(" ")
    if table is None or bird not in table["birds"] or quality not in table["qualities"]:
        return None
    word: str | list[str] = table["birds"][bird]
    noun, gender = (word, 0) if isinstance(word, str) else (word[0], 1)  # [word]: feminine
    forms: str | list[str] = table["qualities"][quality]
    adjective = forms if isinstance(forms, str) else forms[gender]
    spelt: str = table["order"].replace("{quality}", adjective).replace("{bird}", noun)
    return spelt[:1].upper() + spelt[1:]


@cache
def _spelt() -> dict[str, str]:
    """Folded name in any language -> code."""
    english = _tables()["en"]
    return {
        key(spelt): f"{quality} {bird}"
        for bird in english["birds"]
        for quality in english["qualities"]
        for language in _tables()
        if (spelt := name(f"{quality} {bird}", language))
    }


def known(typed: str) -> bool:
    """Whether this is a whole pseudonym in any language, whoever carries it."""
    return len(typed) < 60 and key(typed) in _spelt()


def matches(typed: str, codes: Collection[str]) -> str | None:
    """Which of `codes` a name typed in any language means: a whole pseudonym, or the beginning of
    one or its bird if only one of them has it (`talk heron`)."""
    wanted = key(typed)
    if len(typed) >= 60 or not wanted:
        return None
    if (whole := _spelt().get(wanted)) is not None:
        return whole if whole in codes else None
    near = {code for spelt, code in _spelt().items() if code in codes and wanted in spelt}
    return near.pop() if len(near) == 1 and len(wanted) > 1 else None
