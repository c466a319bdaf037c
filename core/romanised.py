"""Persian, Arabic, Russian and Ukrainian in Latin letters ("vakil", "mo7ami", "advokat"): what such
a spelling has in common with the native one, its consonants."""

from __future__ import annotations

import re
from functools import lru_cache

LANGUAGES = ("fa", "ar", "ru", "uk")

_LATIN = {
    "fa": "kh:x sh:S ch:C zh:Z gh:Q q:Q x:x c:s",
    "ar": "kh:x sh:S ch:S gh:Q th:s dh:z 7:h 5:x 9:k 8:Q q:k g:j c:k x:x",
    "ru": "shch:S sch:S sh:S ch:C zh:Z kh:x ts:c tz:c h:x q:k c:c 4:C 6:S w:v x:x",
    "uk": "shch:S sch:S sh:S ch:C zh:Z kh:x ts:c tz:c h:g q:k c:c 4:C 6:S w:v x:x",
}
_NATIVE = {
    "fa": "خx شS چC ژZ غQ قQ بb پp تt طt ثs سs صs جj حh هh دd ذz زz ضz ظz رr فf کk گg لl مm نn",
    "ar": "خx شS چS ژZ غQ قk بb پb تt طt ثs سs صs جj حh هh دd ذz زz ضd ظz رr فf کk گj لl مm نn",
    "ru": "бb вv гg дd жZ зz кk лl мm нn пp рr сs тt фf хx цc чC шS щS",
    "uk": "бb вv гg ґg дd жZ зz кk лl мm нn пp рr сs тt фf хx цc чC шS щS",
}
# Vowels, and what is written for them: "w" and "v" (of و), "y", and the Arabic 2 and 3.
_DROPPED = {"fa": "aeiouwvy'123", "ar": "aeiouwvy'23", "ru": "aeiouyj'", "uk": "aeiouyj'"}
_ARTICLE = {"ar": re.compile(r"^(?:[وفبك]?ال|لل|[ae]l(?=\w{4}))")}


@lru_cache(8)
def _tables(language: str) -> tuple[dict[str, str], re.Pattern[str]]:
    table = dict(pair.split(":") for pair in _LATIN[language].split())
    table |= {pair[0]: pair[1] for pair in _NATIVE[language].split()}
    table |= dict.fromkeys(_DROPPED[language], "")
    return table, re.compile("|".join(sorted(map(re.escape, table), key=len, reverse=True)) + "|.")


@lru_cache(4096)
def bones(word: str, language: str) -> str:
    """The consonants of one folded word: "vakil" and "وکیل" are both "kl"."""
    table, letters = _tables(language)
    if article := _ARTICLE.get(language):
        word = article.sub("", word)
    if len(word) > 2 and word[-1] in "hه":  # silent at the end
        word = word[:-1]
    plain = "".join(
        table.get(found, found if found.isascii() and found.isalpha() else "")
        for found in letters.findall(word)
    )
    return re.sub(r"(.)\1+", r"\1", plain)


def is_romanised(words: str, language: str) -> bool:
    """Whether folded `words` in one of LANGUAGES are (mostly) in Latin letters."""
    if language not in LANGUAGES:
        return False
    letters = [c for c in words if c.isalpha()]
    return sum("a" <= c <= "z" for c in letters) * 2 > len(letters)
