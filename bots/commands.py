"""The table of commands: word -> form or action, who may say it, its line in the help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bots import questions
from bots.forms import Form, Said, Sheet, Value
from bots.turn import Turn
from core import pseudonyms
from core.actions import No, belonging, offers, talking, translating
from core.actions import needs as actions
from core.message import Choice, Code, Joined, Say, Sayable, Word, lines, pack, paragraphs
from core.needs import by_code
from core.people import MODERATOR, NEW, VOUCHED
from core.words import code, commands, fold


@dataclass(frozen=True)
class Command:
    """run gets the turn and what followed the word. line: shown in the help to those with trust."""

    run: Callable[[Turn, str], None]
    line: Say | None = None
    trust: int = NEW


MENU = (
    Choice("need", Say("I need help")),
    Choice("skills", Say("I want to help")),
    Choice("translate", Say("I can translate")),
    Choice("language", Say("Language")),
)


# ------------------------------------------------------------------------------------- showing


def greet(turn: Turn) -> None:
    """The first message: what this is, who else can read it, what to do. Two short paragraphs."""
    who = Say(
        "{community} connects people who need help to stand up for their rights with people who can"
        " help. Nobody here sees your name, number or account.",
        community=turn.community.name,
    )
    turn.say(paragraphs(who, who_reads(turn)), MENU)


def who_reads(turn: Turn) -> Sayable:
    reader = turn.community.readers.get(turn.inbound.sender.platform, "server")
    if turn.inbound.encrypted:
        return Say("🔒 Only you and this gateway can read this.")
    if reader == "telegram":
        return Say(
            "⚠ Telegram can read what you write to me. For anything that could endanger someone,"
            " use Matrix or XMPP on a server that you trust."
        )
    return Say("⚠ The server that you use can read what you write to me. Use one that you trust.")


def show_help(turn: Turn, _: str = "") -> None:
    known = [
        Joined(" ", (Word(id), Say("– {what}", what=c.line)))
        for id, c in COMMANDS.items()
        if c.line and turn.who.trust >= c.trust
    ]
    turn.say(lines(Say("What you can do:"), *known), MENU)


def show_safety(turn: Turn, _: str) -> None:
    turn.say(
        paragraphs(
            who_reads(turn),
            Say(
                "The people you talk with see a name made for one conversation, your words, your"
                " trust and your languages. Never your account, number or messenger."
            ),
            Say(
                "This gateway can read what passes through it. Leave out names, places and numbers"
                " that you would not want found."
            ),
            Say("“{forget}” wipes everything at any time.", forget=Word("forget")),
        )
    )


# ------------------------------------------------------------------------------------- needs


def need(turn: Turn, text: str) -> None:
    """With a text: everything is guessed, and the preview shows it."""
    if not text:
        return turn.open(questions.NEED)
    sheet = Sheet(turn.who, turn.languages, {}, {})
    try:
        outcome = questions.need_text(sheet, Said(text))
    except No:
        return turn.open(questions.NEED)
    assert isinstance(outcome, Value)
    answers: dict[str, Any] = {"text": outcome.value, **outcome.also}
    answers["audience"] = turn.community.audience
    draft = answers.pop("skills?")
    if picked := draft["picked"] or draft["offered"][:1]:
        answers["skills"] = picked
    else:
        answers["skills?"] = draft
    offered = answers.pop("country?")["offered"]
    answers["country"] = offered[0] if offered else ""
    return turn.open(questions.NEED, answers=answers)


def offer(turn: Turn, rest: str) -> None:
    word, _, text = rest.partition(" ")
    found = needed_code(word)
    actions.check_may_offer(turn.book, turn.who, found)
    if not text.strip():
        return turn.open(questions.OFFER, {"code": found})
    language = turn.languages.detect(text, [turn.who.language])
    turn.tell(offers.offer(turn.book, turn.who, code=found, text=text.strip(), language=language))
    return None


def needed_code(typed: str) -> str:
    """Raises No."""
    if not typed:
        raise No(lines(Say("Which need? Write its code, like this:"), Code("offer 7KQ")))
    found = code(typed)
    if found is None:
        raise No(Say("There is no open need {code}. It may be closed.", code=typed[:20]))
    return found


def close(turn: Turn, rest: str) -> None:
    found = needed_code(rest)
    need = by_code(turn.book, found)
    if need is None or (need.person != turn.who.id and turn.who.trust < MODERATOR):
        raise No(Say("You have no need {code}.", code=Code(found)))
    turn.open(questions.CLOSE, {"code": found})


def ask(turn: Turn, rest: str) -> None:
    offers.asked_about(turn.book, turn.who, rest)
    turn.open(questions.ASK, {"offer": rest})


# ------------------------------------------------------------------------------------- people


def translate(turn: Turn, rest: str) -> None:
    """`translate Persian English` goes straight to the question whether back as well."""
    named = [tag for word in rest.replace(",", " ").split() if (tag := commands().language(word))]
    if len(named) >= 2 and named[0] != named[-1]:
        return turn.open(questions.TRANSLATE, answers={"source": named[0], "target": named[-1]})
    return turn.open(questions.TRANSLATE)


def language(turn: Turn, rest: str) -> None:
    tag = commands().language(rest) if rest else None
    if tag in turn.languages.enabled:
        turn.tell(belonging.set_language(turn.book, turn.who, language=tag))
    else:
        turn.open(questions.LANGUAGE)


def talk(turn: Turn, rest: str) -> None:
    if not rest:
        return turn.tell(talking.list_conversations(turn.book, turn.who))
    found = whose(turn, rest)
    if found is None:
        return turn.tell(talking.list_conversations(turn.book, turn.who))
    return turn.tell(talking.choose(turn.book, turn.who, found))


def whose(turn: Turn, typed: str) -> str | None:
    """The conversation that a pseudonym, a need's code or an id names."""
    open_ones = talking.conversations(turn.book, turn.who.id)
    if any(c.id == typed for c in open_ones):
        return typed
    name = pseudonyms.matches(typed, [c.name for c in open_ones])
    named = [c.id for c in open_ones if c.name == name or c.code == code(typed)]
    return named[0] if len(named) == 1 else None


