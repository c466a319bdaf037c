"""The taxonomy of skills, and which of them somebody's own words ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.aliases import nearest
from core.folding import load


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


def suggest(text: str, language: str) -> list[tuple[str, float]]:
    """The three skills, best first, that the words of `text` are nearest to, with their scores.

    A hint to be confirmed, never a decision. A skill of which an alias ("lawyer", "taken away")
    stands in the text has about 10 or more; one that only resembles (inflected, misspelt) 5 at
    most. Empty where nothing is near, and for a language without aliases.
    """
    found = sorted(nearest(text, language), key=lambda one: -one[1])
    return [(skill, round(score, 1)) for skill, score in found]
