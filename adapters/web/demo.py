"""The story that plays by itself: somebody's hand on each phone, a line every second or two.

`STORY` is read from top to bottom. A step waits for what the bot says, then acts; what it waits for
is named by button values and by marks, never by the bot's wording, which is in many languages.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from adapters.web.phones import Message, Phone


@dataclass(frozen=True)
class Step:
    """What one phone does. Exactly one of:

    write   writes this, once the bot has said something new here that has `after` in it
    press   presses the first button whose whole value matches this pattern
    reply   replies natively with this, to the newest message of the bot that has `to` in it
    see     only waits until the bot has said something new here that has this in it

    `after`, `to` and `see` are patterns (`re.search`).
    """

    phone: str
    write: str | None = None
    press: str | None = None
    reply: str | None = None
    see: str | None = None
    after: str = ""
    to: str = ""


STORY: tuple[Step, ...] = (
    # The volunteer says once what she can do.
    Step("volunteer", write="help"),
    Step("volunteer", press="skills.*"),
    Step("volunteer", press="journalism"),
    Step("volunteer", press="done"),
    # So does the translator.
    Step("translator", write="help"),
    Step("translator", press="translate.*"),
    Step("translator", write="Persian, English"),
    # The activist asks for help, in her own words and in her own language.
    Step("activist", write="شروع"),
    Step("activist", press="need.*"),
    Step("activist", write="پدرم را دیشب بردند. به یک خبرنگار نیاز دارم که درباره‌اش بنویسد"),
    Step("activist", press="done"),
    Step("activist", press="IR"),
    Step("activist", press="vouched"),
    Step("activist", press="post"),
    # The alert comes in English; she offers.
    Step("volunteer", press="offer .*"),
    Step("volunteer", write="Reporter, ten years on Iran. I can write about him tonight."),
    Step("activist", press="accept.*"),
    # From here each just writes; the translator replies in the thread.
    Step("volunteer", write="When did they come, and did they say who they were?"),
    Step("translator", press="translate .*"),
    Step("translator", reply="چه ساعتی آمدند و گفتند از کجا هستند؟", to="│ When did they"),
    Step("activist", see="🌐"),
    Step("activist", write="ساعت دو شب. خودشان را معرفی نکردند.", after="│"),
    Step(
        "translator", reply="At two in the night. They did not say who they were.", to="│ ساعت دو"
    ),
    Step("volunteer", see="🌐"),
    Step("volunteer", write="Thank you. I will show you the text before anybody else reads it."),
)


class Stage(Protocol):
    """Where it plays: the playground's adapter. `take` is what the page's own events go through."""

    phones: dict[str, Phone]
    changed: asyncio.Event

    def take(self, event: Mapping[str, object]) -> str: ...


async def play(
    stage: Stage, story: tuple[Step, ...] = STORY, *, pace: float = 1.0, patience: float = 30.0
) -> None:
    """Plays the story. pace: 0 is as fast as the bot answers. patience: seconds to wait for the
    bot at each step; raises TimeoutError after that."""
    read = dict.fromkeys(stage.phones, 0)
    for step in story:
        phone = stage.phones[step.phone]
        async with asyncio.timeout(patience):
            while (event := _event(step, phone, read[step.phone])) is None:
                await stage.changed.wait()
        read[step.phone] = phone.version
        await asyncio.sleep(pace * (1.2 + 0.02 * len(step.write or step.reply or "")))
        if event:
            stage.take({"phone": step.phone, "id": str(uuid.uuid4()), **event})


def _event(step: Step, phone: Phone, read: int) -> dict[str, object] | None:
    """-> what the page would send; {} if there is nothing to do; None: wait for the bot."""
    from_bot = [m for m in phone.messages.values() if not m.mine]
    news = [m for m in from_bot if m.version > read]
    if step.press is not None:
        for message in reversed(from_bot):
            for value, _ in message.choices:
                if re.fullmatch(step.press, value) and message.pressed != value:
                    return {"do": "press", "on": message.id, "value": value}
        return None
    if step.reply is not None:
        found = _newest(from_bot, step.to)
        if found is None:
            return None
        return {"do": "say", "text": step.reply, "answers_to": found.id}
    if step.see is not None:
        return {} if _newest(news, step.see) else None
    first = not phone.messages and not step.after
    return {"do": "say", "text": step.write} if first or _newest(news, step.after) else None


def _newest(messages: list[Message], pattern: str) -> Message | None:
    return next((m for m in reversed(messages) if re.search(pattern, m.text)), None)
