"""The story that plays by itself: somebody's hand on each phone, a line every second or two.

`STORY` is read from top to bottom. A step waits for what the bot says, then acts; what it waits for
is named by button values, marks and people's own words, never by the bot's wording.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from adapters.web.phones import Message, Phone


@dataclass(frozen=True)
class Step:
    """What one phone does. Exactly one of:

    write   writes this, once the bot has said something new here that has `after` in it
    press   presses the button with this value, on the newest message that has one; of an answer to
            a question (`=token:question:option`) the token, different each time, is left out
    reply   replies natively with this, to the newest message of the bot that has `to` in it
    see     only waits until the bot has said something new here that has this in it

    `after`, `to` and `see` are found anywhere in the text; "*" at the end of `press` is any rest.
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
    Step("volunteer", write="start"),
    Step("volunteer", press="skills"),
    Step("volunteer", write="journalist"),
    Step("volunteer", press="skills:done"),
    Step("volunteer", press="languages:done"),
    Step("volunteer", write="Iran"),
    Step("volunteer", press="countries:done"),
    Step("volunteer", press="often:now"),
    # So does the translator.
    Step("translator", write="start"),
    Step("translator", press="translate"),
    Step("translator", press="source:fa"),
    Step("translator", press="target:en"),
    Step("translator", press="both:yes"),
    # The activist asks for help, in her own words and in her own language.
    Step("activist", write="شروع"),
    Step("activist", press="need"),
    Step("activist", write="پدرم را دیشب بردند، به یک خبرنگار نیاز دارم"),
    Step("activist", press="skills:done"),
    Step("activist", press="country:c.IR"),
    Step("activist", press="audience:1"),
    Step("activist", press="confirm:yes"),
    # The alert comes in English, and she offers; the activist accepts.
    Step("volunteer", press="offer *"),
    Step("volunteer", write="Reporter, ten years on Iran. I can write about him tonight."),
    Step("activist", press="accept *"),
    # They share no language: the translator joins, and replies to each message.
    Step("translator", press="join *"),
    Step("volunteer", write="When did they come, and did they say who they were?"),
    Step("translator", reply="کی آمدند و گفتند که هستند؟", to="When did they"),
    Step("activist", write="ساعت دو شب. خودشان را معرفی نکردند.", after="🌐"),
    Step("translator", reply="At two at night. They did not say who they were.", to="ساعت دو شب"),
    Step("volunteer", write="Thank you. You read the text before anybody else does.", after="🌐"),
    Step("translator", reply="سپاس. متن را پیش از همه خودتان می‌خوانید.", to="You read the text"),
    Step("activist", see="🌐"),
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
                if _means(value, step.press) and message.pressed != value:
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


def _means(value: str, wanted: str) -> bool:
    if value.startswith("="):
        value = value.partition(":")[2]
    return value == wanted or (wanted.endswith("*") and value.startswith(wanted[:-1]))


def _newest(messages: list[Message], words: str) -> Message | None:
    return next((m for m in reversed(messages) if words in m.text), None)
