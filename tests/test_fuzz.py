"""Whatever is written, posted or configured: nothing that reads it raises what it must not, and
what becomes of it has the shape that the core relies on.

100,000 inputs in CI, `INPUTS` says over which ways; ten times as many with `make soak`. All are
seeded: the number in a failure makes it again.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest
from nio import SyncResponse

from adapters.matrix import events
from adapters.matrix.encryption import Encryption
from adapters.matrix.olm import MEGOLM
from adapters.matrix.reading import Reading
from adapters.matrix.rooms import Rooms
from adapters.matrix.shelf import Shelf
from adapters.telegram.poller import Poller
from adapters.web.server import Tab, Web
from adapters.xmpp import Xmpp
from adapters.xmpp.acks import Acks
from adapters.xmpp.hearing import Hearing
from adapters.xmpp.omemo import Cut
from adapters.xmpp.private import Private
from adapters.xmpp.stream import Stream
from bots.config import Config, Wrong, load
from core import countries, detection, masking, pseudonyms, skills, words
from core.language import BIDI, Languages
from core.message import Code, Event, File, Inbound, Joined, Left, Name, Quote, Say
from core.text import BAR, clean, defanged, finds, number, numbers, only_emoji, shortened, split
from tests.nonsense import Nonsense
from tests.platforms.device import ROOM, Device, answer
from tests.room import Room
from tests.safes import Pocket

TIMES = 10 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 1
INPUTS = {
    "the sanitiser": 35_300,
    "what is shown to others": 8_000,
    "command words": 6_000,
    "parsers": 400,
    "telegram": 16_000,
    "xmpp": 12_000,
    "matrix": 12_000,
    "the playground": 8_000,
    "the configuration": 1_500,
    "forms and conversations": 800,
}


def test_there_are_a_hundred_thousand() -> None:
    tested = {name.removeprefix("test_").replace("_", " ") for name in globals()}
    assert INPUTS.keys() <= tested
    assert sum(INPUTS.values()) >= 100_000


def drawn(name: str) -> Iterator[Nonsense]:
    for n in range(INPUTS[name] * TIMES):
        nonsense = Nonsense(f"{name} {n}")
        try:
            yield nonsense
        except GeneratorExit:  # raised there: pytest shows where
            print(f"{name}, number {n}")
            raise


def checked(event: object) -> None:
    """What the core may rely on, whatever a platform sends."""
    if isinstance(event, Left):
        assert event.sender.handle
        return
    assert isinstance(event, Inbound)
    assert event.id
    assert event.sender.handle
    for value in (event.id, event.text, event.native, event.sender.handle, event.sender.platform):
        assert type(value) is str
    for optional in (event.pressed, event.answers_to, event.edits, event.thread, event.locale):
        assert optional is None or type(optional) is str
    for file in event.files:
        assert type(file.kind) is type(file.ref) is str
        assert isinstance(file.size, int)
    assert type(event.deleted) is type(event.encrypted) is bool


# ------------------------------------------------------------------ texts


NEVER = re.compile(f"[{BIDI}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\ufdd0]")


def test_the_sanitiser() -> None:
    for any in drawn("the sanitiser"):
        limit = any.choice((4000, 4000, 50, 7))
        text = clean(any.text(80), limit)
        assert clean(text, limit) == text
        assert len(text) <= limit
        assert not NEVER.search(text)
        assert unicodedata.is_normalized("NFC", text)
        text.encode()


def test_what_is_shown_to_others() -> None:
    languages = Languages()
    for any in drawn("what is shown to others"):
        text = clean(any.text())
        safe = defanged(text)
        assert defanged(safe) == safe
        assert not re.search(
            r"(?i)(?<=[a-z0-9])(?<!hxxp)(?<!hxxps)://|(?<![\w/])/\w|\bt\.me\b", safe
        )
        for part in split(text, any.randint(4, 90), any.choice(("utf16", "codepoints", "bytes"))):
            assert part.strip()
        shortened(text, any.randint(0, 40))
        said = Say("{name} is blocked: {text}", name=Name("pseudonym", any.text(8)), text=text)
        shown = languages.render(
            Joined("\n", (said, Quote(text), Code(any.text(8)))), any.choice(("en", "fa", "xx", ""))
        )
        for line in re.sub(f"[{BIDI}]", "", languages.render(Quote(text), "fa")).split("\n"):
            assert line.startswith(BAR)
        assert shown


def test_command_words() -> None:
    found = words.commands()
    for any in drawn("command words"):
        text, tag = clean(any.text(40)), any.choice(("en", "fa", "zh_Hans", any.text(4)))
        found.universal(text)
        found.language(text)
        found.command(text, [tag], strict=any.random() < 0.5)
        found.suggest(text[:200], [tag])
        words.code(text)
        words.handed(text)


def test_parsers() -> None:
    languages = Languages()
    for any in drawn("parsers"):
        text, tag = clean(any.text(40)), any.choice(("en", "fa", "ru", "zh_Hans", "xx"))
        shown, hidden = masking.masked(text, tag)
        masking.restored(clean(any.scratched(shown)), text, tag)
        assert masking.restored(shown, text, tag) == text or not hidden
        only_emoji(text)
        for kind, start, end in finds(text):
            assert kind in ("phone", "email", "handle")
            assert 0 <= start < end <= len(text)
        assert (number(text) or 0) >= 0
        assert numbers(text) is None or all(n >= 0 for n in numbers(text) or ())
        languages.negotiate(any.text(8))
        detection.detect(text, [tag])
        pseudonyms.matches(text, ["grey heron", "quick swift"])
        countries.country(text)
        countries.guess_country(text[:300], tag)
        skills.suggest(text[:300], tag)


# ------------------------------------------------------------------ platforms


ANA = {"id": 7, "is_bot": False, "first_name": "A", "username": "ana", "language_code": "fa"}
SAID = {
    "message_id": 5,
    "from": ANA,
    "chat": {"id": 7, "type": "private"},
    "date": 1,
    "text": "hello",
}
REPLY = {"message_id": 4, "chat": {"id": 7, "type": "private"}, "date": 1, "text": "x"}
PHOTO = [{"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9, "file_size": 99}] * 2
PDF = {"file_id": "f", "mime_type": "application/pdf", "file_size": 9}
UPDATES = (
    {"message": SAID},
    {"message": {**SAID, "reply_to_message": REPLY, "entities": [{"type": "url", "offset": 0}]}},
    {"message": {**SAID, "photo": PHOTO, "caption": "c", "text": ""}},
    {"message": {**SAID, "document": PDF}},
    {"message": {**SAID, "voice": PDF, "forward_origin": {"type": "user"}}},
    {"edited_message": {**SAID, "edit_date": 9}},
    {"callback_query": {"id": "1", "from": ANA, "message": REPLY, "data": "offer 7KQ"}},
    {"my_chat_member": {"from": ANA, "chat": SAID["chat"], "date": 1, "old_chat_member": {},
                        "new_chat_member": {"status": "kicked"}}},
)  # fmt: skip


async def test_telegram(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every update is heard, or set aside; none stops those behind it, none is left unconfirmed."""
    heard, given, asked, wrong = 0, list[Any](), list[int | None](), list[object]()

    async def fetch(offset: int | None) -> Any:
        asked.append(offset)
        return given

    async def hear(event: Event) -> bool:
        nonlocal heard
        try:
            checked(event)
        except AssertionError:
            wrong.append(event)
        heard += 1
        return False

    monkeypatch.setattr("adapters.telegram.poller.log.warning", lambda *what: None)
    poller = Poller(fetch, hear, lambda event, handed_on: None, None)
    for n, any in enumerate(drawn("telegram")):
        update = any.almost({"update_id": n, **any.choice(UPDATES)})
        given.append(json.loads(json.dumps(update)) if any.random() < 0.9 else any.value())
        if len(given) == 99:
            given.append({"update_id": n + 10**9, "message": {**SAID, "message_id": n}})
            before, wanted = heard, given[-1]["update_id"]
            await poller.round()
            assert not wrong
            assert heard > before
            given.clear()
            given.append({"update_id": n + 10**9 + 1, "message": SAID})
            await poller.round()
            given.clear()
            assert asked[-1] == wanted + 1, "something is left unconfirmed"
    assert heard > INPUTS["telegram"] // 4


