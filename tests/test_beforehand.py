"""Nobody's first message waits for what is read from files."""

from __future__ import annotations

import pytest

from bots import beforehand
from core import aliases, detection


def test_the_model_and_the_words_of_the_community_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []
    monkeypatch.setattr(detection, "load_model", lambda: read.append("model"))
    monkeypatch.setattr(beforehand, "suggest", lambda text, language: read.append(language))
    beforehand.read_aside(["fa", "ko"]).join(10)
    assert read == ["model", "fa", "ko"]


def test_words_once_read_are_not_read_again() -> None:
    beforehand.suggest("", "ko")
    before = aliases._index.cache_info().misses
    assert beforehand.suggest("", "ko") == []
    beforehand.suggest("변호사", "ko")
    assert aliases._index.cache_info().misses == before
