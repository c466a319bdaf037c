"""A whole gateway with people on it, and the plain words in which its stories are told.

    people: Ana en, Vic en verified        who there is, in which language, with which trust
    Tom joins en                           later
    Vic can: legal_defence journalism      what she helps with, in her language and any country
    Tom translates: fa en                  both ways
    Ana: I need help                       she writes (or presses the button of that name)
    Ana presses: Done                      a native button; elsewhere the number of its line
    Ana sees: What do you need?            the next message, or a button on it, holds these words
    Ana sees reply to "library": 🌐        ... and is a native reply to the message with that word
    Ana sees correction: Ils l'ont         ... and changes an earlier message in place
    Tom replies to "library": Ils l'ont    a native reply to the last message with that word
    Tom edits "Ils l'ont": Ils ont         changes the last own message with that word
    Ana deletes "Ils l'ont"                takes back the last own message with that word
    Ana sends a voice                      a file: picture, voice, video, sticker
    Ana sends a photo: My house            a real one, with these words under it; "-" for none
    Vic sees photo: My house               ... clean, with these words
    Ana sees nothing                       nothing more came, and nothing is waiting
    31 days pass                           hours, or days
    again                                  the gateway is stopped and started

`{code}` is the code of the last need that was posted, `{name}` the last pseudonym that offered
help, `{trust}` the last code that was handed out; `{code1}`, `{name2}`: the first, the second ...
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bots.engines import Engine
from bots.gateway import Gateway
from bots.limits import Limits
from bots.talk import Talk
from bots.turn import Community
from core import outbox, people
from core.language import Languages
from core.people import TRUST, VOUCHED
from core.store import Book, Store
from tests.crafted import MARK, jpeg, pdf
from tests.platforms import Phone, Platform, Seen
from tests.readers import Reading, plain
from tests.vaults import vault_of

LANGUAGES = Languages()


@dataclass
class Player:
    phone: Phone
    seen: list[Seen] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)


class World:
    """platforms: by name, not yet started. places: person -> platform; others go to the first.
    languages: a `Reading` tells the story in another language than it is written in."""

    def __init__(
        self,
        platforms: Mapping[str, Platform],
        url: str,
        places: Mapping[str, str] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        languages: Languages = LANGUAGES,
        engine: Engine | None = None,
    ) -> None:
        self.engine = engine
        self.languages = languages
        self.platforms, self.url, self.places = platforms, url, places or {}
        self.moved = 0.0
        self.clock = lambda: clock() + self.moved
        self.players: dict[str, Player] = {}
        self.names: dict[str, str] = {}

    async def __aenter__(self) -> World:
        for platform in self.platforms.values():
            await platform.start()
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()
        for platform in self.platforms.values():
            await platform.stop()

    async def start(self) -> None:
        adapters = {name: p.adapter() for name, p in self.platforms.items()}
        readers = {name: a.facts.reader for name, a in adapters.items()}
        self.store = Store(self.url, vault_of(self.url), self.clock, alone=True)
        drafts = self.engine is not None
        closed = {name: a.facts.own for name, a in adapters.items() if a.facts.encrypts}
        talk = Talk(
            self.languages,
            Community("Movements", VOUCHED, readers, drafts=drafts, encrypted=closed),
        )
        self.limits = Limits()
        self.gateway = Gateway(self.store, talk, adapters, self.limits, engine=self.engine)
        self.task = asyncio.create_task(self.gateway.run())
        async with asyncio.timeout(30):
            for adapter in adapters.values():
                await adapter.up.wait()

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        await asyncio.to_thread(self.store.close)

    async def again(self) -> None:
        await self.stop()
        await self.start()

    # ------------------------------------------------------------------ people

    async def join(self, name: str, language: str, trust: str = "new") -> Player:
        platform = self.platforms[self.places.get(name, next(iter(self.platforms)))]
        player = self.players[name] = Player(await platform.phone(language))
        await player.phone.say("/start")
        await self.sees(name, "Movements")
        address = player.phone.address

        def settle(book: Book) -> None:
            found = people.at(book, address)
            assert found is not None
            book.do(
                "update people set trust = :trust, language = :language where id = :id",
                trust=TRUST.index(trust), language=language, id=found[0].id,
            )  # fmt: skip

        await self.gateway.do(settle)
        return player

    def read(self, text: str) -> list[str]:
        """What the story may call it."""
        return (
            self.languages.english(text) if isinstance(self.languages, Reading) else [plain(text)]
        )

    def holds(self, shown: str, words: str) -> bool:
        return words in plain(shown) or any(words in text for text in self.read(shown))

    async def next(self, name: str, seconds: float = 15.0) -> Seen:
        player = self.players[name]
        try:
            seen = await player.phone.next(seconds)
        except TimeoutError:
            last = self.read(player.seen[-1].text)[0] if player.seen else "nothing"
            raise AssertionError(f"{name} got no further message; the last was: {last}") from None
        player.seen.append(seen)
        text = self.read(seen.text)[0]
        for key, pattern in (
            ("code", r"(?:Posted as|با کد) (\w+)"),
            ("name", r"^(.+) (?:offers help with|برای \w+ پیشنهاد کمک)"),
            ("trust", r"^(?:vouch|verify|link|ضمانت|پیوند) (\w{8})$"),
        ):
            if found := re.search(pattern, text, re.MULTILINE):
                self.names[key] = found[1]
                nth = 1 + sum(re.fullmatch(rf"{key}\d+", name) is not None for name in self.names)
                self.names[f"{key}{nth}"] = found[1]
        return seen

    async def sees(self, name: str, words: str) -> Seen:
        seen = await self.next(name)
        if not any(self.holds(text, words) for text in (seen.text, *seen.choices)):
            shown = "\n".join(self.read(text)[0] for text in (seen.text, *seen.choices))
            raise AssertionError(f"{name} was to see {words!r} but saw: {shown}")
        return seen

    def _last(self, name: str, words: str) -> Seen:
        """The newest message with these words; shown ones before one's own."""
        for seen in reversed(self.players[name].seen):
            if self.holds(seen.text, words):
                return seen
        for native, text in reversed(self.players[name].written):
            if words in text:
                return Seen(native, text)
        raise AssertionError(f"{name} has no message with {words!r}")

    async def says(self, name: str, words: str, reply_to: str | None = None) -> None:
        player = self.players[name]
        native = await player.phone.say(self._typed(player, words), reply_to=reply_to)
        player.written.append((native, words))

    def _typed(self, player: Player, words: str) -> str:
        """A command or the label of a choice, in the language of the reader."""
        if not isinstance(self.languages, Reading):
            return words
        for shown, meant in self._labels(player.seen[-1]) if player.seen else ():
            if words.casefold() in map(str.casefold, meant):
                return shown
        return self.languages.typed(words)

    async def presses(self, name: str, label: str) -> None:
        player = self.players[name]
        for seen in reversed(player.seen):
            for choice, meant in self._labels(seen):
                if any(text.removeprefix("✓ ") == label for text in meant):
                    await player.phone.press(seen, choice)
                    return
        raise AssertionError(f"{name} sees nothing to press called {label!r}")

    def _labels(self, seen: Seen) -> list[tuple[str, list[str]]]:
        """What can be pressed, and what the story may call it."""
        if seen.choices:
            return [(label, [plain(label), *self.read(label)]) for label in seen.choices]
        # From the end: a sentence before them may begin with a number in one language alone.
        shown = _numbered(plain(seen.text))[::-1]
        told = [_numbered(text)[::-1] for text in self.read(seen.text)]
        return [
            (label, [label, *(texts[n] for texts in told if n < len(texts))])
            for n, label in enumerate(shown)
        ][::-1]

    # ------------------------------------------------------------------ telling

    async def tell(self, story: str, *, again_after_every_line: bool = False) -> None:
        for number, line in enumerate(story.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            try:
                await self._line(self._filled(line))
            except AssertionError as error:
                raise AssertionError(f"line {number}: {line}\n{error}") from None
            if again_after_every_line and not line.startswith("people:"):
                await self.again()

    def _filled(self, line: str) -> str:
        for key, value in self.names.items():
            line = line.replace("{" + key + "}", value)
        return line

    async def _line(self, line: str) -> None:
        if line == "again":
            return await self.again()
        if found := re.fullmatch(r"people: (.+)", line):
            for person in found[1].split(","):
                await self.join(*person.split())
            return None
        if found := re.fullmatch(r"(\w+) joins (\w+)", line):
            await self.join(*found.groups())
            return None
        if found := re.fullmatch(r"(\w+) sees nothing", line):
            return await self._nothing(found[1])
        if found := re.fullmatch(r'(\w+) sees reply to "(.+?)": (.+)', line):
            target = self._last(found[1], found[2])
            seen = await self.sees(found[1], found[3])
            assert seen.answers_to == target.native, "it is not a reply to that message"
            return None
        if found := re.fullmatch(r"(\w+) sees correction: (.+)", line):
            seen = await self.sees(found[1], found[2])
            assert seen.replaces, "it does not change an earlier message"
            return None
        if found := re.fullmatch(r"(\w+) sees: (.+)", line):
            await self.sees(found[1], found[2])
            return None
        if found := re.fullmatch(r"(\w+) presses: (.+)", line):
            return await self.presses(found[1], found[2])
        if found := re.fullmatch(r'(\w+) replies to "(.+?)": (.+)', line):
            return await self.says(found[1], found[3], self._last(found[1], found[2]).native)
        if found := re.fullmatch(r'(\w+) edits "(.+?)": (.+)', line):
            player = self.players[found[1]]
            native = next(n for n, text in reversed(player.written) if found[2] in text)
            await player.phone.edit(native, found[3])
            return None
        if found := re.fullmatch(r'(\w+) deletes "(.+?)"', line):
            player = self.players[found[1]]
            native = next(n for n, text in reversed(player.written) if found[2] in text)
            await player.phone.delete(native)
            return None
        if found := re.fullmatch(r"(\w+) sends a (photo|pdf|broken photo): (.+)", line):
            return await self._photo(*found.groups())
        if found := re.fullmatch(r"(\w+) sees photo: (.+)", line):
            picture = (await self.sees(found[1], found[2])).picture
            assert picture, "no picture came"
            assert picture[:2] == b"\xff\xd8"
            assert picture.find(MARK) == -1, "it was not cleaned"
            return None
        if found := re.fullmatch(r"(\w+) sends a (\w+)", line):
            await self.players[found[1]].phone.send_file(found[2])
            return None
        if found := re.fullmatch(r"(\w+) can: (.+)", line):
            return await self._can(found[1], found[2].split())
        if found := re.fullmatch(r"(\w+) translates: (\w+) (\w+)", line):
            return await self._translates(*found.groups())
        if found := re.fullmatch(r"(\d+) (minute|hour|day)s? pass(?:es)?", line):
            length = {"minute": 60, "hour": 3600, "day": 86400}[found[2]]
            return await self._pass(int(found[1]) * length)
        if found := re.fullmatch(r"(\w+): (.+)", line):
            return await self.says(found[1], found[2])
        raise AssertionError("this line is not understood")

    async def _photo(self, name: str, what: str, words: str) -> None:
        player, at, text = self.players[name], random.Random(1), "" if words == "-" else words
        body = b"\xff\xd8\xffbroken" if "broken" in what else jpeg(at)
        if what == "pdf":
            native = await player.phone.send_picture(pdf(at, 2), text, "a.pdf")
        else:
            native = await player.phone.send_picture(body, text)
        player.written.append((native, text or what))

    async def _can(self, name: str, skills: list[str]) -> None:
        def settle(book: Book, who: str, language: str) -> None:
            for skill in skills:
                book.do("insert into abilities(skill, person) values (:s, :w)", s=skill, w=who)
            book.do("insert into places(person, country) values (:who, '*')", who=who)
            book.do("insert into speaks values (:who, :language)", who=who, language=language)

        await self._settle(name, settle)

    async def _translates(self, name: str, one: str, other: str) -> None:
        def settle(book: Book, who: str, language: str) -> None:
            for source, target in ((one, other), (other, one)):
                book.do(
                    "insert into pairs(source, target, person) values (:source, :target, :who)",
                    source=source, target=target, who=who,
                )  # fmt: skip

        await self._settle(name, settle)

    async def _settle(self, name: str, settle: Callable[[Book, str, str], None]) -> None:
        address = self.players[name].phone.address

        def job(book: Book) -> None:
            found = people.at(book, address)
            assert found is not None
            settle(book, found[0].id, found[0].language)

        await self.gateway.do(job)

    async def _pass(self, seconds: int) -> None:
        self.moved += seconds
        self.gateway.clock.wake()

    async def _nothing(self, name: str) -> None:
        """Whatever was heard is answered by now, or would be in the outbox."""
        await self.gateway.do(lambda book: None)
        async with asyncio.timeout(15):
            while await self.gateway.do(lambda book: bool(outbox.waiting(book, 0)[0])):
                await asyncio.sleep(0.02)
        with contextlib.suppress(TimeoutError):
            seen = await self.players[name].phone.next(0.3)
            raise AssertionError(f"{name} saw: {self.read(seen.text)[0]}")


def _numbered(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^\d+ (.+)$", text, re.MULTILINE))


def database(folder: Path) -> str:
    return f"sqlite:///{folder}/movements.db"
