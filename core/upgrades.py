"""Brings a database to today's schema in numbered steps, at every start.

A new database gets today's schema at once. An older one goes through the steps it lacks: a step
that has landed is never changed; a change of `tables.py` comes with a new step at the end (a test
compares what both ways lead to).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, inspect, text

from core import audit
from core.keys import Locked
from core.privacy import Vault
from core.tables import metadata

Step = Callable[[Connection, Vault], None]


def _retention(connection: Connection, vault: Vault) -> None:
    """2: whoever is known today counts as seen today."""
    connection.execute(text("alter table people add column seen bigint default '0' not null"))
    connection.execute(text("alter table people add column warned bigint"))
    connection.execute(text("create index people_seen on people (seen)"))
    connection.execute(text("update people set seen = :day"), {"day": int(time.time()) // 86400})
    connection.execute(text("alter table needs add column closed bigint"))
    connection.execute(text("alter table conversations add column closed bigint"))
    connection.execute(
        text(
            "create table bans (fingerprint text not null, at bigint not null,"
            " primary key (fingerprint))"
        )
    )


def _seal_everything(connection: Connection, vault: Vault) -> None:
    """3: what people wrote lies sealed; handles, native ids and what was heard are found by keyed
    fingerprints."""

    def run(statement: str, **values: Any) -> Sequence[Row[Any]]:
        done = connection.execute(text(statement), values)
        return done.all() if done.returns_rows else ()

    owners = {row[0] for row in run("select id from people union select id from conversations")}
    for id in owners:
        vault.create(id)
    for table, column in (("addresses", "handle_index"), ("copies", "native_index")):
        run(f"alter table {table} add column {column} text not null default ''")
    run("drop index one_address")
    run("drop index copy_named")
    for id, platform, handle, person in run("select id, platform, handle, person from addresses"):
        mark = vault.fingerprint(platform, handle)
        run(
            "update addresses set handle_index = :mark, handle = :sealed where id = :id",
            id=id, mark=mark, sealed=vault.seal(person, "addresses.handle", mark, handle),
        )  # fmt: skip
    for id, address, native, person in run(
        "select c.id, c.address, c.native, a.person from copies c"
        " join addresses a on a.id = c.address"
    ):
        mark = vault.index("copies.native", f"{address}|{native}")
        run(
            "update copies set native_index = :mark, native = :sealed where id = :id",
            id=id, mark=mark, sealed=vault.seal(person, "copies.native", mark, native),
        )  # fmt: skip
    run("create unique index one_address on addresses (platform, handle_index)")
    run("create index copy_named on copies (address, native_index)")
    for table, column, owner, row in _SEALED:
        for name, whose, plain in run(f"select {row}, {owner}, {column} from {table}"):
            seals = whose in owners
            sealed = vault.seal(whose, f"{table}.{column}", name, plain) if seals else ""
            run(
                f"update {table} set {column} = :sealed where {row} = :name and {owner} = :whose",
                sealed=sealed, name=name, whose=whose,
            )  # fmt: skip
    for id, language, person, plain in run(
        "select entry, language, person, text from translations"
    ):
        run(
            "update translations set text = :sealed where entry = :id and language = :language",
            id=id, language=language,
            sealed=vault.seal(person, "translations.text", f"{id}.{language}", plain),
        )  # fmt: skip
    run("alter table version add column keys text not null default ''")
    run("update version set keys = :mark", mark=vault.index("database", ""))
    for table, column in (("heard", "id"), ("bans", "fingerprint")):
        for (old,) in run(f"select {column} from {table}"):
            new = vault.index("", old)
            run(f"update {table} set {column} = :new where {column} = :old", new=new, old=old)


_SEALED = (
    ("needs", "text", "person", "id"),
    ("offers", "text", "person", "id"),
    ("offers", "pseudonym", "person", "id"),
    ("forms", "answers", "person", "person"),
    ("forms", "about", "person", "person"),
    ("reports", "text", "person", "id"),
    ("entries", "text", "conversation", "id"),
    ("members", "pseudonym", "conversation", "person"),
    ("outbox", "notice", "person", "key"),
)
"""Table, column, whose key seals it, what names the row."""


def _files(connection: Connection, vault: Vault) -> None:
    """4: the clean pictures of an entry, sealed, until they are delivered."""
    connection.execute(
        text(
            "create table files (entry text not null, number bigint not null,"
            " body text not null, at bigint not null, primary key (entry, number))"
        )
    )
    connection.execute(text("create index files_at on files (at)"))


def _vouching(connection: Connection, vault: Vault) -> None:
    """5: vouches are noted by the day, and who vouched badly may not for a while."""
    connection.execute(text("alter table people add column vouches_from bigint"))
    connection.execute(text("create index vouches_for on vouches (person)"))
    connection.execute(text("update vouches set at = at - at % 86400"))


def _safe(connection: Connection, vault: Vault) -> None:
    """6: what the platforms' libraries for encryption keep."""
    connection.execute(
        text(
            "create table safe (mark text not null, platform text not null, owner text not null,"
            " sealed text not null, primary key (mark))"
        )
    )
    connection.execute(text("create index safe_of on safe (owner)"))


