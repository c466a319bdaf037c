"""The translators' desk: what waits in somebody's pairs of languages, the half hour that each has
for a message, giving it back, and the words they agreed on.
"""

from __future__ import annotations

from core import glossary, tasks, timers
from core.actions import No
from core.actions.prompting import NUDGE, to_translators
from core.actions.translators import needing, translates
from core.message import (
    Choice,
    Code,
    Joined,
    Name,
    Notice,
    Quote,
    Reply,
    Say,
    Sayable,
    SayMany,
    lines,
)
from core.people import Person
from core.store import Book

_SHOWN = 20


def pairs_of(book: Book, who: str) -> list[tuple[str, str]]:
    return [
        (row.source, row.target)
        for row in book.all(
            "select source, target from pairs where person = :who order by source, target", who=who
        )
    ]


def overview(book: Book, who: Person) -> list[Notice]:
    """What she translates, and what waits for somebody like her. Raises No: she said no pair."""
    pairs = pairs_of(book, who.id)
    if not pairs:
        raise No(Say("You have not said yet between which languages you translate."), (_ADD,))
    waiting = needing(book, who)
    choices = [
        # Translators: a button of a translator: the conversation that waits longest
        *([Choice("take", Say("Take the next"))] if waiting else []),
        Choice("glossary", Say("Words we agreed on")),
        _ADD,
        Choice("nopairs", Say("Translate no more")),
    ]
    said = lines(
        Say("You translate {pairs}.", pairs=Joined(", ", tuple(map(_arrow, pairs)))),
        SayMany(
            "{n} conversation waits for a translator like you.",
            "{n} conversations wait for a translator like you.",
            len(waiting),
        )
        if waiting
        else Say("Nothing waits for you now. I will write when somebody needs you."),
    )
    return [Notice(who.id, said, tuple(choices))]


_ADD = Choice("pair", Say("Add another pair"))
_TERM = Choice("term", Say("Add a word"))


def _arrow(pair: tuple[str, str]) -> Say:
    source, target = pair
    return Say(
        "{source} → {target}", source=Name("language", source), target=Name("language", target)
    )


def longest_waiting(book: Book, who: Person) -> str:
    """-> the conversation that has waited longest for somebody like her; she is asked to join it.
    Raises No."""
    waiting = needing(book, who)
    if not waiting:
        raise No(Say("Nothing waits for you now. I will write when somebody needs you."))
    book.do(
        "insert into invitations(conversation, person, state, at)"
        " values (:id, :who, 'asked', :now) on conflict (conversation, person)"
        " do update set state = 'asked'",
        id=waiting[0],
        who=who.id,
        now=book.now,
    )
    return waiting[0]


def no_more_pairs(book: Book, who: Person) -> list[Notice]:
    """She is asked no more; what she is in goes on until she leaves it."""
    book.do("delete from pairs where person = :who", who=who.id)
    stopped = Say("You are asked for no more translations. Thank you for those you gave.")
    return [Notice(who.id, stopped, (_ADD,))]


# ------------------------------------------------------------------------------- the half hour


def nudge_translator(book: Book, entry: str) -> list[Notice]:
    """A timer: a message is about to go back."""
    told = []
    for language, person, until in _held(book, entry):
        if until - book.now > NUDGE:  # she took more time meanwhile: that has its own timer
            continue
        timers.remind(book, until, "return_task", entry)
        code = book.value(_CODE, id=entry)
        told.append(
            Notice(
                person,
                Say("Are you translating this for {code}? Otherwise I ask others in 5 minutes.",
                    code=Code(code)),
                (
                    # Translators: a button of a translator: I am translating it
                    Choice(f"moretime {entry}", Say("I'm at it")),
                    # Translators: a button of a translator: others shall translate this message
                    Choice(f"handback {entry}", Say("Give it back")),
                ),
                reply=Reply("translate", {"entry": entry, "target": language}),
                answers=entry,
                under=entry,
            )
        )  # fmt: skip
    return told


