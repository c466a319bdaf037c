"""Which language a text is written in: by script, letters, common words and, where those leave
doubt, py3langid's model (https://github.com/adbar/py3langid); all on this machine."""

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
SURE = 0.8
"""So probable, a language is taken against the writer's own."""
_PLAIN = 0.997
"""So probable by letters and words alone, the model is not asked."""
_RETYPED = 0.3
_STRANGE = 0.08
"""Of a language, for each letter that it does not have. Letters: CLDR's exemplar characters,
https://cldr.unicode.org/."""
_COMMON = 4.0
"""For each of a language's commonest words."""


@cache
def _data() -> Any:
    raw = load("detect")
    raw["letters"] = {language: frozenset(letters) for language, letters in raw["letters"].items()}
    raw["common_words"] = {
        language: frozenset(words.split()) for language, words in raw["common_words"].items()
    }
    raw["persian"] = str.maketrans(raw["persian"])
    # Both scripts share 面, 后, 台 ... : those say nothing.
    pairs, shared = "".join(load("traditional")["pairs"]), raw["han_shared"]
    raw["simplified"] = frozenset(pairs[1::2]) - frozenset(pairs[::2]) - frozenset(shared)
    raw["traditional"] = frozenset(pairs[::2]) - frozenset(pairs[1::2]) - frozenset(shared)
    return raw


def common(word: str) -> bool:
    """Whether it is one of the commonest words of any language."""
    plain = unicodedata.normalize("NFC", word).lower()
    return any(plain in words for words in _data()["common_words"].values())


@lru_cache(4096)
def _script(letter: str) -> str:
    return _SCRIPTS.get(unicodedata.name(letter, "").split(" ", 1)[0].split("-")[0], "")


# --------------------------------------------------------------- the model


class _Model:
    """py3langid's, cut down to the languages that letters can leave in doubt: 45 MB of 90."""

    def __init__(self) -> None:
        import numpy
        from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped]

        known = _data()["model"]
        whole = LanguageIdentifier.from_model_file("data/model.npz.xz")
        columns = [i for i, label in enumerate(whole.nb_classes) if label in known]
        self.languages = LanguageIdentifier(
            numpy.ascontiguousarray(whole.nb_ptc[:, columns]),
            whole.nb_pc[columns],
            [known[whole.nb_classes[i]] for i in columns],
            whole.tk_nextmove,
            whole.tk_output,
            norm_probs=True,
            tk_row=whole.tk_row,
        )

    def odds(self, text: str) -> dict[str, float]:
        return dict(self.languages.rank(text))


_model: _Model | None = None


def load_model() -> None:
    """Reads the model, in about a second; until then letters and common words decide alone."""
    global _model
    _model = _model or _Model()


# --------------------------------------------------------------- detection


def detect(text: str, likely: Sequence[str]) -> str:
    """-> a language code, also one the gateway does not speak. likely: the writer's languages,
    best first; where the text does not tell, the first of them (English if there is none)."""
    found, share = judge(text, likely)
    return found if share >= SURE or not likely else likely[0]


def judge(text: str, likely: Sequence[str]) -> tuple[str, float]:
    """-> the most probable language, and how probable it is: 0 to 1."""
    data, first = _data(), likely[0] if likely else "en"
    text = unicodedata.normalize("NFC", _NOISE.sub(" ", text[:600])).lower()
    letters = Counter(c for c in text if c.isalpha())
    scripts: Counter[str] = Counter()  # letters, weighed
    for letter, count in letters.items():
        script = _script(letter)
        scripts[script] += count * _WEIGHT.get(script, 2)
    del scripts[""]
    if not scripts:
        return first, 0.0
    if "Kana" in scripts and scripts["Kana"] * 8 > scripts["Hani"]:
        scripts["Kana"] += scripts["Hani"]
    script = scripts.most_common(1)[0][0]
    if script in data["one_script"]:
        return data["one_script"][script], 1.0
    if script == "Hani":
        return _chinese(letters, likely)
    if script not in data["candidates"]:
        return first, 0.0
    return _by_letters(text, script, likely)


def _chinese(letters: Counter[str], likely: Sequence[str]) -> tuple[str, float]:
    simplified = sum(n for c, n in letters.items() if c in _data()["simplified"])
    traditional = sum(n for c, n in letters.items() if c in _data()["traditional"])
    if simplified == traditional:
        return next((tag for tag in likely if tag.startswith("zh")), "zh_Hans"), 0.5
    return "zh_Hans" if simplified > traditional else "zh_Hant", 1.0


def _by_letters(text: str, script: str, likely: Sequence[str]) -> tuple[str, float]:
    data = _data()
    written = _signs(text, script)
    # Many write Persian with the letters of an Arabic keyboard: ي and ك.
    persian = _signs(text.translate(data["persian"]), script) if script == "Arab" else written
    own = [tag.split("_")[0] for tag in likely if tag.split("_")[0] in data["candidates"][script]]
    odds: dict[str, float] = {}
    for tag in data["candidates"][script]:
        prior = 1.0 if not likely else 0.6 if tag in own else 0.2 if tag == "en" else 0.05
        words, seen = persian if tag == "fa" else written
        if tag == "fa" and seen != written[1]:
            prior *= _RETYPED
        strange = min(len(seen - data["letters"][tag]), 6)
        common = min(sum(word in data["common_words"][tag] for word in words), 8)
        odds[tag] = prior * _STRANGE**strange * _COMMON**common
    best = max(odds, key=odds.__getitem__)
    if odds[best] < _PLAIN * sum(odds.values()) and _model:
        told = _model.odds(text)
        for tag in odds:
            odds[tag] *= told.get(tag, 0.0) + 1e-6
        best = max(odds, key=odds.__getitem__)
    share = odds[best] / sum(odds.values())
    if own and best not in own:  # what matters is whether it is one of the writer's own
        share = 1.0 - sum(odds[tag] for tag in own) / sum(odds.values())
    if likely and not own and script == "Latn" and not _shown(best, *written):
        return likely[0], 0.0  # most likely the writer's own language in Latin letters
    return ("fa_AF" if best == "fa" and "fa_AF" in likely and "fa" not in likely else best), share


def _signs(text: str, script: str) -> tuple[list[str], set[str]]:
    """-> the words, and the letters of the script that most is written in."""
    words = [part for word in _WORD.findall(text) for part in (word, *word.split("\u200c")[1:])]
    return words, {c for c in text if c.isalpha() and _script(c) == script}


def _shown(tag: str, words: list[str], seen: set[str]) -> bool:
    """Whether a word or a letter says more than that these are Latin letters."""
    return not _data()["common_words"][tag].isdisjoint(words) or not all(c.isascii() for c in seen)
