"""Words are understood however, and in whatever language, they are typed."""

from __future__ import annotations

import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import pseudonyms
from core.folding import bare, fold, key, load
from core.language import Languages
from core.words import ALPHABET, SENTENCES, UNIVERSAL, Commands, code, new_code

COMMANDS = Commands()
IDS = (
    *("need", "needs", "offer", "skills", "translate", "mine", "talk", "language", "safety"),
    *(
        "export",
        "link",
        "block",
        "report",
        "stop",
        "forget",
        "help",
        "cancel",
        "back",
        "vouch",
        "verify",
    ),
    *("yes", "no", "done", "skip", "queue", "suspend", "close", "stats", "audit"),
)
FULL = (
    *("en", "fa", "ar", "ru", "es", "fr", "tr", "uk", "zh_Hans", "zh_Hant", "ko"),
    *("my", "vi", "be", "ur", "am", "ku", "ckb", "ps", "ug", "bo"),
)


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("ي ك ة", "ی ک ه"),
        ("می‌خواهم", "میخواهم"),
        ("كِتَـاب", "کتاب"),
        ("۱۲٣４", "1234"),
        ("Ёлка", "елка"),
        ("İstanbul ISTANBUL ıstanbul", "istanbul istanbul istanbul"),
        ("ＯＦＦＥＲ  7", "offer 7"),
        ("прив’язати", "прив'язати"),
        ("й မြန်မာ བོད", "й မြန်မာ བོད"),
    ],
)
def test_spelling_variants_are_one(typed: str, folded: str) -> None:
    assert fold(typed) == folded


def test_latin_accents_may_be_left_out_and_other_marks_not() -> None:
    assert bare(fold("Cần luật sư đi")) == "can luat su di"
    assert bare("й မြန်မာ") == "й မြန်မာ"


@given(st.text())
def test_folding_is_done_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert bare(bare(fold(text))) == bare(fold(text))


# --------------------------------------------------------------- the lists


def test_no_two_commands_share_a_word() -> None:
    owner: dict[str, str] = {}
    for id, by_language in load("commands").items():
        for words in by_language.values():
            for word in words:
                assert owner.setdefault(key(word), id) == id, word


def test_every_command_has_words_in_every_language() -> None:
    assert tuple(COMMANDS.words) == IDS
    assert not [(id, tag) for id in IDS for tag in FULL if not COMMANDS.words[id].get(tag)]


def test_the_words_shown_are_understood() -> None:
    for id in IDS:
        for tag in load("languages")["names"]:
            word = COMMANDS.word(id, tag)
            assert COMMANDS.command(word, [tag], strict=True) == (id, "")
            assert COMMANDS.universal(word) == (id if id in UNIVERSAL else None)


AROUND = (
    *(
        "{}.",
        "{}!",
        "{}?",
        "{}...",
        "{} …",
        "{}؟",
        "{}،",
        "{}؛",
        "{}۔",
        "{}。",
        "{}！",
        "{}，",
        "{}።",
    ),
    *(
        "{}།",
        "{}၊",
        "{};",
        "{} :",
        "{}~",
        "{} 🙏",
        "{}👍🏽",
        "«{}»",
        "“{}”",
        '"{}"',
        "'{}'.",
        "`{}`",
    ),
    *("*{}*", "#{}", "/{}", "!{}", "／{}", " {} ", "\u200f{}", "- {}"),
)
"""What stands around a word that was copied, or typed in haste."""

LETTERS = {
    language: [str.maketrans(one, other) for one, other in pairs]
    for language, pairs in {
        "fa": [("یک", "يك"), ("ی", "ى"), ("آأ", "اا")],
        "ar": [("أإآ", "ااا"), ("ة", "ه"), ("يك", "یک"), ("ي", "ى")],
        "ur": [("یک", "يك"), ("ہ", "ه")],
        "ru": [("ё", "е")],
    }.items()
}
"""What keyboards give, and people leave out."""


