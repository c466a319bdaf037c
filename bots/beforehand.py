"""What somebody's first message would wait for is read beside the start, in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread

from core import detection
from core.skills import suggest


def read_aside(languages: Sequence[str]) -> Thread:
    """The model that tells languages, and the words for skills in each of these."""

    def read() -> None:
        detection.load_model()
        for language in languages:
            suggest("", language)

    reading = Thread(target=read, name="read beforehand", daemon=True)
    reading.start()
    return reading
