"""The table of commands: word -> form or action, who may say it, its line in the help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bots import asking, helping, questions, safety
from bots.forms import Form
from bots.greeting import MENU, UNVOUCHED
from bots.turn import Turn
from core import people, pseudonyms
from core.actions import (
    No,
    agreeing,
    alerts,
    belonging,
    confirming,
    desk,
    drafting,
    moderation,
    needs,
    offers,
    profile,
    prompting,
    seeing,
    talking,
    translators,
    trust,
)
from core.message import Choice, Code, Joined, Say, Word, lines
from core.needs import by_code
from core.packing import pack
from core.people import MODERATOR, NEW, VOUCHED
from core.text import only_emoji
from core.words import code, commands, handed


@dataclass(frozen=True)
class Command:
    """run gets the turn and what followed the word, and may raise No. line: shown in the help to
    those with this trust."""

    run: Callable[[Turn, str], None]
    line: Say | None = None
    trust: int = NEW


# ------------------------------------------------------------------------------------- showing


def show_help(turn: Turn, rest: str = "") -> None:
    """Few commands, those that fit what this person does here; the others behind “More”."""
    if talking.conversations(turn.book, turn.who.id):
        few: tuple[str, ...] = ("talk", "mine", "block", "report")
    elif turn.who.trust == MODERATOR:
        few = ("queue", "verify", "vouch", "stats")
    else:
        few = ("needs", "mine", "safety", "forget")
    more = rest == "more"
    known = [
        # Translators: after a command word; {what} is one of the lines that begin in small letters
        Joined(" ", (Word(id), Say("– {what}", what=c.line)))
        for id, c in COMMANDS.items()
        if c.line and turn.who.trust >= c.trust and (id in few) is not more
    ]
    if more:
        turn.say(lines(Say("You can also write:"), *known))
    else:
        # Translators: a button: the rest of the commands
        choices = (*MENU, Choice("help more", Say("More")))
        turn.say(lines(Say("You can write, or pick:"), *known), choices)


def where_they_are(turn: Turn, why: Say) -> None:
    """Something has passed: says so, and where they are now."""
    if form := turn.open_form():
        return turn.ask_again(form, why)
    focus = talking.in_focus(turn.book, turn.who)
    if isinstance(focus, talking.Conversation):
        here = Say("You are talking with {name}. Just write.", name=focus.title())
        return turn.say(lines(why, here))
    # Translators: a button: the rest of the commands
    choices = (*MENU, Choice("help more", Say("More")))
    return turn.say(lines(why, Say("What do you want to do?")), choices)


# ------------------------------------------------------------------------------------- needs


def need(turn: Turn, text: str) -> None:
    """With a text: everything is guessed, and the preview shows it."""
    text = text.strip()
    if not text or only_emoji(text):
        return turn.open(asking.NEED)
    answers = asking.guessed(turn.sheet({}, {}), text, turn.community.audience)
    return turn.open(asking.NEED, answers=answers)


def offer(turn: Turn, rest: str) -> None:
    typed, _, text = rest.partition(" ")
    if not typed:
        return turn.tell(seeing.list_needs(turn.book, turn.who))
    found = code(typed)
    if found is None:
        say = Say("There is no open need {code}. It may be closed.", code=typed[:20])
        raise No(say, (seeing.SEE_NEEDS,))
    seeing.check_may_offer(turn.book, turn.who, found)
    if not text.strip():
        return turn.open(helping.OFFER, {"code": found})
    language = turn.languages.detect(text, [turn.who.language])
    turn.tell(offers.offer(turn.book, turn.who, code=found, text=text.strip(), language=language))
    return None


def close(turn: Turn, rest: str) -> None:
    if not rest:
        return turn.tell(profile.overview(turn.book, turn.who))
    found = code(rest)
    need = by_code(turn.book, found) if found else None
    if need is None or (need.person != turn.who.id and turn.who.trust < MODERATOR):
        raise No(Say("You have no need {code}.", code=rest[:20]), (seeing.SEE_MINE,))
    if need.state != "open":
        raise No(Say("{code} is closed already.", code=Code(need.code)), (seeing.SEE_MINE,))
    return turn.open(questions.CLOSE, {"code": need.code})


def leave(turn: Turn, rest: str) -> None:
    if translators.translates(turn.book, turn.who, rest):
        return turn.tell(translators.resign(turn.book, turn.who, rest))
    seen = talking.open_to(turn.book, turn.who.id, rest)
    return turn.open(questions.LEAVE, {"id": seen.id, "name": seen.name, "code": seen.code})


def ask(turn: Turn, rest: str) -> None:
    offers.asked_about(turn.book, turn.who, rest)
    turn.open(helping.ASK, {"offer": rest})


# ------------------------------------------------------------------------------------- people


def skills(turn: Turn, text: str) -> None:
    """Whoever said it before starts from that; what a text says is not asked."""
    able, places = profile.skills_of(turn.book, turn.who)
    said = {
        "skills": able,
        "languages": people.reads(turn.book, turn.who.id) if able else [turn.who.language],
        "countries": [place for place in places if place != people.ANY],
    }
    answers: dict[str, Any] = {f"{name}?": {"picked": picked} for name, picked in said.items()}
    if text.strip():
        answers |= helping.read_skills(turn.sheet({}, {}), text)
    turn.open(helping.SKILLS, answers=answers)


def translate(turn: Turn, rest: str) -> None:
    """`translate Persian English` goes straight to the question whether back as well. Who said a
    pair before sees her desk."""
    named = [tag for word in rest.replace(",", " ").split() if (tag := commands().language(word))]
    if len(named) >= 2 and named[0] != named[-1]:
        return turn.open(helping.TRANSLATE, answers={"source": named[0], "target": named[-1]})
    if desk.pairs_of(turn.book, turn.who.id):
        return turn.tell(desk.overview(turn.book, turn.who))
    return turn.open(helping.TRANSLATE)


def join(turn: Turn, conversation: str) -> None:
    """This conversation, or the one that has waited longest."""
    joined = conversation or desk.longest_waiting(turn.book, turn.who)
    turn.tell(prompting.join(turn.book, turn.who, joined))
    if turn.community.drafts:
        turn.tell(drafting.ask_consent(turn.book, joined))


def term(turn: Turn, _: str) -> None:
    pairs = desk.pairs_of(turn.book, turn.who.id)
    if not pairs:
        return turn.tell(desk.show_glossary(turn.book, turn.who))
    return turn.open(helping.TERM, {"pairs": [list(pair) for pair in pairs]})


def language(turn: Turn, rest: str) -> None:
    tag = commands().language(rest) if rest else None
    if tag in turn.languages.enabled:
        turn.tell(profile.set_language(turn.book, turn.who, language=tag))
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
        if not rest:
            turn.tell(trust.hand_out(turn.book, turn.who, kind))
        elif (found := whose(turn, rest)) is not None:
            turn.tell(trust.raise_for(turn.book, turn.who, kind, found))
        else:
            turn.tell(trust.take_code(turn.book, turn.who, kind, handed(rest) or ""))

    return run


def link(turn: Turn, rest: str) -> None:
    if not rest:
        if turn.inbound.encrypted and not turn.inbound.vouched:
            turn.say(UNVOUCHED)
        return turn.tell(trust.hand_out(turn.book, turn.who, "link", turn.community.encrypted))
    told = belonging.link(turn.book, turn.who, handed(rest) or "")
    turn.notices.clear()  # a greeting, to somebody who is now known under another name
    turn.who = people.known(turn.book, told[0].to) or turn.who
    turn.tell(told)
    if form := turn.open_form():  # what they had begun comes along
        turn.ask_again(form)
    return None


def forget(turn: Turn, _: str) -> None:
    turn.open(questions.FORGET, {"what": pack(belonging.holdings(turn.book, turn.who))})


def stats(turn: Turn, _: str) -> None:
    agreeing.check_moderates(turn.who)
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


def keep(turn: Turn, rest: str) -> None:
    turn.tell(needs.keep_need(turn.book, turn.who, rest, turn.community.kept.need_days))


def _on(action: Callable[..., list[Any]]) -> Callable[[Turn, str], None]:
    """An action about one thing, named by what followed the word."""
    return lambda turn, rest: turn.tell(action(turn.book, turn.who, rest))


def _plain(action: Callable[..., list[Any]]) -> Callable[[Turn, str], None]:
    return lambda turn, rest: turn.tell(action(turn.book, turn.who))


COMMANDS: dict[str, Command] = {
    # Translators: these lines stand after a command word, in the help and in menus
    "need": Command(need, Say("ask for help")),
    "needs": Command(_plain(seeing.list_needs), Say("open needs that you could answer")),
    "offer": Command(offer, Say("offer help with a need, by its code")),
    "skills": Command(skills, Say("what you can help with, and how often")),
    "translate": Command(translate, Say("the languages between which you translate")),
    "mine": Command(_plain(profile.overview), Say("your needs and conversations")),
    "talk": Command(talk, Say("choose whom you write to")),
    "language": Command(language, Say("the language that I write")),
    "safety": Command(safety.show_safety, Say("who can read what")),
    "export": Command(safety.export, Say("all that I hold on you, to read")),
    "link": Command(link, Say("use a second messenger")),
    "vouch": Command(_trust("vouch"), Say("say that you trust somebody"), VOUCHED),
    "verify": Command(_trust("verify"), Say("verify somebody"), MODERATOR),
    "queue": Command(_plain(moderation.queue), Say("what was reported"), MODERATOR),
    "suspend": Command(_on(moderation.suspend), Say("who is suspended"), MODERATOR),
    "audit": Command(_plain(moderation.show_audit), Say("what moderators did"), MODERATOR),
    "stats": Command(stats, Say("how much is going on"), MODERATOR),
    "close": Command(close, Say("close a need")),
    "block": Command(
        lambda turn, rest: _about_one(turn, questions.BLOCK, rest), Say("never meet somebody again")
    ),
    "report": Command(
        lambda turn, rest: _about_one(turn, questions.REPORT, rest), Say("tell the moderators")
    ),
    "stop": Command(_plain(profile.stop), Say("no more alerts")),
    "forget": Command(forget, Say("wipe everything about you")),
    "help": Command(show_help),
    # On buttons only: each names one thing that was shown.
    "accept": Command(_on(offers.accept)),
    "decline": Command(_on(offers.decline)),
    "ask": Command(ask),
    "pass": Command(_on(alerts.decline_alert)),
    "why": Command(_on(alerts.explain_alert)),
    "keep": Command(keep),
    "leave": Command(leave),
    "read": Command(_on(seeing.read_need)),
    "join": Command(join),
    "notnow": Command(_on(translators.not_now)),
    "words": Command(safety.show_words),
    "kept": Command(safety.show_kept),
    "panic": Command(safety.choose_panic),
    "freeze": Command(safety.choose_freeze),
    "unset": Command(safety.unset),
    "idle": Command(safety.when_idle),
    "confirm": Command(_on(confirming.confirm)),
    "deny": Command(_on(confirming.deny)),
    "dismiss": Command(_on(moderation.dismiss)),
    "restore": Command(_on(moderation.restore)),
    "agree": Command(_on(agreeing.agree)),
    "refuse": Command(_on(agreeing.refuse)),
    "drafts": Command(_on(drafting.allow)),
    "nodrafts": Command(_on(drafting.forbid)),
    "usedraft": Command(_on(drafting.take_draft)),
    "pair": Command(lambda turn, _: turn.open(helping.TRANSLATE)),
    "take": Command(join),
    "nopairs": Command(_plain(desk.no_more_pairs)),
    "moretime": Command(_on(desk.more_time)),
    "handback": Command(_on(desk.hand_back)),
    "glossary": Command(_plain(desk.show_glossary)),
    "term": Command(term),
    "shownames": Command(_on(desk.show_names)),
}
