"""Saying things in the reader's language: rendering, names, negotiation, detection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton

from core import calendars, detection, pseudonyms, skills
from core.catalogues import BadTemplate, Catalogue, Template, catalogue, offered, template
from core.folding import key, load
from core.message import Arg, Code, Joined, Name, Say, SayMany, Word
from core.text import BAR, BIDI, defanged
from core.words import Commands

LRI, FSI, PDI, RLM = "\u2066", "\u2068", "\u2069", "\u200f"

TRUST: Mapping[str, Say] = {
    # Translators: how much somebody is trusted
    "new": Say("New here"),
    "vouched": Say("Vouched for"),
    "verified": Say("Verified"),
    "moderator": Say("Moderator"),
}

_LANGUAGES = load("languages")
_REGIONS = {code: raw["names"] for code, raw in load("countries")["regions"].items()}
_RTL = frozenset(_LANGUAGES["right_to_left"])
_DIGITS = {
    tag: str.maketrans("0123456789", digits)
    for tag, digits in (
        ("fa", "۰۱۲۳۴۵۶۷۸۹"), ("fa_AF", "۰۱۲۳۴۵۶۷۸۹"), ("ps", "۰۱۲۳۴۵۶۷۸۹"),
        ("ckb", "٠١٢٣٤٥٦٧٨٩"), ("ar", "٠١٢٣٤٥٦٧٨٩"), ("my", "၀၁၂၃၄၅၆၇၈၉"),
    )
}  # fmt: skip
"""As the language writes numbers; any digits are understood from anybody."""
_FULL_WIDTH = ("zh_Hans", "zh_Hant")
_AFTER_STOP = re.compile("(?<=[。？：]) ")
_COMMAS = {"zh_Hans": "、", "zh_Hant": "、", **dict.fromkeys(_LANGUAGES["right_to_left"], "، ")}
"""Between the parts of a list."""

_BIDI = re.compile(f"[{BIDI}]")
_LETTER = re.compile(r"[^\W\d_]")


def _number(n: int, language: str) -> str:
    return str(n).translate(_DIGITS.get(language, {}))


@lru_cache(512)
def _day(code: str, language: str) -> str:
    """ "2026-12-28" -> "28 de diciembre", «۷ دی»."""
    day = date.fromisoformat(code)
    if months := calendars.MONTHS.get(language):
        _, month, number = calendars.persian(day)
        said = f"{number} {months[month - 1]}"
    else:
        said = format_skeleton("MMMMd", day, locale=_babel(language))
    return said.translate(_DIGITS.get(language, {}))


def _own(text: str, mark: str = FSI) -> str:
    """Somebody's words, so that their direction ends with them (UAX #9, isolates)."""
    text = _BIDI.sub("", text)
    if "\n" in text:  # a line break ends every isolate
        return "\n".join(_own(line, mark) for line in text.split("\n"))
    return f"{mark}{text}{PDI}" if text else ""


@cache
def _babel(language: str) -> Locale:
    try:
        return Locale.parse(_LANGUAGES["babel"].get(language, language))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")


@cache
def _told() -> frozenset[str]:
    """The languages that are told from others by what is written."""
    known = load("detect")
    candidates = (tag for tags in known["candidates"].values() for tag in tags)
    return frozenset((*candidates, *known["one_script"].values(), "zh_Hans", "zh_Hant", "fa_AF"))


