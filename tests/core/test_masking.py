"""Names, places, numbers and links are hidden from translators, and come back where they stood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.masking import masked, missing, restored


@pytest.mark.parametrize(
    ("language", "text", "shown"),
    [
        (
            "en",
            "They took Reza Ahmadi to Evin near Tehran, and I told Mr. Karimi on Monday.",
            "They took [1] to [2] near [3], and I told Mr. [4] on Monday.",
        ),
        (
            "en",
            "Call +98 912 345 6789, write a.b@example.org or see https://example.org/x?y.",
            "Call [1], write [2] or see [3].",
        ),
        ("en", "What shall I do? Nobody at the UN answers.", None),
        ("fa", "آقای کریمی را در تهران بردند", "آقای [1] را در [2] بردند"),
        ("fa", "برادرم را بردند و از او خبری نیست", None),
        ("ar", "اعتقلوا السيد محمود في دمشق", "اعتقلوا السيد [1] في [2]"),
        ("ru", "Вчера забрали Ивана Петрова в Минске", "Вчера забрали [1] в [2]"),
        ("ko", "김민수 씨가 평양에서 잡혔어요", "[1] 씨가 [2]에서 잡혔어요"),
        ("zh_Hans", "王先生昨天在北京被带走了", "[1]先生昨天在[2]被带走了"),
        ("tr", "Ahmet Bey dün gözaltına alındı", "[1] dün gözaltına alındı"),
        # a name alone is what its reader waits for; a number alone is not
        ("fa", "تهران", None),
        ("en", "+98 912 345 6789", "[1]"),
        # the author's own marks keep their meaning
        ("en", "As in [2], Anna knows: ask anna@example.org", "As in [2], [3] knows: ask [4]"),
    ],
)  # fmt: skip
def test_what_gives_somebody_away_is_hidden(language: str, text: str, shown: str | None) -> None:
    found, hidden = masked(text, language)
    assert found == (shown or text)
    assert restored(found, text, language) == text
    assert len(set(hidden)) == len(hidden)


def test_the_same_name_has_the_same_mark() -> None:
    found, hidden = masked("They took Reza. Nobody saw Reza since.", "en")
    assert found == "They took [1]. Nobody saw [1] since."
    assert hidden == ["Reza"]


def test_marks_come_back_however_a_phone_writes_them() -> None:
    original = "آقای کریمی را در تهران بردند"
    shown, _ = masked(original, "fa")
    for typed in ("Mr [1] in [2]", "Mr (1) in ［۲］", "Mr 【1】 in [ 2 ]", "[٢] : (۱)"):
        assert missing(shown, typed) == []
        back = restored(typed, original, "fa")
        assert "کریمی" in back
        assert "تهران" in back
    assert missing(shown, "Mr [1] was taken") == [2]
    assert missing(shown, "nothing") == [1, 2]


@given(st.text(max_size=200), st.sampled_from(["en", "fa", "ru", "zh_Hans", "tr", "xx"]))
def test_whatever_is_hidden_comes_back_to_the_letter(text: str, language: str) -> None:
    shown, _ = masked(text, language)
    assert masked(text, language)[0] == shown
    assert missing(shown, shown) == []
    assert restored(shown, text, language) == text


@given(st.text(max_size=100), st.text(max_size=100))
def test_a_translation_of_any_kind_is_taken(text: str, translation: str) -> None:
    assert isinstance(restored(translation, text, "en"), str)
