"""Which language a text is written in: by script, letters and common words, on this machine."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from core.folding import load

_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ\u200c][^\W\d_]+)*")
_NOISE = re.compile(r"\w+://\S+|\S+@\S+|[@/#]\w+")
_SCRIPTS = {
    "ARABIC": "Arab",
    "CYRILLIC": "Cyrl",
    "LATIN": "Latn",
    "MYANMAR": "Mymr",
    "ETHIOPIC": "Ethi",
    "TIBETAN": "Tibt",
    "HANGUL": "Hang",
    "CJK": "Hani",
    "THAI": "Thai",
    "HEBREW": "Hebr",
    "GREEK": "Grek",
    "GEORGIAN": "Geor",
    "ARMENIAN": "Armn",
    "HIRAGANA": "Kana",
    "KATAKANA": "Kana",
    "KHMER": "Khmr",
    "LAO": "Laoo",
}
# One Han character says what five letters do; a Latin brand name inside another script says little.
_WEIGHT = {"Hani": 5, "Hang": 5, "Kana": 5, "Latn": 1}
_DOUBT = 0.2


@cache
def _data() -> Any:
    raw = load("detect")
    raw["letters"] = {language: frozenset(letters) for language, letters in raw["letters"].items()}
    raw["common_words"] = {
        language: frozenset(words.split()) for language, words in raw["common_words"].items()
    }
    return raw


def common(word: str) -> bool:
    """Whether it is one of the commonest words of any language."""
    plain = unicodedata.normalize("NFC", word).lower()
    return any(plain in words for words in _data()["common_words"].values())


@lru_cache(4096)
def _script(letter: str) -> str:
    return _SCRIPTS.get(unicodedata.name(letter, "").split(" ", 1)[0].split("-")[0], "")


def detect(text: str, likely: Sequence[str]) -> str:
    """-> a language code, also one the gateway does not speak. likely: the writer's languages,
    best first; where the text does not tell, the first of them (English if there is none)."""
    data, first = _data(), likely[0] if likely else "en"
    text = unicodedata.normalize("NFC", _NOISE.sub(" ", text[:600])).lower()
    letters = Counter(c for c in text if c.isalpha())
    scripts: Counter[str] = Counter()  # letters, weighed
    for letter, count in letters.items():
        script = _script(letter)
        scripts[script] += count * _WEIGHT.get(script, 2)
    del scripts[""]
    if not scripts:
        return first
    if "Kana" in scripts and scripts["Kana"] * 8 > scripts["Hani"]:
        scripts["Kana"] += scripts["Hani"]
    script = scripts.most_common(1)[0][0]
    if script in data["one_script"]:
        found: str = data["one_script"][script]
        return found
    if script == "Hani":
        return _chinese(letters, likely)
    return _by_letters(text, letters, script, likely) or first


def _chinese(letters: Counter[str], likely: Sequence[str]) -> str:
    han = _data()["han"]
    simplified = sum(letters[c] for c in han["simplified_only"])
    traditional = sum(letters[c] for c in han["traditional_only"])
    if simplified == traditional:
        return next((tag for tag in likely if tag.startswith("zh")), "zh_Hans")
    return "zh_Hans" if simplified > traditional else "zh_Hant"


def _by_letters(text: str, letters: Counter[str], script: str, likely: Sequence[str]) -> str | None:
    data = _data()
    candidates: list[str] = data["candidates"].get(script, [])
    repair = data["persian_repair"]
    if set(repair["if_any"]) & letters.keys() and not set(repair["unless_any"]) & letters.keys():
        text = text.translate(str.maketrans(repair["replace"]))
        letters = Counter(c for c in text if c.isalpha())
    words = [part for word in _WORD.findall(text) for part in (word, *word.split("\u200c")[1:])]
    seen = {c for c in letters if _script(c) == script}
    odds: dict[str, float] = {}
    common: dict[str, int] = {}
    for tag in candidates:
        writes = tag in likely or (tag == "fa" and "fa_AF" in likely)
        prior = 0.6 if writes else 0.2 if tag == "en" else 0.05
        strange = min(len(seen - data["letters"][tag]), 6)
        common[tag] = min(sum(word in data["common_words"][tag] for word in words), 8)
        # A sentence without one of a language's commonest words is hardly in that language.
        odds[tag] = prior * 0.08**strange * 5.0 ** common[tag]
        odds[tag] *= 0.1 if len(words) >= 4 and not common[tag] else 1.0
    best = max(odds, key=odds.__getitem__, default=None)
    if best is None:
        return None
    total = sum(odds.values())
    own = [tag for tag in likely if tag.split("_")[0] in candidates]
    if own and best not in own and sum(odds[tag.split("_")[0]] for tag in own) > total * _DOUBT:
        return own[0]
    if not own and script == "Latn" and not common[best] and odds[best] < total * (1 - _DOUBT):
        return None  # most likely the writer's own language in Latin letters
    return "fa_AF" if best == "fa" and "fa_AF" in likely and "fa" not in likely else best