class Languages:
    """The gateway's languages. English answers where another has a gap."""

    def __init__(self, enabled: Sequence[str] | None = None) -> None:
        """enabled: codes in the order to offer them; None: all there are. Raises LookupError for
        one that is not there. Nothing is read yet."""
        chosen = offered() if enabled is None else enabled
        if missing := sorted(set(chosen) - set(offered())):
            raise LookupError(missing[0])
        self.enabled: tuple[str, ...] = tuple(dict.fromkeys([*chosen, "en"]))
        self.commands = Commands()
        self._found: dict[tuple[str, str], tuple[Template, str]] = {}
        self._ours: set[str] = set()

    def chain(self, language: str) -> tuple[str, ...]:
        """Where a message is looked for: the language, then those its readers accept."""
        return (language, *_LANGUAGES["fallback"].get(language, ("en",)))

    def _catalogues(self, language: str) -> Iterator[Catalogue]:
        """Those that may answer a reader of `language`, before English does."""
        return filter(None, map(self.catalogue, self.chain(language)))

    def catalogue(self, language: str) -> Catalogue | None:
        return catalogue(language)

    # ----------------------------------------------------------- rendering

    def render(self, text: Arg, language: str) -> str:
        """The text for a reader of `language`. Raises BadTemplate.

        Each message falls back to English as a whole and has the direction of the language that
        answered. Every line of right-to-left text starts with RLM: else one that begins with a
        Latin name or an isolate would be laid out from the left.
        """
        if isinstance(text, Joined) and "\n" in text.by:
            return text.by.join(self.render(part, language) for part in text.parts)
        words, rtl = self._words(text, language)
        if not (language in _RTL if rtl is None else rtl):
            return words
        return RLM + words.replace("\n", "\n" + RLM) if "\n" in words else RLM + words

    def _words(self, arg: Arg, language: str) -> tuple[str, bool | None]:
        """-> the words without line marks, and whether they run from the right; None if they are
        isolated and fit into either."""
        if isinstance(arg, Say):
            found = self._found.get((language, arg.text)) or self._find(arg.text, language)
            return self._fill(found[0], arg.args, language, found[1]), found[1] in _RTL
        if isinstance(arg, str):
            return _own(arg), None
        if isinstance(arg, Code):
            return _own(arg.text, LRI), None
        if isinstance(arg, int):
            return _number(arg, language), None
        if isinstance(arg, Joined):
            by = _COMMAS.get(language, ", ") if arg.by == ", " else arg.by
            parts = (self._inside(part, language, language) for part in arg.parts)
            joined = by.join(parts)
            if language in _FULL_WIDTH:
                joined = _AFTER_STOP.sub("", joined)
            return joined, language in _RTL
        if isinstance(arg, Name):
            return self._name(arg.kind, arg.code, language)
        if isinstance(arg, SayMany):
            return self._count(arg, language)
        if isinstance(arg, Word):
            return f"{FSI}{self.commands.word(arg.id, language)}{PDI}", None
        # the one place where somebody's words are shown to somebody else: nothing in them to tap
        quoted = defanged(arg.text).splitlines() or [""]
        return "\n".join(BAR + _own(line) for line in quoted), None

    def _inside(self, arg: Arg, language: str, answered: str) -> str:
        """What stands inside words of the language that answered: numbers and days are written as
        there, and names that run the other way are isolated."""
        if isinstance(arg, int):
            return _number(arg, answered)
        if isinstance(arg, Name) and arg.kind == "day":
            return _day(arg.code, answered)
        words, rtl = self._words(arg, language)
        return words if rtl is None or rtl is (answered in _RTL) else f"{FSI}{words}{PDI}"

    def _fill(self, parts: Template, args: Mapping[str, Arg], language: str, answered: str) -> str:
        if len(parts) == 1:
            return parts[0]
        filled = list(parts)
        try:
            for i in range(1, len(parts), 2):
                filled[i] = self._inside(args[parts[i]], language, answered)
        except KeyError as missing:
            raise BadTemplate(f"{{{missing.args[0]}}} in {''.join(parts)!r}") from None
        return "".join(filled)

    def _find(self, id: str, language: str) -> tuple[Template, str]:
        """-> the words, and the language that they are in."""
        for there in self._catalogues(language):
            if id in there.one:
                found = there.one[id], there.language
                break
        else:
            # A msgid of signs and placeholders alone has no language: it runs as the reader does.
            parts = template(id)
            found = parts, "en" if _LETTER.search("".join(parts[::2])) else language
        self._found[language, id] = found
        return found

    def _count(self, arg: SayMany, language: str) -> tuple[str, bool]:
        args = {**arg.args, "n": arg.n}
        for there in self._catalogues(language):
            if forms := there.many.get((arg.one, arg.many)):
                found = self._fill(forms[there.form(arg.n)], args, language, there.language)
                return found, there.language in _RTL
        english = template(arg.one if arg.n == 1 else arg.many)
        return self._fill(english, args, language, "en"), False

    # ----------------------------------------------------------- names

    def name(self, kind: str, code: str, language: str) -> str:
        """How a reader of `language` calls a thing; its code where nobody has a name for it."""
        return self._name(kind, code, language)[0]

    def _name(self, kind: str, code: str, language: str) -> tuple[str, bool | None]:
        if kind == "trust":
            return self._words(TRUST[code], language)
        if kind == "day":
            return _day(code, language), language in _RTL
        if kind in ("country", "language"):
            return _of_babel(kind, code, language)
        if kind == "pseudonym":
            return next(
                ((name, tag in _RTL) for tag in self.chain(language)
                 if (name := pseudonyms.name(code, tag))),
                (code, None),
            )  # fmt: skip
        names = _REGIONS.get(code, {}) if kind == "region" else skills.names(kind, code)
        tag = next((tag for tag in self.chain(language) if tag in names), "")
        return (names[tag], tag in _RTL) if tag else (code, None)

    # ----------------------------------------------------------- which language

    def negotiate(self, *hints: str | None) -> str | None:
        """The first enabled language that a hint ("fa-IR", "zh-TW") stands for. Never Russian for
        Ukrainian, Chinese for Tibetan or Turkish for Kurdish, as CLDR's matching would have it."""
        for hint in hints:
            tag = resolve(hint) if hint else None
            for candidate in self.chain(tag)[: None if tag == "en" else -1] if tag else ():
                if candidate in self.enabled:
                    return candidate
        return None

    def is_ours(self, typed: str) -> bool:
        """Whether it is a sentence or a label of the gateway's own, in any of its languages."""
        if not self._ours:
            for there in filter(None, map(self.catalogue, self.enabled)):
                for id, parts in there.one.items():
                    self._ours.update(key(text) for text in (id, "".join(parts)))
        return key(typed) in self._ours

    def detect(self, text: str, likely: Sequence[str]) -> str:
        """The language that `text` is written in, by its script, letters and commonest words: no
        network, no model. likely: the writer's languages; unsure, it is the first of them."""
        return detection.detect(text, likely)

    def reads_as(self, text: str, language: str, source: str) -> bool:
        """Whether `text` is more probably in `language` than in any other; of a language that can
        not be told from others: whether it is not surely in `source`."""
        if language in _told():
            return detection.judge(text, [language])[0] == language
        return detection.detect(text, [language]) != source