STANZAS = (
    "<body>{text}</body><origin-id xmlns='urn:xmpp:sid:0' id={id}/>",
    "<body>&gt; quoted\n{text}</body><reply xmlns='urn:xmpp:reply:0' to='b@b.org' id={id}/>"
    "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end={n}/>"
    "</fallback>",
    "<body>{text}</body><x xmlns='jabber:x:oob'><url>https://a.org/{text}.jpg</url></x>",
    "<body>{text}</body><replace xmlns='urn:xmpp:message-correct:0' id={id}/>",
    "<retract xmlns='urn:xmpp:message-retract:1' id={id}/><body>{text}</body>",
    "<body>aesgcm://a.org/f.jpg#" + "0a" * 44 + "</body>",
    "<body>geo:1,2</body><delay xmlns='urn:xmpp:delay' stamp={id}/>",
    "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid={n}><key rid={n}>{text}</key>"
    "<iv>{text}</iv></header><payload>{text}</payload></encrypted><body>x</body>",
    "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='7'><key rid='9' prekey='true'>"
    "AAAA</key><iv>AAAA</iv></header></encrypted><store xmlns='urn:xmpp:hints'/>",
    "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    "<result xmlns='urn:xmpp:mam:2' id={id}><forwarded xmlns='urn:xmpp:forward:0'/></result>",
    "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node={id}/></event>",
    "<stanza-id xmlns='urn:xmpp:sid:0' by='b@b.org' id={id}/><body xml:lang={id}>{text}</body>",
    "<sticker xmlns='urn:xmpp:stickers:0'/><request xmlns='urn:xmpp:receipts'/><body>{text}</body>",
)  # fmt: skip


