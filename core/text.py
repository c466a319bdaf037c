"""What people write: the only place that decides what a character may do. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cache
from itertools import accumulate

from core.folding import load

BAR = "│ "
BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Bidi marks, embeddings, overrides and isolates, as the inside of a character class (UAX #9)."""

_JOINERS = "\u200c\u200d"
_SPACES = " \t\n\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"

# Everything XML 1.0 forbids or discourages: slixmpp sends it unescaped and the stream dies.
_ILLEGAL = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(1 << 16, 17 << 16, 1 << 16)
    )
)
# Everything that is drawn as nothing (Default_Ignorable_Code_Point of UAX #44, but for joiners and
# what chooses between an emoji and its letter), tag characters among it; the controls of notes,
# shorthand and hieroglyphs.
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff"
    "\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_PICTURED = (
    "\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299©®\U0001f000-\U0001faff"
)
"""What may be drawn as an emoji, as the inside of a character class."""
_NEWLINE = re.compile("\r\n|[\r\x85\u2028\u2029]")
_BAD = re.compile(f"[{_ILLEGAL}]")
_GONE = re.compile(f"[{BIDI}{_INVISIBLE}]")
# Behind anything else they are a mark that nobody sees, by which a copy would be known.
_IDLE_CHOICE = re.compile(
    f"(?<![{_PICTURED}0-9#*])[\ufe0e\ufe0f]+|(?<=[0-9#*])[\ufe0e\ufe0f]+(?!\u20e3)"
    "|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]+"
)
_BLANK_BRAILLE = "\u2800"
# Typographically without effect there, and the way to send a message of nothing.
_IDLE_ZWNJ = re.compile(f"(?<=[{_SPACES}])\u200c+|\u200c+(?=[{_SPACES}])")
_JOINER_RUN = re.compile("([\u200c\u200d])[\u200c\u200d]+")
_MANY_MARKS = re.compile(r"[^\w\s\x00-\x7f]{5,}")  # marks are no \w: the rare candidates only
_BLANK_LINES = re.compile(r"\n{4,}")
_EDGES = "".join(chr(c) for c in range(0x3001) if chr(c).isspace()) + _JOINERS


def clean(text: str, limit: int = 4000) -> str:
    """What may be stored, shown and sent of `text`: at most `limit` code points, NFC, one kind of
    newline, nothing that hides, reorders or breaks a stream. Idempotent; takes any str."""
    text = text[: limit * 8]
    text = _NEWLINE.sub("\n", text)
    text = _GONE.sub("", _BAD.sub("\ufffd", text))
    if not text.isascii():
        text = _IDLE_CHOICE.sub("", text.replace(_BLANK_BRAILLE, " "))
        text = unicodedata.normalize("NFC", text)
        text = _MANY_MARKS.sub(_four_marks, text)
        text = _JOINER_RUN.sub(r"\1", text)
        text = _IDLE_ZWNJ.sub("", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    text = _BLANK_LINES.sub("\n\n\n", text).strip(_EDGES)
    if len(text) > limit:
        text = text[: _seam(text, limit)].rstrip(_EDGES)
    return text


def _four_marks(run: re.Match[str]) -> str:
    kept, marks = [], 0
    for c in run[0]:
        if unicodedata.category(c).startswith("M"):
            marks += 1
        elif c not in _JOINERS:  # a joiner does not end the pile
            marks = 0
        if marks <= 4:
            kept.append(c)
    return "".join(kept)


# --------------------------------------------------------------- words that must not be live

_SCHEMES = (
    "tg|xmpp|matrix|mailto|tel|sms|smsto|geo|magnet|javascript|vbscript|data|blob|file|intent|market|"
    "sip|sips|im|facetime|skype|whatsapp|viber|signal|sgnl|bitcoin|ethereum|monero|lightning"
)
_LETTER = r"[^\x00-\x2c./:-@\[-^`{-\x7f\s]"  # of a name, emoji and marks included, as for browsers
_NAMED = rf"{_LETTER}+(?:\.{_LETTER}+)+"
_AT_ITS_START = r"(?<![^\x00-\x2c/:-?\[-^`{-\x7f\s])"
_SCHEMED = re.compile(
    rf"(?P<url>[a-z][a-z0-9+.-]{{0,30}}://[^\s@/]*)|(?P<uri>\b(?:{_SCHEMES}):(?=[^\s\]]))",
    re.IGNORECASE,
)
# Every repetition begins where it can begin only once, or is short: no text takes long.
_LIVE = re.compile(
    rf"(?P<login>(?<![\w.+-])[\w.+-]+@{_NAMED}(?=[:/?#]\S))"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<number>(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]))"
    rf"|(?P<path>{_AT_ITS_START}{_NAMED}(?=/\w))"
    rf"|(?P<host>{_AT_ITS_START}{_NAMED})"
    r"|(?P<command>(?<![\w/])/(?=\w))"
    r"|(?P<mention>(?<!\w)@(?=\w))"
    r"|(?P<room>(?<!\w)[#!](?=[\w.-]+:[\w-]+\.))",
    re.IGNORECASE,
)
_ENDING = re.compile(r"[a-z]{2,}(?![a-z0-9_-])|xn--[a-z0-9-]+|[^\W\d_a-z]+", re.IGNORECASE)
_DOT = re.compile(r"\.(?=\w)")
_WIDE = {"/": "／", "@": "＠", "#": "＃", "!": "！"}


