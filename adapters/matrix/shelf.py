"""What encryption keeps, under names: in memory, and every change of it in the gateway's safe.

Whatever another will rely on (a key that was published, a message that leaves, an event that will
be acknowledged) is kept first: a change that is only in memory dies with the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from core.message import Safe, Secret


class Shelf:
    """Names are words with blanks between; the first says what it is ("olm", "megolm", ...)."""

    def __init__(self, safe: Safe) -> None:
        self._safe = safe
        self._kept: dict[str, Secret] = {}
        self._changed: dict[str, Secret] = {}
        self._keeping = asyncio.Lock()

    async def load(self) -> None:
        self._kept = {secret.name: secret for secret in await self._safe.load()}

    def get(self, name: str) -> bytes | None:
        secret = self._kept.get(name)
        return secret.value if secret else None

    def all(self, kind: str) -> Iterator[Secret]:
        """-> those whose first word is `kind`."""
        return (s for name, s in self._kept.items() if name.startswith(f"{kind} "))

    def put(self, name: str, value: bytes, of: str = "") -> None:
        """Kept with the next `keep`."""
        self._kept[name] = self._changed[name] = Secret(name, value, of)

    def drop(self, name: str) -> None:
        if gone := self._kept.pop(name, None):
            self._changed[name] = Secret(name, None, gone.of)

    def note(self, secret: Secret) -> Secret:
        """Remembers what will be kept by another way: with the message that it belongs to."""
        self._kept[secret.name] = secret
        if secret.value is None:
            del self._kept[secret.name]
        return secret

    async def keep(self) -> None:
        """All changes so far are on disk when it returns. Raises what the safe raises; then they
        are kept the next time."""
        async with self._keeping:  # otherwise an older value could be written over a newer one
            changed, self._changed = self._changed, {}
            if not changed:
                return
            try:
                await self._safe.keep(list(changed.values()))
            except BaseException:
                self._changed = changed | self._changed
                raise

    def forget(self, handle: str) -> set[str]:
        """Drops what leads to somebody; the safe has done so. -> its names."""
        names = {name for name, secret in self._kept.items() if secret.of == handle}
        for name in names:
            del self._kept[name]
        for name in [name for name, secret in self._changed.items() if secret.of == handle]:
            del self._changed[name]
        return names
