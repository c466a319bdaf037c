"""What a translator makes of a conversation's words belongs to both: it is sealed under the
conversation's key first and then under the translator's, so that it can be read, in any copy, as
long as neither is forgotten.
"""

from __future__ import annotations

from core.privacy import Forgotten
from core.store import Book


def seal(book: Book, entry: str, translator: str, place: str, row: str, text: str) -> str:
    """place, row: as for `Book.seal`. Raises privacy.Forgotten."""
    inner = book.seal(_conversation(book, entry), place, row, text)
    return book.vault.seal(translator, place, row, inner, pads=False)  # it is padded inside


def unseal(book: Book, entry: str, translator: str, place: str, row: str, sealed: str) -> str:
    """-> "" where either was forgotten. Raises privacy.Damaged."""
    if not sealed or not (inner := book.unseal(translator, place, row, sealed)):
        return ""
    return book.unseal(_conversation(book, entry), place, row, inner)


def _conversation(book: Book, entry: str) -> str:
    found = book.value("select conversation from entries where id = :entry", entry=entry)
    if found is None:
        raise Forgotten
    return str(found)
