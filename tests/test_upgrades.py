"""Databases of earlier versions become today's. `data/step1.*.sql` is what the first one made."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from core import upgrades
from core.store import Store, open_engine
from core.tables import metadata

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
    store = Store(database)
    assert store.now(lambda book: book.value("select cursor from cursors")) == "7"
    store.close()
    if database.startswith("sqlite"):
        new = f"sqlite:///{tmp_path}/new.db"
    else:
        new = request.getfixturevalue("postgresql").database()
    Store(new).close()
    assert shape_of(database) == shape_of(new)
    assert set(shape_of(new)) == set(metadata.tables)


def test_upgrading_twice_changes_nothing(database: str) -> None:
    Store(database).close()
    before = shape_of(database)
    Store(database).close()
    assert shape_of(database) == before


def test_only_the_missing_steps_run_each_once(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_first(database)
    ran: list[int] = []

    def second(connection: Connection) -> None:
        ran.append(2)
        connection.execute(text("create table second(id integer)"))

    def third(connection: Connection) -> None:
        ran.append(3)
        connection.execute(text("create table third(id integer)"))

    monkeypatch.setattr(upgrades, "STEPS", (second,))
    Store(database).close()
    monkeypatch.setattr(upgrades, "STEPS", (second, third))
    Store(database).close()
    Store(database).close()
    assert ran == [2, 3]


def test_a_step_that_fails_leaves_the_database_as_it_was(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_first(database)
    before = shape_of(database)

    def breaks(connection: Connection) -> None:
        connection.execute(text("create table half(id integer)"))
        raise ZeroDivisionError

    monkeypatch.setattr(upgrades, "STEPS", (breaks,))
    with pytest.raises(ZeroDivisionError):
        Store(database)
    assert shape_of(database) == before


def test_a_database_of_a_newer_version_is_left_alone(database: str) -> None:
    store = Store(database)
    store.now(lambda book: book.do("update version set step = 99"))
    store.close()
    with pytest.raises(upgrades.TooNew, match="99"):
        Store(database)