def defanged(text: str) -> str:
    """Relayed words with nothing to tap: `https://a.b/c` becomes `hxxps://a[.]b/c`, `tg://x`
    `tg[:]//x`, `t.me/x` `t[.]me/x`, and the sign before `/word`, `@name`, `#room:server` its
    full-width twin. All of it visible, because an invisible break confuses whoever copies it.
    E-mail addresses and phone numbers stay. Idempotent."""
    while (safe := _LIVE.sub(_dead, _SCHEMED.sub(_dead, text))) != text:
        text = safe
    return text


@cache
def _domains() -> frozenset[str]:
    return frozenset(" ".join(load("domains")["names"]).split())


def _leads_somewhere(name: str) -> bool:
    """Whether a client may make a link of it: some part of it but the first is a domain, or begins
    as one (where words have no spaces between them)."""
    ends = map(_ENDING.match, name.split(".")[1:])
    return any(
        end[0].lower() in _domains() or end[0].lower().startswith("xn--") for end in ends if end
    )


def _dead(found: re.Match[str]) -> str:
    live = found[0]
    match found.lastgroup:
        case "mail":
            return live
        case "url":
            scheme, rest = live.split("://", 1)
            head = f"{scheme}[:]//"
            if scheme.lower() in ("http", "https", "hxxp", "hxxps"):
                head = f"hxxp{scheme[4:]}://"
            return head + _DOT.sub("[.]", rest)
        case "uri":
            return f"{live[:-1]}[:]"
        case "login" | "number" | "path":
            return live.replace(".", "[.]")
        case "host":
            return live.replace(".", "[.]") if _leads_somewhere(live) else live
        case _:
            return _WIDE[live]


# --------------------------------------------------------------- cutting


def _seam(text: str, at: int) -> int:
    """The last place <= `at` that splits no surrogate pair, combining sequence or joined emoji;
    `at` itself where hostile input leaves none within 64 characters."""
    for cut in range(at, max(at - 64, 0), -1):
        if cut == len(text) or not _clings(text[cut - 1], text[cut]):
            return cut
    return at


def _clings(before: str, after: str) -> bool:
    return (
        before in _JOINERS
        or after in _JOINERS
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or ("\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff")
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")
        or unicodedata.category(after).startswith("M")
    )


_WIDTH = {
    "utf16": lambda c: 2 if c > "\uffff" else 1,
    "codepoints": lambda c: 1,
    "bytes": lambda c: 1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4,
}
_BREAKS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…؟۔])[^\S\u00a0\u202f]|(?<=[。！？])(?=\S)"),
    re.compile(r"[^\S\u00a0\u202f]"),
)


