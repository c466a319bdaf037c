"""The forms of those who help: skills, an offer, a question about it, pairs of languages."""

from __future__ import annotations

from typing import Any

from bots.forms import Field, Form, Option, Outcome, Said, Sheet, Value
from bots.picking import (
    ask_countries,
    countries_options,
    language_named,
    languages_in,
    languages_offered,
    likely,
    one_of,
    pick_countries,
    pick_languages,
    pick_skills,
    picked,
    picked_languages_options,
    skill_options,
    suggested,
    text_only,
)
from core.actions import No, desk, offers, profile, translators
from core.countries import guess_country
from core.message import Code, Name, Notice, Say
from core.store import Book
from core.text import shortened


def read_skills(sheet: Sheet, text: str) -> dict[str, Any]:
    """The answers that one line gives, "press, English and Persian, Iran"; what it only suggests
    is a draft, and what it leaves open is asked."""
    language = sheet.languages.detect(text, [sheet.who.language])
    spoken = languages_in(text)
    for name in spoken.values():
        text = text.replace(name, " ")
    skills, countries = suggested(text, language), guess_country(text, language)
    answers: dict[str, Any] = {"skills?": skills}
    if skills["picked"]:
        answers["skills"] = skills["picked"]
    if spoken:
        answers["languages"] = list(spoken)
    if countries:  # where they are, or where they would help: asked, with these ticked
        answers["countries?"] = {"picked": countries}
    return answers


def _save_skills(book: Book, sheet: Sheet) -> list[Notice]:
    a = sheet.answers
    return profile.set_skills(
        book,
        sheet.who,
        skills=a["skills"],
        languages=a["languages"],
        countries=a["countries"],
        often=a["often"],
    )


SKILLS = Form(
    "skills",
    (
        Field(
            "skills",
            lambda _: Say(
                "What can you help with? Pick from the list, or write it in your own words."
                " (1 of 4)"
            ),
            pick_skills,
            skill_options,
        ),
        Field(
            "languages",
            lambda _: Say(
                "Which languages do you read and write well? Pick all, or write their names."
                " (2 of 4)"
            ),
            pick_languages,
            picked_languages_options,
        ),
        Field("countries", ask_countries, pick_countries, countries_options),
        Field(
            "often",
            lambda _: Say("How often may I write to you about needs? (4 of 4)"),
            one_of,
            lambda _: [
                Option("now", Say("At once, when somebody needs me")),
                Option("daily", Say("Once a day")),
                Option("never", Say("Never; I look myself")),
            ],
        ),
    ),
    _save_skills,
)


def _offer(book: Book, sheet: Sheet) -> list[Notice]:
    text = sheet.answers["text"]
    language = sheet.languages.detect(text, [sheet.who.language])
    return offers.offer(book, sheet.who, code=sheet.about["code"], text=text, language=language)


OFFER = Form(
    "offer",
    (
        Field(
            "text",
            lambda s: Say(
                "Your offer for {code}: write one or two sentences. Who you are in your profession,"
                " what you can do, and when. No name.",
                code=Code(s.about["code"]),
            ),
            text_only,
        ),
    ),
    _offer,
)

ASK = Form(
    "ask",
    (Field("text", lambda _: Say("Write it; I pass it on. No names."), text_only),),
    lambda book, s: offers.ask(book, s.who, offer=s.about["offer"], text=s.answers["text"]),
)


# ------------------------------------------------------------------------------------- a translator


def _source(sheet: Sheet, said: Said) -> Outcome:
    return Value(language_named(sheet, said))


def _targets(sheet: Sheet) -> list[str]:
    return [tag for tag in likely(sheet) if tag != sheet.answers["source"]]


def _target(sheet: Sheet, said: Said) -> Outcome:
    language = language_named(sheet, said)
    if language == sheet.answers["source"]:
        raise No(Say("Pick another language than the first."))
    return Value(language)


def _both(sheet: Sheet, said: Said) -> Outcome:
    return Value(picked(sheet, said) == "yes")


def _save_pair(book: Book, sheet: Sheet) -> list[Notice]:
    a = sheet.answers
    return translators.add_pair(
        book, sheet.who, source=a["source"], target=a["target"], both=a["both"]
    )


TRANSLATE = Form(
    "translate",
    (
        Field(
            "source",
            lambda _: Say("From which language do you translate? Pick one, or write its name."),
            _source,
            languages_offered(likely),
        ),
        Field(
            "target",
            lambda _: Say("Into which language? Pick one, or write its name."),
            _target,
            languages_offered(_targets),
        ),
        Field(
            "both",
            lambda s: Say(
                "And back, from {target} into {source}?",
                target=Name("language", s.answers["target"]),
                source=Name("language", s.answers["source"]),
            ),
            _both,
            lambda _: [Option("yes", Say("Yes")), Option("no", Say("No"))],
        ),
    ),
    _save_pair,
)


# ------------------------------------------------------------------------------------- the glossary

_LONGEST = 100
"""Characters of a term, and of its translation."""


def _pairs(sheet: Sheet) -> list[Option]:
    return [
        Option(
            f"{source}.{target}",
            Say("{source} → {target}", source=Name("language", source),
                target=Name("language", target)),
        )
        for source, target in sheet.about["pairs"]
    ]  # fmt: skip


def _term(sheet: Sheet, said: Said) -> Outcome:
    written = text_only(sheet, said)
    assert isinstance(written, Value)
    return Value(shortened(" ".join(written.value.split()), _LONGEST))


def _meaning(sheet: Sheet, said: Said) -> Outcome:
    return Value("") if said.tokens else _term(sheet, said)


def _agree(book: Book, sheet: Sheet) -> list[Notice]:
    a = sheet.answers
    source, _, target = (a.get("pair") or ".".join(sheet.about["pairs"][0])).partition(".")
    return desk.agree(
        book, sheet.who, source=source, target=target, term=a["term"], meaning=a["meaning"]
    )


TERM = Form(
    "term",
    (
        Field(
            "pair",
            lambda _: Say("For which languages?"),
            one_of,
            _pairs,
            lambda s: len(s.about["pairs"]) > 1,
        ),
        Field("term", lambda _: Say("Write the word or the name as it stands in messages."), _term),
        Field(
            "meaning",
            lambda s: Say("How is {term} to be translated?", term=s.answers["term"]),
            _meaning,
            # Translators: a button: a word is no longer in the list of agreed words
            lambda _: [Option("remove", Say("Take it off the list"))],
        ),
    ),
    _agree,
)
