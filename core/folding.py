"""Spelling: one form for what people type differently. And the word lists under `locales/`."""

from __future__ import annotations

import json
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

LOCALES = Path(__file__).parent.parent / "locales"


def load(name: str) -> Any:
    """What `locales/<name>.json` holds."""
    return json.loads((LOCALES / f"{name}.json").read_text("utf-8"))


@cache
def _table() -> dict[int, str | None]:
    raw = load("fold")
    table: dict[int, str | None] = {}
    for zero in raw["digit_zeros"]:
        table.update({int(zero, 16) + i: str(i) for i in range(10)})
    for span in raw["removed"]:
        first, last = span.split("-")
        table.update(dict.fromkeys(range(int(first, 16), int(last, 16) + 1)))
    table.update({ord(a): b for a, b in raw["replaced"].items()})
    return table


@cache
def _latin() -> dict[int, str]:
    return {ord(a): b for a, b in load("fold")["bare_latin"].items()}


def fold(text: str) -> str:
    """One spelling for what people type differently: case, width, digits of any script, harakat,
    Arabic and Persian letter variants, joiners, spaces. The table is `locales/fold.json`."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFC", text.translate(_table()))
    return " ".join(text.split())


def bare(text: str) -> str:
    """Folded text without the accents of Latin letters: "cần" is "can". Other scripts keep
    their marks, which are letters to their readers."""
    if text.isascii():
        return text
    kept, latin = [], False
    for c in unicodedata.normalize("NFD", text.translate(_latin())):
        mark = unicodedata.category(c) == "Mn"
        if not mark:
            latin = "a" <= c <= "z"
        if not (mark and latin):
            kept.append(c)
    return unicodedata.normalize("NFC", "".join(kept))


@lru_cache(4096)
def key(word: str) -> str:
    """What two spellings of one word or name have in common."""
    return bare(fold(word)).replace(" ", "")
