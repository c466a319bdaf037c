"""The first message, and who can read the chat it stands in."""

from __future__ import annotations

from bots.turn import Turn
from core.message import Choice, Say, Sayable, lines, paragraphs

MENU = (
    Choice("need", Say("I need help")),
    Choice("skills", Say("I want to help")),
    Choice("translate", Say("I can translate")),
    Choice("language", Say("Language")),
)

UNVOUCHED = Say(
    "⚠ This chat is encrypted, but nothing shows that your device is yours. Open the settings of"
    " your app, look for encryption or security, and verify this device there. Then write again."
)


SECURED = Say(
    "🔒 I turned on encryption in this chat. From now on only you and this gateway can read it; the"
    " server could read what you wrote so far."
)


def greet(turn: Turn) -> None:
    """The first message: what this is, who else can read it, what to do. Two short paragraphs."""
    who = Say(
        "{community} connects people who need help to stand up for their rights with people who can"
        " help. Nobody here sees your name, number or account.",
        community=turn.community.name,
    )
    # Translators: a button: how to write where Telegram cannot read
    how = (Choice("safety", Say("How")),) if readable_by_telegram(turn) else ()
    turn.say(paragraphs(who, who_reads(turn)), (*how, *MENU))


def readable_by_telegram(turn: Turn) -> bool:
    reader = turn.community.readers.get(turn.inbound.sender.platform)
    return reader == "telegram" and not turn.inbound.encrypted


def who_reads(turn: Turn) -> Sayable:
    if turn.inbound.encrypted and not turn.inbound.vouched:
        return UNVOUCHED
    if turn.inbound.encrypted:
        return Say("🔒 Only you and this gateway can read this.")
    if turn.inbound.secured:
        return SECURED
    if readable_by_telegram(turn):
        return Say(
            "⚠ Telegram can read what you write to me. For anything that could endanger someone,"
            " use Matrix or XMPP."
        )
    server = Say("⚠ The server that you use can read what you write to me. Use one that you trust.")
    if turn.inbound.secured is None:
        return server
    another = Say(
        "To have a chat that only you and I can read, start a new one with me, and turn on"
        " encryption there."
    )
    return lines(server, another)
