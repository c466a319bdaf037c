"""The schema. What a row means stands beside its table; how it is used, in `store.py`. Vouching and
moderation have theirs in `trust_tables.py`.

Times are whole seconds since 1970 (UTC). Ids are random (uuid4): they tell neither time nor order.

Sealed (core/privacy.py) under a person's key: addresses.handle, copies.native, needs.text,
offers.text and .pseudonym, forms.answers and .about, reports.text, outbox.notice, people.lock,
unsends.chat. Under the conversation's: entries.text, members.pseudonym, files.body. Under both
(core/joint.py): translations.text, tasks.text and .draft. Under an address's: safe.sealed,
newcomers.sealed.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Text

from core import trust_tables
from core.columns import id_column as _id
from core.columns import integer as _int
from core.columns import metadata
from core.columns import table as _table
from core.columns import text as _text

__all__ = ["metadata", "trust_tables"]

# One row: the number of the last upgrade step; a fingerprint of the key store that opens the rest.
version = _table("version", Column("step", Integer, nullable=False), _text("keys", default=""))

# state: live | suspended. alerts: now | daily | never. trust: core.people.TRUST.
# address: where they wrote last; null: nowhere yet, or nowhere any more.
# focus: the conversation that plain messages go to; null: unclear.
# seen, warned: the days, since 1970, when they wrote last, and were told since then that their
# silence will have them forgotten. vouches_from: the day from which they may vouch again.
# lock: core.locks.Lock, sealed; empty for whoever chose no words of their own.
# staff: a moderator's number in `audit`. suspended: the day.
people = _table(
    "people",
    _text("id", key=True),
    _text("language"),
    _int("trust", default=0),
    Column("state", Text, nullable=False, server_default="live"),
    Column("alerts", Text, nullable=False, server_default="now"),
    _int("address", null=True),
    _text("focus", null=True),
    _int("created"),
    _int("seen", default=0),
    _int("warned", null=True),
    _int("vouches_from", null=True),
    _text("lock", default=""),
    _int("staff", null=True),
    _int("suspended", null=True),
    _int("hinted", null=True),
    Index("people_seen", "seen"),
)
# encrypted: what came last from there was, end to end. changed: its keys are others than before,
# and it is not confirmed yet that they are theirs.
# turn: the address with the highest is where they wrote last.
addresses = _table(
    "addresses",
    _id(),
    _text("platform"),
    _text("handle"),
    _text("person"),
    _int("alive", default=1),
    _text("handle_index", default=""),
    _int("encrypted", default=0),
    _int("changed", default=0),
    _int("turn", default=0),
    Index("one_address", "platform", "handle_index", unique=True),
    Index("addresses_of", "person"),
)
# What the platforms' libraries for encryption keep, found by the fingerprint of its name. owner: of
# the key that seals it; "safe.PLATFORM", or an address's fingerprint as in addresses.handle_index.
safe = _table(
    "safe",
    _text("mark", key=True),
    _text("platform"),
    _text("owner"),
    _text("sealed"),
    Index("safe_of", "owner"),
)
# What new addresses wrote while too many came at once, until it is heard. mark: its fingerprint.
# owner: of the key that seals it, an address's fingerprint as in addresses.handle_index.
newcomers = _table(
    "newcomers",
    _text("mark", key=True),
    _text("platform"),
    _int("turn"),
    _text("owner"),
    _text("sealed"),
    Index("newcomers_of", "owner"),
    Index("newcomers_next", "platform", "turn"),
)
# How far each platform was heard, in the platform's own terms.
cursors = _table("cursors", _text("platform", key=True), _text("cursor"))
# Fingerprints of what was heard already; kept for 14 days.
heard = _table("heard", _text("id", key=True), _int("at"), Index("heard_at", "at"))
# The open form of a person: answers by name, the question asked last by name.
forms = _table(
    "forms",
    _text("person", key=True),
    _text("form"),
    _text("token"),
    _text("asked"),
    _text("answers"),
    _text("about"),
    _int("refusals", default=0),
)
# What a person brings: languages read and written, skills, countries ("*": any), translations.
speaks = _table("speaks", _text("person", key=True), _text("language", key=True))
abilities = _table(
    "abilities",
    _text("skill", key=True),
    _text("person", key=True),
    Index("abilities_of", "person"),
)
places = _table("places", _text("person", key=True), _text("country", key=True))
pairs = _table(
    "pairs",
    _text("source", key=True),
    _text("target", key=True),
    _text("person", key=True),
    Index("pairs_of", "person"),
)
# state: open | closed. audience: trust from which its text may be read. wave: alerts sent so far.
# closed: when it was found closed, here and below.
needs = _table(
    "needs",
    _text("id", key=True),
    _text("code"),
    _text("person"),
    _text("text"),
    _text("language"),
    _text("country"),
    _int("audience"),
    Column("state", Text, nullable=False, server_default="open"),
    _int("wave", default=0),
    _int("created"),
    _int("closes"),
    _int("closed", null=True),
    _int("sensitive", default=0),
    Index("one_code", "code", unique=True),
    Index("needs_of", "person"),
    Index("needs_open", "state", "created"),
)
need_skills = _table(
    "need_skills",
    _text("need", key=True),
    _text("skill", key=True),
    Index("needs_for", "skill"),
)
# state: told | digest (told at the next digest) | declined | answered
alerts = _table(
    "alerts",
    _text("need", key=True),
    _text("person", key=True),
    _text("state"),
    _int("at"),
    Index("alerts_of", "person", "at"),
)
# state: sent | accepted | declined
offers = _table(
    "offers",
    _text("id", key=True),
    _text("need"),
    _text("person"),
    _text("pseudonym"),
    _text("text"),
    _text("language"),
    Column("state", Text, nullable=False, server_default="sent"),
    _int("at"),
    Index("one_offer", "need", "person", unique=True),
    Index("offers_of", "person"),
)
# drafts: whether a machine may draft its translations; null: the need's author was not asked.
conversations = _table(
    "conversations",
    _text("id", key=True),
    _text("need"),
    Column("state", Text, nullable=False, server_default="open"),
    _int("opened"),
    _int("closed", null=True),
    _int("drafts", null=True),
)
# role: asker | helper | translator. pseudonym: as the others see this person, here only.
# shows_names: the translator may read the names and places that they write.
members = _table(
    "members",
    _text("conversation", key=True),
    _text("person", key=True),
    _text("role"),
    _text("pseudonym"),
    _int("shows_names", default=0),
    Index("members_of", "person"),
)
# Translators asked to join. state: asked | joined | declined
invitations = _table(
    "invitations",
    _text("conversation", key=True),
    _text("person", key=True),
    _text("state"),
    _int("at"),
    Index("invitations_of", "person"),
)
entries = _table(
    "entries",
    _text("id", key=True),
    _text("conversation"),
    _text("author"),
    _text("text"),
    _text("language"),
    _text("answers", null=True),
    _int("at"),
    Index("entries_of", "conversation", "at"),
)
# The clean pictures of an entry. body: sealed; emptied once delivered, or too old to be.
files = _table(
    "files",
    _text("entry", key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _text("body"),
    _int("at"),
    Index("files_at", "at"),
)
# One translation of an entry into a language; a correction replaces it.
translations = _table(
    "translations",
    _text("entry", key=True),
    _text("language", key=True),
    _text("person"),
    _text("text"),
    _int("at"),
)
# What is left to translate of an entry, part by part. person: whose it is, until: when it goes back
# (0: it did, and others are asked). text: the translation of a part while others are missing.
# draft: a machine's.
tasks = _table(
    "tasks",
    _text("entry", key=True),
    _text("language", key=True),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    _text("person"),
    _int("until"),
    _text("text"),
    _text("draft", default=""),
    Index("tasks_of", "person"),
)
# What translators agreed to write for a term, found by its fingerprint; sealed under a key of its
# own.
glossary = _table(
    "glossary",
    _text("mark", key=True),
    _text("source"),
    _text("target"),
    _text("sealed"),
    Index("glossary_of", "source", "target"),
)
# state: waiting | sent | dropped. notice: emptied once delivered. urgent: answers before alerts.
# sensitive: only to an encrypted address. not_before: when it may go. address: to this one alone.
outbox = _table(
    "outbox",
    _id(),
    _text("key"),
    _text("person"),
    _text("notice"),
    _int("urgent", default=1),
    Column("state", Text, nullable=False, server_default="waiting"),
    _int("at"),
    _int("sensitive", default=0),
    _int("not_before", default=0),
    _int("address", null=True),
    Index("one_key", "key", unique=True),
    Index("waiting", "state", "id"),
    Index("outbox_of", "person"),
)
# A notice or an entry as it stands on one address. choices: the values of its numbered lines.
# ours: 0 for its author's own message. fleeting: it shows somebody's words where others read, and
# is taken back after a time.
copies = _table(
    "copies",
    _id(),
    _int("address"),
    _text("native"),
    _text("key", null=True),
    _text("entry", null=True),
    _text("reply", null=True),
    _text("choices", null=True),
    _int("at"),
    _text("native_index", default=""),
    _int("ours", default=1),
    _int("fleeting", default=0),
    Index("copy_named", "address", "native_index"),
    Index("copy_of_entry", "entry", "address"),
    Index("copy_of_key", "key"),
    Index("copy_at", "at"),
    Index("copy_fleeting", "fleeting", "at"),
)
# What is to be deleted from people's chats. chat: its address and native ids, sealed under the key
# of owner: the person, or this very row once they are forgotten.
unsends = _table(
    "unsends",
    _text("id", key=True),
    _text("owner"),
    _text("chat"),
    _int("at"),
    Index("unsends_of", "owner"),
)
# What is due at a time. kind names a function of `bots.clock`, about its subject.
timers = _table(
    "timers",
    _id(),
    _int("due"),
    _text("kind"),
    _text("about"),
    Index("timers_due", "due"),
    Index("timers_about", "about"),
)
