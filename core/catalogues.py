"""Translations: read from the `.po` files, one language at a time, when somebody first reads it."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from gettext import c2py

from babel.messages.pofile import read_po

from core.folding import LOCALES, load

_PLACE = re.compile(r"\{([a-z_]+)\}")


class BadTemplate(Exception):
    """A brace that is no `{name}`, or a name without a value: a mistake in the program's text."""


Template = tuple[str, ...]
"""Text, name, text, name, ... text."""


@lru_cache(4096)
def template(text: str) -> Template:
    """Raises BadTemplate. Never `str.format`: in a translation it reads any attribute, and makes
    a string of any size."""
    parts = _PLACE.split(text)
    if any("{" in part or "}" in part for part in parts[::2]):
        raise BadTemplate(text)
    return tuple(parts)


def holds(id: str, text: str, *, number: bool = False) -> bool:
    """Whether a translation names the same things as its msgid. number: it may leave out `{n}`
    (Arabic has a word form for "two helpers")."""
    try:
        asked, given = (set(template(t)[1::2]) for t in (id, text))
    except BadTemplate:
        return False
    return given == asked or (number and given == asked - {"n"})


def offered() -> tuple[str, ...]:
    """The languages whose catalogue says enough to be offered, in their order; English first. A
    catalogue that is not among them may be as unfinished as it likes: nobody reads it."""
    return tuple(load("languages")["offered"])


class Catalogue:
    """One language's messages. A translation that does not hold, because its placeholders differ
    from the English, is left out: English is better than a crash."""

    def __init__(self, language: str) -> None:
        """English has no file: its msgids are its messages. Raises FileNotFoundError."""
        self.language = language
        self.one: dict[str, Template] = {}
        self.many: dict[tuple[str, str], tuple[Template, ...]] = {}
        rules = load("plural_forms")
        rule = rules.get(language) or rules["en"]
        self.form = lru_cache(4096)(c2py(rule["plural"]))
        self.forms: int = rule["nplurals"]
        if language != "en":
            self._read()

    def _read(self) -> None:
        with (LOCALES / self.language / "LC_MESSAGES" / "messages.po").open("rb") as file:
            messages = read_po(file, ignore_obsolete=True)
        for message in messages:
            id, text = message.id, message.string
            if not id or message.fuzzy:
                continue
            if isinstance(id, str):
                if isinstance(text, str) and text and holds(id, text):
                    self.one[id] = template(text)
                continue
            forms = text if isinstance(text, tuple | list) else ()
            if len(forms) == self.forms and all(f and holds(id[1], f, number=True) for f in forms):
                self.many[id[0], id[1]] = tuple(map(template, forms))


@cache
def catalogue(language: str) -> Catalogue | None:
    """None for a language that is not offered."""
    return Catalogue(language) if language in offered() else None
