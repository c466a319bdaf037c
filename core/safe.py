"""What the platforms' libraries for encryption keep: accounts, ratchets, devices. Sealed like what
people write, found by keyed fingerprints, and gone with whom it leads to.

What leads to an address is sealed under a key of that address alone: a library keeps something of
people who never wrote, and what one address left must go with it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from core.message import Secret
from core.store import Book

_PLACE = "safe.sealed"


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
        sealed = book.vault.seal(owner, _PLACE, mark, body, pads=False)  # keys tell by no length
        rows.append({"mark": mark, "platform": platform, "owner": owner, "sealed": sealed})
    book.many("delete from safe where mark = :mark", gone)
    book.many(
        "insert into safe(mark, platform, owner, sealed) values (:mark, :platform, :owner, :sealed)"
        " on conflict (mark) do update set owner = excluded.owner, sealed = excluded.sealed",
        rows,
    )
