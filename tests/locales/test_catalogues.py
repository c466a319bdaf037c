"""Translations say what the program says: no more, no less, and in Persian all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from core.folding import LOCALES, load
from core.language import Languages, holds, template
from core.text import BIDI

ROOT = LOCALES.parent
KEYWORDS = {**DEFAULT_KEYWORDS, "Say": None, "SayMany": (1, 2)}
SOURCES = [("packing.py", "ignore"), ("**.py", "python")]  # as in locales/babel.cfg
CATALOGUES = {p.parent.parent.name: p for p in LOCALES.glob("*/LC_MESSAGES/messages.po")}
MARKS = tuple("🔎🔒🌐⚠✓")


def extracted() -> set[str | tuple[str, ...]]:
    found: set[str | tuple[str, ...]] = set()
    for folder in ("bots", "core"):
        for _, _, id, _, _ in extract_from_dir(str(ROOT / folder), SOURCES, keywords=KEYWORDS):
            found.add(id if isinstance(id, str) else tuple(id))
    return found


IDS = extracted()


def messages(tag: str) -> list[Message]:
    with CATALOGUES[tag].open("rb") as file:
        return [m for m in read_po(file, ignore_obsolete=True) if m.id]


def forms(message: Message) -> list[str]:
    texts = [message.string] if isinstance(message.string, str) else message.string
    return [text for text in texts if text]


def test_the_program_has_sentences_and_only_plain_placeholders() -> None:
    assert len(IDS) > 20
    for id in IDS:
        for text in [id] if isinstance(id, str) else id:
            template(text)


def test_persian_is_complete() -> None:
    language = Languages(["fa"])._catalogues["fa"]
    signs = {id for id in IDS if not re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", "".join(id)))}
    assert sorted(map(str, IDS - signs - language.one.keys() - language.many.keys())) == []


@pytest.mark.parametrize("tag", CATALOGUES)
def test_no_translation_is_left_of_a_sentence_that_is_gone(tag: str) -> None:
    assert {m.id for m in messages(tag)} <= IDS


@pytest.mark.parametrize("tag", CATALOGUES)
def test_every_translation_names_what_the_english_names(tag: str) -> None:
    rule = load("plural_forms")[tag]
    for message in messages(tag):
        if isinstance(message.id, str):
            assert all(holds(message.id, text) for text in forms(message)), message.id
            continue
        texts = message.string
        assert not any(texts) or len(texts) == rule["nplurals"], message.id
        for text, single in zip(texts, rule["single_value"], strict=False):
            may = single is not None
            assert not text or holds(message.id[1], text, number=may), (message.id, text)


@pytest.mark.parametrize("tag", CATALOGUES)
def test_the_plural_header_is_the_pinned_one(tag: str) -> None:
    rule = load("plural_forms")[tag]
    header = re.search(r'"Plural-Forms: (.*?)\\n"', Path(CATALOGUES[tag]).read_text("utf-8"))
    assert header
    assert header[1] == f"nplurals={rule['nplurals']}; plural={rule['plural']};"


@pytest.mark.parametrize("tag", CATALOGUES)
def test_no_translation_hides_anything(tag: str) -> None:
    for message in messages(tag):
        for text in forms(message):
            assert not re.search(f"[{BIDI}<>]", text), message.id
            assert text == text.strip(), message.id


@pytest.mark.parametrize("tag", CATALOGUES)
def test_the_four_marks_stay_at_the_start(tag: str) -> None:
    for message in messages(tag):
        first = message.id if isinstance(message.id, str) else message.id[0]
        for text in forms(message):
            for mark in MARKS:
                assert first.startswith(mark) == text.startswith(mark), message.id


def test_persian_is_written_in_persian_letters() -> None:
    for message in messages("fa"):
        for text in forms(message):
            assert not set(text) & set("يكىة"), text
            assert not re.search(r"\bن?می [\u0600-\u06ff]| ها\b| های\b", text), text
            assert "!" not in text, text