def territories(language: str) -> Mapping[str, str]:
    """ISO 3166 code -> the country's name in `language` (CLDR)."""
    return _babel(language).territories


@lru_cache(1024)
def _of_babel(kind: str, code: str, language: str) -> tuple[str, bool | None]:
    for tag in (language, *_LANGUAGES["fallback"].get(language, ("en",))):
        if kind == "language" and (name := _LANGUAGES["shown"].get(code, {}).get(tag)):
            return name, tag in _RTL
        locale = _babel(tag)
        names = locale.territories if kind == "country" else locale.languages
        for spelt in (code, _LANGUAGES["babel"].get(code, code)):
            if spelt in names:
                return names[spelt], tag in _RTL
    return code, None


@lru_cache(1024)
def resolve(hint: str) -> str | None:
    """A platform's language tag (BCP 47, any case, "-" or "_") as a code of ours, known or not."""
    parts = re.split("[-_]", hint.strip())
    if not re.fullmatch("[A-Za-z]{2,3}", parts[0]):
        return None
    base = parts[0].lower()
    script = next((p.title() for p in parts[1:] if len(p) == 4 and p.isalpha()), "")
    region = next((p.upper() for p in parts[1:] if len(p) == 2 and p.isalpha()), "")
    tags: dict[str, str] = _LANGUAGES["tags"]
    if base == "zh" and script in ("Hans", "Hant"):
        return f"zh_{script}"
    for spelt in (f"{base}-{script}", f"{base}-{region}", base):
        if spelt in tags:
            return tags[spelt]
    return base
