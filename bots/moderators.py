"""Who may moderate, as the operator says on the command line."""

from __future__ import annotations

import re

from bots.config import Wrong
from core import audit, people
from core.message import Address
from core.store import Book

HANDLES = {
    "telegram": (r"[0-9]+", "the account's number, like 123456789"),
    "xmpp": (r"[^@/\s]+@[^@/\s]+", "the account, like ana@example.org"),
    "matrix": (r"@[^@:\s]+:\S+", "the user id, like @ana:example.org"),
    "web": (r"\S+", "the name of a phone"),
}
"""platform -> what a handle looks like there."""


def address(platform: str | None, handle: str | None) -> Address:
    """Raises Wrong."""
    if platform not in HANDLES or not handle:
        raise Wrong(f"write PLATFORM HANDLE; the platforms are: {', '.join(HANDLES)}")
    form, example = HANDLES[platform]
    if not re.fullmatch(form, handle):
        raise Wrong(f"on {platform} the handle is {example}")
    return Address(platform, handle.lower() if platform == "xmpp" else handle)


def trusted(book: Book, where: Address, level: int) -> None:
    """Also before they wrote for the first time."""
    found = people.at(book, where)
    who = found[0] if found else people.expect(book, where)
    book.do("update people set trust = :level where id = :id", level=level, id=who.id)
    if level == people.MODERATOR and who.trust < level:
        audit.note(book, None, "moderator")


def no_more(book: Book, where: Address) -> bool:
    """-> False if there is no moderator at this address."""
    found = people.at(book, where)
    if not found or found[0].trust < people.MODERATOR:
        return False
    book.do("update people set trust = :new where id = :id", new=people.NEW, id=found[0].id)
    audit.note(book, None, "no moderator")
    return True


def all_of_them(book: Book) -> list[str]:
    """For the operator's own terminal alone: "xmpp ana@example.org"."""
    rows = book.column(
        "select a.id from people p join addresses a on a.person = p.id where p.trust = :trust",
        trust=people.MODERATOR,
    )
    places = filter(None, (people.place(book, row) for row in rows))
    return sorted(f"{place.platform} {place.handle}" for place in places)


def of_the_playground(book: Book) -> None:
    """Some of its phones are trusted already."""
    for handle, level in (
        ("moderator", people.MODERATOR),
        ("volunteer", people.VERIFIED),
        ("translator", people.VOUCHED),
    ):
        trusted(book, Address("web", handle), level)
