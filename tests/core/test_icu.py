"""Numbers, plurals, days and "days ago" are as ICU has them: asked of the one inside Node."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from datetime import date, timedelta
from gettext import c2py
from pathlib import Path
from typing import Any

import pytest

from core.calendars import persian
from core.catalogues import offered
from core.folding import load
from core.language import RLM, Languages
from core.message import Name, Say, SayMany
from tests.conftest import need_program

LANGUAGES = Languages()
ALL = sorted(load("plural_forms"))
TAGS = {"ar": "ar-EG", "ku": "ku-TR"}
"""Arabic is written in these digits from Egypt to Iraq, and in Latin ones further west."""


def icu(*asked: Sequence[Any]) -> list[Any]:
    need_program("node", "nodejs")
    said = subprocess.run(
        ["node", Path(__file__).with_name("icu.mjs"), json.dumps(asked)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: list[Any] = json.loads(said.stdout)
    return answer


def bcp(tag: str) -> str:
    return TAGS.get(tag, tag).replace("_", "-")


def test_the_persian_calendar_is_right_for_eighty_years() -> None:
    (said,) = icu(["persian", _number(date(1979, 1, 1))])
    ours = [persian(date(1979, 1, 1) + timedelta(n)) for n in range(29585)]
    assert [f"{m}/{d}/{y} AP" for y, m, d in ours] == said


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


@pytest.mark.parametrize("tag", [*offered(), "fa_AF", "ps"])
def test_every_day_of_a_year_is_named_as_by_icu(tag: str) -> None:
    (said,) = icu(["days", bcp(tag)])
    first = date(2026, 1, 1)
    assert _number(first) == 20454
    days = [Name("day", (first + timedelta(n)).isoformat()) for n in range(366)]
    ours = [LANGUAGES.render(day, tag).lstrip(RLM) for day in days]
    # CLDR writes Pashto's months with the gaf of Persian
    assert [day.replace("ګ", "گ") for day in ours] == said


def test_numbers_have_the_digits_of_their_language() -> None:
    said = icu(*(["digits", bcp(tag)] for tag in ALL))
    assert [LANGUAGES.render(1234567890, tag).lstrip(RLM) for tag in ALL] == said


def test_plurals_are_those_of_icu() -> None:
    for tag, said in zip(ALL, icu(*(["plurals", bcp(tag)] for tag in ALL)), strict=True):
        rule = load("plural_forms")[tag]
        form = c2py(rule["plural"])
        assert [rule["categories"][form(n)] for n in range(2001)] == said, tag


def test_days_ago_are_counted_as_by_icu() -> None:
    counts = [1, 2, 3, 5, 10, 11, 21, 22, 25, 100, 101, 102, 111]
    tags = offered()
    for tag, said in zip(tags, icu(*(["ago", [bcp(t), counts]] for t in tags)), strict=True):
        ours = [LANGUAGES.render(SayMany("{n} day ago", "{n} days ago", n), tag) for n in counts]
        # between digits and Chinese our catalogue leaves the space that is usual in print
        plain = [text.strip(RLM).replace(" ", "") for text in ours]
        assert plain == [text.replace(" ", "").replace("\u00a0", "") for text in said], tag


def test_a_day_is_named_in_the_language_of_the_sentence_around_it() -> None:
    day = Name("day", "2026-12-28")
    assert LANGUAGES.render(Say("until {day}", day=day), "fa") == f"{RLM}تا ۷ دی"
    assert LANGUAGES.render(Say("until {day}", day=day), "ar") == f"{RLM}حتى ٢٨ ديسمبر"
    # a sentence that no catalogue has is English, and so is the day in it
    assert LANGUAGES.render(Say("gone on {day}", day=day), "fa") == "gone on December 28"
    assert LANGUAGES.render(Say("until {day}", day=day), "bo") == "until December 28"
