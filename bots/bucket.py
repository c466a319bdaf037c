"""A bucket of tokens that refills: so many at once, so many a second after that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    tokens: float
    filled: float

    def take(self, now: float, burst: float, rate: float) -> bool:
        """Whether there was one."""
        self.tokens = min(burst, self.tokens + max(0.0, now - self.filled) * rate)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
