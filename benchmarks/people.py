"""People to measure with: pairs of strangers, each pair in a conversation of its own."""

from __future__ import annotations

from collections.abc import Iterable

from core import outbox, people
from core.actions import needs, offers
from core.message import Address
from core.people import VERIFIED
from core.store import Book


def introduce(book: Book, pairs: Iterable[tuple[Address, Address]]) -> None:
    """Everybody reads English; the first of each pair asked for help, the second was accepted. What
    they were told on the way counts as delivered."""
    for asking, helping in pairs:
        asker, helper = (people.meet(book, address, "en") for address in (asking, helping))
        book.do("update people set trust = :t where id = :id", t=VERIFIED, id=helper.id)
        trusted = people.known(book, helper.id)
        assert trusted is not None
        posted = {"text": "I need a journalist", "skills": ["journalism"], "country": "DE"}
        needs.post_need(book, asker, **posted, audience=0, language="en", days=30)  # type: ignore[arg-type]
        code = book.value("select code from needs where person = :who", who=asker.id)
        offers.offer(book, trusted, code=code, text="I can", language="en")
        offer = book.value("select id from offers where person = :who", who=helper.id)
        outbox.put(book, offers.accept(book, asker, offer))
    book.do("update outbox set state = 'sent', notice = ''")
