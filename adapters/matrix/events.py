"""Matrix events as the gateway's messages, and back. Pure.

Events come from strangers' servers: nothing in `content` has the type it should have until it is
looked at. Client-Server API, "Room events": https://spec.matrix.org/latest/client-server-api/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.message import Address, File, Inbound, Outbound
from core.message import Event as Heard

__all__ = ["Event", "Heard"]

Event = Mapping[str, Any]

REDACTION = "m.room.redaction"
FILES = {
    "m.image": "picture",
    "m.audio": "voice",
    "m.video": "video",
    "m.file": "document",
    "m.location": "location",
}
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")
UNHEARD = {"m.notice", "m.key.verification.request"}
"""m.notice is what bots say: answering it is how two bots talk for ever (section m.notice)."""

_QUOTED = re.compile(r"> (?:\* )?<@[^>\n]*>[^\n]*\n(?:>[^\n]*\n)*\n?")
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_FALLBACK_LENGTH = 1000
NAME = "picture.jpg"
MARK = "org.movements.mark"
"""In the creation of a room of ours: which one it is."""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _part(value: object, name: str) -> Event:
    part = value.get(name) if isinstance(value, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _without_quote(body: str) -> str:
    """Clients up to 2024 put the message they answer into the body (removed by MSC2781)."""
    found = _QUOTED.match(body)
    return body[found.end() :] if found else body


def _words(content: Event, is_reply: bool) -> tuple[str, tuple[File, ...]]:
    """-> what was written, and the files that came along."""
    kind, body = _text(content.get("msgtype")), _text(content.get("body"))
    if kind in ("m.text", "m.emote"):
        return (_without_quote(body) if is_reply else body), ()
    name = _text(content.get("filename"))
    caption = body if name and body != name else ""  # section "Media captions"
    return caption, (_file(content, FILES.get(kind, "other")),)


def _file(content: Event, kind: str) -> File:
    info = _part(content, "info")
    type, size = _text(info.get("mimetype")), info.get("size")
    if kind == "document" and type in PICTURES:
        kind = "picture"
    if kind == "picture" or (kind == "document" and type == "application/pdf"):
        return File(kind, _ref(content), size if isinstance(size, int) else 0)
    return File(kind)


def _ref(content: Event) -> str:
    """Where it is; of an encrypted one also how to open it (section "Sending encrypted
    attachments")."""
    file = _part(content, "file")
    if not file:
        return _text(content.get("url"))
    key, digest = _part(file, "key").get("k"), _part(file, "hashes").get("sha256")
    return json.dumps([_text(x) for x in (file.get("url"), key, file.get("iv"), digest)])


def read(event: Event) -> Inbound | None:
    """A timeline event -> what its sender did; None if it is nothing that a person says."""
    content, relation = _part(event, "content"), _part(_part(event, "content"), "m.relates_to")
    id, sender = _text(event.get("event_id")), Address("matrix", _text(event.get("sender")))
    kind, rel_type = event.get("type"), relation.get("rel_type")
    unheard = _text(content.get("msgtype")) in UNHEARD
    if not id or not sender.handle or "state_key" in event or (not content and kind != REDACTION):
        return None  # an event whose content is empty was redacted before it came
    target = _text(relation.get("event_id")) or None
    if kind == REDACTION:
        gone = _text(event.get("redacts")) or _text(content.get("redacts"))
        return Inbound(id=id, sender=sender, native=gone, deleted=True) if gone else None
    if kind == "m.room.message" and rel_type == "m.replace":
        if unheard:
            return None
        text, files = _words(_part(content, "m.new_content"), is_reply=True)
        return Inbound(id=id, sender=sender, native=id, text=text, files=files, edits=target)
    thread = target if rel_type == "m.thread" else None
    answers = _text(_part(relation, "m.in_reply_to").get("event_id")) or None
    if thread and relation.get("is_falling_back") is True:
        answers = None  # the thread's last message, for clients that know no threads
    text, files = "", tuple[File, ...]()
    if kind == "m.room.message" and not unheard:
        text, files = _words(content, is_reply="m.in_reply_to" in relation)
    elif kind == "m.sticker":
        files = (File("sticker"),)
    elif kind == "m.room.encrypted":
        files = (File("keyless"),)
    else:
        return None
    return Inbound(
        id=id,
        sender=sender,
        native=id,
        text=text,
        files=files,
        answers_to=answers or thread,
        thread=thread,
    )


def named(room: str, said: Inbound) -> Inbound:
    """With natives that name the room too."""

    def of(native: str | None) -> str | None:
        return f"{room} {native}" if native else None

    answers, edits, thread = map(of, (said.answers_to, said.edits, said.thread))
    native = of(said.native) or ""
    return replace(said, native=native, answers_to=answers, edits=edits, thread=thread)


def apart(native: str | None) -> tuple[str, str]:
    """The native id of an event in a conversation's own room names that room too. -> room ("": the
    direct one), event."""
    room, _, event = (native or "").rpartition(" ")
    return room, event


def left(event: Event) -> str | None:
    """-> the person who left or was removed with this event, if they had been in the room."""
    if event.get("type") != "m.room.member":
        return None
    before = _part(_part(event, "unsigned"), "prev_content").get("membership", "join")
    now = _part(event, "content").get("membership")
    return _text(event.get("state_key")) if before == "join" and now in ("leave", "ban") else None


def sendable(text: str) -> str:
    """PostgreSQL behind a homeserver refuses NUL, JSON's UTF-8 lone surrogates; the rest stays."""
    return _UNSENDABLE.sub("\ufffd", text)


def written(out: Outbound, picture: Event | None = None) -> dict[str, Any]:
    """-> the content of the m.room.message. Text only: no formatted_body, nobody is mentioned.

    picture: where it is in the content repository, as "url", or as "file" if it is encrypted there
    ("m.image", "Media captions").
    """
    text = sendable(out.text)
    content: dict[str, Any] = {"msgtype": "m.text", "body": text, "m.mentions": {}}
    if picture is not None:
        info = {"mimetype": "image/jpeg", "size": len(out.picture or b"")}
        content |= {"msgtype": "m.image", "filename": NAME, "info": info, **picture}
        content["body"] = text or NAME
    elif out.replaces:
        # The event may have 65,536 bytes: the words stand in it once, the fallback is cut.
        fallback = {"body": f"* {text[:_FALLBACK_LENGTH]}", "m.new_content": dict(content)}
        relation = {"rel_type": "m.replace", "event_id": out.replaces}
        return content | fallback | {"m.relates_to": relation}
    if out.thread:
        content["m.relates_to"] = {
            "rel_type": "m.thread",
            "event_id": out.thread,
            "is_falling_back": out.answers_to is None,
            "m.in_reply_to": {"event_id": out.answers_to or out.thread},
        }
    elif out.answers_to:
        content["m.relates_to"] = {"m.in_reply_to": {"event_id": out.answers_to}}
    return content
