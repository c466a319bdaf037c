"""Words that people type: the command words of every language, and codes of needs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from random import Random

from core import pseudonyms
from core.folding import fold, key, load
from core.text import number

# --------------------------------------------------------------- codes of needs

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0 O 1 I L U, which are misread, misheard or make words."""

_CYRILLIC = str.maketrans("АВЕКМНРСТХУЅЈ", "ABEKMHPCTXYSJ")


def new_code(length: int, random: Random) -> str:
    """A code of `length` (>= 2) characters with a letter and a digit: so no word of a sentence and
    no bare number can be one. `random`: `secrets.SystemRandom()` outside of tests."""
    while True:
        made = "".join(random.choices(ALPHABET, k=length))
        if not made.isalpha() and not made.isdigit():
            return made


HANDED = 8
"""The length of a code that somebody hands to somebody: to vouch, to verify, to link."""


def code(text: str, lengths: Sequence[int] = (3, 4, 5)) -> str | None:
    """The code of a need that `text` spells, however it was typed: ` 7kq `, `#7KQ.`, `۷KQ`, with a
    Russian К. None for anything else, words and numbers included."""
    plain = fold(text).upper().translate(_CYRILLIC).strip(" #.,:;!?()[]«»\"'")
    if len(plain) not in lengths or not set(plain) <= set(ALPHABET):
        return None
    return plain if not plain.isalpha() and not plain.isdigit() else None


def handed(text: str) -> str | None:
    """The code that was handed to somebody, likewise."""
    return code(text, (HANDED,))


# --------------------------------------------------------------- commands

UNIVERSAL = ("cancel", "back", "help", "stop", "forget", "yes", "no", "done", "skip")
SENTENCES = (
    *("need", "offer", "talk", "vouch", "verify", "link", "block", "report", "translate"),
    *("skills", "language"),
)
"""Commands with a one-line form: `need I need a lawyer in Berlin`."""

_PREFIX = re.compile(r"[/／!！]+")
_SIGN = re.compile(r"^[/／!！.]+")
_BOT = re.compile(r"^(\S+?)@\w+")
_TOKEN = re.compile(r"\S+")
_LONGEST = 40
_ALIKE, _ALIKE_SEVERAL = 0.8, 0.86
"""How much of a command a mistyped one has in common with it; the same for one of several words,
which more sentences resemble."""


def _inside(text: str) -> str:
    """The text without what is no letter, digit or mark at its edges: "«راهنما».", "help 🙏"."""
    start, end = 0, len(text)
    while start < end and unicodedata.category(text[start])[0] not in "LNM":
        start += 1
    while end > start and unicodedata.category(text[end - 1])[0] not in "LNM":
        end -= 1
    return text[start:end]


