"""What reaches the log: our own lines; of an exception its type and place, never its text.

Exceptions and the lines of libraries quote what people write, where they are, and tokens.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import sys
import threading
import traceback
from types import TracebackType

from core.message import Address

OURS = ("movements", "adapters", "bots", "core")

_TOKEN = re.compile(r"\d{6,}:[\w-]{20,}|\b(?:syt|mat|mct|mcr)_\w+")
"""Of a Telegram bot (https://core.telegram.org/bots/api#authorizing-your-bot), of Synapse and its
authentication service."""
_ADDRESS = re.compile(r"[^\s@]*@[^\s@]+")


_THIS_RUN = secrets.token_bytes(16)


class Formatter(logging.Formatter):
    """One line for each record. Our own lines name no person and no secret; if one ever does, it is
    taken out here."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        said = record.getMessage() if record.name.split(".")[0] in OURS else "(text left out)"
        if record.exc_info and record.exc_info[1]:
            said = f"{said} [{trouble(record.exc_info[1])}]"
        said = _ADDRESS.sub("<address>", _TOKEN.sub("<token>", " ".join(said.split())))
        plain = logging.LogRecord(record.name, record.levelno, "", 0, said, None, None)
        plain.created, plain.msecs = record.created, record.msecs
        return super().format(plain)


def trouble(error: BaseException) -> str:
    """-> types and places: "KeyError in hear, talk.py:120"; those in a group one by one."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(trouble(each) for each in error.exceptions)
    frames = traceback.extract_tb(error.__traceback__)
    name = type(error).__name__
    if not frames:
        return name
    last = frames[-1]
    return f"{name} in {last.name}, {last.filename.rpartition('/')[2]}:{last.lineno}"


def who(address: Address) -> str:
    """Lines about one person can be laid beside each other, but not those of two runs, and nobody
    can try which number is whose."""
    said = f"{address.platform}\0{address.handle}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.blake2b(said, key=_THIS_RUN, digest_size=8).digest(), "big")
    return f"person {number % 10**6}"


def begin() -> None:
    """Everything that is logged, warned of, or not caught goes to stderr through the formatter."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for noisy in ("httpx", "httpcore", "aiohttp", "nio", "slixmpp", "telegram", "peewee", "omemo"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # it prints what a line that is wrongly made was made of
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda args: _uncaught(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )
    threading.excepthook = lambda args: _uncaught(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


def _uncaught(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
    logging.getLogger("movements").critical("not caught", exc_info=(kind, error, place))
