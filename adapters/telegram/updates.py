"""What an update of the Bot API means to the gateway.

Read from the JSON itself: python-telegram-bot's `Update.de_json` takes 0.1 ms each, and refuses a
whole update for one missing field that nobody needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.message import LARGEST_FILE, Address, File, Inbound, Left

PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")

Json = Mapping[str, Any]

WANTED = ["message", "edited_message", "callback_query", "my_chat_member"]

# An animation also stands in `document`, a venue in `location`: the first that fits is the kind.
KINDS = {
    "photo": "picture",
    "voice": "voice",
    "audio": "voice",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "live_photo": "video",
    "document": "document",
    "sticker": "sticker",
    "location": "location",
    "contact": "contact",
    **dict.fromkeys(
        ("poll", "dice", "game", "story", "paid_media", "checklist", "invoice", "rich_message"),
        "other",
    ),
}


def read(update: Json) -> Inbound | Left | None:
    """-> what a person did in their private chat with the bot; None: nothing for the gateway.

    Raises whatever a field raises that is needed and missing or wrong
    (https://core.telegram.org/bots/api#update).
    """
    if message := update.get("message"):
        return _message(message)
    if message := update.get("edited_message"):
        return _edit(message, update["update_id"])
    if query := update.get("callback_query"):
        return _press(query)
    if change := update.get("my_chat_member"):
        blocked = change["new_chat_member"]["status"] == "kicked"
        return Left(_address(change["from"])) if blocked and _private(change) else None
    return None


def _address(user: Json) -> Address:
    return Address("telegram", str(int(user["id"])))


def _hint(user: Json) -> str | None:
    tag = user.get("language_code")
    return tag if isinstance(tag, str) else None


def _private(happened: Json) -> bool:
    chat = happened["chat"]
    return chat["type"] == "private" and not happened.get("from", {"is_bot": True})["is_bot"]


def _text(message: Json) -> str:
    return str(message.get("text") or message.get("caption") or "")


def _message(message: Json) -> Inbound | None:
    if not _private(message):
        return None
    files = tuple(_file(message, field) for field in KINDS if field in message)[:1]
    text = _text(message)
    if not text and not files:
        return None  # a service message: pinned, timer changed, topic created
    native, user = str(int(message["message_id"])), message["from"]
    root = message.get("reply_to_message") or {}
    # In a topic everything "replies" to the message that opened the topic.
    answered = str(root["message_id"]) if root and "forum_topic_created" not in root else None
    return Inbound(
        id=f"m{user['id']}.{native}",
        sender=_address(user),
        text=text,
        native=native,
        answers_to=answered,
        locale=_hint(user),
        files=files,
    )


def _file(message: Json, field: str) -> File:
    what, kind = message[field], KINDS[field]
    if field == "photo":
        sizes = [s for s in what if s.get("file_size", 0) <= LARGEST_FILE]
        what = max(sizes, key=lambda size: int(size["width"]) * int(size["height"]), default={})
    elif field == "document":
        type = what.get("mime_type")
        if type in PICTURES:
            kind = "picture"
        elif type != "application/pdf":
            return File(kind)
    else:
        return File(kind)
    return File(kind, str(what.get("file_id", "")), int(what.get("file_size", 0)))


def _edit(message: Json, update_id: int) -> Inbound | None:
    text = _text(message)
    if not _private(message) or not text:  # without text: a live location that moves
        return None
    native, user = str(int(message["message_id"])), message["from"]
    return Inbound(
        # `edit_date` counts whole seconds, update ids start anew after a quiet week: both together.
        id=f"e{user['id']}.{native}.{message['edit_date']}.{update_id}",
        sender=_address(user),
        text=text,
        native=native,
        edits=native,
        locale=_hint(user),
    )


def _press(query: Json) -> Inbound | None:
    message, user = query.get("message"), query["from"]
    # The message may be inaccessible (too old): it still has its chat and its id.
    if not message or message["chat"]["type"] != "private" or "data" not in query:
        return None
    return Inbound(
        id=f"c{query['id']}",
        sender=_address(user),
        native=str(int(message["message_id"])),
        pressed=str(query["data"]),
        locale=_hint(user),
    )
