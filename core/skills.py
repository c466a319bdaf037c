"""The taxonomy of skills, and which of them somebody's own words ask for."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from core.folding import bare, fold, load


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
_FLOOR = 3.5
_LETTERS = re.compile(r"[^\w']+")

# English words that mean the same in the middle of any language; "un" or "art" do not.
_INTERNATIONAL = frozenset(_RAW["international"])


def suggest(text: str, language: str) -> list[tuple[str, float]]:
    """The three skills, best first, that the words of `text` are nearest to, with their scores.

    A hint to be confirmed, never a decision. An alias ("lawyer", "taken away") that stands in the
    text counts 10 or more, a weak one 4; character n-grams, up to 10, find the inflected and the
    misspelt. Empty for a language without aliases, or when nothing is near.
    """
    index = _index(_ALIASES.get(language, language))
    words = _plain(text[:1500], index.unspaced)
    scores: dict[str, float] = defaultdict(float)
    for skill, score in index.near(words):
        scores[skill] += score
    for skill, score in index.named(words):
        scores[skill] += score
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    return [(skill, round(score, 1)) for skill, score in ranked[:3] if score >= _FLOOR]


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
        grams: dict[str, Counter[str]] = {}
        for raw in _RAW["skills"]:
            own = raw["aliases"].get(language, [])
            foreign = [a for a in raw["aliases"].get("en", []) if a in _INTERNATIONAL]
            counts: Counter[str] = Counter()
            for alias in {*own, *(foreign if language != "en" else ())}:
                weak, whole = alias.startswith("~"), alias.endswith("=")
                words = _plain(alias.strip("~="), self.unspaced)
                if not self.unspaced and not whole:
                    words = words[:-1]
                weight = (4.0 if weak else 10.0) * (1 + 0.3 * words.strip().count(" "))
                self.aliases[words].append((raw["code"], weight))
                for gram in _grams(words, self.unspaced):
                    counts[gram] += 1
            if counts:
                grams[raw["code"]] = counts
        self.lengths = sorted({len(words) for words in self.aliases}, reverse=True)
        in_skills = Counter(gram for counts in grams.values() for gram in counts)
        self.rarity = {g: math.log(1 + len(grams) / n) for g, n in in_skills.items()}
        self.weights: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for skill, counts in grams.items():
            weights = {g: (1 + math.log(n)) * self.rarity[g] for g, n in counts.items()}
            norm = math.sqrt(sum(w * w for w in weights.values()))
            for gram, weight in weights.items():
                self.weights[gram].append((skill, weight * self.rarity[gram] / norm))

    def near(self, words: str) -> Iterator[tuple[str, float]]:
        """Cosine of the n-grams of text and skill, from 0 to 10."""
        seen = set(_grams(words, self.unspaced)) & self.rarity.keys()
        norm = math.sqrt(sum(self.rarity[gram] ** 2 for gram in seen)) or 1.0
        for gram in seen:
            for skill, weight in self.weights[gram]:
                yield skill, 10 * weight / norm

    def named(self, words: str) -> Iterator[tuple[str, float]]:
        """Aliases that stand in the text, each once; "lawyer" in "lawyers" too."""
        starts = (
            range(len(words))
            if self.unspaced
            else (i for i, c in enumerate(words[:-1]) if c == " ")
        )
        found = {
            words[start : start + length]
            for start in starts
            for length in self.lengths
            if words[start : start + length] in self.aliases
        }
        for alias in found:
            yield from self.aliases[alias]


@cache
def _index(language: str) -> _Index:
    return _Index(language)
