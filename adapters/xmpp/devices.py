"""Other people's devices and their keys, asked for when they are needed, and not more often.

Whoever writes decides how many there are and how fast their server answers: both are bounded here,
and a slow server holds up nobody but its own people.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from weakref import WeakValueDictionary

from oldmemo.oldmemo import BundleImpl

from adapters.xmpp import published
from adapters.xmpp.published import Ask, Closed, Unpublished

MOST = 20
"""Of one person: a message is encrypted for each, and each that is new costs a question."""

FRESH = 600.0
"""Seconds for which a list is believed, and that a device has no keys."""

REMEMBERED = 20_000
AT_ONCE = 4
"""People of one server whose keys are asked for."""


class Lately:
    """What was learned in the last minutes, forgotten by itself."""

    def __init__(self) -> None:
        self._at: OrderedDict[object, float] = OrderedDict()

    def note(self, what: object) -> None:
        self._at[what] = asyncio.get_running_loop().time()
        self._at.move_to_end(what)
        if len(self._at) > REMEMBERED:
            self._at.popitem(last=False)

    def drop(self, what: object) -> None:
        self._at.pop(what, None)

    def __contains__(self, what: object) -> bool:
        at = self._at.get(what)
        return at is not None and asyncio.get_running_loop().time() - at < FRESH


class Devices:
    """ask: as for `Omemo`."""

    def __init__(self, ask: Ask) -> None:
        self.listed, self.keyless, self.closed, self.asked = (Lately() for _ in range(4))
        self._ask = ask
        self._servers: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def numbers(self, jid: str, known: list[int], wanted: int | None) -> list[int]:
        """-> which there are now. known: those of before; wanted: the one that just wrote. Of too
        many it counts first, then what was known, then whatever comes first. Raises Unpublished."""
        async with self._turn(jid):
            try:
                listed = await published.devices(self._ask, jid)
            except Closed:
                self.closed.note(jid)
                raise
        self.listed.note(jid)
        first = [wanted] if wanted in listed else []
        return list(dict.fromkeys([*first, *(n for n in known if n in listed), *listed]))[:MOST]

    async def bundle(self, jid: str, device: int) -> BundleImpl | None:
        """-> its keys, None if it has none. Raises Unpublished."""
        if (jid, device) in self.keyless:
            return None
        try:
            async with self._turn(jid):
                found = await published.bundle(self._ask, jid, device, jid)
        except Unpublished as error:
            self.keyless.note((jid, device))
            if isinstance(error, Closed):
                self.closed.note(jid)
            raise
        if found is None:
            self.keyless.note((jid, device))
        return found

    def _turn(self, jid: str) -> asyncio.Semaphore:
        server = jid.rpartition("@")[2]
        return self._servers.setdefault(server, asyncio.Semaphore(AT_ONCE))

    def is_to_be_asked(self, jid: str) -> bool:
        """Whether they show their keys to contacts alone, and were not asked yet to let the gateway
        be one. It counts as asked."""
        wanted = jid in self.closed and jid not in self.asked
        if wanted:
            self.asked.note(jid)
        return wanted
