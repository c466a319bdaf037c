"""Sentences in no language yet, as they lie in the database: what JSON can hold."""

from __future__ import annotations

from typing import Any

from core.message import Arg, Code, Joined, Name, Quote, Say, SayMany, Word


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
