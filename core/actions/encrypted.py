"""What is sensitive is done and said only where nobody on the way can read or forge it."""

from __future__ import annotations

from core import routes
from core.actions import No
from core.message import Say
from core.people import Person
from core.store import Book


def check_route(book: Book, who: Person, is_sensitive: int) -> None:
    """who: with the address that they write from. Raises No, with where to go instead."""
    if is_sensitive and not routes.safe(book, who.address):
        raise elsewhere(book, who)


def elsewhere(book: Book, who: Person) -> No:
    if routes.has_new_keys(book, who.address):
        return No(
            Say(
                "🔒 This chat has new encryption keys, and nobody has confirmed yet that they are"
                " yours. Until then nothing that could endanger anyone passes here."
            ),
            routes.ASK,
        )
    if routes.encrypted(book, who.id) is not None:
        return No(Say("🔒 That passes only through your encrypted chat. Write it there."))
    return No(
        Say(
            "🔒 That passes only through an encrypted chat, so that no server on the way can read"
            " it. Move there; what you have here comes along."
        ),
        routes.HOW,
    )
