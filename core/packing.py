"""Sentences in no language yet, and the notices made of them, as they lie in the database."""

from __future__ import annotations

import json
from typing import Any, cast

from core.message import (
    Arg,
    Choice,
    Code,
    Joined,
    Name,
    Notice,
    Quote,
    Reply,
    Say,
    Sayable,
    SayMany,
    Word,
)


def pack(arg: Arg) -> Any:
    """-> what JSON can hold; `unpack` is its inverse."""
    if isinstance(arg, str | int):
        return arg
    if isinstance(arg, Say):
        return {"say": arg.text, "args": {k: pack(v) for k, v in arg.args.items()}}
    if isinstance(arg, SayMany):
        args = {k: pack(v) for k, v in arg.args.items()}
        return {"one": arg.one, "many": arg.many, "n": arg.n, "args": args}
    if isinstance(arg, Word):
        return {"word": arg.id}
    if isinstance(arg, Name):
        return {"name": arg.kind, "code": arg.code}
    if isinstance(arg, Code):
        return {"ltr": arg.text}
    if isinstance(arg, Quote):
        return {"quote": arg.text}
    return {"by": arg.by, "parts": [pack(p) for p in arg.parts]}


def unpack(raw: Any) -> Arg:
    if isinstance(raw, str | int):
        return raw
    if "say" in raw:
        return Say(raw["say"], **{k: unpack(v) for k, v in raw["args"].items()})
    if "one" in raw:
        args = {k: unpack(v) for k, v in raw["args"].items()}
        return SayMany(raw["one"], raw["many"], raw["n"], **args)
    if "word" in raw:
        return Word(raw["word"])
    if "name" in raw:
        return Name(raw["name"], raw["code"])
    if "ltr" in raw:
        return Code(raw["ltr"])
    if "quote" in raw:
        return Quote(raw["quote"])
    return Joined(raw["by"], tuple(unpack(p) for p in raw["parts"]))


def dump(n: Notice) -> str:
    """A notice as one text, without whom it is for and where it goes."""
    what: dict[str, object] = {"say": pack(n.say)}
    if n.choices:
        what["choices"] = [[c.value, pack(c.label)] for c in n.choices]
    if n.reply:
        what["reply"] = [n.reply.action, dict(n.reply.args)]
    for name in ("replaces", "answers", "entry", "thread", "under", "ends"):
        if value := getattr(n, name):
            what[name] = value
    for name in ("conversation", "chat"):
        if (value := getattr(n, name)) is not None:
            what[name] = value
    if n.picture is not None:
        what["picture"] = n.picture
    return json.dumps(what, ensure_ascii=False, separators=(",", ":"))


def load(person: str, key: str, raw: str) -> Notice:
    """The opposite."""
    what = json.loads(raw)
    return Notice(
        to=person,
        say=cast(Sayable, unpack(what["say"])),
        choices=tuple(Choice(value, unpack(label)) for value, label in what.get("choices", ())),
        reply=Reply(*what["reply"]) if "reply" in what else None,
        replaces=what.get("replaces"),
        answers=what.get("answers"),
        entry=what.get("entry"),
        picture=what.get("picture"),
        thread=what.get("thread"),
        under=what.get("under"),
        conversation=what.get("conversation"),
        chat=what.get("chat"),
        ends=what.get("ends", False),
        key=key,
    )
