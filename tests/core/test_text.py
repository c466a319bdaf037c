"""What people write reaches others whole, and harmless."""

from __future__ import annotations

import re
import unicodedata
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.folding import LOCALES
from core.text import BIDI, clean, defanged, finds, number, numbers, only_emoji, split

ANY = st.text(st.characters(exclude_categories=()))
"""Every str, lone surrogates included."""
HOSTILE = st.text(
    st.sampled_from("aб س्́̀ ‌‍️⃣\u202e\u2066\u2069\u200b\r\n\t\x00\ud800\ufffe👨🏽🇮🇷ཀཱི각ᄀ々./@#:[]ht")
)


@given(ANY | HOSTILE)
@example("\r\u2028\x85")
@example("e\u0301" * 9 + "\u0300" * 9)
@example("a\u0301\u0302\u0303\u0304\u200d\u0305\u0306\u0307\u0308")
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


@given(ANY | HOSTILE, st.integers(1, 50))
def test_what_is_clean_can_stand_in_an_xml_stream_and_is_short(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert clean(cleaned, limit) == cleaned
    assert ElementTree.fromstring(f"<a>{_escaped(cleaned)}</a>").text == (cleaned or None)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


@given(ANY | HOSTILE)
def test_nothing_that_reorders_or_hides_survives(text: str) -> None:
    cleaned = clean(text)
    assert not set(cleaned) & set(
        "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2069"
    )
    assert unicodedata.is_normalized("NFC", cleaned)


SHOWN = {"\u200c", "\u200d", "\ufe0e", "\ufe0f", "\u070f", "\u08e2", "\U000110bd", "\U000110cd"}
"""Joiners, what chooses an emoji, and signs that are drawn."""


def test_of_all_characters_none_that_is_drawn_as_nothing_stays_between_two_letters() -> None:
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) not in ("Cf", "Cc", "Cs", "Zl", "Zp") or char in SHOWN:
            continue
        if char not in "\t\n" and not 0x600 <= code <= 0x6DD and code not in (0x890, 0x891):
            assert char not in clean(f"a{char}b"), f"U+{code:04X}"


def test_no_reader_gets_a_copy_that_is_marked_with_what_nobody_sees() -> None:
    marks = [chr(c) for c in (*range(0xFE00, 0xFE10), *range(0xE0000, 0xE0200), 0x2065, 0x1D159)]
    for mark in marks:
        assert clean(f"her{mark}e 1{mark}") == "here 1"
        assert clean(f"☀{mark * 9}") in ("☀", "☀\ufe0e", "☀\ufe0f")
    assert clean("\u2800") == ""


@pytest.mark.parametrize("language", sorted(p.parent.parent.name for p in LOCALES.glob("*/*/*.po")))
def test_every_letter_of_our_languages_stays(language: str) -> None:
    """Letters, marks and punctuation that our own translations need."""
    catalogue = (LOCALES / language / "LC_MESSAGES" / "messages.po").read_text("utf-8")
    for line in unicodedata.normalize("NFC", re.sub(f"[{BIDI}]", "", catalogue)).splitlines():
        assert clean(line) == line.strip(), line


@pytest.mark.parametrize("name", ["commands", "skills", "pseudonyms", "countries", "languages"])
def test_every_letter_of_our_words_stays(name: str) -> None:
    words = re.findall(r'"([^"]*)"', (LOCALES / f"{name}.json").read_text("utf-8"))
    for word in words:
        assert clean(word) == unicodedata.normalize("NFC", word).strip(), word


