"""Seeded nonsense, and what is almost right: number n of a kind is always the same."""

from __future__ import annotations

import copy
import random
from typing import Any

CHARACTERS = (
    "abcdefghijklmnopqrstuvwxyzABC 0123456789۱۲۳٤٥ .,:;!?/@#%&=+-_()[]{}<>'\"\\\n\r\t"
    "سلامپچگکی‌يىأةабвгдїёßéñçğıİ中文字漢の각ᄀ각བོདမြན"
    "́̈̀\u0335\u0345\u20e3\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2066\u2069\u00ad\u2800"
    "\u2028\u2029\x85\x00\x07\x1b\x7f\ud800\udfff\ufdd0\ufffe\uffff\ufeff\ufe0e\ufe0f"
    "\U000e0041\U000e007f\U000e0100\U0001bca0😀👩🏽🇮🇷☀❤│🌐🔒⚠"
)
WORDS = (
    "", " ", "need", "offer 7KQ", "/forget", "cancel", "نیاز", "لغو", "помощь", "帮助", "1", "۲",
    "2 3", "https://a.b/c", "t.me/+x", "tg://resolve?domain=a", "@ana", "@ana:x.org", "#r:x.org",
    "a@b.org", "+98 912 345 6789", "{name}", "{0.__class__}", "%s", "%(x)s", "<b>x</b>", "&amp;",
    "]]>", "null", "true", "-1", "1e999", "\x00", "\ud800", "│ x", "[1]", "[99999999999]", "FSI",
    "=a:b:c", "?", "👍", "They took my brother yesterday", "A lawyer in Berlin",
    "اَ" * 20, "z" + "\u0335" * 40,
)  # fmt: skip


class Nonsense(random.Random):
    def text(self, most: int = 60) -> str:
        pieces = []
        for _ in range(self.choice((0, 1, 1, 2, 3, 8))):
            if self.random() < 0.5:
                pieces.append(self.choice(WORDS))
            else:
                pieces.append("".join(self.choices(CHARACTERS, k=self.randrange(most // 4 + 1))))
        said = self.choice(("", " ", "\n")).join(pieces)
        return said * self.choice((1,) * 60 + (2, 300))

    def value(self, depth: int = 2) -> Any:
        """Whatever JSON can hold."""
        kinds = 9 if depth else 7
        match self.randrange(kinds):
            case 0:
                return None
            case 1:
                return self.choice((True, False))
            case 2:
                return self.choice((0, -1, 1, 2**31, 2**63, 2**200, 10**400))
            case 3:
                return self.choice((0.5, -0.0, 1e308, float("inf"), float("nan")))
            case 4 | 5 | 6:
                return self.text()
            case 7:
                return [self.value(depth - 1) for _ in range(self.randrange(3))]
        return {self.text(8): self.value(depth - 1) for _ in range(self.randrange(4))}

    def almost(self, right: Any) -> Any:
        """A copy of it with one thing or a few wrong, somewhere inside: or none."""
        wrong = copy.deepcopy(right)
        for _ in range(self.choice((0, 1, 1, 1, 2, 5))):
            wrong = self._wronged(wrong)
        return wrong

    def _wronged(self, right: Any) -> Any:
        if isinstance(right, dict) and right and self.random() < 0.9:
            key = self.choice(list(right))
            match self.randrange(10):
                case 0:
                    del right[key]
                case 1:
                    right[self.text(8)] = self.value()
                case _:
                    right[key] = self._wronged(right[key])
            return right
        if isinstance(right, list) and right and self.random() < 0.9:
            at = self.randrange(len(right))
            right[at] = self._wronged(right[at])
            return right
        return self.text() if isinstance(right, str) and self.random() < 0.7 else self.value()

    def scratched(self, written: str) -> str:
        """A text in some language of machines, with a few places of it changed."""
        for _ in range(self.choice((0, 1, 1, 2, 4))):
            at, end = sorted(self.randrange(len(written) + 1) for _ in range(2))
            end = min(end, at + self.randrange(12))
            match self.randrange(3):
                case 0:
                    written = written[:at] + written[end:]
                case 1:
                    written = written[:at] + self.text(12)[:40] + written[end:]
                case 2:
                    written = written[:at] + written[at:end] * 2 + written[end:]
        return written
