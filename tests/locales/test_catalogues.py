"""Translations say what the program says: no more, no less, and in Persian all of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from core import skills
from core.catalogues import holds, offered, template
from core.countries import OFFERED
from core.folding import load
from core.language import FSI, LRI, PDI, RLM, Languages, territories
from core.message import Arg, Code, Name, Quote, Say, SayMany, Word
from core.text import BIDI
from tests.catalogues import (
    CATALOGUES,
    ROOT,
    SENTENCES,
    comments,
    extracted,
    forms,
    key,
    lacking,
    messages,
    told,
)
from tests.conftest import need_program

IDS = extracted()
MARKS = tuple("🔎🔒🌐⚠✓")
TRANSLATED = [tag for tag in offered() if tag != "en"]
FLOOR = 0.6
"""Of the sentences; less, and a language is not offered."""
COMPLETE = ("fa", "ar", "ru", "zh_Hans", "es", "fr", "ko", "tr", "uk")


def test_every_comment_for_translators_reaches_them() -> None:
    written = [
        (file.relative_to(ROOT), line)
        for folder in ("bots", "core")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line in re.findall(r"# (Translators: .*)", file.read_text("utf-8"))
    ]
    assert len(written) > 10
    assert [w for w in written if w[1] not in comments()] == []


def test_the_program_has_sentences_and_only_plain_placeholders() -> None:
    assert len(IDS) > 20
    for id in IDS:
        for text in [id] if isinstance(id, str) else id:
            template(text)


@pytest.mark.parametrize("tag", COMPLETE)
def test_a_complete_language_lacks_nothing(tag: str) -> None:
    assert lacking(tag) == []


@pytest.mark.parametrize("tag", TRANSLATED)
def test_what_is_offered_says_most(tag: str) -> None:
    less = lacking(tag)
    assert len(less) <= (1 - FLOOR) * len(SENTENCES), f"{len(less)} are missing: {less}"


@pytest.mark.parametrize("tag", CATALOGUES)
def test_whoever_translates_reads_the_comments_beside_the_sentences(tag: str) -> None:
    """And finds what is new: all that `make catalogues` puts there."""
    there = {key(m): " ".join(m.auto_comments) for m in messages(tag)}
    assert there == told()


@pytest.mark.parametrize("tag", CATALOGUES)
def test_its_header_asks_for_review(tag: str) -> None:
    header = CATALOGUES[tag].read_text("utf-8").split("\n\n", 1)[0]
    assert "eview by native speakers is wanted" in header
    assert "docs/translating.md" in header


@pytest.mark.parametrize("tag", CATALOGUES)
def test_gettexts_own_check_finds_nothing(tag: str) -> None:
    need_program("msgfmt", "gettext")
    checked = subprocess.run(
        ["msgfmt", "-c", "-o", "/dev/null", CATALOGUES[tag]], capture_output=True, text=True
    )
    assert (checked.returncode, checked.stderr) == (0, "")


HOSTILE = (
    "\u202e\u2066\u2069\u2069gnorw\u200f",
    "{n} {name.__class__.__init__.__globals__} {0} {} {{",
    "<b>x</b> &amp; %s %(name)s $name \\1",
    "1\n2\r\n\u2028🔎 7KQ",
    "",
)
KNOWN = {"n", "code", "name"}


def arguments(id: str, value: Arg) -> dict[str, Arg]:
    return dict.fromkeys(template(id)[1::2], value)


@pytest.mark.parametrize("tag", ["en", *TRANSLATED])
def test_whatever_stands_in_a_sentence_stays_in_its_place(tag: str) -> None:
    """No value is read as a template, lets its direction out, or makes more text than itself."""
    languages = Languages()
    values: list[Arg] = [*HOSTILE, *map(Code, HOSTILE), *map(Quote, HOSTILE), 10**30]
    values += [Word("offer"), Name("skill", "nothing {x}"), Say("{x}", x=HOSTILE[0])]
    for id in SENTENCES:
        one = id if isinstance(id, str) else id[1]
        for value in values:
            said = (
                Say(id, **arguments(id, value))
                if isinstance(id, str)
                else SayMany(id[0], id[1], 3, **arguments(one, value))
            )
            drawn = languages.render(said, tag)
            for line in drawn.split("\n"):
                assert line.count(FSI) + line.count(LRI) == line.count(PDI), (id, value)
            assert set(re.findall(f"[{BIDI}]", drawn)) <= {FSI, LRI, PDI, RLM}, (id, value)
            assert "Catalogue" not in drawn


def test_a_very_long_value_makes_a_text_as_long_as_itself() -> None:
    long = "{name}" * 500_000
    drawn = Languages().render(Say("{name} offers help with {code}.", name=long, code="7KQ"), "fa")
    assert len(long) < len(drawn) < len(long) + 200


@pytest.mark.parametrize("tag", TRANSLATED)
def test_everything_with_a_name_has_one_in_every_language_that_is_offered(tag: str) -> None:
    named = {
        **{f"skill {code}": skills.names("skill", code) for code in skills.SKILLS},
        **{f"group {code}": skills.names("group", code) for code in skills.GROUPS},
        **{f"region {code}": raw["names"] for code, raw in load("countries")["regions"].items()},
        **{f"command {id}": words for id, words in load("commands").items()},
    }
    assert [what for what, names in named.items() if not names.get(tag)] == []
    names, english = (load("pseudonyms")[language] for language in (tag, "en"))
    assert names["birds"].keys() == english["birds"].keys()
    assert names["qualities"].keys() == english["qualities"].keys()
    assert [code for code in sorted(OFFERED) if code not in territories(tag)] == []


@pytest.mark.parametrize("tag", CATALOGUES)
def test_no_translation_is_left_of_a_sentence_that_is_gone(tag: str) -> None:
    assert {key(m) for m in messages(tag)} <= IDS


@pytest.mark.parametrize("tag", CATALOGUES)
def test_every_translation_names_what_the_english_names(tag: str) -> None:
    rule = load("plural_forms")[tag]
    for message in messages(tag):
        if isinstance(message.id, str):
            assert all(holds(message.id, text) for text in forms(message)), message.id
            continue
        texts = message.string
        assert not any(texts) or (all(texts) and len(texts) == rule["nplurals"]), message.id
        for text, single in zip(texts, rule["single_value"], strict=False):
            may = single is not None
            assert not text or holds(message.id[1], text, number=may), (message.id, text)


@pytest.mark.parametrize("tag", CATALOGUES)
def test_the_plural_header_is_the_pinned_one(tag: str) -> None:
    rule = load("plural_forms")[tag]
    lines = Path(CATALOGUES[tag]).read_text("utf-8").replace('"\n"', "")
    header = re.search(r"Plural-Forms: (.*?)\\n", lines)
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
