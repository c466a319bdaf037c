"""Answers picked from long lists (skills, languages, countries), or written in own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bots.forms import Draft, Option, Outcome, Said, Sheet, Value
from core import countries
from core.actions import No
from core.message import Arg, Name, Say
from core.skills import GROUPS, SKILLS, suggest
from core.words import commands

LANGUAGES = (
    "en", "fa", "ar", "ru", "zh_Hans", "zh_Hant", "es", "fr", "ko", "tr", "uk", "vi", "my", "be",
    "ur", "am", "ku", "ckb", "ps", "ug", "bo", "de",
)  # fmt: skip
"""The languages people may say that they read; the bot itself writes those that are enabled."""

_SURE = 1.4
"""A proposal this strong is ticked from the start; she can take the tick away."""


# ------------------------------------------------------------------------------------- skills


def suggested(text: str, language: str) -> dict[str, Any]:
    """The draft of the skills question: what the words propose."""
    found = suggest(text, language)
    return {
        "offered": [code for code, _ in found],
        "picked": [code for code, score in found if score >= _SURE],
    }


def _ticked(code: str, draft: dict[str, Any]) -> Arg:
    if code in draft.get("picked", ()):
        return Say("✓ {choice}", choice=Name("skill", code))
    return Name("skill", code)


def skill_options(sheet: Sheet) -> list[Option]:
    draft = sheet.draft("skills")
    page = draft.get("page", "")
    if page == "groups" or not (page or draft.get("offered") or draft.get("picked")):
        groups = [Option(f"g.{group}", Name("group", group)) for group in GROUPS]
        return [*groups, Option("front", Say("Back"))] if page else groups
    if page:
        inside = [s for s in SKILLS.values() if s.group == page]
        return [
            *(Option(f"s.{s.code}", _ticked(s.code, draft)) for s in inside),
            Option("groups", Say("Back")),
        ]
    shown = dict.fromkeys([*draft.get("offered", ()), *draft.get("picked", ())])
    return [
        *(Option(f"s.{code}", _ticked(code, draft)) for code in shown),
        Option("groups", Say("Something else")),
        *([Option("done", Say("Done"))] if draft.get("picked") else []),
    ]


def pick_skills(sheet: Sheet, said: Said) -> Outcome:
    draft = sheet.draft("skills")
    picked: list[str] = list(draft.get("picked", ()))
    for token in said.tokens:
        kind, _, code = token.partition(".")
        if kind == "s":
            picked = [c for c in picked if c != code] if code in picked else [*picked, code]
            draft["page"] = ""
        elif kind == "g":
            draft["page"] = code
        elif token == "groups":
            draft["page"] = "groups"
        elif token == "front":
            draft["page"] = ""
        elif token == "done" and picked:
            return Value(picked)
    if not said.tokens:
        found = [code for code, _ in suggest(said.text, sheet.who.language)]
        if not found:
            raise No(Say("I don't know which help that is. Pick one, or say it in other words."))
        draft["offered"] = list(dict.fromkeys([*picked, *found]))
        draft["page"] = ""
    return Draft({**draft, "picked": picked})


# ------------------------------------------------------------------------------------- languages


def language_options(tags: Sequence[str] | None) -> Callable[[Sheet], list[Option]]:
    """tags: None for the languages that the bot writes."""

    def options(sheet: Sheet) -> list[Option]:
        return [
            Option(tag, sheet.languages.name("language", tag, tag))
            for tag in tags or sheet.languages.enabled
        ]

    return options


def language_named(sheet: Sheet, said: Said) -> str:
    """The picked or written language. Raises No."""
    found = said.tokens[0] if said.tokens else commands().language(said.text)
    if found is None:
        raise No(Say("I don't know that language. Pick one of these, or write its name."))
    return found


def picked_languages_options(sheet: Sheet) -> list[Option]:
    picked = sheet.draft("languages").get("picked", ())
    named = (
        (tag, sheet.languages.name("language", tag, tag))
        for tag in sorted(LANGUAGES, key=lambda tag: tag != sheet.who.language)
    )
    return [
        *(Option(tag, Say("✓ {choice}", choice=n) if tag in picked else n) for tag, n in named),
        *([Option("done", Say("Done"))] if picked else []),
    ]


def pick_languages(sheet: Sheet, said: Said) -> Outcome:
    picked: list[str] = list(sheet.draft("languages").get("picked", ()))
    if "done" in said.tokens and picked:
        return Value(picked)
    tokens = [t for t in said.tokens if t != "done"]
    for part in () if said.tokens else said.text.replace("،", ",").split(","):
        tokens.append(language_named(sheet, Said(part.strip())))
    for tag in tokens:
        picked = [t for t in picked if t != tag] if tag in picked else [*picked, tag]
    return Draft({"picked": picked})


# ------------------------------------------------------------------------------------- countries


def countries_of(text: str, language: str) -> list[str]:
    """At most two countries: those that the words name, else where its language is spoken."""
    return (countries.guess_country(text, language) or countries.likely(language))[:2]


def country_picked(name: str) -> str:
    """The code of a country that was written. Raises No."""
    code = countries.country(name)
    if code is None:
        raise No(Say("I don't know a country of that name. Write it another way."))
    return code


def pick_country(sheet: Sheet, said: Said) -> Outcome:
    draft = sheet.draft("country")
    if not said.tokens:
        return Value(country_picked(said.text))
    token = said.tokens[0]
    if token == "typing":
        return Draft({**draft, "typing": True})
    return Value("" if token == "none" else token.removeprefix("c."))
