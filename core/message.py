"""The types at the seams between platforms, conversation and core. Standard library only.
In:  adapter --Inbound--> bots.talk --action--> Notice --> outbox
Out: outbox --Notice--> bots.courier --Outbound--> adapter
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.saying import Arg as Arg
from core.saying import Code as Code
from core.saying import Joined as Joined
from core.saying import Name as Name
from core.saying import Quote as Quote
from core.saying import Say as Say
from core.saying import Sayable as Sayable
from core.saying import SayMany as SayMany
from core.saying import Word as Word
from core.saying import dots as dots
from core.saying import lines as lines
from core.saying import paragraphs as paragraphs


@dataclass(frozen=True)
class Address:
    """One place where a person is reached. `repr` hides the handle: it must reach no log."""

    platform: str
    handle: str = field(repr=False)


@dataclass(frozen=True)
class Choice:
    """An answer that can be picked. value: a whole command ("offer 7KQ") or an answer token."""

    value: str = field(repr=False)
    label: Arg = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """What a native reply to a message means: an action of `bots.talk` and its arguments."""

    action: str
    args: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Secret:
    """What an adapter's library for encryption keeps under a name: an account, a ratchet, a device.

    value  None: it is gone
    of     the handle of whom it leads to and with whom it goes; "": the gateway's own
    """

    name: str = field(repr=False)
    value: bytes | None = field(repr=False)
    of: str = field(default="", repr=False)


CONFIRMED = "confirmed"
"""Before a handle: a secret that the core put there when its owner confirmed their new keys."""


class Safe(Protocol):
    """Where an adapter keeps its secrets: sealed, in the gateway's own database."""

    def load(self) -> Awaitable[list[Secret]]:
        """-> everything that was kept. Raises if the store is down."""

    def keep(self, secrets: Sequence[Secret]) -> Awaitable[None]:
        """On disk when it returns, all of them or none. Raises if the store is down."""


LARGEST_FILE = 10_000_000
"""Bytes: nothing larger is fetched."""


@dataclass(frozen=True)
class File:
    """Something that came along with a message; nobody has looked into it.

    kind  picture voice video document sticker location contact other encrypted keyless
    ref   where its adapter finds it, for `fetch`; "": not a picture or a PDF, or out of reach.
          It names people and opens files: never stored, never logged
    size  bytes, as the platform says; 0: it does not say
    """

    kind: str
    ref: str = field(default="", repr=False)
    size: int = 0


