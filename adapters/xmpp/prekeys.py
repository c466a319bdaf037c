"""One-time keys: each begins one session, and two strangers may pick the same one.

A hundred are published. One that was used is published no more, but kept for a day: whoever picked
it before that reached them, or whose message waits on a server, is still read. The library keeps a
used key only as long as the process lives, and forgets it even if what it opened was not committed.
"""

from __future__ import annotations

import base64
import time

import x3dh
from oldmemo.oldmemo import BundleImpl, Oldmemo, SessionImpl, StateImpl
from omemo.session import Initiation, Session

from adapters.xmpp.ratchets import Ratchets

SKIPPED = 250
"""Messages of one device that may be missing before one that is read."""

PUBLISHED = 100
KEPT = 86_400
"""Seconds for which a used key is kept."""

MOST_KEPT = 300
USED = "/used_pre_keys"


class PreKeys(Oldmemo):
    def __init__(self, ratchets: Ratchets) -> None:
        super().__init__(ratchets, SKIPPED)
        self._ratchets = ratchets

    async def hide_pre_key(self, session: Session) -> bool:
        """Not before what it opened is committed: see `use_up`. -> nothing is to be published."""
        return False

    async def get_bundle(self, bare_jid: str, device_id: int) -> BundleImpl:
        whole, used = await super().get_bundle(bare_jid, device_id), await self._used()
        fresh = {key: id for key, id in whole.pre_key_ids.items() if _name(key) not in used}
        bundle = whole.bundle._replace(pre_keys=frozenset(fresh))
        return BundleImpl(bare_jid, device_id, bundle, whole.signed_pre_key_id, fresh)

    async def use_up(self, session: Session) -> bool:
        """After the commit of a message that began a session. -> whether there are new keys to
        publish."""
        assert isinstance(session, SessionImpl)
        key = session.key_exchange.header.pre_key
        there = (await super().get_bundle(session.bare_jid, 0)).pre_key_ids
        used = await self._used()
        if session.initiation is Initiation.ACTIVE or key not in there or _name(key) in used:
            return False
        now = int(time.time())
        used = {name: at for name, at in used.items() if now - at < KEPT} | {_name(key): now}
        used = dict(sorted(used.items(), key=lambda item: item[1])[-MOST_KEPT:])
        gone = set(await self._used()) - set(used)
        await self._ratchets.store(USED, used)
        await self._delete([key for key in there if _name(key) in gone])
        visible = await self.get_num_visible_pre_keys()
        await self.generate_pre_keys(PUBLISHED + len(used) - visible)
        return True

    async def _used(self) -> dict[str, int]:
        return (await self._ratchets.load_dict(USED, int)).maybe({})

    async def _delete(self, keys: list[bytes]) -> None:
        place = f"/{self.namespace}/x3dh"
        kept = (await self._ratchets.load(place)).from_just()
        assert isinstance(kept, dict)
        kind = x3dh.IdentityKeyFormat.ED_25519
        state, _ = StateImpl.from_json(kept, kind, x3dh.HashFunction.SHA_256, StateImpl.INFO)
        for key in keys:
            state.delete_pre_key(key)
        await self._ratchets.store(place, state.json)


def _name(key: bytes) -> str:
    return base64.b64encode(key).decode()