def spellings(word: str, language: str) -> set[str]:
    """What phones, keyboards and haste make of a command word."""
    whole = unicodedata.normalize("NFD", word)
    made = {
        *(shape.format(word) for shape in AROUND),
        *(word.upper(), word.title(), word.capitalize()),
        *(unicodedata.normalize(form, word) for form in ("NFD", "NFC", "NFKD", "NFKC")),
        *(word.replace("\u200c", " "), word.replace("\u200c", "")),
        *(word.translate(pairs) for pairs in LETTERS.get(language, ())),
    }
    if any("LATIN" in unicodedata.name(c, "") for c in word):
        made.add("".join(c for c in whole if unicodedata.category(c) != "Mn"))
        made.add("".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word))
    if language == "tr":
        made |= {word.replace("i", "İ").upper(), word.replace("ı", "i"), word.replace("i", "ı")}
    if language in ("ar", "fa", "ur", "ps") and " " not in word:
        made |= {"ـ".join(word), "".join(f"{c}\u064e" for c in word), f"{word}\u064b"}
    return made


def test_every_command_word_is_understood_however_it_is_typed() -> None:
    wrong = [
        (id, language, typed)
        for id, by_language in COMMANDS.words.items()
        for language, words in by_language.items()
        for word in words
        for typed in spellings(word, language)
        if COMMANDS.command(typed, [language], strict=True) != (id, "")
    ]
    assert wrong == []


def test_a_letter_left_out_is_asked_about_in_every_language() -> None:
    for id, by_language in COMMANDS.words.items():
        for language, (word, *_) in by_language.items():
            if " " in word or len(key(word)) < 5:
                continue
            typed = word[: len(word) // 2] + word[len(word) // 2 + 1 :]
            if COMMANDS.command(typed, [language], strict=True) is None:
                assert COMMANDS.suggest(typed, [language]) is not None, (id, language, typed)


def test_help_is_not_a_need_of_help() -> None:
    for language, help_, need in (("uk", "допомога", "потрібна допомога"),
                                  ("be", "дапамога", "патрэбна"),
                                  ("ru", "помощь", "нужна помощь")):  # fmt: skip
        for known in ("uk", "be", "ru"):
            assert COMMANDS.command(help_, [known], strict=True) == ("help", ""), language
            assert COMMANDS.command(need, [known], strict=True) == ("need", ""), language


def test_a_command_without_a_word_here_is_shown_as_the_fallback_has_it() -> None:
    assert COMMANDS.word("forget", "zh_Hant") == "刪除我"
    assert COMMANDS.word("forget", "fa_AF") == COMMANDS.word("forget", "fa")
    assert COMMANDS.word("audit", "sw") == "audit"


def test_no_two_languages_share_a_name() -> None:
    owner: dict[str, str] = {}
    for tag, names in load("languages")["names"].items():
        for name in names:
            assert owner.setdefault(key(name), tag) == tag, name
    assert COMMANDS.language("Farsi") == COMMANDS.language("فارسي") == "fa"
    assert COMMANDS.language("Klingon") is None


def test_a_language_is_understood_by_every_name_under_which_it_is_shown() -> None:
    languages, kurdish = Languages(), {"ku", "ckb"}
    for tag in load("languages")["names"]:
        for reader in (*languages.enabled, tag):
            name = languages.name("language", tag, reader)
            found = COMMANDS.language(name)
            # «کردی» is what both are called
            assert found == tag or {found, tag} == kurdish, (tag, reader, name)


# --------------------------------------------------------------- understood anywhere


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("cancel", "cancel"),
        (" /Cancel@movements_bot ", "cancel"),
        ("Stop!", "stop"),
        ("لغو", "cancel"),
        ("да", "yes"),
        ("．help", "help"),
        ("menu", "help"),
        ("never mind", "cancel"),
        ("não", None),
        ("Cancel the deportation of my sister", None),
        ("no idea", None),
        ("forget it", None),
        ("need", None),
        ("", None),
        ("/", None),
        ("help " * 100, None),
    ],
)
def test_only_a_whole_message_is_a_universal_word(text: str, id: str | None) -> None:
    assert COMMANDS.universal(text) == id


