"""Every form, by name; here also the small ones: language, close, leave, forget, report, and what
was meant."""

from __future__ import annotations

from bots.asking import INTENT, NEED
from bots.forms import Field, Form, Option, Outcome, Said, Sheet, Value
from bots.helping import ASK, OFFER, SKILLS, TERM, TRANSLATE
from bots.own_words import FREEZE, PANIC, UNSET
from bots.picking import language_named, one_of, text_only
from core.actions import No, belonging, parting, profile
from core.actions.needs import close_need
from core.message import Code, Joined, Name, Say, Sayable, Word, dots
from core.packing import unpack

_CANCEL = Option("/cancel", Say("Cancel"))


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
            lambda s: [
                Option(tag, s.languages.name("language", tag, tag)) for tag in s.languages.enabled
            ],
        ),
    ),
    lambda book, s: profile.set_language(book, s.who, language=s.answers["language"]),
)

CLOSE = Form(
    "close",
    (
        Field(
            "sure",
            lambda s: Say("Close the need {code}?", code=Code(s.about["code"])),
            one_of,
            lambda _: [
                # Translators: a button: close the need
                Option("close", Say("Close it")),
                Option("/cancel", Say("Keep it open")),
            ],
        ),
    ),
    lambda book, s: close_need(book, s.who, s.about["code"]),
)

LEAVE = Form(
    "leave",
    (
        Field(
            "sure",
            lambda s: Say(
                "End the conversation with {name} about {code}? It can't be opened again.",
                name=Name("pseudonym", s.about["name"]),
                code=Code(s.about["code"]),
            ),
            one_of,
            # Translators: buttons under "End the conversation with {name}?"
            lambda _: [Option("end", Say("End it")), Option("/cancel", Say("Go on talking"))],
        ),
    ),
    lambda book, s: parting.leave(book, s.who, s.about["id"]),
)

FORGET = Form(
    "forget",
    (
        Field(
            "sure",
            lambda s: Say("{what}", what=unpack(s.about["what"])),
            one_of,
            lambda _: [
                Option("forget", Say("Forget everything")),
                # Translators: a button beside "Forget everything"
                Option("/cancel", Say("Keep")),
            ],
        ),
    ),
    lambda book, s: belonging.forget(book, s.who),
)


# ------------------------------------------------------------------------------------- about whom


def _each(sheet: Sheet) -> list[Option]:
    return [
        Option(c["id"], dots(Name("pseudonym", c["name"]), Code(c["code"])))
        for c in sheet.about["conversations"]
    ]


# A message that might be meant for several conversations; it is kept until that is clear.
WHOM = Form(
    "whom",
    (Field("whom", lambda _: Say("To whom?"), one_of, _each),),
    lambda book, sheet: [],
)

REPORT = Form(
    "report",
    (
        Field("whom", lambda _: Say("Whom do you report?"), one_of, lambda s: [*_each(s), _CANCEL]),
        Field(
            "text",
            lambda _: Say("What happened? The moderators read it; the other side does not."),
            text_only,
        ),
    ),
    lambda book, s: parting.report(
        book, s.who, conversation=s.answers["whom"], text=s.answers["text"]
    ),
)

BLOCK = Form(
    "block",
    (Field("whom", lambda _: Say("Whom do you block?"), one_of, lambda s: [*_each(s), _CANCEL]),),
    lambda book, s: parting.block(book, s.who, s.answers["whom"]),
)


# ------------------------------------------------------------------------------------ did you mean


def _meant(sheet: Sheet) -> Sayable:
    word, _, rest = sheet.about["run"].partition(" ")
    return Say(
        "Did you mean {command}?",
        command=Joined(" ", (Word(word), Code(rest))) if rest else Word(word),
    )


def _either(sheet: Sheet) -> list[Option]:
    no = Say("No, show me the menu")
    if name := sheet.about.get("name"):
        no = Say("No, send it to {name}", name=Name("pseudonym", name))
    return [Option("yes", Say("Yes")), Option("no", no)]


# A mistyped command: asked about, never run and never relayed unasked.
MEANT = Form("meant", (Field("meant", _meant, one_of, _either),), lambda book, sheet: [])

FORMS = {
    form.name: form
    for form in (
        NEED, INTENT, SKILLS, OFFER, ASK, TERM, TRANSLATE, LANGUAGE, CLOSE, LEAVE, FORGET, WHOM,
        REPORT, BLOCK, MEANT, PANIC, FREEZE, UNSET,
    )
}  # fmt: skip
