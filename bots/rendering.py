"""A notice as its reader gets it: in their language, in as many parts as their platform needs."""

from __future__ import annotations

from core.language import Languages
from core.message import (
    Arg,
    Facts,
    Joined,
    Outbound,
    Quote,
    Say,
    SayMany,
    lines,
    paragraphs,
)
from core.outbox import Waiting
from core.text import defanged, split

LOST = Say("(A picture that came with it can't be shown here.)")


def rendered(
    languages: Languages, row: Waiting, facts: Facts, picture: bytes | None = None
) -> list[Outbound]:
    """The notice in its reader's language, in as many parts as the platform needs. The picture
    goes with the first, or alone where it can't have words under it."""
    notice, say = row.notice, row.notice.say
    if notice.picture is not None and picture is None:
        say = lines(say, LOST)
    if notice.choices and not facts.buttons:
        numbered = (Joined(" ", (n, c.label)) for n, c in enumerate(notice.choices, 1))
        say = paragraphs(say, lines(*numbered))
    most = (facts.caption or facts.max_length) if picture else facts.max_length
    parts = split(languages.render(say, row.language), most, facts.unit)
    buttons = facts.buttons and tuple(
        (c.value, languages.render(c.label, row.language)) for c in notice.choices
    )
    last = len(parts) - 1
    outs = [
        Outbound(
            key=f"{row.key}/{n}" if n else row.key,
            to=row.to,
            text=part,
            choices=(buttons or ()) if n == last else (),
            answers_to=row.answers if n == 0 else None,
            quote=defanged(row.quote) if row.quote and n == 0 else None,
            thread=row.thread,
            conversation=notice.belongs(),
            opens=notice.opens(),
            replaces=row.replaces if n == 0 and facts.edits else None,
            language=row.language,
            sensitive=notice.sensitive,
            private=row.private,
            picture=picture if n == 0 and facts.caption else None,
        )
        for n, part in enumerate(parts)
    ]
    if picture and not facts.caption:
        outs.append(
            Outbound(
                f"{row.key}/p",
                row.to,
                "",
                language=row.language,
                picture=picture,
                sensitive=notice.sensitive,
                private=row.private,
            )
        )
    return outs


def quotes(arg: Arg) -> bool:
    """Whether somebody's words are in it."""
    parts = arg.parts if isinstance(arg, Joined) else ()
    if isinstance(arg, Say | SayMany):
        parts = tuple(arg.args.values())
    return isinstance(arg, Quote) or any(map(quotes, parts))
