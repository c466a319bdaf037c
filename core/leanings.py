"""Which skills each word of a language leans to, where no alias stands: learned weights, read from
`locales/leanings/`. `python -m benchmarks.leanings` writes them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable

import numpy

from core.folding import LOCALES
from core.romanised import LANGUAGES, bones

STEP = 0.02
ZERO = "m"
"""A weight is one letter for each skill: "m" is none, "n" one step for it, "l" one against."""

_ALIKE = 0.6
"""A word that is not known leans as one does that shares so much of the longer of both."""


class Leanings:
    """One language's words. A word that is not known leans as its nearest neighbour in spelling
    or, in Latin letters, as those with the same consonants."""

    def __init__(self, language: str, skills: int) -> None:
        self.language = language
        self.least = 2 if language == "ko" else 4
        file = LOCALES / "leanings" / f"{language}.txt"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        pairs = [line.split(" ") for line in lines]
        self.words = [word for word, _ in pairs]
        letters = "".join(weights for _, weights in pairs).encode()
        signs = numpy.frombuffer(letters, dtype=numpy.uint8).astype(numpy.int16) - ord(ZERO)
        self.weights = (signs.reshape(len(pairs), skills) * STEP).astype(numpy.float16)
        self.places = {word: place for place, word in enumerate(self.words)}
        alike: dict[str, list[int]] = defaultdict(list)
        if language in LANGUAGES:
            for place, word in enumerate(self.words):
                if not word.isascii() and len(bare := bones(word, language)) > 1:
                    alike[bare].append(place)
        self.bones = {bare: len(pairs) + row for row, bare in enumerate(alike)}
        means = [self.weights[places].mean(axis=0) for places in alike.values()]
        if means:
            self.weights = numpy.concatenate((self.weights, means)).astype(numpy.float16)

    def of(self, words: Iterable[str]) -> list[float]:
        """-> a weight for each skill: the sum over the words, for the square root of how many."""
        places = [self._place(word) for word in dict.fromkeys(words)]
        known = [place for place in places if place is not None]
        total = self.weights[known].sum(axis=0, dtype=numpy.float32) / max(len(known), 1) ** 0.5
        weights: list[float] = total.tolist()
        return weights

    def _place(self, word: str) -> int | None:
        """The row of the word itself, or of what it is like."""
        if (place := self.places.get(word)) is not None:
            return place
        if word.isascii() and self.bones:
            return self.bones.get(bones(word, self.language))
        place = bisect_left(self.words, word)
        near = [(_shared(word, self.words[p]), p) for p in (place - 1, place)
                if 0 <= p < len(self.words)]  # fmt: skip
        shared, best = max(near, default=(0, 0))
        longest = max(len(word), len(self.words[best])) if near else 0
        return best if shared >= max(self.least, _ALIKE * longest) else None


def _shared(one: str, other: str) -> int:
    """How many letters both begin with."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))
