"""Every reader gets their own language, in the right direction, and nobody's words escape."""

from __future__ import annotations

import re

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from core.catalogues import BadTemplate, Catalogue, holds, template
from core.folding import load
from core.language import FSI, LRI, PDI, RLM, Languages
from core.message import Code, Joined, Name, Quote, Say, SayMany, Word, dots, lines, paragraphs

LANGUAGES = Languages()


def test_english_needs_no_catalogue_and_every_language_has_one() -> None:
    assert Languages(["en"]).enabled == ("en",)
    assert Languages(["fa"]).enabled == ("fa", "en")
    assert "fa" in LANGUAGES.enabled
    with pytest.raises(LookupError):
        Languages(["tlh"])


def test_a_sentence_is_filled_with_isolated_words_and_codes() -> None:
    say = Say("{name} saw {code} {n} times", name="Ana", code=Code("7KQ"), n=2)
    assert LANGUAGES.render(say, "en") == f"{FSI}Ana{PDI} saw {LRI}7KQ{PDI} 2 times"


def test_right_to_left_text_has_one_mark_at_each_line_start() -> None:
    text = paragraphs(
        Say("{name}", name="Ana"),
        Quote("one\n\nسه"),
        dots(Name("country", "IR"), Code("7KQ")),
        lines("1", 2),
    )
    drawn = LANGUAGES.render(text, "fa")
    assert [line for line in drawn.split("\n") if line] == [
        f"{RLM}{FSI}Ana{PDI}",
        f"{RLM}│ {FSI}one{PDI}",
        f"{RLM}│ ",
        f"{RLM}│ {FSI}سه{PDI}",
        f"{RLM}ایران · {LRI}7KQ{PDI}",
        f"{RLM}{FSI}1{PDI}",
        f"{RLM}۲",
    ]
    assert RLM not in LANGUAGES.render(text, "en")


def test_a_gap_is_filled_by_the_whole_english_sentence_in_its_own_direction() -> None:
    gap = Say("No Persian knows {this}", this="سلام")
    assert LANGUAGES.render(gap, "fa") == f"No Persian knows {FSI}سلام{PDI}"
    inside = Joined(" · ", (Name("country", "IR"), gap))
    english = f"{FSI}No Persian knows {FSI}سلام{PDI}{PDI}"
    assert LANGUAGES.render(inside, "fa") == f"{RLM}ایران · {english}"


def test_numbers_are_written_as_in_the_language_that_answered() -> None:
    gap = Say("No Persian knows {n}", n=12)
    assert LANGUAGES.render(gap, "fa") == "No Persian knows 12"
    assert LANGUAGES.render(SayMany("{n} egg", "{n} eggs", 12), "fa") == "12 eggs"
    assert LANGUAGES.render(Say("{n}", n=12), "fa") == f"{RLM}۱۲"


def test_no_space_follows_a_full_width_stop() -> None:
    said = Joined(" ", (Say("Declined."), Say("Sent."), Word("needs")))
    assert LANGUAGES.render(said, "zh_Hans") == f"已谢绝。已发送。{FSI}求助列表{PDI}"
    assert LANGUAGES.render(said, "en") == f"Declined. Sent. {FSI}needs{PDI}"


def test_a_list_is_written_as_in_its_language() -> None:
    pair = Joined(", ", (Name("country", "IR"), Name("country", "FR")))
    listed = {tag: LANGUAGES.render(pair, tag) for tag in ("en", "fa", "zh_Hans")}
    assert listed == {"en": "Iran, France", "fa": f"{RLM}ایران، فرانسه", "zh_Hans": "伊朗、法国"}


def test_a_sign_has_no_language_and_runs_as_the_reader_does() -> None:
    assert LANGUAGES.render(Say("🔎"), "fa") == f"{RLM}🔎"
    assert LANGUAGES.render(Say("🔎"), "en") == "🔎"


def test_a_reader_in_an_unknown_language_reads_english() -> None:
    assert LANGUAGES.render(Say("hello"), "tlh") == "hello"
    assert LANGUAGES.name("country", "IR", "tlh") == "Iran"


