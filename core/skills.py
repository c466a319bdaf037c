"""The taxonomy of skills, and which of them somebody's own words ask for."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from core.folding import LOCALES, bare, fold, load


@dataclass(frozen=True, slots=True)
class Skill:
    """code: permanent. min_trust: the least trust (0 to 3) that may see or answer such a need."""

    code: str
    group: str
    min_trust: int


_RAW = load("skills")
SKILLS: Mapping[str, Skill] = {
    raw["code"]: Skill(raw["code"], raw["group"], raw["min_trust"]) for raw in _RAW["skills"]
}
GROUPS: Mapping[str, tuple[Skill, ...]] = {
    group: tuple(s for s in SKILLS.values() if s.group == group) for group in _RAW["groups"]
}
_NAMES = {raw["code"]: raw["names"] for raw in _RAW["skills"]}


def known(code: str) -> bool:
    return code in SKILLS


def names(kind: str, code: str) -> Mapping[str, str]:
    """language -> name of a "skill" or "group"; empty for an unknown one."""
    found: Mapping[str, str] = (_NAMES if kind == "skill" else _RAW["groups"]).get(code, {})
    return found


# --------------------------------------------------------------- own words -> skills

_UNSPACED = ("zh_Hans", "zh_Hant", "my", "bo")
_ALIASES = {"zh_Hant": "zh_Hans", "fa_AF": "fa"}
_NEAR = 0.45
_ORDER = {code: place for place, code in enumerate(SKILLS)}
_LETTERS = re.compile(r"[^\w']+")

# English words that mean the same in the middle of any language; "un" or "art" do not.
_INTERNATIONAL = frozenset(_RAW["international"])


def suggest(text: str, language: str) -> list[tuple[str, float]]:
    """The three skills, best first, that the words of `text` are nearest to, with their scores.

    A hint to be confirmed, never a decision. An alias ("lawyer", "taken away") that stands in the
    text counts 10 or more, a weak one 4; one of which much stands there, inflected or misspelt,
    less than that, by its character n-grams. Empty where nothing is near, and for a language
    without aliases.
    """
    index = _index(_ALIASES.get(language, language))
    words = _plain(text[:1500], index.unspaced)
    scores: dict[str, float] = defaultdict(float)
    named = index.named(words)
    for alias in named:
        for skill, weight in index.aliases[alias]:
            scores[skill] += weight
    for alias, share in index.near(words):
        for skill, weight in index.aliases[alias] if alias not in named else ():
            scores[skill] = max(scores[skill], min(weight, 10) * share * 0.9)
    ranked = sorted(scores.items(), key=lambda item: (-item[1], _ORDER[item[0]]))
    floor = ranked[0][1] * 0.4 if ranked else 0.0
    return [(skill, round(score, 1)) for skill, score in ranked[:3] if score >= floor]


def _plain(text: str, unspaced: bool) -> str:
    words = _LETTERS.sub(" ", bare(fold(text))).strip()
    return words.replace(" ", "") if unspaced else f" {words} "


def _grams(words: str, unspaced: bool) -> Iterator[str]:
    for size in (1, 2, 3) if unspaced else (3, 4, 5):
        for start in range(len(words) - size + 1):
            yield words[start : start + size]


class _Index:
    """One language's aliases. Signs: a prefix of a word by default; `=` at the end: the whole
    word; `~` at the start: weak."""

    def __init__(self, language: str) -> None:
        self.unspaced = language in _UNSPACED
        self.aliases: dict[str, list[tuple[str, float]]] = defaultdict(list)
        mine, english = _read(language), _read("en")
        for skill in SKILLS:
            for alias in mine.get(skill, set()) | english[skill] & _INTERNATIONAL:
                words = _plain(alias.strip("~="), self.unspaced)
                if not self.unspaced and not alias.endswith("="):
                    words = words[:-1]
                weight = 4.0 if alias.startswith("~") else 10.0
                weight *= 1 + 0.3 * words.strip().count(" ")
                self.aliases[words].append((skill, weight))
        self.lengths = sorted({len(words) for words in self.aliases}, reverse=True)
        grams = {alias: set(_grams(alias, self.unspaced)) for alias in self.aliases}
        often = Counter(gram for own in grams.values() for gram in own)
        rarity = {gram: math.log(1 + len(grams) / n) for gram, n in often.items()}
        self.shares: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for alias, own in grams.items():
            total = sum(rarity[gram] for gram in own)
            for gram in own:
                self.shares[gram].append((alias, rarity[gram] / total))

    def named(self, words: str) -> set[str]:
        """Aliases that stand in the text: "lawyer" in "lawyers" too."""
        starts = (
            range(len(words))
            if self.unspaced
            else [i for i, c in enumerate(words[:-1]) if c == " "]
        )
        return {
            words[start : start + length]
            for start in starts
            for length in self.lengths
            if words[start : start + length] in self.aliases
        }

    def near(self, words: str) -> Iterator[tuple[str, float]]:
        """Aliases of which much stands in the text, and how much, from _NEAR to 1."""
        shares: dict[str, float] = defaultdict(float)
        for gram in set(_grams(words, self.unspaced)):
            for alias, share in self.shares.get(gram, ()):
                shares[alias] += share
        return ((alias, share) for alias, share in shares.items() if share >= _NEAR)


def _read(language: str) -> Mapping[str, set[str]]:
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
def _index(language: str) -> _Index:
    return _Index(language)