class Commands:
    """The command words of `locales/commands.json`, each accepted in every language."""

    def __init__(self) -> None:
        self.words: dict[str, dict[str, list[str]]] = load("commands")
        self.fallback: dict[str, list[str]] = load("languages")["fallback"]
        self._ids: dict[str, str] = {}
        self._english: set[str] = set()
        self._keys: dict[str, dict[str, str]] = {}
        self._several: set[str] = set()
        for id, by_language in self.words.items():
            for language, words in by_language.items():
                for word in words:
                    plain = key(_inside(word))
                    self._ids[plain] = id
                    if re.search("[ \u200c]", word):
                        self._several.add(plain)
                    self._keys.setdefault(language, {})[plain] = id
        self._english = set(self._keys["en"])
        self._languages = {
            key(name): tag for tag, names in load("languages")["names"].items() for name in names
        }

    def word(self, id: str, language: str) -> str:
        """The word to show for a command; English where a language has none."""
        by_language = self.words[id]
        for tag in (language, *self.fallback.get(language, ()), "en"):
            if tag in by_language:
                return by_language[tag][0]
        raise KeyError(id)

    def language(self, text: str) -> str | None:
        """The language that `text` names, in that language, in English or by its code."""
        return self._languages.get(key(text))

    def universal(self, text: str) -> str | None:
        """The command that the whole message is, of those understood anywhere, in any language."""
        if len(text) > _LONGEST * 2:
            return None
        plain = _BOT.sub(r"\1", _SIGN.sub("", fold(text)))
        id = self._ids.get(key(_inside(plain)))
        return id if id in UNIVERSAL else None

    def command(
        self, text: str, languages: Sequence[str], *, strict: bool
    ) -> tuple[str, str] | None:
        """-> (command, the rest of the message) or None.

        A word is a command behind "/" or "!", as the whole message, before ":" or a line break, and
        before a code, a number, or another argument that can be nothing else. Not strict (nothing
        is going on): before any text too, for the commands of SENTENCES, if the word is English or
        of one of the person's `languages`.
        """
        text = text.strip()
        prefix = _PREFIX.match(text)
        body = text[prefix.end() :] if prefix else text
        if prefix:
            body = _BOT.sub(r"\1", body, count=1)
        body = body[body.find(_inside(body)) :]
        head = body[: _LONGEST * 3].split("\n", 1)[0]
        colon = re.search("[:：]", head)
        ends = [m.end() for m in _TOKEN.finditer(head)][:3]
        if colon:
            ends = [*(e for e in ends if e <= colon.start()), colon.start()][-3:]
        for end in sorted(ends, reverse=True):
            id = self._ids.get(key(_inside(body[:end])))
            if id is None:
                continue
            rest = body[end:].lstrip(" \t:：\n")
            rest = rest if _inside(rest) else ""
            line_ends = not rest or body[end:].lstrip(" \t")[:1] in (":", "：", "\n")
            if prefix or line_ends or _argument(self, rest):
                return id, rest
            if not strict and id in SENTENCES:
                return self._sentence(id, body, end, languages)
        return None

    def _sentence(
        self, id: str, body: str, end: int, languages: Sequence[str]
    ) -> tuple[str, str] | None:
        word, rest = key(_inside(body[:end])), body[end:].strip()
        known = {"en", *languages}
        if not any(self._keys.get(tag, {}).get(word) == id for tag in known):
            return None
        # «نیاز به وکیل دارم» is a sentence that happens to begin with the word: it stays whole.
        repeats = any(self._ids.get(key(w)) == id for w in rest.split())
        if id == "need" and word not in self._english and not repeats:
            return id, body
        return id, rest

    def suggest(self, text: str, languages: Sequence[str]) -> tuple[str, str] | None:
        """The command that a short message nearly spells (`ofer 7KQ`: "offer", and "7KQ"), to be
        asked about and never run. None for anything longer than a word and its argument, or than
        the words of a command («درخواستای من»)."""
        words = _SIGN.sub("", text.strip()).split()
        if len(words) == 1 or (len(words) == 2 and _argument(self, words[1])):
            found = self._nearest(words[0], languages, _ALIKE, None)
            return (found, " ".join(words[1:])) if found else None
        if 2 <= len(words) <= 3:
            found = self._nearest("".join(words), languages, _ALIKE_SEVERAL, self._several)
            return (found, "") if found else None
        return None

    def _nearest(
        self, typed: str, languages: Sequence[str], best: float, among: set[str] | None
    ) -> str | None:
        """Korean is compared by its letters, not its syllables."""
        typed, found = unicodedata.normalize("NFD", key(_inside(typed))), None
        if not 3 <= len(typed) <= _LONGEST:
            return None
        matcher = SequenceMatcher(b=typed, autojunk=False)
        for tag in dict.fromkeys((*languages, "en")):
            for word, id in self._keys.get(tag, {}).items():
                spelt = unicodedata.normalize("NFD", word)
                if len(spelt) < 4 or (among is not None and word not in among):
                    continue
                matcher.set_seq1(spelt)
                if matcher.quick_ratio() >= best and (ratio := matcher.ratio()) >= best:
                    best, found = ratio, id
        return found


def _argument(commands: Commands, rest: str) -> bool:
    first = rest.split(maxsplit=1)[:1]
    return bool(first) and (
        code(first[0]) is not None
        or handed(first[0]) is not None
        or number(first[0]) is not None
        or commands.language(rest) is not None
        or pseudonyms.known(rest)
    )


@cache
def commands() -> Commands:
    """The table, read once."""
    return Commands()
