"""What a person can do. Each action takes an open book and the person, changes the rows, and
returns the notices that everybody concerned shall get; it raises `No` with the reason, and before
it changed anything, when it may not be.
"""

from __future__ import annotations

from core.message import Choice, Sayable


class No(Exception):
    """It can't be done; `why` is for the person who asked, `choices` what they can do instead."""

    def __init__(self, why: Sayable, choices: tuple[Choice, ...] = ()) -> None:
        super().__init__()
        self.why, self.choices = why, choices