@pytest.mark.parametrize(
    "text",
    ["می‌خواهم", "👨‍👩‍👧‍👦 ❤️ 👍🏽", "क्‍ष", "Ç'est l'été", "བོད་སྐད།", "မြန်မာ", "x²", "a\n\nb", "1️⃣"],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert clean(text) == unicodedata.normalize("NFC", text)


def test_piles_of_marks_blank_lines_and_trailing_spaces_are_cut_down() -> None:
    assert clean("z" + "\u0335" * 50) == "z" + "\u0335" * 4
    assert clean("a  \r\n\r\n\r\n\r\n\r\nb ") == "a\n\n\nb"
    assert clean("a\u200c\u200c\u200d\u200cb") == "a\u200cb"
    assert clean("\u200c \u200d\u200b") == ""


def test_a_cut_does_not_fall_inside_a_family() -> None:
    family = "👨‍👩‍👧‍👦"
    assert clean("ab" + family, 5) == "ab"


@pytest.mark.parametrize(
    ("live", "dead"),
    [
        ("https://a.b/c", "hxxps://a[.]b/c"),
        ("HTTP://Evil.COM", "hxxp://Evil[.]COM"),
        ("join t.me/+abc or www.evil.org.", "join t[.]me/+abc or www[.]evil[.]org."),
        ("tg://resolve?domain=x", "tg[:]//resolve?domain=x"),
        ("xmpp:room@muc.example.org?join", "xmpp[:]room@muc[.]example[.]org?join"),
        ("https://matrix.to/#/@a:b.org", "hxxps://matrix[.]to/#/＠a:b[.]org"),
        ("#room:example.org", "＃room:example[.]org"),
        ("/forget", "／forget"),
        ("write @ana now", "write ＠ana now"),
        ("/me waves", "／me waves"),
        ("пример.рф", "пример[.]рф"),
        ("http://10.0.0.1:80/x", "hxxp://10[.]0[.]0[.]1:80/x"),
        ("10.0.0.1", "10[.]0[.]0[.]1"),
        ("evil.zip evil.agency", "evil[.]zip evil[.]agency"),
        ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd[.]xn--p1ai"),
        ("a.b.unknown/c", "a[.]b[.]unknown/c"),
        ("evil.com.Then", "evil[.]com[.]Then"),
        ("t\u200c.me/x", "t\u200c[.]me/x"),
        ("😀.com", "😀[.]com"),
        ("看evil.com吧", "看evil[.]com吧"),
        ("1https://3232235777/x", "1hxxps://3232235777/x"),
        ("шhttp://3232235777/x", "шhxxp://3232235777/x"),
        ("a" * 40 + "http://3232235777/x", "a" * 40 + "http[:]//3232235777/x"),
        ("hxxps://evil.com", "hxxps://evil[.]com"),
        ("friend@evil.com/path", "friend@evil[.]com/path"),
        ("sip:ana@evil.com", "sip[:]ana@evil.com"),
        ("／/forget", "／／forget"),
    ],
)
def test_relayed_words_have_nothing_to_tap(live: str, dead: str) -> None:
    assert defanged(live) == dead


@pytest.mark.parametrize(
    "text",
    [
        "and/or 1/2",
        "a@example.org",
        "+98 912 345 6789",
        "at 3.30, e.g. today",
        "home.Then",
        "дома.Потом",
        "Node.js",
        "v1.2.3",
        "U.S.A.",
        "سلام. خوبی؟",
    ],
)
def test_ordinary_writing_is_left_alone(text: str) -> None:
    assert defanged(text) == text


@given(ANY | HOSTILE | st.text(st.sampled_from("htps:/.@#!ab[]me tgx")))
def test_defanging_twice_changes_nothing_more(text: str) -> None:
    once = defanged(text)
    assert defanged(once) == once


@given(ANY | HOSTILE | st.text(st.sampled_from("htps:/.@#!ab[]me tgx")))
def test_what_is_defanged_has_no_link_left(text: str) -> None:
    safe = defanged(text)
    assert not re.search(
        r"(?<!hxx)(?<!hxxp)[a-z]{2,}://|\bt\.me\b|\btg:(?=[^\s\]])|(?<![\w/])/\w", safe
    )


@pytest.mark.parametrize(
    "piece", ["…", "a.", "a@", "a.b@", "é.é@", "a-", "a+", "://", "1.2.3.", "a:"]
)
def test_no_text_takes_long_to_defang(piece: str) -> None:
    """A thousand times the work of a text half as long would show here as a test that hangs."""
    text = piece * (200_000 // len(piece))
    assert len(defanged(text)) >= len(text)


SIZE = {
    "utf16": lambda s: len(s.encode("utf-16-le", "surrogatepass")) // 2,
    "codepoints": len,
    "bytes": lambda s: len(s.encode("utf-8", "surrogatepass")),
}


@given(
    ANY | HOSTILE | st.text(st.sampled_from("ab \n")),
    st.integers(4, 60),
    st.sampled_from(sorted(SIZE)),
)
def test_parts_fit_and_hold_all_that_was_said(text: str, limit: int, unit: str) -> None:
    parts = split(text, limit, unit)
    assert all(SIZE[unit](part) <= limit and part.strip() for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_long_text_is_cut_at_a_paragraph_then_a_line_then_a_space() -> None:
    assert split("one two\n\nthree four", 12, "codepoints") == ["one two", "three four"]
    assert split("one two\nthree four", 12, "codepoints") == ["one two", "three four"]
    assert split("one two three", 8, "codepoints") == ["one two", "three"]
    assert split("Gone. Where to? I fear", 18, "codepoints") == ["Gone. Where to?", "I fear"]
    assert split("走了。去哪里？我怕", 8, "codepoints") == ["走了。去哪里？", "我怕"]
    assert split("走了去。哪里我怕", 4, "codepoints") == ["走了去。", "哪里我怕"]
    assert split("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 12, "utf16") == ["👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"]
    assert split(" \n ", 10, "bytes") == []
    with pytest.raises(ValueError, match="limit"):
        split("a", 3, "bytes")


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("call +98 912 345 6789", "phone", "+98 912 345 6789"),
        ("۰۹۱۲۳۴۵۶۷۸۹", "phone", "۰۹۱۲۳۴۵۶۷۸۹"),
        ("write to ana@example.org.", "email", "ana@example.org"),
        ("I am @ana_x there", "handle", "@ana_x"),
        ("t.me/ana_x", "handle", "t.me/ana_x"),
        ("@ana:example.org", "handle", "@ana:example.org"),
    ],
)
def test_what_gives_a_person_away_is_found(text: str, kind: str, what: str) -> None:
    [(found, start, end)] = finds(text)
    assert (found, text[start:end]) == (kind, what)


@pytest.mark.parametrize(
    "text", ["on 2024-10-15", "in 2019 2020", "7KQ", "3 of 4", "12345678", "@ 5"]
)
def test_dates_codes_and_small_numbers_are_not(text: str) -> None:
    assert finds(text) == []


def test_a_number_is_understood_in_any_digits() -> None:
    for text in ("2", "۲", "٢.", "２)", "2️⃣", " (2) ", "၂", "\u200f2"):
        assert number(text) == 2, text
    for text in ("", "2 lawyers", "7KQ", "-2", "2.5", "two", "²½"):
        assert number(text) is None, text


def test_several_numbers_too() -> None:
    assert numbers("1 3") == [1, 3]
    assert numbers("۱،۳") == [1, 3]
    assert numbers("1, 2 و 4") == [1, 2, 4]
    assert numbers("2") == [2]
    assert numbers("1 or so") is None
    assert numbers(" and ") is None


def test_only_emoji() -> None:
    assert all(map(only_emoji, ("👍", "👍🏽 ❤️", "🇮🇷", "👨‍👩‍👧‍👦", "1️⃣")))
    assert not any(map(only_emoji, ("", " ", "ok 👍", "1", "?")))


@pytest.mark.parametrize(
    "text",
    [" " * 200_000, "e\u0301" * 100_000, "\u0301" * 200_000, "\n \n" * 90_000, "a." * 90_000],
)
def test_a_huge_hostile_text_is_cut_before_it_is_worked_on(text: str) -> None:
    assert len(clean(text)) <= 4000
