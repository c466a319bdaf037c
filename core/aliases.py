"""The words that people use for each skill, in one language, found in what somebody wrote."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from core.folding import LOCALES, bare, fold, load
from core.leanings import Leanings
from core.romanised import LANGUAGES, bones, is_romanised

_UNSPACED = ("zh_Hans", "my", "bo")
_OF = {"zh_Hant": "zh_Hans", "fa_AF": "fa", "be": "ru"}
_NOT_LETTERS = re.compile(r"[^\w']+")

# What may stand before a word and be written as one with it: article, "and", "in", "to".
_PREFIXED = {
    "ar": re.compile(r"(?<= )[وف]?(?:[بكهعو]?ال|لل|[بلكهع])?(?=\w{3})"),
    "fr": re.compile(r"(?<= )(?:[ldjmtsnc]|qu)'"),
}

# One Han character, or two, may be part of other words.
_SHORT = {1: 0.4, 2: 1.0}
# An alias of so few letters is a whole word. Korean writes a syllable as one, particles behind it.
_WHOLE = {"ko": 1}
_WEAK, _STRONG = 4.0, 10.0
_INSIDE = 0.3
"""Of an alias that stands in a longer one that was found, "book" in "book for prisoners"."""
_AGAIN = 0.7
"""Each further alias of one skill counts that much less."""
_HINT = 5.0
"""The most that resemblance counts: half of an alias that was found."""
_MANY = 12
"""An n-gram in the aliases of more skills than these is left out."""
_COMMON = 8
"""An n-gram in fewer aliases than these says little of any."""
_CLEAR = 0.7
"""Resemblance for each n-gram that counts alone in a text as short as a greeting."""
_ALIASES = 0.1
"""How much aliases count beside what the words lean to."""

_RAW = load("skills")
_CODES = [raw["code"] for raw in _RAW["skills"]]

# English words that mean the same in the middle of any language; "un" or "art" do not.
_INTERNATIONAL = frozenset(_RAW["international"])


def nearest(text: str, language: str) -> list[tuple[str, float]]:
    """The three skills that `text` (its first 1500 characters) speaks for most, and how much: 10
    and more where an alias that is its alone stands in it, 5 at most where something only
    resembles one; empty where nothing does, and in a language without aliases."""
    return _index(_OF.get(language, language)).nearest(text[:1500])


def read(language: str) -> Mapping[str, set[str]]:
    """skill -> the words for it in `locales/aliases/<language>.txt`; empty without that file."""
    found: dict[str, set[str]] = {}
    file = LOCALES / "aliases" / f"{language}.txt"
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        if head := re.fullmatch(r"\[(\w+)\]", line.strip()):
            found[head[1]] = words = set()
        else:
            words |= {word.strip() for word in line.split(",") if word.strip()}
    return found


@cache
def _simplified() -> dict[int, str]:
    pairs = "".join(load("traditional")["pairs"])
    return {ord(a): b for a, b in zip(pairs[::2], pairs[1::2], strict=True)}


class Index:
    """One language's aliases. Signs: a prefix of a word by default, a whole word if it is
    short or has `=` at the end; `~` at the start: weak."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.unspaced = language in _UNSPACED
        self.chinese = language == "zh_Hans"
        self.prefixed = _PREFIXED.get(language)
        self.whole = _WHOLE.get(language, 3)
        self.sizes: Sequence[int] = (1, 2, 3) if self.unspaced else (3, 4, 5)
        self.begin = 1 if self.unspaced else 3
        self.aliases: dict[str, dict[str, float]] = defaultdict(dict)
        self.bones: dict[str, dict[str, float]] = defaultdict(dict)
        mine, english = read(language), read("en")
        for skill in _CODES:
            for alias in mine.get(skill, set()) | english[skill] & _INTERNATIONAL:
                self._add(skill, alias)
        for owners in (*self.aliases.values(), *self.bones.values()):
            for skill in owners:  # a word for many things says little of each
                owners[skill] /= math.sqrt(len(owners))
        self.lengths: dict[str, list[int]] = {}  # by how an alias begins, the longest first
        for begin, length in sorted(
            {(w[: self.begin], len(w)) for w in (*self.aliases, *self.bones)},
            key=lambda one: -one[1],
        ):
            self.lengths.setdefault(begin, []).append(length)
        self.telling = self._telling()
        self.leanings = Leanings(language, len(_CODES))

    def _add(self, skill: str, alias: str) -> None:
        words = self.plain(alias.strip("~="))
        if not self.unspaced and not alias.endswith("=") and len(alias) > self.whole:
            words = words[:-1]
        weight = _WEAK if alias.startswith("~") else _STRONG
        weight *= 1 + 0.3 * words.strip().count(" ")
        if self.unspaced:
            weight *= _SHORT.get(len(words), 1.0)
        for form in self._forms(words):
            self.aliases[form][skill] = max(weight, self.aliases[form].get(skill, 0.0))
        if self.language in LANGUAGES and not words.isascii():
            spelt = self._bones(words)
            if len(spelt) > 5 and not words.endswith(" "):
                spelt = spelt[:-1]
            if len(spelt) > 3:
                self.bones[spelt][skill] = max(weight, self.bones[spelt].get(skill, 0.0))

    def _telling(self) -> dict[str, tuple[tuple[str, float], ...]]:
        """n-gram -> the skills in whose aliases it is, and how much that says."""
        often: dict[str, Counter[str]] = defaultdict(Counter)
        for alias, owners in self.aliases.items():
            for gram in set(self._grams(alias)):
                often[gram].update(owners.keys())
        one: dict[tuple[str, float], tuple[str, float]] = {}  # most are alike: kept once
        return {
            gram: tuple(
                one.setdefault(told, told)
                for skill, n in by_skill.items()
                for told in [(skill, math.log(1 + len(_CODES) * n / (by_skill.total() + _COMMON)))]
            )
            for gram, by_skill in often.items()
            if len(by_skill) <= _MANY
        }

    def plain(self, text: str) -> str:
        words = _NOT_LETTERS.sub(" ", bare(fold(text))).strip()
        if self.chinese:
            words = words.translate(_simplified())
        return words.replace(" ", "") if self.unspaced else f" {words} "

    def _forms(self, words: str) -> list[str]:
        """As written, and without what is written as one with the words."""
        cut = self.prefixed.sub("", words) if self.prefixed else words
        return [words] if cut == words else [words, cut]

    def _grams(self, words: str) -> Iterator[str]:
        for size in self.sizes:
            for start in range(len(words) - size + 1):
                yield words[start : start + size]

    def nearest(self, text: str) -> list[tuple[str, float]]:
        words = self.plain(text)
        named, evidence = self._evidence(words)
        if not evidence:
            return []
        leaning = self.leanings.of(words.split())
        rank = {
            skill: lean + _counted(evidence.get(skill, 0.0))
            for skill, lean in zip(_CODES, leaning, strict=True)
        }
        best = [s for s in sorted(rank, key=lambda skill: -rank[skill])[:3] if rank[s] > 0]
        return [(s, named.get(s, 0.0) + _HINT * rank[s] / rank[best[0]]) for s in best]

    def by_aliases(self, text: str) -> list[float]:
        """What the aliases alone say for each skill: the words' leanings are learned on top."""
        _, evidence = self._evidence(self.plain(text))
        return [_counted(evidence.get(skill, 0.0)) for skill in _CODES]

    def _evidence(self, words: str) -> tuple[dict[str, float], dict[str, float]]:
        """-> skill -> what aliases that stand in the words count, and the same with all that
        resembles one; empty where too little does."""
        named = _added(self._named(words, self.aliases))
        spelt: dict[str, float] = {}
        if is_romanised(words, self.language):
            spelt = _added(self._named(self._bones(words), self.bones))
        grams = set(self._grams(words))
        near: dict[str, float] = defaultdict(float)
        for gram in grams:
            for skill, weight in self.telling.get(gram, ()):
                near[skill] += weight
        most = max(near.values(), default=0.0)
        long = len(words) >= (8 if self.unspaced else 24)
        if not (named or spelt or (most and (long or most > _CLEAR * len(grams)))):
            return {}, {}
        evidence = {
            skill: named.get(skill, 0.0) + spelt.get(skill, 0.0) + _HINT * near[skill] / (most or 1)
            for skill in {*named, *spelt, *near}
        }
        return named, evidence

    def _bones(self, words: str) -> str:
        spelt = (bones(word, self.language) for word in words.split())
        return f" {' '.join(word for word in spelt if len(word) > 1)} "

    def _named(
        self, text: str, aliases: Mapping[str, Mapping[str, float]]
    ) -> Iterator[tuple[str, float]]:
        """Aliases that stand in the text: "lawyer" in "lawyers" too. -> skill, how much."""
        found: dict[str, float] = {}
        for words in self._forms(text):
            starts = (
                range(len(words))
                if self.unspaced
                else [i for i, c in enumerate(words[:-1]) if c == " "]
            )
            for start in starts:
                part = 1.0
                for length in self.lengths.get(words[start : start + self.begin], ()):
                    alias = words[start : start + length]
                    if len(alias) == length and alias in aliases:
                        found[alias] = max(part, found.get(alias, 0.0))
                        part = _INSIDE
        for alias, part in found.items():
            for skill, weight in aliases[alias].items():
                yield skill, weight * part


def _counted(evidence: float) -> float:
    """Beside the words' leanings: the second alias says less than the first."""
    return _ALIASES * math.log1p(evidence / 3)


def _added(named: Iterator[tuple[str, float]]) -> dict[str, float]:
    """-> skill -> what its aliases count together."""
    found: dict[str, list[float]] = defaultdict(list)
    for skill, weight in named:
        found[skill].append(weight)
    return {
        skill: sum(w * _AGAIN**i for i, w in enumerate(sorted(weights, reverse=True)))
        for skill, weights in found.items()
    }


@cache
def _index(language: str) -> Index:
    return Index(language)