def return_task(book: Book, entry: str) -> list[Notice]:
    """A timer: what nobody translated in time is for others."""
    due = [
        (language, person) for language, person, until in _held(book, entry) if until <= book.now
    ]
    back = Say("That message went back, and others are asked. A reply of yours still counts.")
    return [
        notice
        for language, person in due
        for notice in (
            *_back(book, entry, language),
            Notice(person, back, answers=entry, under=entry),
        )
    ]


def more_time(book: Book, who: Person, entry: str) -> list[Notice]:
    """Raises No."""
    _hers(book, who, entry)
    book.do(
        "update tasks set until = :until where entry = :entry and person = :who and text = ''",
        until=book.now + tasks.LEASE,
        entry=entry,
        who=who.id,
    )
    timers.remind(book, book.now + tasks.LEASE - NUDGE, "nudge_translator", entry)
    return [Notice(who.id, Say("Good. You have half an hour more."))]


def hand_back(book: Book, who: Person, entry: str) -> list[Notice]:
    """Raises No."""
    language = _hers(book, who, entry)
    return [Notice(who.id, Say("Thank you. Others are asked.")), *_back(book, entry, language)]


_CODE = (
    "select n.code from entries e join conversations c on c.id = e.conversation"
    " join needs n on n.id = c.need where e.id = :id"
)


def _held(book: Book, entry: str) -> list[tuple[str, str, int]]:
    """-> language, translator, until when: what of an entry is in somebody's hands."""
    rows = book.all(
        "select distinct k.language, k.person, k.until from tasks k"
        " join entries e on e.id = k.entry join conversations c on c.id = e.conversation"
        " where k.entry = :entry and k.text = ''"
        " and k.until > 0 and c.state = 'open'",
        entry=entry,
    )
    return [tuple(row) for row in rows]


def _hers(book: Book, who: Person, entry: str) -> str:
    for language, person, _ in _held(book, entry):
        if person == who.id:
            return language
    raise No(Say("This message is not with you any more. Thank you."))


def _back(book: Book, entry: str, language: str) -> list[Notice]:
    book.do(
        "update tasks set until = 0 where entry = :entry and language = :language and text = ''",
        entry=entry,
        language=language,
    )
    conversation = book.value("select conversation from entries where id = :id", id=entry)
    return to_translators(book, conversation, entry)


# ------------------------------------------------------------------------------- the glossary


def show_glossary(book: Book, who: Person) -> list[Notice]:
    """Raises No: she said no pair."""
    pairs = pairs_of(book, who.id)
    if not pairs:
        raise No(Say("You have not said yet between which languages you translate."), (_ADD,))
    shown: list[Sayable] = []
    for pair in pairs:
        agreed = list(glossary.terms(book, *pair).items())[:_SHOWN]
        shown += [_arrow(pair), *(Quote(f"{term} = {meaning}") for term, meaning in agreed)]
    head = Say("Words that translators agreed on. They are shown where a message uses them.")
    return [Notice(who.id, lines(head, *shown), (_TERM,))]


def agree(
    book: Book, who: Person, *, source: str, target: str, term: str, meaning: str
) -> list[Notice]:
    """Raises No."""
    if (source, target) not in pairs_of(book, who.id):
        raise No(Say("You don't translate between these languages."))
    if not glossary.agree(book, source, target, term, meaning):
        raise No(Say("There are too many words for these languages already."))
    kept = Say("Kept: {term} = {meaning}", term=term, meaning=meaning)
    return [Notice(who.id, kept if meaning else Say("Removed."), (_TERM,))]


def show_names(book: Book, who: Person, conversation: str) -> list[Notice]:
    """An author lets the translator read names and places in what they write. Raises No."""
    changed = book.do(
        "update members set shows_names = 1 where conversation = :id and person = :who"
        " and role <> 'translator'",
        id=conversation,
        who=who.id,
    )
    if not changed or translates(book, who, conversation):
        raise No(Say("This conversation is closed."))
    said = Say("From now on the translator reads the names and places that you write.")
    return [Notice(who.id, said)]
