"""Words that are hard to translate, as the translators of a pair of languages agreed to write them:
prisons, laws, groups. They belong to nobody: who wrote one down is not kept.
"""

from __future__ import annotations

import json
import re

from core.folding import fold
from core.store import Book

_OWNER, _PLACE = "glossary", "glossary.sealed"
MOST = 300
"""Terms of one pair."""
_AT_ONCE = 5


def terms(book: Book, source: str, target: str) -> dict[str, str]:
    """-> each term and its translation, in the alphabet's order."""
    found = {}
    for mark, sealed in book.all(
        "select mark, sealed from glossary where source = :source and target = :target",
        source=source,
        target=target,
    ):
        if opened := book.unseal(_OWNER, _PLACE, mark, sealed):
            term, meaning = json.loads(opened)
            found[term] = meaning
    return dict(sorted(found.items()))


def agree(book: Book, source: str, target: str, term: str, meaning: str) -> bool:
    """A later translation of a term replaces the earlier, an empty one takes it away. False: there
    are too many."""
    mark = book.fingerprint("glossary", source, target, fold(term))
    book.do("delete from glossary where mark = :mark", mark=mark)
    if not meaning:
        return True
    count = book.value(
        "select count(*) from glossary where source = :source and target = :target",
        source=source,
        target=target,
    )
    if count >= MOST:
        return False
    if not book.vault.knows(_OWNER):
        book.vault.create(_OWNER)
    sealed = book.seal(_OWNER, _PLACE, mark, json.dumps([term, meaning]))
    book.do(
        "insert into glossary(mark, source, target, sealed)"
        " values (:mark, :source, :target, :sealed)",
        mark=mark, source=source, target=target, sealed=sealed,
    )  # fmt: skip
    return True


def occurring(book: Book, source: str, target: str, text: str) -> dict[str, str]:
    """-> the terms that a text uses: a few, as whole words where the script has words."""
    plain = fold(text)
    found = {}
    for term, meaning in terms(book, source, target).items():
        edge = r"\b" if term.isascii() else ""
        if re.search(f"{edge}{re.escape(fold(term))}{edge}", plain):
            found[term] = meaning
    return dict(list(found.items())[:_AT_ONCE])