# --------------------------------------------------------------- commands


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("offer 7KQ", ("offer", "7KQ")),
        ("/offer@bot 7kq tonight", ("offer", "7kq tonight")),
        ("offer ۷kq", ("offer", "۷kq")),
        ("پیشنهاد ۷KQ", ("offer", "۷KQ")),
        ("!need a lawyer", ("need", "a lawyer")),
        ("need: a lawyer", ("need", "a lawyer")),
        ("need\na lawyer\nin Berlin", ("need", "a lawyer\nin Berlin")),
        ("نیاز：وکیل", ("need", "وکیل")),
        ("mine", ("mine", "")),
        ("trợ giúp", ("help", "")),
        ("tro giup", ("help", "")),
        ("کمک می خواهم", ("need", "")),
        ("talk grey heron", ("talk", "grey heron")),
        ("گفتگو حواصیل خاکستری", ("talk", "حواصیل خاکستری")),
        ("language فارسی", ("language", "فارسی")),
        ("needs 2", ("needs", "2")),
        ("/nonsense", None),
        ("help me find my brother", None),
        ("Cancel the deportation of my sister", None),
        ("find: a lawyer", None),
        ("", None),
    ],
)
def test_a_command_is_told_from_a_sentence(
    text: str, found: tuple[str, str] | None, strict: bool
) -> None:
    assert COMMANDS.command(text, ["fa"], strict=strict) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "need I need a lawyer in Berlin for asylum",
            ("need", "I need a lawyer in Berlin for asylum"),
        ),
        ("Need a lawyer in Berlin", ("need", "a lawyer in Berlin")),
        ("نیاز به وکیل دارم", ("need", "نیاز به وکیل دارم")),
        ("نیاز من به وکیل نیاز دارم", ("need", "من به وکیل نیاز دارم")),
        ("offer a bed in Vilnius", ("offer", "a bed in Vilnius")),
        ("translate Persian to English", ("translate", "Persian to English")),
    ],
)
def test_a_sentence_behind_the_word_counts_only_where_nothing_is_going_on(
    text: str, found: tuple[str, str]
) -> None:
    assert COMMANDS.command(text, ["fa"], strict=False) == found
    assert COMMANDS.command(text, ["fa"], strict=True) is None


def test_a_sentence_in_a_language_she_does_not_write_is_no_command() -> None:
    assert COMMANDS.command("dil bilmiyorum ama", ["tr"], strict=False) is not None
    assert COMMANDS.command("dil bilmiyorum ama", ["fa"], strict=False) is None


@pytest.mark.parametrize("word", ["need", "offer", "talk", "block", "report", "link", "verify"])
def test_talking_with_somebody_no_common_sentence_is_taken_for_a_command(word: str) -> None:
    assert word in SENTENCES
    for rest in ("more time", "them", "him now", "to say that 7 people know"):
        assert COMMANDS.command(f"{word} {rest}", ["en"], strict=True) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ofer 7KQ", ("offer", "7KQ")),
        ("ofer", ("offer", "")),
        ("/skils", ("skills", "")),
        ("«skils»!", ("skills", "")),
        ("пересод 7KQ", ("translate", "7KQ")),
        ("پیشنهد", ("offer", "")),
        ("درخواستای من", ("mine", "")),
        ("мои запрсы", ("mine", "")),
        ("нужно помощь", ("need", "")),
        ("need a", None),
        ("forgt me", ("forget", "")),
        ("ofer to help", None),
        ("hello", None),
        ("now", None),
        ("", None),
    ],
)
def test_a_mistyped_command_is_asked_about(text: str, found: tuple[str, str] | None) -> None:
    assert COMMANDS.suggest(text, ["fa", "ru"]) == found


