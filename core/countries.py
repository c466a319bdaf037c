"""Countries: which are offered, what people call them, and which a text speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from core.folding import bare, fold, key, load
from core.language import territories

_RAW = load("countries")
REGIONS: Mapping[str, Sequence[str]] = {
    region: tuple(raw["countries"]) for region, raw in _RAW["regions"].items()
}
"""region -> ISO 3166 codes (and XK, Kosovo). Its name is Name("region", region)."""
OFFERED = frozenset(code for codes in REGIONS.values() for code in codes)

_NAMED_IN = (
    *("en", "fa", "ar", "ru", "es", "fr", "tr", "uk", "zh_Hans", "zh_Hant", "ko"),
    *("be", "ur", "ps", "vi"),
)
_WORD = re.compile(r"[\w\u200c]+")
_UNSPACED = re.compile("[\u3400-\u9fff\uac00-\ud7af]")
_ARABIC_PREFIXES = ("و", "ب", "ل", "ف", "ک", "ال", "وال", "بال", "لل")
_SHORTEST = 4


def likely(language: str) -> list[str]:
    """Where most of those write from who write this language: to offer, never to assume."""
    return list(_RAW["likely"].get(language, ()))


def country(text: str) -> str | None:
    """The country whose name, in any of our languages, or ISO code the whole text is."""
    wanted = key(text.strip(" .،,!"))
    if wanted.upper() in OFFERED:
        return wanted.upper()
    found = _names().get(wanted) if wanted else None
    return found or (_by_stem(wanted, _words("en")[0]) if " " not in text.strip() else None)


def guess_country(text: str, language: str) -> list[str]:
    """The countries (three at most) that a text speaks of, in the order it does: by names, cities
    and nationalities. `language` is that of the text: "مالی" is Mali, but "financial" to Persians.
    Empty if it names none."""
    stems, whole = _words(language)
    found: dict[str, int] = {}
    plain = bare(fold(text[:2000]))
    for word in _WORD.finditer(plain):
        for spelt in _bare_forms(word[0], language):
            code = whole.get(spelt) or _by_stem(spelt, stems)
            if code:
                found.setdefault(code, word.start())
                break
    for name, code in _unspaced().items():
        if (at := plain.find(name)) >= 0:
            found.setdefault(code, at)
    for name, code in _long_names(language).items():
        if (at := plain.find(name)) >= 0:
            found[code] = min(at, found.get(code, at))
    return sorted(found, key=found.__getitem__)[:3]


def names_a_place(word: str, language: str) -> bool:
    """Whether a single word is a country, a city, or somebody from there."""
    stems, whole = _words(language)
    plain = bare(fold(word))
    return any(
        spelt in whole or _by_stem(spelt, stems) is not None
        for spelt in _bare_forms(plain, language)
    )


def unspaced_places(text: str) -> list[tuple[int, int]]:
    """Where a text in a script without spaces names a country or a city."""
    if not _UNSPACED.search(text):
        return []
    return [m.span() for name in _unspaced() for m in re.finditer(re.escape(name), text)]


def _bare_forms(word: str, language: str) -> list[str]:
    if language != "ar":
        return [word]
    return [word, *(word[len(p) :] for p in _ARABIC_PREFIXES if word.startswith(p))]


def _by_stem(word: str, stems: Mapping[str, str]) -> str | None:
    for end in range(len(word), 2, -1):
        if (code := stems.get(word[:end])) is not None:
            return code
    return None


@cache
def _names() -> dict[str, str]:
    """Folded name -> code. Of two countries of one name, the one of the earlier language."""
    names: dict[str, str] = {}
    for tag in _NAMED_IN:
        for code, name in territories(tag).items():
            if code in OFFERED:
                names.setdefault(key(name), code)
    for code, words in _RAW["words"].items():
        for word in words.split():
            names.setdefault(key(word.rstrip("=")), code)
    return names


@cache
def _words(language: str) -> tuple[dict[str, str], dict[str, str]]:
    """-> beginnings of words, and whole words, with their countries."""
    stems: dict[str, str] = {}
    whole: dict[str, str] = {}
    for code, words in _RAW["words"].items():
        for word in words.split():
            (whole if word.endswith("=") else stems)[key(word.rstrip("="))] = code
    for tag in (language, "en"):
        for code, name in territories(tag).items():
            if code in OFFERED and " " not in name and len(name) >= _SHORTEST:
                whole.setdefault(key(name), code)
    for word in _RAW["other_meaning"].get(language, ()):
        whole.pop(key(word), None)
    return stems, whole


@cache
def _unspaced() -> dict[str, str]:
    """Names in scripts without spaces, looked for anywhere."""
    listed = ((w.rstrip("="), code) for code, words in _RAW["words"].items() for w in words.split())
    return {
        bare(fold(name)): code
        for name, code in (
            *listed,
            *((n, c) for t in ("zh_Hans", "zh_Hant", "ko") for c, n in territories(t).items()),
        )
        if _UNSPACED.search(name) and len(name) > 1 and code in OFFERED
    }


@cache
def _long_names(language: str) -> dict[str, str]:
    """Names of more than one word."""
    return {
        bare(fold(name)): code
        for tag in (language, "en")
        for code, name in territories(tag).items()
        if code in OFFERED and " " in name
    }
