"""Databases of earlier versions become today's. `data/step1.*.sql` is what the first one made."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from core import people, upgrades
from core.actions import trust
from core.message import Address, Say
from core.privacy import Vault
from core.store import Book, Store, open_engine
from core.tables import metadata
from tests.vaults import opened, vault_of

DATA = Path(__file__).parent / "data"


def make_first(url: str) -> None:
    engine = open_engine(url)
    script = (DATA / f"step1.{engine.dialect.name}.sql").read_text("utf-8")
    with engine.begin() as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("insert into cursors(platform, cursor) values ('web', '7')")
    engine.dispose()


def shape(connection: Connection) -> dict[str, object]:
    """Every column, key and index that the database has."""
    found = inspect(connection)
    return {
        table: (
            {
                c["name"]: (str(c["type"]), c["nullable"], c["default"])
                for c in found.get_columns(table)
            },
            found.get_pk_constraint(table)["constrained_columns"],
            sorted(
                (str(i["name"]), tuple(i["column_names"]), bool(i["unique"]))
                for i in found.get_indexes(table)
            ),
        )
        for table in sorted(found.get_table_names())
    }


def shape_of(url: str) -> dict[str, object]:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = shape(connection)
    engine.dispose()
    return found


def test_a_database_of_the_first_version_becomes_like_a_new_one(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    make_first(database)
    store = Store(database, vault_of(database))
    assert store.now(lambda book: book.value("select cursor from cursors")) == "7"
    store.close()
    if database.startswith("sqlite"):
        new = f"sqlite:///{tmp_path}/new.db"
    else:
        new = request.getfixturevalue("postgresql").database()
    Store(new, vault_of(new)).close()
    assert shape_of(database) == shape_of(new)
    assert set(shape_of(new)) == set(metadata.tables)


def test_upgrading_twice_changes_nothing(database: str) -> None:
    Store(database, vault_of(database)).close()
    before = shape_of(database)
    Store(database, vault_of(database)).close()
    assert shape_of(database) == before


def test_only_the_missing_steps_run_each_once(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_first(database)
    landed = upgrades.STEPS
    ran: list[int] = []

    def second(connection: Connection, vault: Vault) -> None:
        ran.append(2)
        connection.execute(text("create table second(id integer)"))

    def third(connection: Connection, vault: Vault) -> None:
        ran.append(3)
        connection.execute(text("create table third(id integer)"))

    monkeypatch.setattr(upgrades, "STEPS", (*landed, second))
    Store(database, vault_of(database)).close()
    monkeypatch.setattr(upgrades, "STEPS", (*landed, second, third))
    Store(database, vault_of(database)).close()
    Store(database, vault_of(database)).close()
    assert ran == [2, 3]


def test_a_step_that_fails_leaves_the_database_as_it_was(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_first(database)
    before = shape_of(database)

    def breaks(connection: Connection, vault: Vault) -> None:
        connection.execute(text("create table half(id integer)"))
        raise ZeroDivisionError

    monkeypatch.setattr(upgrades, "STEPS", (*upgrades.STEPS, breaks))
    with pytest.raises(ZeroDivisionError):
        Store(database, vault_of(database))
    assert shape_of(database) == before


def test_a_database_of_a_newer_version_is_left_alone(database: str) -> None:
    store = Store(database, vault_of(database))
    store.now(lambda book: book.do("update version set step = 99"))
    store.close()
    with pytest.raises(upgrades.TooNew, match="99"):
        Store(database, vault_of(database))


def test_a_code_that_was_handed_out_before_still_works_and_is_not_in_clear(database: str) -> None:
    make_first(database)
    engine = open_engine(database)
    with engine.begin() as connection:
        connection.execute(
            text("insert into people(id, language, created, trust) values (:id, 'en', 0, 1)"),
            {"id": "a" * 32},
        )
        connection.execute(
            text("insert into codes(code, kind, person, until) values (:code, :kind, :id, 9)"),
            {"code": "7KQ2XYZA", "kind": "vouch", "id": "a" * 32},
        )
    engine.dispose()
    store = Store(database, vault_of(database), lambda: 8)
    assert store.now(lambda book: book.value("select code from codes")) != "7KQ2XYZA"
    new = store.now(lambda book: people.meet(book, Address("web", "new"), "en"))
    told = store.now(lambda book: trust.take_code(book, new, "vouch", "7KQ2XYZA"))
    assert isinstance(told[0].say, Say)
    assert told[0].say.text.startswith("Somebody vouched for you.")
    assert store.now(lambda book: book.value("select count(*) from codes")) == 0
    store.close()


def test_what_translators_wrote_before_is_sealed_under_the_conversation_s_key_too(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealing = upgrades.STEPS.index(upgrades._belongs_to_both)
    monkeypatch.setattr(upgrades, "STEPS", upgrades.STEPS[: sealing + 1])
    with monkeypatch.context() as before:
        before.setattr(upgrades, "STEPS", upgrades.STEPS[:sealing])
        store = Store(database, vault_of(database))
    tom, conversation, entry = "a" * 32, "b" * 32, "c" * 32

    def plant(book: Book) -> None:
        book.vault.create(tom)
        book.vault.create(conversation)
        book.do(
            "insert into entries(id, conversation, author, text, language, at)"
            " values (:id, :conversation, 'x', '', 'fa', 0)",
            id=entry, conversation=conversation,
        )  # fmt: skip
        book.do(
            "insert into translations values (:id, 'en', :tom, :text, 0)",
            id=entry, tom=tom,
            text=book.seal(tom, "translations.text", f"{entry}.en", "they took him"),
        )  # fmt: skip
        book.do(
            "insert into tasks(entry, language, part, person, until, text, draft)"
            " values (:id, 'en', 2, :tom, 0, :text, '')",
            id=entry, tom=tom,
            text=book.seal(tom, "tasks.text", f"{entry}.en.2", "at night"),
        )  # fmt: skip

    store.now(plant)
    store.close()
    store = Store(database, vault_of(database))
    assert store.now(lambda book: opened(book, "translations", "text")) == ["they took him"]
    assert store.now(lambda book: opened(book, "tasks", "text")) == ["at night"]
    assert store.now(lambda book: opened(book, "tasks", "draft")) == [""]
    store.vault.destroy([conversation])
    assert store.now(lambda book: opened(book, "translations", "text")) == [""]
    assert store.now(lambda book: opened(book, "tasks", "text")) == [""]
    store.close()
