"""What the tables of the schema are made of."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()


def id_column() -> Column[int]:
    # SQLite numbers rows only in a column of type INTEGER
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def table(name: str, *columns: Column[int] | Column[str] | Column[bytes] | Index) -> Table:
    # A number is given once, also when its row is gone: the courier looks for rows after the last
    # it saw, and a copy names its address by number. https://sqlite.org/autoinc.html
    numbered = name in ("outbox", "addresses")
    return Table(name, metadata, *columns, sqlite_autoincrement=numbered)


def text(
    name: str, *, key: bool = False, null: bool = False, default: str | None = None
) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=null, server_default=default)


def integer(name: str, *, null: bool = False, default: int | None = None) -> Column[int]:
    given = None if default is None else str(default)
    return Column(name, BigInteger, nullable=null, server_default=given)