def test_a_wrong_letter_of_a_korean_syllable_is_asked_about() -> None:
    assert COMMANDS.suggest("도움멀", ["ko"]) == ("help", "")
    assert COMMANDS.suggest("번욕 7KQ", ["ko"]) == ("translate", "7KQ")
    assert COMMANDS.suggest("네 알겠어요", ["ko"]) is None


@given(st.text(), st.booleans())
def test_no_text_breaks_the_parser(text: str, strict: bool) -> None:
    COMMANDS.command(text, ["fa"], strict=strict)
    COMMANDS.universal(text)
    COMMANDS.suggest(text, ["fa"])
    code(text)


# --------------------------------------------------------------- codes and pseudonyms


def test_codes_are_neither_words_nor_numbers() -> None:
    random = Random(1)
    for length in (2, 3, 4, 5, 8):
        for _ in range(200):
            made = new_code(length, random)
            assert len(made) == length
            assert set(made) <= set(ALPHABET)
            assert not made.isalpha()
            assert not made.isdigit()
    assert not set(ALPHABET) & set("01OILU")


def test_a_code_is_understood_however_it_is_typed() -> None:
    for typed in ("7KQ", "7kq", " #7kq. ", "۷kq", "７ＫＱ", "7КQ", "«7KQ»"):
        assert code(typed) == "7KQ", typed
    for other in ("them", "42", "7K", "7KQ7KQ", "7OK", "7KQ now", "", "2024"):
        assert code(other) is None, other


def test_a_pseudonym_is_new_and_of_a_bird_of_its_own_while_there_are_birds() -> None:
    taken: list[str] = []
    for _ in range(20):
        made = pseudonyms.new(taken, Random(len(taken)))
        assert made.split()[1] not in {t.split()[1] for t in taken}
        taken.append(made)
    everyone = [f"{q} {b}" for q in load("pseudonyms")["en"]["qualities"]
                for b in load("pseudonyms")["en"]["birds"]]  # fmt: skip
    assert pseudonyms.new(everyone[1:], Random(1)) == everyone[0]
    with pytest.raises(LookupError):
        pseudonyms.new(everyone, Random(1))


def test_a_pseudonym_is_one_name_in_every_language_that_has_words_for_it() -> None:
    english = load("pseudonyms")["en"]
    for tag, table in load("pseudonyms").items():
        assert table["birds"].keys() == english["birds"].keys(), tag
        assert table["qualities"].keys() == english["qualities"].keys(), tag
        names = {
            key(name): f"{quality} {bird}"
            for bird in table["birds"]
            for quality in table["qualities"]
            if (name := pseudonyms.name(f"{quality} {bird}", tag))
        }
        assert len(names) == len(table["birds"]) * len(table["qualities"]), tag
        assert all(pseudonyms.matches(name, [whose]) == whose for name, whose in names.items())


def test_a_pseudonym_agrees_in_gender() -> None:
    assert pseudonyms.name("grey heron", "en") == "Grey Heron"
    assert pseudonyms.name("grey heron", "fa") == "حواصیل خاکستری"
    assert pseudonyms.name("golden dove", "fr") == "Tourterelle dorée"
    assert pseudonyms.name("kind dove", "ru") == "Добрая горлица"
    assert pseudonyms.name("kind swift", "ru") == "Добрый стриж"
    assert pseudonyms.name("grey heron", "vi") is None


def test_a_name_is_found_by_what_is_clear_of_it() -> None:
    present = ["grey heron", "blue lark", "grey swift"]
    assert pseudonyms.matches("Grey Heron", present) == "grey heron"
    assert pseudonyms.matches("heron", present) == "grey heron"
    assert pseudonyms.matches("حواصیل", present) == "grey heron"
    assert pseudonyms.matches("grey", present) is None
    assert pseudonyms.matches("gentle dove", present) is None
    assert pseudonyms.matches("", present) is None