def _tries(connection: Connection, vault: Vault) -> None:
    """7: nothing counted in this column ever was."""
    connection.execute(text("alter table outbox drop column tries"))


def _own_words(connection: Connection, vault: Vault) -> None:
    """8: a place for the words that people choose against danger; codes handed out are kept as
    fingerprints."""
    connection.execute(text("alter table people add column lock text not null default ''"))
    for (old,) in connection.execute(text("select code from codes")).all():
        connection.execute(
            text("update codes set code = :new where code = :old"),
            {"new": vault.fingerprint("codes.code", old), "old": old},
        )


def _moderation(connection: Connection, vault: Vault) -> None:
    """9: what takes two moderators, and the record of what they did."""
    for column in ("staff", "suspended"):
        connection.execute(text(f"alter table people add column {column} bigint"))
    connection.execute(
        text("update people set suspended = :day where state = 'suspended'"),
        {"day": int(time.time()) // 86400},
    )
    connection.execute(
        text(
            "create table proposals (id text not null, act text not null, about text not null,"
            " person text not null, until bigint not null, primary key (id))"
        )
    )
    connection.execute(text("create index proposals_about on proposals (about)"))
    connection.execute(
        text(
            "create table audit (number bigint not null, day bigint not null,"
            " moderator bigint not null, act text not null, outcome text not null,"
            " mark text not null, primary key (number))"
        )
    )
    connection.execute(
        text(
            "create table audit_ends (oldest bigint not null, newest bigint not null,"
            " before text not null, last text not null, mark text not null, primary key (oldest))"
        )
    )
    _begin_audit(connection, vault)


def _begin_audit(connection: Connection, vault: Vault) -> None:
    names = ("oldest", "newest", "before", "last", "mark")
    connection.execute(
        text("insert into audit_ends values (:oldest, :newest, :before, :last, :mark)"),
        dict(zip(names, audit.begin(vault), strict=True)),
    )


def _desk(connection: Connection, vault: Vault) -> None:
    """10: what translators have in hand, the words they agreed on, and whether they read names."""
    for statement in (
        "create table tasks (entry text not null, language text not null, part bigint not null,"
        " person text not null, until bigint not null, text text not null,"
        " primary key (entry, language, part))",
        "create index tasks_of on tasks (person)",
        "create table glossary (mark text not null, source text not null, target text not null,"
        " sealed text not null, primary key (mark))",
        "create index glossary_of on glossary (source, target)",
        "alter table members add column shows_names bigint default '0' not null",
    ):
        connection.execute(text(statement))


def _rations(connection: Connection, vault: Vault) -> None:
    """11: what somebody read and answered today."""
    connection.execute(
        text(
            "create table rations (person text not null, what text not null, mark text not null,"
            " day bigint not null, primary key (person, what, mark))"
        )
    )
    connection.execute(text("create index rations_day on rations (day)"))


def _drafts(connection: Connection, vault: Vault) -> None:
    """12: drafts of translations by a machine, where an author agrees."""
    connection.execute(text("alter table conversations add column drafts bigint"))
    connection.execute(text("alter table tasks add column draft text not null default ''"))


def _unsends(connection: Connection, vault: Vault) -> None:
    """13: what is to be deleted from chats, and which copies are to be after a time."""
    connection.execute(text("alter table copies add column ours bigint default '1' not null"))
    connection.execute(text("alter table copies add column fleeting bigint default '0' not null"))
    connection.execute(text("create index copy_fleeting on copies (fleeting, at)"))
    connection.execute(
        text(
            "create table unsends (id text not null, owner text not null, chat text not null,"
            " at bigint not null, primary key (id))"
        )
    )
    connection.execute(text("create index unsends_of on unsends (owner)"))


def _routes(connection: Connection, vault: Vault) -> None:
    """14: which addresses are end-to-end encrypted, and what goes only there."""
    for table, columns in (
        ("addresses", ("encrypted", "changed", "turn")),
        ("needs", ("sensitive",)),
        ("reports", ("sensitive",)),
        ("outbox", ("sensitive", "not_before")),
    ):
        for column in columns:
            what = f"alter table {table} add column {column} bigint not null default '0'"
            connection.execute(text(what))
    connection.execute(text("alter table outbox add column address bigint"))
    connection.execute(text("alter table people add column hinted bigint"))


def _belongs_to_both(connection: Connection, vault: Vault) -> None:
    """15: what translators wrote is sealed under the conversation's key as well."""
    for table, column, name in (
        ("translations", "text", "t.entry || '.' || t.language"),
        ("tasks", "text", "t.entry || '.' || t.language || '.' || t.part"),
        ("tasks", "draft", "t.entry || '.' || t.language || '.' || t.part"),
    ):
        place, part = f"{table}.{column}", "and part = :part" if table == "tasks" else ""
        for row in (
            connection.execute(
                text(
                    f"select t.*, {name} as name, e.conversation from {table} t"
                    f" join entries e on e.id = t.entry where t.{column} <> ''"
                )
            )
            .mappings()
            .all()
        ):
            words = vault.unseal(row["person"], place, row["name"], row[column])
            sealed = ""
            if words and vault.knows(row["conversation"]):
                inner = vault.seal(row["conversation"], place, row["name"], words)
                sealed = vault.seal(row["person"], place, row["name"], inner, pads=False)
            connection.execute(
                text(
                    f"update {table} set {column} = :sealed"
                    f" where entry = :entry and language = :language {part}"
                ),
                {**row, "sealed": sealed},
            )


def _newcomers(connection: Connection, vault: Vault) -> None:
    """16: new addresses wait on disk when too many come at once."""
    connection.execute(
        text(
            "create table newcomers (mark text not null, platform text not null,"
            " turn bigint not null, owner text not null, sealed text not null, primary key (mark))"
        )
    )
    connection.execute(text("create index newcomers_of on newcomers (owner)"))
    connection.execute(text("create index newcomers_next on newcomers (platform, turn)"))


STEPS: tuple[Step, ...] = (
    _retention, _seal_everything, _files, _vouching, _safe, _tries, _own_words, _moderation, _desk,
    _rations, _drafts, _unsends, _routes, _belongs_to_both, _newcomers,
)  # fmt: skip
"""What leads from schema 1 to 2, from 2 to 3, ..."""


class TooNew(Exception):
    """The database was written by a newer version of this program."""


def upgrade(connection: Connection, vault: Vault) -> bool:
    """Runs the steps that are missing, inside the caller's transaction. -> whether there were any.
    Raises TooNew; keys.Locked if the vault is another database's."""
    if connection.dialect.name == "postgresql":  # SQLite's transactions come one by one anyway
        connection.execute(text("select pg_advisory_xact_lock(0)"))
    newest, mark = 1 + len(STEPS), vault.index("database", "")
    if not inspect(connection).has_table("version"):
        metadata.create_all(connection)
        connection.execute(
            text("insert into version(step, keys) values (:step, :mark)"),
            {"step": newest, "mark": mark},
        )
        _begin_audit(connection, vault)
        return False
    step = connection.scalar(text("select step from version"))
    if step > newest:
        raise TooNew(f"schema {step}, this program knows {newest}")
    for change in STEPS[step - 1 :]:
        change(connection, vault)
    vault.flush()
    if connection.scalar(text("select keys from version")) != mark:
        raise Locked("these are not the keys of this database; put the right key store back")
    connection.execute(text("update version set step = :step"), {"step": newest})
    return bool(step < newest)
