"""What is kept of people, and how long: the page for them, made from the configuration."""

from __future__ import annotations

from bots.config import RetentionSettings
from core.actions.agreeing import DAYS_TO_AGREE
from core.actions.trust import CODE_DAYS
from core.message import Say, Sayable, SayMany, Word, lines, paragraphs


def in_short(kept: RetentionSettings) -> Sayable:
    """The same for a chat, in no language yet: each period that the operator decides on."""

    def days(n: int) -> SayMany:
        return SayMany("{n} day", "{n} days", n)

    def hours(n: int) -> SayMany:
        return SayMany("{n} hour", "{n} hours", n)

    periods = (
        (
            Say("A message that can't be delivered, until I delete it and tell its author"),
            hours(kept.undelivered_hours),
        ),
        (Say("Messages, translations, and where they stand in your chat"), days(kept.copies_days)),
        (
            Say("A closed conversation, what a closed need says, and a question that you left"),
            days(kept.closed_days),
        ),
        (Say("An open need, until I ask whether it is still needed"), days(kept.need_days)),
        (
            Say("On Telegram, messages of mine with somebody's words, until I delete them"),
            hours(kept.telegram_hours),
        )
        if kept.telegram_hours
        else (Say("On Telegram, messages of mine with somebody's words"), Say("I delete none")),
        (Say("You, without a word from you, until I warn you"), days(kept.warning_days)),
        (Say("You, without a word from you, until I forget you"), days(kept.idle_days)),
        (Say("A fingerprint of each message, so that it counts once"), days(kept.heard_days)),
        (
            Say("A fingerprint of the account of somebody suspended, once they are forgotten"),
            days(kept.ban_days),
        ),
        (Say("What moderators did, without about whom"), days(kept.audit_days)),
    )
    return paragraphs(
        Say("How long I keep what:"),
        lines(*(Say("{what}: {long}", what=what, long=long) for what, long in periods)),
        Say(
            "All else, until you change it or are forgotten. “{forget}” wipes it at any time.",
            forget=Word("forget"),
        ),
    )


def privacy_page(kept: RetentionSettings) -> str:
    """-> Markdown; docs/privacy.md is this page for the settings that nobody changed."""

    def days(count: int) -> str:
        return f"{count} day" if count == 1 else f"{count} days"

    hours = f"{kept.undelivered_hours} hour" + "s" * (kept.undelivered_hours != 1)
    telegram = "as long as your chat; the gateway deletes none"
    if kept.telegram_hours:
        within = f"{kept.telegram_hours} hour" + "s" * (kept.telegram_hours != 1)
        telegram = f"{within}; then the gateway deletes it for both sides"
    closed, messages, idle = map(days, (kept.closed_days, kept.copies_days, kept.idle_days))
    rows = (
        ("your account's address on a messenger", "until you are forgotten"),
        (
            "the day on which you wrote last; your languages, skills and countries, and who"
            " vouched for you",
            "until you change them, or are forgotten",
        ),
        (
            "what a need says, and the offers for it",
            f"until {closed} after it is closed; it closes by itself after {days(kept.need_days)},"
            " unless you say that it is still needed",
        ),
        ("the code of a closed need, and how it was answered", idle),
        (
            "messages in a conversation, and their translations",
            f"until {closed} after it is closed, and at most {messages}",
        ),
        ("pictures, made anew from their pixels", f"until they are delivered, at most {hours}"),
        ("a message that can't be delivered", f"{hours}; then its author is told"),
        ("where a message stands in your chat, so that a reply finds its way", messages),
        ("on Telegram, a message of the gateway's that shows somebody's words", telegram),
        (
            "when you are forgotten, which of the gateway's messages are to be deleted from your"
            " chat",
            f"until that is done, at most {hours}",
        ),
        (
            "an answer to a question of the gateway's",
            f"until the last question is answered, at most {closed} after you wrote last",
        ),
        ("a fingerprint of each message, so that it counts once", days(kept.heard_days)),
        (
            "a fingerprint of a code to vouch, verify or link",
            f"until it is used, at most {days(CODE_DAYS)}",
        ),
        (
            "your panic word, freeze word and PIN, as fingerprints",
            "until you remove them, or are forgotten",
        ),
        (
            "what is written to you while your freeze word hides everything",
            f"{hours}, like any message that can't be delivered",
        ),
        ("fingerprints of the needs that you read and answered today", "until the day is over"),
        (
            "words that translators agreed on how to translate: laws, prisons, groups; not by whom",
            "until a translator takes them away",
        ),
        ("what you report", "until a moderator has dealt with it"),
        ("whom you blocked", "until one of you is forgotten"),
        (
            "a fingerprint of the address of somebody who was suspended",
            f"{days(kept.ban_days)} after they are forgotten",
        ),
        (
            "what moderators did: the day, the moderator's number and the act, not about whom",
            days(kept.audit_days),
        ),
        (
            "what one moderator proposes about you, and another one is to agree to",
            days(DAYS_TO_AGREE),
        ),
    )
    table = "\n".join(f"| {what} | {long} |" for what, long in rows)
    return f"""\
# What is kept, and for how long

`forget` wipes everything about you at once; a panic word that you choose under `safety` does so
with one message. `safety` counts what is held on you, and `safety export` shows all of it, in a
chat that is end-to-end encrypted. Who does not write for {days(kept.warning_days)} is
warned, and after {idle} without a word forgotten in the same way: addresses, needs, offers and
conversations go, and the keys to them, so that no copy of the database can be read either.

| what | how long |
|---|---|
{table}

What people write, and where they are, is sealed on the disk. The gateway asks for no name,
number or place, and keeps no record of when anybody reads. When you are forgotten it deletes
its messages to you as far as the messenger lets it: on Telegram those of the last two days, on
Matrix all that it still knows; on XMPP it asks your apps to. It can't delete what the messengers
themselves keep, or what stands on other people's phones.
"""