@given(st.text())
def test_no_word_of_anybody_escapes_its_isolate(text: str) -> None:
    for tag in ("en", "fa"):
        drawn = LANGUAGES.render(Say("before {x} after", x=text), tag)
        depth = 0
        for c in drawn:
            depth += (c in FSI + LRI + "\u2067") - (c in PDI + "\n")
            depth = max(depth, 0) if c == "\n" else depth
            assert 0 <= depth <= 1
        assert not set(drawn) & set("\u202a\u202b\u202c\u202d\u202e\u2067\u200e\u061c")
        assert all(
            line.startswith("│ ") for line in LANGUAGES.render(Quote(text), "en").split("\n")
        )


@pytest.mark.parametrize(
    "text",
    ["{u.__init__.__globals__}", "{n:200000000}", "{0}", "{}", "{ID}", "{{name}}", "{name", "a}"],
)
def test_a_brace_that_is_no_plain_name_is_refused(text: str) -> None:
    with pytest.raises(BadTemplate):
        LANGUAGES.render(Say(text, n=1, name="Ana"), "en")


def test_a_missing_value_is_named() -> None:
    with pytest.raises(BadTemplate, match="code"):
        LANGUAGES.render(Say("offer {code}"), "en")


def test_a_translation_that_names_other_things_is_not_used() -> None:
    assert holds("{n} helpers of {name}", "{name}: {n}")
    assert not holds("{name}", "{nome}")
    assert not holds("{name}", "{name.x}")
    assert not holds("{n} helpers", "two helpers")
    assert holds("{n} helpers", "two helpers", number=True)


def test_a_persons_braces_are_only_braces() -> None:
    assert LANGUAGES.render(Say("{x}", x="{y}"), "en") == f"{FSI}{{y}}{PDI}"


class Empty(Catalogue):
    def _read(self) -> None:
        pass


@pytest.mark.parametrize("tag", load("plural_forms"))
def test_plurals_are_those_of_cldr(tag: str) -> None:
    rule, form = load("plural_forms")[tag], Empty(tag).form
    locale = Locale.parse(load("languages")["babel"].get(tag, tag))
    for n in range(2001):
        assert rule["categories"][form(n)] == locale.plural_form(n)


class Counting(Languages):
    """One with a message of its own for each form of each language's plural."""

    def catalogue(self, language: str) -> Catalogue | None:
        there = Empty(language)
        marks = (template(f"{form}: {{n}}") for form in range(there.forms))
        there.many["{n} bird", "{n} birds"] = tuple(marks)
        return there


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("fa", {1: "0: ۱", 5: "1: ۵"}),
        ("ar", {0: "0: ٠", 1: "1: ١", 2: "2: ٢", 3: "3: ٣", 11: "4: ١١", 100: "5: ١٠٠"}),
        ("uk", {1: "0: 1", 3: "1: 3", 5: "2: 5", 11: "2: 11", 21: "0: 21"}),
        ("ko", {1: "0: 1", 5: "0: 5"}),
    ],
)
def test_counting_goes_by_the_languages_own_forms(tag: str, said: dict[int, str]) -> None:
    counting = Counting()
    drawn = {n: counting.render(SayMany("{n} bird", "{n} birds", n), tag).strip(RLM) for n in said}
    assert drawn == said


def test_counting_in_english() -> None:
    birds = [SayMany("{n} bird", "{n} birds", n) for n in (0, 1, 5)]
    assert [LANGUAGES.render(many, "en") for many in birds] == ["0 birds", "1 bird", "5 birds"]


