"""What a translator need not know: names of people and places, numbers and links of a message stand
as [1], [2], and are put back into the translation.

No list knows every name: where a script has capitals they tell, elsewhere a title before it, and
the places that we know. Authors are asked to leave names out; this takes most of the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from core.countries import names_a_place, unspaced_places
from core.folding import fold, load
from core.text import finds, number

_WORD = re.compile(r"[^\W\d_][\w\u200c'\u2019-]*")
_LINK = re.compile(r"(?:\b[a-z]{3,6}://|\bwww\.)\S*[^\s.,;:!?)\]]", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){4,}")
_MARK = re.compile(r"[\[(［（〔【⟦]\s*(\d{1,3})\s*[\])］）〕】⟧]")  # as phones' keyboards have them
NO_NAMES = "-"
_END = re.compile(r"[.!?…؟。！？:\n]\W*$")


def masked(text: str, language: str) -> tuple[str, list[str]]:
    """-> the text with marks, and what each stands for: the same for the same text. A name alone
    stays: its reader waits for nothing else ("Where?" "Tehran"). language: NO_NAMES hides numbers
    and links alone."""
    if language != NO_NAMES:
        shown, hidden = _marked(text, list(_spans(text, language)))
        if not hidden or says_something(shown):
            return shown, hidden
    return _marked(text, _joined(text, sorted(_private(text))))


def says_something(text: str) -> bool:
    """Whether there is anything to translate in it."""
    return any(c.isalpha() for c in text)


def _marked(text: str, spans: list[tuple[int, int]]) -> tuple[str, list[str]]:
    out, hidden, at = [], list[str](), 0
    first = _first(text)
    for start, end in spans:
        what = text[start:end]
        if what not in hidden:
            hidden.append(what)
        out += [text[at:start], f"[{first + hidden.index(what)}]"]
        at = end
    return "".join((*out, text[at:])), hidden


def missing(shown: str, translation: str) -> list[int]:
    """-> the marks of a masked text that its translation lacks."""
    return sorted(set(marks_in(shown)) - set(marks_in(translation)))


def marks_in(text: str) -> list[int]:
    """-> the numbers of its marks, in order; one that comes twice is there twice."""
    return sorted(number(m[1]) or 0 for m in _MARK.finditer(text))


def restored(translation: str, original: str, language: str) -> str:
    """A translation of the masked original with everything back in its place."""
    _, hidden = masked(original, language)
    first = _first(original)

    def back(mark: re.Match[str]) -> str:
        at = (number(mark[1]) or 0) - first
        return hidden[at] if 0 <= at < len(hidden) else mark[0]

    return _MARK.sub(back, translation)


def _first(original: str) -> int:
    """The first mark that the author does not use."""
    return 1 + max((number(m[1]) or 0 for m in _MARK.finditer(original)), default=0)


# ------------------------------------------------------------------------------------- finding


def _spans(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Where something stands that is masked: in order, none within another; names of several words
    are one."""
    last = 0
    for start, end in _joined(text, sorted([*_private(text), *_names(text, language)])):
        if start >= last:
            yield start, end
            last = end


def _private(text: str) -> list[tuple[int, int]]:
    found = [(start, end) for _, start, end in finds(text)]
    return found + [m.span() for rule in (_LINK, _LONG_NUMBER) for m in rule.finditer(text)]


def _joined(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and (start <= joined[-1][1] or text[joined[-1][1] : start] == " "):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _names(text: str, language: str) -> list[tuple[int, int]]:
    words = list(_WORD.finditer(text))
    lists = _lists(language)
    found = [w.span() for w in words if names_a_place(w[0], language)]
    found += unspaced_places(text)
    no_names = lists["no_names"] | lists["titles"]
    capitals = [w for w in words if _capital(w[0]) and fold(w[0]) not in no_names]
    inside = {w.start() for w in capitals if w.start() and not _END.search(text[: w.start()])}
    for one, other in pairwise(capitals):  # "Reza Ahmadi was taken": the first word counts too
        if other.start() in inside and text[one.end() : other.start()] == " ":
            inside.add(one.start())
    found += [w.span() for w in capitals if w.start() in inside]
    for one, other in pairwise(words):
        between = text[one.end() : other.start()].strip(" .")
        if between or fold(other[0]) in lists["titles"]:
            continue
        if fold(one[0]) in lists["titles"]:
            found.append(other.span())
        if fold(other[0]) in lists["after"]:
            found.append(one.span())
    for ending in lists["endings"]:  # 김민수 씨, 王先生
        found += [m.span(1) for m in re.finditer(rf"([^\W\d_]{{1,4}}) ?{ending}", text)]
    return found


def _capital(word: str) -> bool:
    """Ahmadi, but neither UN nor iPhone."""
    return word[:1].isupper() and len(word) > 1 and not word.isupper()


@cache
def _lists(language: str) -> Mapping[str, frozenset[str]]:
    raw: Mapping[str, Any] = load("names")
    kinds = ("titles", "after", "endings", "no_names")
    return {
        kind: frozenset(
            word if kind == "endings" else fold(word)
            for tag in ("en", language)
            for word in raw[kind].get(tag, "").split()
        )
        for kind in kinds
    }
