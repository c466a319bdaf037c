"""What no log may hold. Every test plants what its people say and where they are, and fails if a
record of any logger, at any level, or the error output, holds any of it.

Whatever an adapter hears or is to send is planted by itself; secrets are planted by the platforms.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.message import Inbound, Outbound

LEAST = 8
"""Shorter ones stand in a log by chance."""
_PIECE = 24
"""Characters at the beginning and at the end of a long text that are looked for."""

_TOOLS = ("selenium", "urllib3")
"""What drives a test's browser says what it types; no part of the gateway uses them."""

words: set[str] = set()
records: list[str] = []


def plant(text: str) -> str:
    """-> the text: from now on, until the test ends, no log may hold it."""
    for line in {text, *text.splitlines()}:
        line = line.strip()
        if len(line) >= LEAST:
            words.update((line[:_PIECE], line[-_PIECE:]))
    return text


def found(log: str) -> list[str]:
    """The planted words that this log holds, as they are or escaped."""
    return [
        word
        for word in words
        if word in log or json.dumps(word)[1:-1] in log or repr(word)[1:-1] in log
    ]


class Net(logging.Handler):
    """Keeps what a record says, and what the exceptions in it say."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in _TOOLS:
            return
        said = [record.name, record.getMessage(), repr(record.args)]
        error = record.exc_info[1] if record.exc_info else None
        while error is not None:
            said += [repr(error), *getattr(error, "__notes__", ())]
            error = error.__cause__ or error.__context__
        records.append("\n".join(said))


@contextmanager
def net() -> Iterator[None]:
    """Everything that is logged meanwhile, at any level, is kept."""
    words.clear()
    records.clear()
    root, handler = logging.getLogger(), Net()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def watch(patch: Callable[[type, str, Any], None]) -> None:
    """Plants what each event and each message to send is made with."""

    def planting(kind: type, *names: str) -> None:
        init: Any = kind.__init__  # type: ignore[misc]

        def made(self: Any, *args: Any, **kwargs: Any) -> None:
            init(self, *args, **kwargs)
            for name in names:
                plant(getattr(self, name) or "")
            plant((self.sender if kind is Inbound else self.to).handle)

        patch(kind, "__init__", made)

    planting(Inbound, "text", "pressed")
    planting(Outbound, "text", "quote")
