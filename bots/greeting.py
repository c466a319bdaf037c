"""The first message, and who can read what."""

from __future__ import annotations

from bots.turn import Turn
from core.message import Choice, Joined, Say, Sayable, SayMany, Word, paragraphs

MENU = (
    Choice("need", Say("I need help")),
    Choice("skills", Say("I want to help")),
    Choice("translate", Say("I can translate")),
    Choice("language", Say("Language")),
)


def greet(turn: Turn) -> None:
    """The first message: what this is, who else can read it, what to do. Two short paragraphs."""
    who = Say(
        "{community} connects people who need help to stand up for their rights with people who can"
        " help. Nobody here sees your name, number or account.",
        community=turn.community.name,
    )
    how = (Choice("safety", Say("How")),) if _readable_by_telegram(turn) else ()
    turn.say(paragraphs(who, who_reads(turn)), (*how, *MENU))


def _readable_by_telegram(turn: Turn) -> bool:
    reader = turn.community.readers.get(turn.inbound.sender.platform)
    return reader == "telegram" and not turn.inbound.encrypted


def who_reads(turn: Turn) -> Sayable:
    if turn.inbound.encrypted:
        return Say("🔒 Only you and this gateway can read this.")
    if _readable_by_telegram(turn):
        return Say(
            "⚠ Telegram can read what you write to me. For anything that could endanger someone,"
            " use Matrix or XMPP."
        )
    return Say("⚠ The server that you use can read what you write to me. Use one that you trust.")


def show_safety(turn: Turn, _: str) -> None:
    turn.say(
        paragraphs(
            who_reads(turn),
            Say(
                "On Matrix and XMPP you choose the server. “{link}” here gives you a code that"
                " brings you over.",
                link=Word("link"),
            )
            if _readable_by_telegram(turn)
            else None,
            Say(
                "The people you talk with see a name made for one conversation, your words, your"
                " trust and your languages. Never your account, number or messenger."
            ),
            Say(
                "This gateway can read what passes through it. Leave out names, places and numbers"
                " that you would not want found."
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
        )
    )
