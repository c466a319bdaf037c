"""A safe without a gateway: what an adapter keeps, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.message import Secret


class Pocket:
    """Keeps as the gateway does: the last value under a name counts, None takes it away."""

    def __init__(self) -> None:
        self.kept: dict[str, Secret] = {}

    async def load(self) -> list[Secret]:
        return list(self.kept.values())

    async def keep(self, secrets: Sequence[Secret]) -> None:
        self.put(secrets)

    def put(self, secrets: Iterable[Secret]) -> None:
        for secret in secrets:
            self.kept[secret.name] = secret
            if secret.value is None:
                del self.kept[secret.name]