def test_command_words_and_names_are_the_readers() -> None:
    assert LANGUAGES.render(Word("forget"), "en") == f"{FSI}forget{PDI}"
    assert "فراموشم کن" in LANGUAGES.render(Word("forget"), "fa")
    assert LANGUAGES.name("skill", "journalism", "fa") == "خبرنگاری و پوشش خبری"
    assert LANGUAGES.name("skill", "design", "vi") == "Graphic design"
    assert LANGUAGES.name("group", "media", "fa") == "رسانه و هنر"
    assert LANGUAGES.name("region", "europe", "fa") == "اروپا"
    assert LANGUAGES.name("language", "fa_AF", "en") == "Dari"
    assert LANGUAGES.name("language", "fa", "fa") == "فارسی"
    assert LANGUAGES.name("country", "ZZZ", "fa") == "ZZZ"
    assert LANGUAGES.name("pseudonym", "grey heron", "vi") == "Grey Heron"
    assert LANGUAGES.name("skill", "unheard", "fa") == "unheard"
    assert {LANGUAGES.name("trust", t, "en") for t in ("new", "vouched", "verified", "moderator")}


def test_an_english_name_inside_persian_is_isolated() -> None:
    drawn = LANGUAGES.render(dots(Name("skill", "unheard"), Name("country", "IR")), "fa")
    assert drawn == f"{RLM}unheard · ایران"
    ps = LANGUAGES.render(dots(Name("skill", "design"), Name("country", "IR")), "ps")
    assert ps.startswith(f"{RLM}{FSI}Graphic design{PDI} · ")


@pytest.mark.parametrize(
    ("hints", "found"),
    [
        (["fa-IR"], "fa"),
        (["FA_ir"], "fa"),
        (["prs"], "fa"),
        (["en-GB"], "en"),
        (["pt-BR", "fa"], "fa"),
        (["uk"], None),
        (["be-BY"], None),
        (["bo"], None),
        (["ku-TR"], None),
        (["zh"], None),
        ([None, ""], None),
        (["../fa", "💥", "f"], None),
    ],
)
def test_nobody_is_given_the_language_of_another_people(
    hints: list[str | None], found: str | None
) -> None:
    languages = Languages(["fa"])
    assert languages.negotiate(*hints) == found


def test_fallbacks_never_lead_to_an_imposed_language() -> None:
    for tag, chain in load("languages")["fallback"].items():
        own = (
            {"zh_Hans", "zh_Hant"} if tag.startswith("zh") else {"fa"} if tag == "fa_AF" else set()
        )
        assert set(chain) - own == {"en"}, tag


@pytest.mark.parametrize(
    ("text", "likely", "found"),
    [
        ("پدرم را دیشب بردند، به یک خبرنگار نیاز دارم", ["fa"], "fa"),
        ("پدرم را دیشب بردند، به یک خبرنگار نیاز دارم", ["en"], "fa"),
        ("پدرم را ديشب بردند، چه کنم", ["ar"], "fa"),
        ("أخي معتقل من يومين ونحتاج إلى محامي", ["fa"], "ar"),
        ("په کابل کې زما ورور ونیول شو", ["en"], "ps"),
        ("They took him from the library at noon", ["fr"], "en"),
        ("Ils l'ont emmené de la bibliothèque à midi", ["en"], "fr"),
        ("Kardeşimi aldılar", ["en"], "tr"),
        ("нам потрібен адвокат", ["ru"], "uk"),
        ("Моего брата арестовали", ["ru"], "ru"),
        ("Майго брата забралі ўчора", ["ru"], "be"),
        ("我们需要律师", ["en"], "zh_Hans"),
        ("我們需要幫助", ["en"], "zh_Hant"),
        ("도와주세요", ["en"], "ko"),
        ("အကူအညီလိုတယ်", ["en"], "my"),
        ("از VPN و Telegram استفاده می‌کنم", ["en"], "fa"),
        ("ok", ["fa"], "fa"),
        ("salam chetori", ["fa"], "fa"),
        ("7KQ 👍 https://a.b", ["fa"], "fa"),
        ("", [], "en"),
    ],
)
def test_which_language_a_text_is_in(text: str, likely: list[str], found: str) -> None:
    assert LANGUAGES.detect(text, likely) == found


@given(st.text())
def test_no_text_breaks_the_detection(text: str) -> None:
    assert re.fullmatch("[a-z]{2,3}(_[A-Za-z]+)?", LANGUAGES.detect(text, ["fa", "en"]))
