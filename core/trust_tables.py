"""The tables of vouching, rationing and moderation."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Text

from core.columns import integer as _int
from core.columns import table as _table
from core.columns import text as _text

# The keyed fingerprints of the addresses of suspended people who are gone.
bans = _table("bans", _text("fingerprint", key=True), _int("at"))
# Codes handed from person to person, as keyed fingerprints. kind: vouch | verify | link
codes = _table(
    "codes",
    _text("code", key=True),
    _text("kind"),
    _text("person"),
    _int("until"),
    Index("codes_of", "person"),
)
# at: the day, as the second at which it began.
vouches = _table(
    "vouches",
    _text("voucher", key=True),
    _text("person", key=True),
    _int("at"),
    Index("vouches_for", "person"),
)
blocks = _table("blocks", _text("person", key=True), _text("blocked", key=True))
# state: open | closed
reports = _table(
    "reports",
    _text("id", key=True),
    _text("person"),
    _text("about"),
    _text("text"),
    Column("state", Text, nullable=False, server_default="open"),
    _int("at"),
    _int("sensitive", default=0),
)
# What one moderator proposed and another one is to agree to. act: suspend | restore | verify.
# about: whom. person: who proposed it.
proposals = _table(
    "proposals",
    _text("id", key=True),
    _text("act"),
    _text("about"),
    _text("person"),
    _int("until"),
    Index("proposals_about", "about"),
)
# What somebody did today of what is rationed; see core/rationing.py. mark: of what.
rations = _table(
    "rations",
    _text("person", key=True),
    _text("what", key=True),
    _text("mark", key=True),
    _int("day"),
    Index("rations_day", "day"),
)
# What moderators did; see core/audit.py. moderator: their number, 0: the operator.
audit = _table(
    "audit",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _int("day"),
    _int("moderator"),
    _text("act"),
    _text("outcome"),
    _text("mark"),
)
# One row: the first and the last row of `audit`, and the marks of the one before and of the last.
audit_ends = _table(
    "audit_ends",
    Column("oldest", BigInteger, primary_key=True, autoincrement=False),
    _int("newest"),
    _text("before"),
    _text("last"),
    _text("mark"),
)