def _about_one(turn: Turn, form: Form, rest: str) -> None:
    """A form about the other side of a conversation; which one is asked unless it is clear."""
    found = talking.conversations(turn.book, turn.who.id)
    if not found:
        raise No(Say("You have no open conversation."))
    about = {"conversations": [{"id": c.id, "name": c.name, "code": c.code} for c in found]}
    chosen = whose(turn, rest) if rest else (found[0].id if len(found) == 1 else None)
    only_one = chosen and form.name == "report"
    turn.open(form, about, {"whom": chosen} if only_one or (chosen and rest) else {})


def _trust(kind: str) -> Callable[[Turn, str], None]:
    def run(turn: Turn, rest: str) -> None:
        typed = fold(rest).upper()
        if not rest:
            turn.tell(belonging.hand_out(turn.book, turn.who, kind))
        elif (found := whose(turn, rest)) is not None:
            turn.tell(belonging.raise_for(turn.book, turn.who, kind, found))
        else:
            turn.tell(belonging.take_code(turn.book, turn.who, kind, typed))

    return run


def link(turn: Turn, rest: str) -> None:
    if not rest:
        return turn.tell(belonging.hand_out(turn.book, turn.who, "link"))
    return turn.tell(belonging.link(turn.book, turn.who, fold(rest).upper()))


def forget(turn: Turn, _: str) -> None:
    turn.open(questions.FORGET, {"what": pack(belonging.holdings(turn.book, turn.who))})


def stats(turn: Turn, _: str) -> None:
    if turn.who.trust < MODERATOR:
        raise No(Say("Only moderators can do this."))
    counted = belonging.counts(turn.book)
    turn.say(
        lines(
            Say(
                "Needs: {open} open, {all} in all",
                open=counted["open needs"],
                all=counted["needs in all"],
            ),
            Say("People: {n}", n=counted["people"]),
            Say("Offers: {n}", n=counted["offers"]),
            Say("Open conversations: {n}", n=counted["open conversations"]),
        )
    )


def _on(action: Callable[..., list[Any]]) -> Callable[[Turn, str], None]:
    """An action about one thing, named by what followed the word."""
    return lambda turn, rest: turn.tell(action(turn.book, turn.who, rest))


def _plain(action: Callable[..., list[Any]]) -> Callable[[Turn, str], None]:
    return lambda turn, rest: turn.tell(action(turn.book, turn.who))


COMMANDS: dict[str, Command] = {
    "need": Command(need, Say("ask for help")),
    "needs": Command(_plain(actions.list_needs), Say("open needs that you could answer")),
    "offer": Command(offer, Say("offer help with a need, by its code")),
    "skills": Command(
        lambda turn, rest: turn.open(questions.SKILLS), Say("what you can help with, and how often")
    ),
    "translate": Command(translate, Say("the languages between which you translate")),
    "mine": Command(_plain(belonging.overview), Say("your needs and conversations")),
    "talk": Command(talk, Say("choose whom you write to")),
    "language": Command(language, Say("the language that I write")),
    "safety": Command(show_safety, Say("who can read what")),
    "link": Command(link, Say("use a second messenger")),
    "vouch": Command(_trust("vouch"), Say("say that you trust somebody"), VOUCHED),
    "verify": Command(_trust("verify"), Say("verify somebody"), MODERATOR),
    "queue": Command(_plain(belonging.queue), Say("what was reported"), MODERATOR),
    "stats": Command(stats, Say("how much is going on"), MODERATOR),
    "close": Command(close, Say("close a need")),
    "block": Command(
        lambda turn, rest: _about_one(turn, questions.BLOCK, rest), Say("never meet somebody again")
    ),
    "report": Command(
        lambda turn, rest: _about_one(turn, questions.REPORT, rest), Say("tell the moderators")
    ),
    "stop": Command(_plain(belonging.stop), Say("no more alerts")),
    "forget": Command(forget, Say("wipe everything about you")),
    "help": Command(show_help),
    # On buttons only: each names one thing that was shown.
    "accept": Command(_on(offers.accept)),
    "decline": Command(_on(offers.decline)),
    "ask": Command(ask),
    "pass": Command(_on(actions.decline_alert)),
    "why": Command(_on(actions.explain_alert)),
    "keep": Command(_on(actions.keep_need)),
    "leave": Command(_on(talking.leave)),
    "join": Command(_on(translating.join)),
    "notnow": Command(_on(translating.not_now)),
    "suspend": Command(_on(belonging.suspend), trust=MODERATOR),
    "dismiss": Command(_on(belonging.dismiss), trust=MODERATOR),
}