@dataclass(frozen=True)
class Inbound:
    """One thing that a person did on a platform, as the adapter saw it.

    id        names this event for ever on this platform: hearing it again changes nothing
    native    how a native reply or edit names this message; for a button, the message it stands on
    text      what was written, raw; "" for a button or a file alone
    pressed   the value of the native button that was pressed
    answers_to  native id of the message this is a native reply to; in a thread without a reply
              of its own, the thread's root
    edits     native id of the person's own earlier message that this text replaces
    thread    native id of the root of the thread that this was written in
    conversation  whose own chat this was written in, as `Outbound` called it; "": of one that is
              over, or that nothing is known of any more; None: in the chat with the gateway
    locale    the platform's hint about the person's language ("fa", "pt-br"); only a hint
    encrypted  arrived end-to-end encrypted
    vouched   False: by a device that its owner's identity does not vouch for
    secured   True: it did not, and the chat is encrypted from here on; False: it can't be, and a
              new one can
    cursor    the platform's position once this is heard; stored in the same transaction
    files     what came along, not looked into
    pictures  what of it can be passed on: JPEGs of nothing but pixels; `unclean`: why nothing can
              (one of the words in `bots.cleaner`, or "away"). Both set by the gateway
    deleted   the person deleted the message `native`
    secrets   what decrypting it changed: committed with it, for a ciphertext is read only once
    """

    id: str = field(repr=False)
    sender: Address
    text: str = field(default="", repr=False)
    native: str = field(default="", repr=False)
    pressed: str | None = field(default=None, repr=False)
    answers_to: str | None = field(default=None, repr=False)
    edits: str | None = field(default=None, repr=False)
    thread: str | None = field(default=None, repr=False)
    conversation: str | None = field(default=None, repr=False)
    locale: str | None = None
    encrypted: bool = False
    vouched: bool = True
    secured: bool | None = None
    cursor: str | None = field(default=None, repr=False)
    files: tuple[File, ...] = ()
    pictures: tuple[bytes, ...] = field(default=(), repr=False)
    unclean: str | None = None
    deleted: bool = False
    secrets: tuple[Secret, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Left:
    """A person blocked the bot, or left: the address is dead until they write again."""

    sender: Address
    cursor: str | None = None


@dataclass(frozen=True)
class Changed:
    """The keys behind an address are others than before; heard before what they wrote."""

    sender: Address
    cursor: str | None = None


@dataclass(frozen=True)
class Overheard:
    """Somebody else came into a conversation's own chat: that is left, and the conversation goes on
    in the chat with the gateway. May be heard more than once."""

    sender: Address
    conversation: str
    cursor: str | None = None


Event = Inbound | Left | Changed | Overheard
"""What an adapter hears."""


@dataclass(frozen=True)
class Notice:
    """Something the core wants told to a person; becomes a row of the outbox.

    reply     what a native reply to it will mean
    replaces  the key of an earlier notice to the same person that this corrects in place
    answers   the entry that this is a native reply to, on whichever message shows it to the reader
    entry     the entry that this message shows to the reader
    picture   the number of the entry's picture that goes with it
    thread    native id of the thread that it belongs into
    under     the entry in whose thread it belongs, if that was shown to the reader to translate
    conversation  the one that it belongs to, which may have a chat of its own; None: the one that a
              reply goes to
    chat      the conversation in whose own chat it answers something; "": in the chat with the
              gateway; None: it answers nothing
    ends      that conversation is over: so is a chat of its own
    urgent    False: alerts and digests, sent after everything else
    sensitive  only over encrypted routes; whatever names a sensitive need is, unsaid
    at        the row of the address that it goes to
    """

    to: str
    say: Sayable
    choices: tuple[Choice, ...] = ()
    reply: Reply | None = None
    replaces: str | None = None
    answers: str | None = None
    entry: str | None = None
    picture: int | None = None
    thread: str | None = None
    under: str | None = None
    conversation: str | None = None
    chat: str | None = None
    ends: bool = False
    key: str | None = None
    urgent: bool = True
    sensitive: bool = False
    at: int | None = None

    def belongs(self) -> str | None:
        """-> the conversation in whose own chat it may stand. The news that it is over do not: that
        chat is left."""
        if self.ends:
            return None
        if self.conversation is None and self.chat is not None:
            return self.chat or None
        if self.conversation is None and self.reply and self.reply.action == "relay":
            return self.reply.args["conversation"]
        return self.conversation

    def opens(self) -> bool:
        """Whether that chat is to be made, if there is none."""
        return self.belongs() is not None and (self.conversation is not None or self.chat is None)


@dataclass(frozen=True)
class Outbound:
    """A notice rendered for one address.

    key       fixed for ever: a resend with the same key is harmless where the platform allows
    choices   (value, label); only for platforms with buttons, otherwise they stand in the text
    answers_to  native id of the message it replies to; `quote` is the start of that message
    thread    native id of the root of the thread it goes into
    conversation  names the conversation that it belongs to, and says nothing of it
    opens     if that has no chat of its own yet, it gets one
    replaces  native id of the bot's own earlier message to edit in place
    language  the text's language, e.g. for xml:lang
    picture   a clean JPEG; `text` is what stands under it. `replaces` never goes with it
    sensitive  goes end-to-end encrypted to keys that the adapter trusts, or not at all: `Exposed`
    private   they wrote encrypted last: it goes encrypted, whatever the adapter knows of them
    """

    key: str
    to: Address
    text: str = field(repr=False)
    choices: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    answers_to: str | None = field(default=None, repr=False)
    quote: str | None = field(default=None, repr=False)
    thread: str | None = field(default=None, repr=False)
    conversation: str | None = field(default=None, repr=False)
    opens: bool = True
    replaces: str | None = field(default=None, repr=False)
    language: str = "en"
    picture: bytes | None = field(default=None, repr=False)
    sensitive: bool = False
    private: bool = False


@dataclass(frozen=True)
class Facts:
    """What a platform can do. gap: seconds between two messages to one address; rate: messages a
    second in all; max_length in units: "utf16", "codepoints" or "bytes" (UTF-8); caption: the same
    for what stands under a picture, 0: nothing can; encrypts: chats can be end-to-end encrypted;
    own: the gateway's own address, as people write it to their client."""

    buttons: bool
    edits: bool
    max_length: int
    unit: str
    gap: float = 0.0
    rate: float = 1000.0
    reader: str = "server"  # who else can read: "telegram", "server", "nobody"
    caption: int = 0
    encrypts: bool = False
    own: str = ""
    unsend_at_once: int = 1  # messages
    unsend_within: int | None = None  # seconds; None: for ever


Hear = Callable[[Event], Awaitable[bool]]
"""Returns once the event is committed; True if it was handed on to another person (a tick is due).
Raises only if nothing was committed: then the adapter must not acknowledge the event."""


class Undelivered(Exception):
    """A send that brought no message id."""


class Gone(Undelivered):
    """The address is dead: blocked, left, unknown."""


class Exposed(Undelivered):
    """Cannot be reached end-to-end encrypted now; nothing was sent. For what is sensitive only."""


class Later(Undelivered):
    """Wait `seconds` before the next message to this address (everywhere: to all of them)."""

    def __init__(self, seconds: float, *, everywhere: bool = False) -> None:
        super().__init__()
        self.seconds, self.everywhere = seconds, everywhere


class Unsent(Undelivered):
    """Surely not sent: send again once the platform is up."""


class Unknown(Undelivered):
    """Perhaps sent: one more try at most where the platform knows no keys."""


class Refused(Undelivered):
    """The platform will never take this message (too long, malformed): sending again is useless."""


class Down(Exception):
    """The platform cannot be used now. The text is one safe line: no handle, no token, no message.
    key: the setting that is most likely wrong, if the operator has to act ("token_file")."""

    def __init__(self, reason: str, key: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.key = reason, key