def stanza(any: Nonsense) -> ElementTree.Element:
    """What is no XML ends the connection in the stream's parser: it comes unscratched."""
    inside = any.choice(STANZAS).format(
        text=escape(clean(any.text(20))),
        id=quoteattr(clean(any.text(8))),
        n=quoteattr(any.choice(("0", "9", "-1", "۳", "9" * 40, clean(any.text(4))))),
    )
    other = any.random() < 0.2
    sender = any.choice(("b@b.org", "", "a.org", clean(any.text(8)))) if other else "ana@a.org/x"
    kind = any.choice(("normal", "error", "groupchat", clean(any.text(4)))) if other else "chat"
    head = f"from={quoteattr(sender)} type={quoteattr(kind)} id={quoteattr(clean(any.text(4)))}"
    scratched = any.scratched(inside).encode("utf-8", "replace").decode()
    for body in (scratched, inside):
        with suppress(ElementTree.ParseError):
            return ElementTree.fromstring(f"<message xmlns='jabber:client' {head}>{body}</message>")
    raise AssertionError("the stanzas above are no XML")


async def test_xmpp(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = 0

    async def hear(event: Event) -> bool:
        nonlocal heard
        if isinstance(event, Inbound | Left):
            checked(event)
        heard += 1
        return False

    async def nobody(*_: object) -> Any:
        raise Cut

    adapter = Xmpp(jid="b@b.org", password="x")
    # the adapter's last resort is to skip, or to try again for ever: neither may be needed
    troubles: list[object] = []
    for module in ("stream", "hearing"):
        warn = lambda *what: troubles.append(what)  # noqa: E731
        monkeypatch.setattr(f"adapters.xmpp.{module}.log.warning", warn)
    stream = Stream("b@b.org/gw", "x", ssl.create_default_context(), None, Acks())
    stream.on_message = partial(adapter._receive, stream)
    adapter._stream, adapter._settled, adapter._archived = stream, stream.acks, True
    adapter._hearing = Hearing(hear, None)
    adapter._private = Private("b@b.org", hear, Pocket(), nobody, adapter._sending)
    await adapter._private.omemo.ratchets.open()
    adapter._private.omemo.ready.set()  # without keys of its own: what they open is in `test_omemo`
    for n, any in enumerate(drawn("xmpp")):
        stream._spawn_event(stanza(any))
        while n % 50 == 49 and adapter._hearing.waiting and not troubles:
            await asyncio.sleep(0)
        assert not troubles
    await adapter._hearing.close()
    await adapter._private.omemo.device.close()
    assert heard > INPUTS["xmpp"] // 4


RELATION = {"rel_type": "m.thread", "event_id": "$t", "is_falling_back": True,
            "m.in_reply_to": {"event_id": "$b"}}  # fmt: skip
EDIT = {"msgtype": "m.text", "body": "* b", "m.new_content": {"msgtype": "m.text", "body": "b"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$a"}}  # fmt: skip
KEY = {
    "v": "v2",
    "key": {"k": "a", "alg": "A256CTR"},
    "iv": "i",
    "hashes": {"sha256": "h"},
    "url": "mxc://x/y",
}
INFO = {"size": 9, "mimetype": "application/pdf"}
CONTENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("m.room.message", {"msgtype": "m.text", "body": "hello"}),
    ("m.room.message", {"msgtype": "m.text", "body": "> <@b:x> q\n\nhi", "m.relates_to": RELATION}),
    ("m.room.message", EDIT),
    ("m.room.message", {"msgtype": "m.image", "body": "a.jpg", "url": "mxc://x/y", "info": INFO}),
    ("m.room.message", {"msgtype": "m.file", "body": "a.pdf", "file": KEY, "info": INFO}),
    ("m.room.member", {"membership": "join", "displayname": "Eve"}),
    ("m.room.join_rules", {"join_rule": "public"}),
    ("m.room.encryption", {"algorithm": MEGOLM}),
    ("m.room.redaction", {"redacts": "$a"}),
    ("m.sticker", {"body": "x"}),
    ("m.room.encrypted", {"algorithm": MEGOLM, "ciphertext": "AAAA", "session_id": "s"}),
)  # fmt: skip


def through_sync(event: Any) -> dict[str, Any]:
    """As nio gives an event of an answer on; {} if it gives none."""
    timeline = {"events": [event], "limited": False, "prev_batch": "p"}
    rooms = {"join": {ROOM: {"timeline": timeline, "state": {"events": []}}}}
    found = SyncResponse.from_dict(json.loads(json.dumps({"next_batch": "n", "rooms": rooms})))
    if not isinstance(found, SyncResponse):
        return {}
    shown = found.rooms.join[ROOM].timeline.events
    return dict(shown[0].source) if shown else {}


async def test_matrix() -> None:
    """Each goes the way of an event in an answer to /sync; now and then a good one comes through
    end-to-end encrypted."""

    class Nowhere:
        user_id, device_id, access_token = "@bot:x", "BOT", "t"

    shelf = Shelf(Pocket())
    encryption = Encryption(Nowhere(), shelf, "password")
    reading, heard = Reading(shelf, encryption), 0
    for n, any in enumerate(drawn("matrix")):
        kind, content = any.choice(CONTENTS)
        event = {"event_id": f"${n}", "sender": "@ada:x", "type": kind, "content": content,
                 "origin_server_ts": 1, "unsigned": {"age": 1}}  # fmt: skip
        if kind.startswith("m.room.") and "member" in kind:
            event["state_key"] = "@ada:x"
        if any.random() < 0.5:  # what a server answers for, and nio relies on, is as it should be
            event = through_sync({**event, "content": any.almost(content)})
        else:
            wrong = any.almost(event)
            event = wrong if isinstance(wrong, dict) else {}
        rooms = Rooms("@bot:x")
        rooms.note(ROOM, event)
        gone = events.left(event)
        assert gone is None or type(gone) is str
        rooms.alone_with(ROOM, str(event.get("sender")))
        to_device = {"type": any.choice(("m.room.encrypted", "m.room_key")), "sender": "@eve:x"}
        encryption.receive(any.almost(answer({**to_device, "content": content})))
        for read in reading.take(ROOM, event):
            if (said := events.read(read.event)) is not None:
                checked(said)
                heard += 1
        if n % 200 == 0:
            ada = Device("@ada:x")
            encryption.receive(answer(ada.gives(encryption.olm)))
            clear, _ = encryption.megolm.open(ROOM, ada.writes(ada.message("good")))
            assert clear["content"]["body"] == "good"
    assert heard > INPUTS["matrix"] // 4


FRAMES: tuple[dict[str, Any], ...] = (
    {"do": "open", "phone": "activist", "language": "fa"},
    {"do": "say", "phone": "activist", "id": "a-1", "text": "hello", "answers_to": "b1"},
    {"do": "edit", "phone": "volunteer", "id": "a-2", "text": "hello", "edits": "a-1"},
    {"do": "press", "phone": "volunteer", "id": "a-3", "on": "b1", "value": "offer 7KQ"},
    {"do": "file", "phone": "translator", "id": "a-4", "kind": "picture", "ref": "x", "text": "c"},
    {"do": "leave", "phone": "translator", "id": "a-5"},
    {"do": "stop story"},
)


async def test_the_playground() -> None:
    playground, heard = Web(listen="127.0.0.1:0"), 0
    playground._hear_from = lambda phone: None
    tab = Tab(None)  # type: ignore[arg-type]
    for any in drawn("the playground"):
        frame = any.almost(any.choice(FRAMES))
        if isinstance(frame, dict) and "id" in frame and any.random() < 0.8:
            frame["id"] = f"{any.random()}"[2:]
        written = json.dumps(frame)
        playground._read(tab, any.scratched(written) if any.random() < 0.3 else written)
        while not tab.frames.empty():
            tab.frames.get_nowait().encode()
        for phone in playground.phones.values():
            while phone.waiting:
                checked(phone.waiting[0][1])
                phone.heard(False)
                heard += 1
    assert heard > INPUTS["the playground"] // 10


# ------------------------------------------------------------------ the operator


def test_the_configuration(tmp_path: Path) -> None:
    """It is taken, or refused in one line."""
    right = (Path(__file__).parent.parent / "config.example.toml").read_text("utf-8")
    right = re.sub(r"^# ?(?=\[|\w+ = )", "", right, flags=re.MULTILINE)
    path, outcomes = tmp_path / "config.toml", {"taken": 0, "refused": 0}
    for any in drawn("the configuration"):
        path.write_bytes(any.scratched(right).encode("utf-8", "surrogatepass"))
        try:
            assert isinstance(load(path), Config)
            outcome = "taken"
        except Wrong as wrong:
            outcome = "refused" if len(str(wrong).splitlines()) == 1 else "explained at length"
        outcomes[outcome] += 1
    assert min(outcomes.values()) > 20


# ------------------------------------------------------------------ the conversation


OPENS = ("need", "skills", "translate", "language", "report", "need a writer for a letter", "offer",
         "close", "safety", "vouch", "link", "panic", "freeze", "talk", "block")  # fmt: skip


def test_forms_and_conversations() -> None:
    """As `test_anything_goes`, but of anything: each is answered, and nobody is answered with what
    no message may hold."""
    room, people = Room("sqlite://"), ("Ana", "Vic", "Mod")
    room.join("Ana")
    room.join("Vic", "fa", "vouched")
    room.join("Mod", "en", "moderator", "numbers")
    room.can("Vic", "writing")
    for any in drawn("forms and conversations"):
        name = any.choice(people)
        shown = room.people[name].shown
        values = [value for value, _ in shown[-1].choices] if shown else []
        what: dict[str, Any]
        match any.randrange(8):
            case 0:
                what = {"text": any.choice(OPENS)}
            case 1 | 2 if values:
                what = {"pressed": any.choice(values)}
            case 3:
                what = {"pressed": any.scratched(any.choice(values) if values else "offer 7KQ")}
            case 4:
                what = {"text": any.text(), "answers_to": any.choice(shown).native}
            case 5:
                what = {"text": any.text(), any.choice(("edits", "thread", "locale")): any.text(8)}
            case 6:
                what = {"text": any.text(), "files": (File(any.text(8), any.text(8)),)}
            case _:
                what = {"text": any.text()}
        before = {each: len(room.people[each].shown) for each in people}
        room.does(name, **what)
        for each in people:
            for told in room.people[each].shown[before[each] :]:
                assert not NEVER.search(told.text)
                told.text.encode()
    room.close()
