"""Stream management (XEP-0198): which stanzas each side has. Counting only, no I/O.

One `Acks` is one session; it outlives the connections that the session is resumed on. Its one
difference from every library: a stanza counts as handled when what it said is committed, not when
it was parsed, so the server keeps it through a crash in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

WRAP = 2**32


@dataclass(eq=False)
class Given:
    """A stanza that the server was given. acked: called once the server has it."""

    xml: str = field(repr=False)
    acked: Callable[[], None] | None = None


class Acks:
    """id: what the session is resumed by, None if it cannot be."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.received = 0
        self._resent_up_to = 0
        self._open: dict[int, None] = {}
        self.unacked: deque[Given] = deque()
        self._acked = 0

    def receive(self) -> int | None:
        """Counts one incoming stanza. -> its number, now open until `commit`; None if it is the
        server's copy of one that is already in hand (sent again after a resume)."""
        self.received += 1
        if self.received <= self._resent_up_to:
            return None
        self._open[self.received] = None
        return self.received

    def commit(self, number: int) -> None:
        self._open.pop(number, None)

    @property
    def _committed(self) -> int:
        return min(next(iter(self._open), WRAP * WRAP) - 1, self.received)

    @property
    def h(self) -> int:
        """What may be acknowledged: everything up to here is committed."""
        return self._committed % WRAP

    def give(self, given: Given) -> None:
        self.unacked.append(given)

    def acknowledged(self, h: int) -> None:
        """The server has everything up to h. Numbers beyond what was sent are a server's mistake
        and are taken as "all"."""
        new = (h - self._acked) % WRAP
        if new > WRAP // 2:
            return
        self._acked += new
        for _ in range(min(new, len(self.unacked))):
            if (acked := self.unacked.popleft().acked) is not None:
                acked()

    def resume(self) -> int:
        """-> the h to resume with. The server sends everything after it again, under the same
        numbers: what is still in hand here is recognised by them."""
        self._resent_up_to = max(self._resent_up_to, self.received)
        self.received = self._committed
        return self.h