def split(text: str, limit: int, unit: str) -> list[str]:
    """`text` in parts of at most `limit` (>= 4) units: "utf16", "codepoints" or "bytes" (UTF-8).

    Cut at a paragraph, else a line, a sentence, a space; the white space at a cut is dropped. No
    part is empty or only white space; of white space alone nothing is left.
    """
    if limit < 4:
        raise ValueError("limit must be at least 4, the longest character in UTF-8")
    parts = []
    text = text.strip()
    ends = [0, *accumulate(map(_WIDTH[unit], text))]
    start = 0
    while start < len(text):
        last = bisect_right(ends, ends[start] + limit) - 1
        if last >= len(text):
            parts.append(text[start:])
            break
        stop = _break(text, start, last)
        parts.append(text[start:stop].rstrip())
        start = stop
        while text[start].isspace():
            start += 1
    return parts


def _break(text: str, start: int, last: int) -> int:
    # All but a space in the first third would leave a stub: then the next kind serves.
    third = (last - start) // 3
    for kind, floor in zip(_BREAKS, (third, third, third, 0), strict=True):
        found = [m.start() for m in kind.finditer(text, start + 1 + floor, last + 1)]
        if found:
            return found[-1]
    return max(_seam(text, last), start + 1)


def shortened(text: str, most: int) -> str:
    """`text`, or its beginning of about `most` characters and "…"."""
    if len(text) <= most:
        return text
    return text[: _seam(text, most)].rstrip(_EDGES) + "…"


# --------------------------------------------------------------- looking

_PRIVATE = re.compile(
    r"(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<handle>(?<![\w.@])@[\w.]{3,}\w*(?::[\w.-]+)?|\b(?:t|telegram)\.me/\+?\w+"
    r"|\bwa\.me/\+?\d+|\bmatrix\.to/\S+)"
    r"|(?P<phone>(?<![\w+])(?:\+|\(\+?)?\d(?:[ \u00a0().\u2010-\u2013/-]{0,3}\d){6,14}(?!\w))"
)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")


def finds(text: str) -> list[tuple[str, int, int]]:
    """(kind, start, end) of what may give somebody away: "phone", "email", "handle"."""
    found = []
    for m in _PRIVATE.finditer(text):
        kind = m.lastgroup or ""
        if kind == "phone":
            digits = sum(c.isdigit() for c in m[0])
            international = m[0].startswith(("+", "(+", "00", "۰۰", "٠٠"))
            if _DATE.fullmatch(m[0]) or (digits < 9 and not international):
                continue
        found.append((kind, m.start(), m.end()))
    return found


_EMOJI = re.compile(rf"(?:[0-9#*]\ufe0f?\u20e3|[{_PICTURED}][\ufe0e\ufe0f\u200d]*|\s)+")
_NUMBER = re.compile(r"[(\[]?(\d{1,9})[.)\]:،,。、]?")
_AND = frozenset(["and", "و", "y", "et", "и", "і", "ve", "和", "및", "und"])


def only_emoji(text: str) -> bool:
    """Nothing but emoji and spaces, and at least one emoji."""
    return bool(text.strip()) and _EMOJI.fullmatch(text) is not None


def number(text: str) -> int | None:
    """The number that the whole message is, in any script's digits: `2`, `۲.`, `(２)`, `2️⃣`."""
    plain = _GONE.sub("", unicodedata.normalize("NFKC", text)).strip(_EDGES)
    found = _NUMBER.fullmatch(plain.replace("\ufe0f", "").replace("\u20e3", ""))
    return int(found[1]) if found else None


def numbers(text: str) -> list[int] | None:
    """The numbers that the whole message lists: `1 3`, `۱،۳`, `1, 2 and 4`."""
    words = [w for w in re.split(r"[\s,،、，;؛+&]+", text) if w and w.casefold() not in _AND]
    values = [number(w) for w in words]
    return [v for v in values if v is not None] if values and None not in values else None
