"""Forgetting: the rows of a person or a conversation are deleted, and their keys destroyed with the
commit. What a copy of the database still has of them has no key any more (guarantee 6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.privacy import Vault
    from core.store import Book

_OF_A_CONVERSATION = (
    "delete from outbox where state = 'waiting' and (substr(key, 3, 32) = :id"
    " or substr(key, 3, 32) in (select id from entries where conversation = :id))",
    # what shows its words on a messenger that reads them is still to be taken back in time
    "update copies set key = null, entry = null, reply = null, choices = null where fleeting = 1"
    " and entry in (select id from entries where conversation = :id)",
    "delete from copies where entry in (select id from entries where conversation = :id)",
    "delete from tasks where entry in (select id from entries where conversation = :id)",
    "delete from translations where entry in (select id from entries where conversation = :id)",
    "delete from files where entry in (select id from entries where conversation = :id)",
    "delete from entries where conversation = :id",
    "delete from members where conversation = :id",
    "delete from invitations where conversation = :id",
    "delete from timers where about = :id",
    "update people set focus = null where focus = :id",
    "delete from conversations where id = :id",
)
_OF_A_PERSON = (
    "delete from safe where owner = :id or owner in"
    " (select handle_index from addresses where person = :id)",
    "delete from newcomers where owner = :id or owner in"
    " (select handle_index from addresses where person = :id)",
    "delete from outbox where person = :id",
    # what others were to be told in this person's words
    "delete from outbox where state = 'waiting' and substr(key, 3, 32) in"
    " (select id from offers where person = :id or need in"
    "   (select id from needs where person = :id)"
    " union select id from needs where person = :id"
    " union select id from reports where person = :id)",
    "delete from translations where person = :id",
    "delete from tasks where person = :id",
    "delete from copies where address in (select id from addresses where person = :id)",
    "delete from unsends where owner = :id",
    "delete from members where person = :id",
    "delete from invitations where person = :id",
    "delete from offers where person = :id or need in (select id from needs where person = :id)",
    "delete from alerts where person = :id or need in (select id from needs where person = :id)",
    "delete from need_skills where need in (select id from needs where person = :id)",
    "delete from timers where about in (select id from needs where person = :id) or about = :id",
    "delete from needs where person = :id",
    "delete from vouches where person = :id or voucher = :id",
    "delete from proposals where about = :id or person = :id",
    "delete from blocks where person = :id or blocked = :id",
    "delete from reports where person = :id or about = :id",
    *(f"delete from {table} where person = :id" for table in (
        "forms", "speaks", "abilities", "places", "pairs", "codes", "addresses", "rations",
    )),
    "delete from people where id = :id",
)  # fmt: skip


_BAN = """
insert into bans(fingerprint, at) select a.handle_index, :now from addresses a
join people p on p.id = a.person where p.id = :id and p.state = 'suspended' on conflict do nothing
"""

SOON = 300
"""Seconds."""
_SOON = """
insert into timers(due, kind, about) select distinct :due, 'forget_keys', s.owner from safe s
join addresses a on a.handle_index = s.owner where a.person = :id
"""


def conversations_of(book: Book, id: str) -> list[str]:
    """Those that a person is a side of, or this conversation itself: they end with it."""
    return book.column(
        "select conversation from members where person = :id and role <> 'translator'"
        " union select c.id from conversations c join needs n on n.id = c.need"
        " where n.person = :id union select id from conversations where id = :id",
        id=id,
    )


def erase(book: Book, id: str) -> None:
    """Forgets a person, with every conversation they were a side of, or one conversation. Tells
    nobody."""
    book.do(_BAN, id=id, now=book.now)
    for platform, mark, sealed in book.all(
        "select platform, handle_index, handle from addresses where person = :id", id=id
    ):
        book.forgotten.append(mark)  # the key of what is in the safe of theirs
        handle = book.unseal(id, "addresses.handle", mark, sealed)
        book.wakes.add(f"forgotten:{platform}:{handle}")
    conversations = conversations_of(book, id)
    for conversation in conversations:
        erase_conversation(book, conversation)
    # their client may answer what they are told last by itself
    if book.do(_SOON, id=id, due=book.now + SOON):
        book.wakes.add("timers")
    for statement in _OF_A_PERSON:
        book.do(statement, id=id)
    book.forgotten.append(id)
    book.wakes.add("erased")


def erase_conversation(book: Book, id: str) -> None:
    """For everybody who was in it."""
    for statement in _OF_A_CONVERSATION:
        book.do(statement, id=id)
    book.forgotten.append(id)
    book.wakes.add("erased")


def forgotten(connection: Connection, vault: Vault) -> list[str]:
    """-> the people, conversations and addresses that have rows and no key: after a restore, or a
    cut between a key's end and its rows'."""
    ids = connection.exec_driver_sql(
        "select id from people union all select id from conversations"
        " union all select distinct owner from safe"
        " union all select distinct owner from newcomers"
        " union all select id from unsends where owner = id"
    )
    return sorted(vault.missing(list(ids.scalars())))
