"""The form of a need: own words, which help, which country, who may read it, and the preview."""

from __future__ import annotations

from typing import Any

from bots.forms import Change, Draft, Field, Form, Option, Outcome, Said, Sheet, Value
from bots.picking import (
    ask_country,
    countries_of,
    country_options,
    language_named,
    languages_offered,
    likely,
    one_of,
    pick_country,
    pick_skills,
    picked,
    skill_options,
    suggested,
    words,
)
from core import routes
from core.actions import No
from core.actions.needs import post_need
from core.message import Notice, Quote, Say, Sayable, lines, paragraphs
from core.needs import headline
from core.people import NEW, VERIFIED, VOUCHED
from core.store import Book
from core.text import finds


def read_need(sheet: Sheet, text: str) -> dict[str, Any]:
    """What follows from the words: their language, skills and countries to propose."""
    language = sheet.languages.detect(text, [sheet.who.language])
    found: dict[str, Any] = {"text": text, "language": language}
    if "skills" not in sheet.answers:
        found["skills?"] = suggested(text, language)
    if "country" not in sheet.answers:
        found["country?"] = {"offered": countries_of(text, language)}
    return found


def guessed(sheet: Sheet, text: str, audience: int) -> dict[str, Any]:
    """As many answers as the words give, for a need in one line: it goes to the preview, or to the
    question which help it is."""
    answers = read_need(sheet, text)
    skills = answers["skills?"]
    if found := skills["picked"]:
        answers["skills"] = found
    countries = answers["country?"]["offered"]
    return {**answers, "country": countries[0] if countries else "", "audience": audience}


def _text(sheet: Sheet, said: Said) -> Outcome:
    text = words(sheet, said)
    return Value(text, read_need(sheet, text))


AUDIENCES = (
    (VOUCHED, Say("People others vouched for")),
    (VERIFIED, Say("Verified people only")),
    (NEW, Say("Everyone with the skill")),
)


def _audience(sheet: Sheet, said: Said) -> Outcome:
    return Value(int(picked(sheet, said)))


def _preview(sheet: Sheet) -> Sayable:
    answers = sheet.answers
    if sheet.draft("confirm").get("step"):
        return Say("What do you want to change?")
    seen = next(label for level, label in AUDIENCES if level == answers["audience"])
    sealed = Say(
        "If it could endanger somebody, post it encrypted only. It then goes only through encrypted"
        " chats, and reaches fewer people."
    )
    careful = Say("⚠ It seems to name an account, a number or an address. Better take that out.")
    return paragraphs(
        Say("This is what they will see:"),
        lines(
            headline(tuple(answers["skills"]), answers["country"], answers["language"]),
            Quote(answers["text"]),
        ),
        Say("Who may read it: {who}", who=seen),
        careful if finds(answers["text"]) else None,
        None if sheet.route is None else sealed,
    )


def _preview_options(sheet: Sheet) -> list[Option]:
    if sheet.draft("confirm").get("step"):
        return [
            # Translators: these answer "What do you want to change?"
            Option("skills", Say("The help")),
            Option("country", Say("The country")),
            Option("audience", Say("Who may read it")),
            Option("language", Say("The language it is written in")),
            Option("less", Say("Back to the preview")),
        ]
    encrypted = [] if sheet.route is None else [Option("sealed", Say("🔒 Post it, encrypted only"))]
    return [
        Option("yes", Say("Post it")),
        *encrypted,
        Option("text", Say("Change the text")),
        Option("more", Say("Change something else")),
        Option("/cancel", Say("Cancel")),
    ]


def _confirm(sheet: Sheet, said: Said) -> Outcome:
    token = picked(sheet, said, Say("Pick “Post it” if this is right, or change it."))
    if token in ("more", "less"):
        return Draft({"step": "more" if token == "more" else ""})
    if token == "sealed" and not sheet.route:
        raise No(
            Say(
                "🔒 Not from here: the server of this chat can read it. Go on in an encrypted chat"
                " with me. What you have written comes along."
            ),
            routes.HOW,
        )
    if token == "sealed":
        return Value(True, {"sensitive": True})
    return Value(True) if token == "yes" else Change(token)


def _language(sheet: Sheet, said: Said) -> Outcome:
    return Value(language_named(sheet, said))


def _post(book: Book, sheet: Sheet) -> list[Notice]:
    a = sheet.answers
    return post_need(
        book,
        sheet.who,
        text=a["text"],
        skills=a["skills"],
        country=a["country"],
        audience=a["audience"],
        language=a["language"],
        days=sheet.need_days,
        sensitive=a.get("sensitive", False),
    )


NEED = Form(
    "need",
    (
        Field(
            "text",
            lambda _: Say(
                "What do you need? Write it in your own words, in any language."
                " Leave out names, addresses and phone numbers."
            ),
            _text,
        ),
        Field(
            "skills",
            lambda _: Say("Which help is this? Pick all that fit. (2 of 4)"),
            pick_skills,
            skill_options,
        ),
        Field("country", ask_country, pick_country, country_options),
        Field(
            "audience",
            lambda _: Say("Who may read it? (4 of 4)"),
            _audience,
            lambda _: [Option(str(level), label) for level, label in AUDIENCES],
        ),
        Field(
            "language",
            lambda _: Say("Which language is it written in? Pick one, or write its name."),
            _language,
            languages_offered(likely),
            # it follows from the words: asked only when she wants to change it
            when=lambda s: "language" not in s.answers,
        ),
        Field("confirm", _preview, _confirm, _preview_options),
    ),
    _post,
)

# Somebody wrote a sentence to the bot, and nothing was open: it is kept while they are asked.
INTENT = Form(
    "intent",
    (
        Field(
            "what",
            lambda s: lines(Quote(s.about["text"]), Say("Is this something you need help with?")),
            one_of,
            lambda _: [
                Option("need", Say("Yes, ask for help")),
                Option("skills", Say("I want to help")),
                Option("menu", Say("No, show me the menu")),
            ],
        ),
    ),
    lambda book, sheet: [],
)
