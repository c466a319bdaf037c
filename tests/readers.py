"""Stories in another language than they are written in: who would read English reads that one.

The story keeps its English words. Every message is also rendered in English, and what a story
expects is looked for there; what is on the phones, and what people press and type, is in the
other language.
"""

from __future__ import annotations

import re

from core.catalogues import Catalogue, Template, template
from core.language import FSI, LRI, PDI, RLM, Languages
from core.message import Arg, SayMany
from tests.catalogues import Id, extracted

MARKS = re.compile("[\u200e\u200f\u061c\u2066-\u2069]")
PSEUDO = "ug"
"""Right-to-left and without a catalogue: so that of the pseudo-locale stands here."""

_LETTERS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ابجدەفگهیژکلمنوپقرستۇڤۋخيز")
_ISOLATED = re.compile(f"[{FSI}{LRI}][^{FSI}{LRI}{PDI}\n]*{PDI}")
MOST = 4096
"""UTF-16 units in one message of Telegram's."""


def plain(text: str) -> str:
    """As a person reads it: without the marks that only order the line."""
    return MARKS.sub("", text)


def pseudo(text: str) -> str:
    """The text in other letters, in brackets and half as long again; its placeholders stay."""
    parts = list(template(text))
    parts[::2] = (part.lower().translate(_LETTERS) for part in parts[::2])
    parts[1::2] = (f"{{{name}}}" for name in parts[1::2])
    return "⟦" + "".join(parts) + "·" * (len(text) // 2) + "⟧"


class Pseudo(Catalogue):
    """A translation of every sentence that can be extracted, and of no other."""

    def _read(self) -> None:
        for id in extracted():
            if isinstance(id, str):
                self.one[id] = template(pseudo(id))
            else:
                self.many[id[0], id[1]] = tuple(template(pseudo(form)) for form in id[: self.forms])


class Reading(Languages):
    """What is English to the program is in `tag`, or in the pseudo-locale, to the reader."""

    def __init__(self, tag: str) -> None:
        super().__init__()
        self.tag = tag
        self.story = Languages()
        self.meant: dict[str, list[str]] = {}
        self.commanded: dict[str, str] = {}
        self.wrong: list[str] = []
        self.said: set[Id] = set()
        self._pseudo = Pseudo(PSEUDO)

    def catalogue(self, language: str) -> Catalogue | None:
        return self._pseudo if language == PSEUDO else super().catalogue(language)

    def render(self, text: Arg, language: str) -> str:
        if language != "en":
            return super().render(text, language)
        shown = super().render(text, self.tag)
        self._means(plain(shown), plain(self.story.render(text, "en")))
        if self.tag == PSEUDO:
            self.wrong += faults(shown)
        return shown

    def _find(self, id: str, language: str) -> tuple[Template, str]:
        self.said.add(id)
        return super()._find(id, language)

    def _count(self, arg: SayMany, language: str) -> tuple[str, bool]:
        self.said.add((arg.one, arg.many))
        return super()._count(arg, language)

    def _name(self, kind: str, code: str, language: str) -> tuple[str, bool | None]:
        words, rtl = super()._name(kind, code, language)
        return (pseudo(words), True) if language == PSEUDO and rtl is False else (words, rtl)

    def _means(self, shown: str, english: str) -> None:
        self.meant.setdefault(shown, [])
        if english not in self.meant[shown]:
            self.meant[shown].append(english)

    def typed(self, words: str) -> str:
        """A command as its reader would type it; anything else stays."""
        text = words.lstrip("/")
        whole = self.commands.universal(words)
        found = (whole, "") if whole else self.commands.command(text, ["en"], strict=True)
        if found is None or found[0] not in self._english(words):
            return words
        typed = f"{words[: len(words) - len(text)]}{self.commands.word(found[0], self.tag)}"
        typed = f"{typed} {found[1]}".strip()
        self.commanded[typed] = words
        return typed

    def _english(self, words: str) -> list[str]:
        """The commands whose English word it begins with."""
        return [id for id, by in self.commands.words.items() for word in by["en"]
                if words.lstrip("/").casefold().startswith(word)]  # fmt: skip

    def english(self, shown: str) -> list[str]:
        """What a message may be in English: two sentences may have one translation."""
        return [self._as_told(text) for text in self.meant.get(plain(shown), [plain(shown)])]

    def _as_told(self, text: str) -> str:
        """A command that stood in the middle of a talk was passed on as it was typed."""
        for typed, words in self.commanded.items():
            text = text.replace(f"│ {typed}", f"│ {words}")
        return text


def faults(shown: str) -> list[str]:
    """A message in the pseudo-locale holds no English of the program's, runs from the right, lets
    no direction out, and fits. -> what is not so."""
    found = []
    for line in filter(None, shown.split("\n")):
        rest = line
        while (less := _ISOLATED.sub("", rest)) != rest:
            rest = less
        if not line.startswith(RLM):
            found.append(f"no mark at the start: {plain(line)}")
        if set(rest) & {FSI, LRI, PDI}:
            found.append(f"an isolate is open: {plain(line)}")
        if re.search("[A-Za-z]", rest):
            found.append(f"not translated: {plain(line)}")
    if len(shown.encode("utf-16-le")) // 2 > MOST:
        found.append(f"too long: {plain(shown)[:80]}")
    return found
