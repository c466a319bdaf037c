"""What the platforms' libraries for encryption keep: accounts, ratchets, devices. Sealed like what
people write, found by keyed fingerprints, and gone with whom it leads to.

What leads to an address is sealed under a key of that address alone: a library keeps something of
people who never wrote, and what one address left must go with it. It also learns of people who are
not here (any more): their client answers a goodbye by itself, or begins and says nothing. That goes
soon.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from core import timers
from core.message import Secret
from core.store import Book

_PLACE = "safe.sealed"
_STEP = 256
"""Characters: finer than the classes of texts, for what is written with every message."""


def load(book: Book, platform: str) -> list[Secret]:
    """-> all of a platform."""
    found = []
    rows = book.all(
        "select mark, owner, sealed from safe where platform = :platform order by owner",
        platform=platform,
    )
    book.vault.expect({owner for _, owner, _ in rows})
    for mark, owner, sealed in rows:
        if opened := book.unseal(owner, _PLACE, mark, sealed):
            name, value, of = json.loads(opened)
            found.append(Secret(name, base64.b64decode(value), of))
    return found


_STRANGERS = """
select distinct s.owner from safe s where s.owner <> 'safe.' || s.platform
and not exists (select 1 from addresses a where a.handle_index = s.owner)
"""


def doubt(book: Book, soon: int) -> None:
    """What leads to nobody who is here goes, unless they come until then. soon: in seconds."""
    for owner in book.column(
        f"{_STRANGERS} and not exists"
        " (select 1 from timers t where t.about = s.owner and t.kind = 'forget_keys')"
    ):
        timers.remind(book, book.now + soon, "forget_keys", owner)


def forget(book: Book, owner: str) -> None:
    """What leads to the address with this fingerprint, unless somebody is there."""
    if owner not in book.column(_STRANGERS):
        return
    for platform, mark, sealed in book.all(
        "select platform, mark, sealed from safe where owner = :owner limit 1", owner=owner
    ):
        if opened := book.unseal(owner, _PLACE, mark, sealed):
            book.wakes.add(f"forgotten:{platform}:{json.loads(opened)[2]}")
    book.do("delete from safe where owner = :owner", owner=owner)
    book.forgotten.append(owner)


def keep(book: Book, platform: str, secrets: Sequence[Secret]) -> None:
    """The last one under a name counts."""
    latest = {secret.name: secret for secret in secrets}
    rows, gone = [], []
    for secret in latest.values():
        mark = book.fingerprint("safe", platform, secret.name)
        if secret.value is None:
            gone.append({"mark": mark})
            continue
        # as for an address: see `people.at`
        owner = book.fingerprint(platform, secret.of) if secret.of else f"safe.{platform}"
        if not book.vault.knows(owner):
            book.vault.create(owner)
        body = json.dumps([secret.name, base64.b64encode(secret.value).decode(), secret.of])
        body = body.ljust(-(-len(body) // _STEP) * _STEP)  # or the length of an address shows
        sealed = book.vault.seal(owner, _PLACE, mark, body, pads=False)
        rows.append({"mark": mark, "platform": platform, "owner": owner, "sealed": sealed})
    book.many("delete from safe where mark = :mark", gone)
    book.many(
        "insert into safe(mark, platform, owner, sealed) values (:mark, :platform, :owner, :sealed)"
        " on conflict (mark) do update set owner = excluded.owner, sealed = excluded.sealed",
        rows,
    )
