"""`safety`: who can read what, what is held of a person, and their own words against danger."""

from __future__ import annotations

from bots.greeting import readable_by_telegram, who_reads
from bots.own_words import FREEZE, PANIC, UNSET, about
from bots.privacy_page import in_short
from bots.turn import Turn
from core import locks
from core.actions import No, hiding, holdings
from core.message import Choice, Joined, Say, SayMany, Word, lines, paragraphs


def show_safety(turn: Turn, _: str) -> None:
    turn.say(
        paragraphs(
            who_reads(turn),
            Say(
                "On Matrix and XMPP you choose the server. “{link}” here gives you a code that"
                " brings you over.",
                link=Word("link"),
            )
            if readable_by_telegram(turn)
            else None,
            Say(
                "The people you talk with see a name made for one conversation, your words, your"
                " trust and your languages. Never your account, number or messenger."
            ),
            Say(
                "This gateway can read what passes through it. Leave out names, places and numbers"
                " that you would not want found."
            ),
            Say(
                "I hold on you: {what}. It lies sealed on the disk.",
                what=holdings.counted(turn.book, turn.who),
            ),
            Joined(
                " ",
                (
                    SayMany(
                        "Messages are wiped here after {n} day at most.",
                        "Messages are wiped here after {n} days at most.",
                        turn.community.kept.copies_days,
                    ),
                    SayMany(
                        "Who does not write for {n} day is forgotten.",
                        "Who does not write for {n} days is forgotten.",
                        turn.community.kept.idle_days,
                    ),
                    Say("“{forget}” wipes everything at any time.", forget=Word("forget")),
                ),
            ),
        ),
        (
            Choice("words", Say("Words for danger")),
            Choice("kept", Say("How long I keep what")),
            # Translators: a button: to all that is held on you
            Choice("export", Say("Show all of it")),
        ),
    )


def show_kept(turn: Turn, _: str) -> None:
    """For how long what is kept, as it is configured."""
    turn.say(in_short(turn.community.kept))


def export(turn: Turn, _: str) -> None:
    """All that is held of them, where nobody on the way can read it."""
    if turn.inbound.encrypted:
        return turn.tell(holdings.export(turn.book, turn.who))
    raise No(
        Say(
            "I send that only where nobody on the way can read it: to a chat with end-to-end"
            " encryption, on Matrix or XMPP. “{link}” brings you over; write “{export}” there.",
            link=Word("link"),
            export=Word("export"),
        )
    )


# ------------------------------------------------------------------ words of their own


def show_words(turn: Turn, _: str) -> None:
    """What the two words do, and which there are."""
    lock = locks.of(turn.book, turn.who)
    kept = turn.community.kept
    choices = [
        Choice("panic", Say("Change the panic word") if lock.panic else Say("Choose a panic word")),
        Choice("unset panic", Say("Remove the panic word")) if lock.panic else None,
        Choice(
            "freeze", Say("Change the freeze word") if lock.freeze else Say("Choose a freeze word")
        ),
        Choice("unset freeze", Say("Remove the freeze word")) if lock.freeze else None,
    ]
    if lock.freeze:
        choices.append(
            Choice("idle off", Say("Stop hiding after 12 hours"))
            if lock.idle
            else Choice("idle on", Say("Hide everything after 12 hours without a word"))
        )
    turn.say(
        paragraphs(
            Say(
                "For the moment when somebody makes you open this chat: two words of your own."
                " Write one as a whole message. It works at once, and I answer as if I had never"
                " met you."
            ),
            lines(
                Say("The panic word forgets everything about you here, for good."),
                Say("✓ You have one.") if lock.panic else Say("You have none."),
            ),
            lines(
                Say(
                    "The freeze word hides everything until you write your PIN, and what is written"
                    " to you waits, {hours} hours at most. After 5 wrong PINs I take none for an"
                    " hour.",
                    hours=kept.undelivered_hours,
                ),
                Say("✓ You have one.") if lock.freeze else Say("You have none."),
                Say("✓ I also hide everything when you write nothing for 12 hours.")
                if lock.idle
                else None,
            ),
        ),
        tuple(choice for choice in choices if choice),
    )


def choose_panic(turn: Turn, _: str) -> None:
    turn.open(PANIC, about(turn.book, turn.who))


def choose_freeze(turn: Turn, _: str) -> None:
    turn.open(FREEZE, about(turn.book, turn.who))


def unset(turn: Turn, rest: str) -> None:
    if rest in about(turn.book, turn.who):
        turn.open(UNSET, {"what": rest})
    else:
        show_words(turn, "")


def when_idle(turn: Turn, rest: str) -> None:
    """Whether they are frozen by themselves, once they write nothing for a while."""
    lock = locks.of(turn.book, turn.who)
    if rest == "on" and lock.freeze:
        hiding.idle_from_now(turn.book, turn.who)
    elif rest == "off":
        hiding.no_longer_idle(turn.book, turn.who)
    locks.change(turn.book, turn.who.id, idle=rest == "on" and bool(lock.freeze))
    turn.reload()
    show_words(turn, "")
