"""What there is to translate: the sentences in the program, and those in the catalogues."""

from __future__ import annotations

import re
from functools import cache

from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from core.catalogues import Catalogue
from core.folding import LOCALES

ROOT = LOCALES.parent
KEYWORDS = {**DEFAULT_KEYWORDS, "Say": None, "SayMany": (1, 2)}
SOURCES = [("packing.py", "ignore"), ("**.py", "python")]  # as in locales/babel.cfg
CATALOGUES = {p.parent.parent.name: p for p in sorted(LOCALES.glob("*/LC_MESSAGES/messages.po"))}

Id = str | tuple[str, ...]
"""A msgid; of a sentence that counts, the singular and the plural."""


@cache
def extracted() -> frozenset[Id]:
    """Every sentence that the program can say."""
    found: set[Id] = set()
    for folder in ("bots", "core"):
        for _, _, id, _, _ in extract_from_dir(str(ROOT / folder), SOURCES, keywords=KEYWORDS):
            found.add(id if isinstance(id, str) else tuple(id))
    return frozenset(found)


@cache
def told() -> dict[Id, str]:
    """What the program's text tells translators beside each sentence, on one line."""
    found: dict[Id, list[str]] = {}
    for folder in ("bots", "core"):
        source = str(ROOT / folder)
        for _, _, id, said, _ in extract_from_dir(
            source, SOURCES, keywords=KEYWORDS, comment_tags=["Translators:"]
        ):
            there = found.setdefault(id if isinstance(id, str) else tuple(id), [])
            there += [line for line in said if line not in there]
    return {id: " ".join(said) for id, said in found.items()}


def comments() -> set[str]:
    """All of it."""
    return set(told().values())


def only_signs(id: Id) -> bool:
    """ "{code}: {n}" or "🔎": the same in every language, unless a catalogue knows better."""
    return not re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", "".join(id)))


SENTENCES = sorted((id for id in extracted() if not only_signs(id)), key=str)


def lacking(tag: str) -> list[Id]:
    """The sentences that readers of the language get in English."""
    there = Catalogue(tag)
    return [id for id in SENTENCES if id not in there.one and id not in there.many]


@cache
def messages(tag: str) -> tuple[Message, ...]:
    with CATALOGUES[tag].open("rb") as file:
        return tuple(m for m in read_po(file, ignore_obsolete=True) if m.id)


def key(message: Message) -> Id:
    return message.id if isinstance(message.id, str) else tuple(message.id)


def forms(message: Message) -> list[str]:
    texts = [message.string] if isinstance(message.string, str) else message.string
    return [text for text in texts if text]
