"""One phone of the playground: its chat, and what was done on it that is not heard yet."""

from __future__ import annotations

import hashlib
import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from core.message import Address, File, Inbound, Left, Outbound

PRESET = {"activist": "fa", "volunteer": "en", "translator": "en", "moderator": "en"}
LANGUAGES = ("en", "fa", "ar", "ru", "zh-Hans", "es", "fr", "ko", "tr", "uk")
FILES = ("picture", "voice", "video", "document", "sticker")
LONGEST = 20_000
KEPT = 500  # messages in a chat, and twice as many events and keys, before the oldest go

T = TypeVar("T")
ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class Odd(ValueError):
    """The page sent something that it never should. The text is one safe line."""


@dataclass
class Message:
    """A message as it stands on the phone. state, of one's own: waiting, heard, or handed (on to
    another person). pressed: the value of the button pressed last. picture: its path on this
    server. version grows with each change.
    """

    id: str
    mine: bool
    text: str = field(repr=False)
    at: float = field(default_factory=time.time)
    state: str = "heard"
    choices: tuple[tuple[str, str], ...] = ()
    pressed: str | None = None
    answers_to: str | None = None
    quote: str | None = field(default=None, repr=False)
    file: str | None = None
    picture: str | None = None
    language: str | None = None
    edited: bool = False
    version: int = 0


@dataclass
class Phone:
    """handle: what the gateway knows it by. language: that of the phone itself, a BCP 47 tag."""

    handle: str
    language: str
    messages: dict[str, Message] = field(default_factory=dict, repr=False)
    waiting: deque[tuple[str, Inbound | Left]] = field(default_factory=deque, repr=False)
    done: dict[str, bool | None] = field(default_factory=dict, repr=False)
    """What is known of each event: None while it waits, then what `hear` returned."""
    sent: dict[str, str] = field(default_factory=dict, repr=False)
    """Outbound.key -> id of its message."""
    unsent: dict[str, None] = field(default_factory=dict, repr=False)
    """Ids of messages that the bot took back: a page that comes again drops them too."""
    gone: bool = False
    version: int = 0

    # ------------------------------------------------------------ what is done on the phone

    def take(self, event: Mapping[str, object]) -> tuple[str, list[Message]]:
        """An event from the page -> its id, and the messages that it changed.

        An event that was taken before changes nothing, so the page may send it again after the
        connection broke. Raises Odd.
        """
        id = _id(event, "id")
        if id in self.done:
            return id, []
        what, changed = self._understand(id, event)
        self.gone = isinstance(what, Left)
        self.done[id] = None
        self.waiting.append((id, what))
        return id, [self._touch(message) for message in changed]

    def heard(self, handed_on: bool) -> tuple[str, list[Message]]:
        """The first event that waits is committed -> its id, and the messages that it changed."""
        id, event = self.waiting.popleft()
        self.done[id] = handed_on
        _trim(self.done, 2 * KEPT)
        changed = [m for m in map(self.messages.get, (id, _edited(event))) if m is not None]
        for message in changed:
            message.state = "handed" if handed_on else "heard"
        return id, [self._touch(message) for message in changed]

    def _understand(
        self, id: str, event: Mapping[str, object]
    ) -> tuple[Inbound | Left, list[Message]]:
        sender = Address("web", self.handle)
        heard = Inbound(f"{self.handle}:{id}", sender, native=id, locale=self.language)
        match event.get("do"):
            case "say":
                text, answers_to = _text(event), _maybe_id(event, "answers_to")
                message = Message(id, True, text, state="waiting", answers_to=answers_to)
                self._keep(message)
                return replace(heard, text=text, answers_to=answers_to), [message]
            case "edit":
                text, edits = _text(event), _id(event, "edits")
                old = self.messages.get(edits)
                changed = [old] if old is not None and old.mine else []
                for message in changed:
                    message.text, message.edited, message.state = text, True, "waiting"
                return replace(heard, text=text, edits=edits), changed
            case "press":
                value, on = _string(event, "value", 500), _id(event, "on")
                under = self.messages.get(on)
                changed = [under] if under is not None else []
                for message in changed:
                    message.pressed = value
                return replace(heard, pressed=value, native=on), changed
            case "file":
                kind = _string(event, "kind", 20)
                if kind not in FILES:
                    raise Odd("no such kind of file")
                text = _text(event) if event.get("text") else ""
                ref = _string(event, "ref", 64) if event.get("ref") else ""
                message = Message(id, True, text, state="waiting", file=kind)
                self._keep(message)
                return replace(heard, text=text, files=(File(kind, ref),)), [message]
            case "leave":
                self.messages.clear()
                return Left(sender), []
        raise Odd("nothing that a phone can do")

    # ------------------------------------------------------------ what the bot sends

    def show(self, out: Outbound, picture: str | None = None) -> tuple[str, list[Message]]:
        """-> the id of the message, and the messages that changed: none if its key is known."""
        if out.key in self.sent:
            return self.sent[out.key], []
        id = out.replaces or "b" + hashlib.blake2s(out.key.encode(), digest_size=10).hexdigest()
        message = Message(
            id,
            False,
            out.text,
            choices=out.choices,
            answers_to=out.answers_to,
            quote=out.quote,
            language=out.language,
            edited=out.replaces is not None,
            picture=picture,
        )
        old = self.messages.get(id)
        if old is not None:
            message.at = old.at
            message.answers_to = message.answers_to or old.answers_to
            message.quote = message.quote or old.quote
        self._keep(message)
        self.sent[out.key] = id
        _trim(self.sent, 2 * KEPT)
        return id, [self._touch(message)]

    def unsend(self, natives: Sequence[str]) -> list[str]:
        """-> those that stood here, and do no longer."""
        found = [id for id in natives if id in self.messages and not self.messages[id].mine]
        for id in found:
            del self.messages[id]
        self.unsent.update(dict.fromkeys(found))
        _trim(self.unsent, 2 * KEPT)
        return found

    def _keep(self, message: Message) -> None:
        self.messages[message.id] = message
        _trim(self.messages, KEPT)

    def _touch(self, message: Message) -> Message:
        self.version += 1
        message.version = self.version
        return message


def open_phone(event: Mapping[str, object]) -> Phone:
    """The phone that a page wants to open, new. Raises Odd."""
    language = _string(event, "language", 20)
    if language not in LANGUAGES:
        raise Odd("no such language")
    return Phone(_id(event, "phone"), language)


def _edited(event: Inbound | Left) -> str:
    return (event.edits or "") if isinstance(event, Inbound) else ""


def _trim(kept: dict[str, T], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]


def _string(event: Mapping[str, object], name: str, longest: int) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise Odd(f"{name}: not a text of 1 to {longest} characters")
    # JSON can spell half a surrogate pair, which no encoding can hold; the rest stays untouched.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _text(event: Mapping[str, object]) -> str:
    return _string(event, "text", LONGEST)


def _id(event: Mapping[str, object], name: str) -> str:
    value = _string(event, name, 64)
    if not ID.fullmatch(value):
        raise Odd(f"{name}: not an id")
    return value


def _maybe_id(event: Mapping[str, object], name: str) -> str | None:
    return None if event.get(name) is None else _id(event, name)
