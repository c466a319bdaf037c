"""Every form: its questions, the answers offered, and the action at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bots.forms import Change, Draft, Field, Form, Option, Outcome, Said, Sheet, Value
from bots.picking import (
    LANGUAGES,
    countries_of,
    country_picked,
    language_named,
    language_options,
    pick_country,
    pick_languages,
    pick_skills,
    picked_languages_options,
    skill_options,
    suggested,
)
from core.actions import No, belonging, offers, talking, translating
from core.actions.needs import close_need, post_need
from core.message import (
    Code,
    Joined,
    Name,
    Notice,
    Quote,
    Say,
    Sayable,
    lines,
    paragraphs,
    unpack,
)
from core.needs import headline
from core.people import NEW, VERIFIED, VOUCHED
from core.store import Book
from core.text import finds, only_emoji


def words(sheet: Sheet, said: Said) -> str:
    """What was written, if it holds anything to read. Raises No."""
    text = said.text.strip()
    if not text or only_emoji(text):
        raise No(Say("Please write it in words."))
    return text


def text_only(sheet: Sheet, said: Said) -> Outcome:
    return Value(words(sheet, said))


def one_of(sheet: Sheet, said: Said, why: Say) -> str:
    """The picked token. Raises No when words came instead."""
    if not said.tokens:
        raise No(why)
    return said.tokens[0]


PICK = Say("Please pick one of these.")


# ------------------------------------------------------------------------------------- a need


def _ask_text(sheet: Sheet) -> Sayable:
    return Say(
        "What do you need? Write it in your own words, in any language."
        " Leave out names, addresses and phone numbers."
    )


def need_text(sheet: Sheet, said: Said) -> Outcome:
    """The words, and what follows from them: their language, skills and countries to propose."""
    text = words(sheet, said)
    language = sheet.languages.detect(text, [sheet.who.language])
    also: dict[str, Any] = {"language": language}
    if "skills" not in sheet.answers:
        also["skills?"] = suggested(text, language)
    if "country" not in sheet.answers:
        also["country?"] = {"offered": countries_of(text, language)}
    return Value(text, also)


def _ask_skills(sheet: Sheet) -> Sayable:
    return Say("Which help is this? Pick all that fit. (2 of 4)")


def _ask_country(sheet: Sheet) -> Sayable:
    if sheet.draft("country").get("typing"):
        return Say("Write the name of the country.")
    return Say("Which country is it about? (3 of 4)")


def _country_options(sheet: Sheet) -> list[Option]:
    draft = sheet.draft("country")
    if draft.get("typing"):
        return [Option("none", Say("Rather not say"))]
    offered = [Option(f"c.{code}", Name("country", code)) for code in draft.get("offered", ())]
    return [
        *offered,
        Option("typing", Say("Another country") if offered else Say("Name the country")),
        Option("none", Say("Rather not say")),
    ]


AUDIENCES = (
    (VOUCHED, Say("People others vouched for")),
    (VERIFIED, Say("Verified people only")),
    (NEW, Say("Everyone with the skill")),
)


def _audience(sheet: Sheet, said: Said) -> Outcome:
    return Value(int(one_of(sheet, said, PICK)))


def _preview(sheet: Sheet) -> Sayable:
    answers = sheet.answers
    if sheet.draft("confirm").get("more"):
        return Say("What do you want to change?")
    careful = finds(answers["text"])
    seen = next(label for level, label in AUDIENCES if level == answers["audience"])
    return paragraphs(
        Say("This is what they will see:"),
        lines(
            headline(tuple(answers["skills"]), answers["country"], answers["language"]),
            Quote(answers["text"]),
        ),
        Say("Who may read it: {who}", who=seen),
        Say("⚠ It seems to name an account, a number or an address. Better take that out.")
        if careful
        else None,
    )


def _preview_options(sheet: Sheet) -> list[Option]:
    if sheet.draft("confirm").get("more"):
        return [
            Option("skills", Say("The help")),
            Option("country", Say("The country")),
            Option("audience", Say("Who may read it")),
            Option("language", Say("The language it is written in")),
            Option("less", Say("Back to the preview")),
        ]
    return [
        Option("post", Say("Post it")),
        Option("text", Say("Change the text")),
        Option("more", Say("Change something else")),
        Option("/cancel", Say("Cancel")),
    ]


def _confirm(sheet: Sheet, said: Said) -> Outcome:
    token = one_of(sheet, said, Say("Pick “Post it” if this is right, or change it."))
    if token in ("more", "less"):
        return Draft({"more": token == "more"})
    return Value(True) if token == "post" else Change(token)


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
    )


NEED = Form(
    "need",
    (
        Field("text", _ask_text, need_text),
        Field("skills", _ask_skills, pick_skills, skill_options),
        Field("country", _ask_country, pick_country, _country_options),
        Field(
            "audience",
            lambda _: Say("Who may read it? (4 of 4)"),
            _audience,
            lambda _: [Option(str(level), label) for level, label in AUDIENCES],
        ),
        Field(
            "language",
            lambda _: Say("Which language is it written in?"),
            _language,
            language_options(LANGUAGES),
        ),
        Field("confirm", _preview, _confirm, _preview_options),
    ),
    _post,
)


def _is_it_a_need(sheet: Sheet, said: Said) -> Outcome:
    return Value(one_of(sheet, said, PICK))


# Somebody wrote a sentence to the bot, and nothing was open: it is kept while they are asked.
INTENT = Form(
    "intent",
    (
        Field(
            "what",
            lambda s: lines(Quote(s.about["text"]), Say("Is this something you need help with?")),
            _is_it_a_need,
            lambda _: [
                Option("need", Say("Yes, ask for help")),
                Option("/help", Say("No, show me the menu")),
            ],
        ),
    ),
    lambda book, sheet: [],
)


# ------------------------------------------------------------------------------------- a volunteer


def _ask_countries(sheet: Sheet) -> Sayable:
    picked = sheet.draft("countries").get("picked", [])
    if picked:
        named = Joined(", ", tuple(Name("country", code) for code in picked))
        return Say("So far: {countries}. Write another country, or pick “Done”.", countries=named)
    return Say("Help for which countries? Write their names, one after the other. (3 of 4)")


def _countries_options(sheet: Sheet) -> list[Option]:
    if sheet.draft("countries").get("picked"):
        return [Option("done", Say("Done"))]
    return [Option("any", Say("Any country"))]


def _countries(sheet: Sheet, said: Said) -> Outcome:
    picked = list(sheet.draft("countries").get("picked", []))
    if "any" in said.tokens:
        return Value(["*"])
    if "done" in said.tokens and picked:
        return Value(picked)
    found = [
        country_picked(part) for part in said.text.replace("،", ",").split(",") if part.strip()
    ]
    return Draft({"picked": list(dict.fromkeys([*picked, *found]))})


def _often(sheet: Sheet, said: Said) -> Outcome:
    return Value(one_of(sheet, said, PICK))


def _save_skills(book: Book, sheet: Sheet) -> list[Notice]:
    a = sheet.answers
    return belonging.set_skills(
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
            lambda _: Say("Which languages do you read and write well? Pick all. (2 of 4)"),
            pick_languages,
            picked_languages_options,
        ),
        Field("countries", _ask_countries, _countries, _countries_options),
        Field(
            "often",
            lambda _: Say("How often may I write to you about needs? (4 of 4)"),
            _often,
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


def _pair(which: str) -> Callable[[Sheet, Said], Outcome]:
    def parse(sheet: Sheet, said: Said) -> Outcome:
        language = language_named(sheet, said)
        if which == "target" and language == sheet.answers["source"]:
            raise No(Say("Pick another language than the first."))
        return Value(language)

    return parse


def _both(sheet: Sheet, said: Said) -> Outcome:
    return Value(one_of(sheet, said, PICK) == "yes")


def _save_pair(book: Book, sheet: Sheet) -> list[Notice]:
    a = sheet.answers
    return translating.add_pair(
        book, sheet.who, source=a["source"], target=a["target"], both=a["both"]
    )


TRANSLATE = Form(
    "translate",
    (
        Field(
            "source",
            lambda _: Say("From which language do you translate?"),
            _pair("source"),
            language_options(LANGUAGES),
        ),
        Field(
            "target",
            lambda _: Say("Into which language?"),
            _pair("target"),
            language_options(LANGUAGES),
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


# ------------------------------------------------------------------------------------- the rest


def _interface(sheet: Sheet, said: Said) -> Outcome:
    language = language_named(sheet, said)
    if language not in sheet.languages.enabled:
        raise No(Say("I don't write that language yet. Pick one of these."))
    return Value(language)


LANGUAGE = Form(
    "language",
    (
        Field(
            "language",
            lambda _: Say("Which language shall I write?"),
            _interface,
            language_options(None),
        ),
    ),
    lambda book, s: belonging.set_language(book, s.who, language=s.answers["language"]),
)

CLOSE = Form(
    "close",
    (
        Field(
            "sure",
            lambda s: Say("Close your need {code}?", code=Code(s.about["code"])),
            _is_it_a_need,
            lambda _: [
                Option("helped", Say("Close it, I was helped")),
                Option("other", Say("Close it, it is not needed any more")),
                Option("/cancel", Say("Keep it open")),
            ],
        ),
    ),
    lambda book, s: close_need(book, s.who, s.about["code"]),
)

FORGET = Form(
    "forget",
    (
        Field(
            "sure",
            lambda s: Say("{what}", what=unpack(s.about["what"])),
            _is_it_a_need,
            lambda _: [
                Option("forget", Say("Forget everything")),
                Option("/cancel", Say("Keep")),
            ],
        ),
    ),
    lambda book, s: belonging.forget(book, s.who),
)


def _about_whom(sheet: Sheet) -> list[Option]:
    return [Option(c["id"], _title(c)) for c in sheet.about["conversations"]]


def _title(conversation: dict[str, str]) -> Sayable:
    return Joined(" · ", (Name("pseudonym", conversation["name"]), Code(conversation["code"])))


# A message that might be meant for several conversations; it is kept until that is clear.
WHOM = Form(
    "whom",
    (Field("whom", lambda _: Say("To whom?"), _is_it_a_need, _about_whom),),
    lambda book, sheet: [],
)

REPORT = Form(
    "report",
    (
        Field("whom", lambda _: Say("Whom do you report?"), _is_it_a_need, _about_whom),
        Field(
            "text",
            lambda _: Say("What happened? The moderators read it; the other side does not."),
            text_only,
        ),
    ),
    lambda book, s: talking.report(
        book, s.who, conversation=s.answers["whom"], text=s.answers["text"]
    ),
)

BLOCK = Form(
    "block",
    (Field("whom", lambda _: Say("Whom do you block?"), _is_it_a_need, _about_whom),),
    lambda book, s: talking.block(book, s.who, s.answers["whom"]),
)


def _meant(sheet: Sheet) -> list[Option]:
    no = Say("No, show me the menu")
    if name := sheet.about.get("name"):
        no = Say("No, send it to {name}", name=Name("pseudonym", name))
    return [Option("yes", Say("Yes")), Option("no", no)]


# A mistyped command: asked about, never run and never relayed unasked.
MEANT = Form(
    "meant",
    (
        Field(
            "meant",
            lambda s: Say("Did you mean {command}?", command=Code(s.about["command"])),
            _is_it_a_need,
            _meant,
        ),
    ),
    lambda book, sheet: [],
)

FORMS = {
    form.name: form
    for form in (
        NEED, INTENT, SKILLS, OFFER, ASK, TRANSLATE, LANGUAGE, CLOSE, FORGET, WHOM, REPORT, BLOCK,
        MEANT,
    )
}  # fmt: skip
