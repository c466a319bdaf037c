"""Answers: picked from what is offered (skills, languages, countries), or written in own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from bots.forms import Draft, Option, Outcome, Said, Sheet, Value
from core import countries
from core.actions import No
from core.message import Arg, Joined, Name, Say, Sayable
from core.people import ANY
from core.skills import GROUPS, SKILLS, suggest
from core.text import only_emoji
from core.words import commands

_OFFERED = 8
"""Languages in one question; every other one can be written."""

_SURE = 10.0
"""A proposal this strong is ticked from the start; she can take the tick away."""

_BESIDE = 0.6
"""And so is what comes this near to the strongest."""


_WORD = re.compile(r"[\w\u200c]+")

PICK = Say("Please pick one of these.")


# ------------------------------------------------------------------------------------- simple ones


def words(sheet: Sheet, said: Said) -> str:
    """What was written, if it holds anything to read. Raises No."""
    text = said.text.strip()
    if not text or only_emoji(text):
        raise No(Say("Please write it in words."))
    return text


def text_only(sheet: Sheet, said: Said) -> Outcome:
    return Value(words(sheet, said))


def picked(sheet: Sheet, said: Said, why: Say = PICK) -> str:
    """The picked token. Raises No when words came instead."""
    if not said.tokens:
        raise No(why)
    return said.tokens[0]


def one_of(sheet: Sheet, said: Said) -> Outcome:
    return Value(picked(sheet, said))


# ------------------------------------------------------------------------------------- skills


def suggested(text: str, language: str) -> dict[str, Any]:
    """The draft of the skills question: what the words propose."""
    found = suggest(text, language)
    return {
        "offered": [code for code, _ in found],
        "picked": [code for code, score in found if score >= max(_SURE, found[0][1] * _BESIDE)],
    }


def _ticked(code: str, draft: dict[str, Any]) -> Arg:
    if code in draft.get("picked", ()):
        return Say("✓ {choice}", choice=Name("skill", code))
    return Name("skill", code)


def skill_options(sheet: Sheet) -> list[Option]:
    draft = sheet.draft("skills")
    page = draft.get("step", "")
    if page == "groups" or not (page or draft.get("offered") or draft.get("picked")):
        groups = [Option(f"g.{group}", Name("group", group)) for group in GROUPS]
        # Translators: a button, to the list before
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
        # Translators: a button that ends picking from a list
        *([Option("done", Say("Done"))] if draft.get("picked") else []),
    ]


def pick_skills(sheet: Sheet, said: Said) -> Outcome:
    draft = sheet.draft("skills")
    picked: list[str] = list(draft.get("picked", ()))
    for token in said.tokens:
        kind, _, code = token.partition(".")
        if kind == "s":
            picked = [c for c in picked if c != code] if code in picked else [*picked, code]
            draft["step"] = ""
        elif kind == "g":
            draft["step"] = code
        elif token == "groups":
            draft["step"] = "groups"
        elif token == "front":
            draft["step"] = ""
        elif token == "done" and picked:
            return Value(picked)
    if not said.tokens:
        found = suggested(said.text, sheet.who.language)
        if not found["offered"]:
            raise No(Say("I don't know which help that is. Pick one, or say it in other words."))
        draft["offered"] = list(dict.fromkeys([*picked, *found["offered"]]))
        draft["step"] = ""
        picked = list(dict.fromkeys([*picked, *found["picked"]]))
    return Draft({**draft, "picked": picked})


# ------------------------------------------------------------------------------------- languages


def likely(sheet: Sheet, *first: str) -> list[str]:
    """The languages to offer: those named first, the person's own, the community's."""
    return list(dict.fromkeys([*first, sheet.who.language, *sheet.languages.enabled]))


def languages_offered(tags: Callable[[Sheet], list[str]]) -> Callable[[Sheet], list[Option]]:
    def options(sheet: Sheet) -> list[Option]:
        return [Option(t, sheet.languages.name("language", t, t)) for t in tags(sheet)[:_OFFERED]]

    return options


def language_named(sheet: Sheet, said: Said) -> str:
    """The picked or written language. Raises No."""
    found = said.tokens[0] if said.tokens else commands().language(said.text)
    if found is None:
        raise No(Say("I don't know that language. Pick one of these, or write its name."))
    return found


def picked_languages_options(sheet: Sheet) -> list[Option]:
    picked = sheet.draft("languages").get("picked", ())
    offered = [*likely(sheet)[:_OFFERED], *picked]
    named = ((tag, sheet.languages.name("language", tag, tag)) for tag in dict.fromkeys(offered))
    return [
        *(Option(tag, Say("✓ {choice}", choice=n) if tag in picked else n) for tag, n in named),
        *([Option("done", Say("Done"))] if picked else []),
    ]


def pick_languages(sheet: Sheet, said: Said) -> Outcome:
    picked: list[str] = list(sheet.draft("languages").get("picked", ()))
    if "done" in said.tokens and picked:
        return Value(picked)
    for tag in (t for t in said.tokens if t != "done"):
        picked = [t for t in picked if t != tag] if tag in picked else [*picked, tag]
    for name in () if said.tokens else listed(said.text):
        picked.append(language_named(sheet, Said(name)))
    return Draft({"picked": list(dict.fromkeys(picked))})


def languages_in(text: str) -> dict[str, str]:
    """The languages that a line names, each with the word for it; "it" and "no" are no codes."""
    words = [word for word in _WORD.findall(text) if len(word) > 2 or not word.isascii()]
    return {tag: word for word in words if (tag := commands().language(word))}


def listed(text: str) -> list[str]:
    """What somebody wrote one after the other: `English, فارسی، Kurdish`, or on lines."""
    for comma in ("،", "、", "，", ";", "؛", "\n"):
        text = text.replace(comma, ",")
    return [part.strip() for part in text.split(",") if part.strip()]


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


def ask_country(sheet: Sheet) -> Sayable:
    if sheet.draft("country").get("step"):
        return Say("Write the name of the country.")
    return Say("Which country is it about? (3 of 4)")


def country_options(sheet: Sheet) -> list[Option]:
    draft = sheet.draft("country")
    if draft.get("step"):
        return [Option("none", Say("Rather not say"))]
    offered = [Option(f"c.{code}", Name("country", code)) for code in draft.get("offered", ())]
    return [
        *offered,
        Option("typing", Say("Another country") if offered else Say("Name the country")),
        Option("none", Say("Rather not say")),
    ]


def pick_country(sheet: Sheet, said: Said) -> Outcome:
    if not said.tokens:
        return Value(country_picked(said.text))
    token = said.tokens[0]
    if token == "typing":
        return Draft({**sheet.draft("country"), "step": "typing"})
    return Value("" if token == "none" else token.removeprefix("c."))


def ask_countries(sheet: Sheet) -> Sayable:
    if picked := sheet.draft("countries").get("picked", []):
        named = Joined(", ", tuple(Name("country", code) for code in picked))
        return Say("So far: {countries}. Write another country, or pick “Done”.", countries=named)
    return Say("Help for which countries? Write their names, one after the other. (3 of 4)")


def countries_options(sheet: Sheet) -> list[Option]:
    done = [Option("done", Say("Done"))] if sheet.draft("countries").get("picked") else []
    return [*done, Option("any", Say("Any country"))]


def pick_countries(sheet: Sheet, said: Said) -> Outcome:
    picked: Iterable[str] = sheet.draft("countries").get("picked", [])
    if "any" in said.tokens:
        return Value([ANY])
    if "done" in said.tokens and picked:
        return Value(list(picked))
    found = [country_picked(part) for part in listed(said.text)]
    return Draft({"picked": list(dict.fromkeys([*picked, *found]))})
