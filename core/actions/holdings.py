"""What is held of a person: counted in one sentence, and all of it to read.

The counts, and what is read, come from the same tables that forgetting empties. What others wrote
to them is shown under the name that this conversation made for them; nothing here leads to anybody
else. No times: whoever finds a copy of it shall not be able to lay it beside what a network saw.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator

from core import joint, locks, people
from core.message import (
    Arg,
    Code,
    Joined,
    Name,
    Notice,
    Quote,
    Say,
    Sayable,
    SayMany,
    lines,
    paragraphs,
)
from core.needs import by_id, skills_named
from core.people import ANY, TRUST, Person
from core.store import Book

_ROOM = 3000
"""Characters of people's words in one message."""

_COUNTS = {
    "addresses": "select count(*) from addresses where person = :who",
    "needs": "select count(*) from needs where person = :who",
    "offers": "select count(*) from offers where person = :who",
    "talks": "select count(*) from members where person = :who",
    "entries": "select count(*) from entries where author = :who and text <> ''",
    "translations": "select count(*) from translations where person = :who and text <> ''",
    "skills": "select count(*) from abilities where person = :who",
    "languages": "select count(*) from speaks where person = :who",
    "reports": "select count(*) from reports where person = :who and text <> ''",
    "given": "select count(*) from vouches where voucher = :who",
    "got": "select count(*) from vouches where person = :who",
    "blocks": "select count(*) from blocks where person = :who",
    "codes": "select count(*) from codes where person = :who",
}


def _counts(book: Book, who: Person) -> dict[str, int]:
    return {what: book.value(query, who=who.id) for what, query in _COUNTS.items()}


def counted(book: Book, who: Person) -> Sayable:
    """In one line, without what there is none of."""
    n = _counts(book, who)
    found = (
        SayMany("{n} account on a messenger", "{n} accounts on messengers", n["addresses"]),
        SayMany("{n} need", "{n} needs", n["needs"]),
        SayMany("{n} offer", "{n} offers", n["offers"]),
        SayMany("{n} conversation", "{n} conversations", n["talks"]),
        SayMany("{n} message of yours", "{n} messages of yours", n["entries"]),
        SayMany("{n} translation", "{n} translations", n["translations"]),
        SayMany("{n} skill", "{n} skills", n["skills"]),
        SayMany("{n} language", "{n} languages", n["languages"]),
        SayMany("{n} report", "{n} reports", n["reports"]),
        SayMany("{n} vouch for others", "{n} vouches for others", n["given"]),
        SayMany("{n} vouch for you", "{n} vouches for you", n["got"]),
        SayMany("{n} person blocked", "{n} people blocked", n["blocks"]),
        # Translators: in a list: codes to vouch or to link that you gave to others
        SayMany("{n} code handed out", "{n} codes handed out", n["codes"]),
    )
    return Joined(", ", tuple(some for some in found if some.n))


# ------------------------------------------------------------------ all of it


def export(book: Book, who: Person) -> list[Notice]:
    """Several messages, all sensitive."""
    told = [_plain(who, _profile(book, who))]
    for heading, parts in (
        (Say("Your needs"), _needs(book, who)),
        (Say("Your offers"), _offers(book, who)),
        (Say("Your translations"), _translations(book, who)),
        (Say("What you reported"), _reports(book, who)),
        (Say("What you began to write"), _begun(book, who)),
    ):
        told += [_plain(who, page) for page in _pages(heading, parts)]
    for row in book.all(_TALKS, who=who.id):
        title = Joined(" · ", (_name(book, row.conversation, row.person, row.pseudonym),
                               Code(row.code)))  # fmt: skip
        for page in _pages(title, _entries(book, who, row.conversation)):
            told.append(
                Notice(who.id, page, key=f"c.{row.conversation}.{uuid.uuid4().hex}", sensitive=True)
            )
    left_out = Say(
        "That is all. Left out: times, which I keep to order things and to wipe them, and where my"
        " messages stand in your chats. Delete this from the chat when you have read it."
    )
    return [*told, _plain(who, left_out)]


def _plain(who: Person, say: Sayable) -> Notice:
    return Notice(who.id, say, sensitive=True)


def _pages(heading: Sayable, parts: Iterable[tuple[Sayable, int]]) -> Iterator[Sayable]:
    """As many under one heading as fit into a message. parts: each with its length."""
    page: list[Arg] = []
    room = _ROOM
    for part, length in parts:
        if page and length > room:
            yield paragraphs(heading, *page)
            page, room = [], _ROOM
        page.append(part)
        room -= length
    if page:
        yield paragraphs(heading, *page)


def _profile(book: Book, who: Person) -> Sayable:
    n = _counts(book, who)
    languages = book.column("select language from speaks where person = :id", id=who.id)
    skills = book.column("select skill from abilities where person = :id", id=who.id)
    countries = book.column("select country from places where person = :id", id=who.id)
    pairs = book.all("select source, target from pairs where person = :id", id=who.id)
    lock = locks.of(book, who)
    return paragraphs(
        Say("What this gateway holds on you"),
        lines(
            *(Say("Account: {platform}, {handle}", platform=platform,
                  handle=people.handle(book, who.id, mark, sealed))
              for platform, mark, sealed in book.all(_ADDRESSES, who=who.id))
        ),
        lines(
            Say("Trust: {trust}", trust=Name("trust", TRUST[who.trust])),
            Say("Language: {name}", name=Name("language", who.language)),
            Say("Languages: {languages}", languages=_named("language", languages))
            if languages
            else None,
            Say("You help with: {skills}", skills=skills_named(tuple(skills))) if skills else None,
            Say("Countries: {countries}", countries=_countries(countries)) if countries else None,
            Say("You translate: {pairs}", pairs=_pairs(pairs)) if pairs else None,
        ),
        lines(
            SayMany("{n} vouch for you", "{n} vouches for you", n["got"]),
            SayMany("{n} vouch for others", "{n} vouches for others", n["given"]),
            SayMany("{n} person blocked", "{n} people blocked", n["blocks"]),
            # Translators: in a list: codes to vouch or to link that you gave to others
            SayMany("{n} code handed out", "{n} codes handed out", n["codes"]),
            Say("Words for danger: fingerprints of them, which nobody can read back")
            if lock.panic or lock.freeze
            else None,
        ),
    )  # fmt: skip


_ADDRESSES = "select platform, handle_index, handle from addresses where person = :who order by id"


def _named(kind: str, codes: list[str]) -> Sayable:
    return Joined(", ", tuple(Name(kind, code) for code in sorted(codes)))


def _countries(codes: list[str]) -> Sayable:
    return Say("any country") if ANY in codes else _named("country", codes)


def _pairs(pairs: list[tuple[str, str]]) -> Sayable:
    return Joined(", ", tuple(
        Say("{source} → {target}", source=Name("language", source), target=Name("language", target))
        for source, target in sorted(pairs)
    ))  # fmt: skip


def _quoted(text: str) -> Sayable:
    # Translators: stands where the text of a message was
    return Quote(text) if text else Say("(wiped already)")


def _needs(book: Book, who: Person) -> Iterator[tuple[Sayable, int]]:
    for id in book.column("select id from needs where person = :who order by created", who=who.id):
        need = by_id(book, id)
        assert need is not None
        about: list[Arg] = [Code(need.code), *(Name("skill", skill) for skill in need.skills)]
        if need.country:
            about.append(Name("country", need.country))
        # Translators: a need or an offer is open, is closed
        about.append(Say("open") if need.state == "open" else Say("closed"))
        yield lines(Joined(" · ", tuple(about)), _quoted(need.text)), len(need.text)


def _offers(book: Book, who: Person) -> Iterator[tuple[Sayable, int]]:
    for row in book.all(
        "select o.id, o.text, n.code from offers o join needs n on n.id = o.need"
        " where o.person = :who order by o.at",
        who=who.id,
    ):
        text = book.unseal(who.id, "offers.text", row.id, row.text)
        yield lines(Code(row.code), _quoted(text)), len(text)


def _translations(book: Book, who: Person) -> Iterator[tuple[Sayable, int]]:
    for entry, language, sealed in book.all(
        "select entry, language, text from translations where person = :who and text <> ''"
        " order by at",
        who=who.id,
    ):
        text = joint.unseal(book, entry, who.id, "translations.text", f"{entry}.{language}", sealed)
        yield lines(Name("language", language), Quote(text)), len(text)
    for entry, language, part, sealed in book.all(
        "select entry, language, part, text from tasks where person = :who and text <> ''"
        " order by entry, part",
        who=who.id,
    ):
        text = joint.unseal(book, entry, who.id, "tasks.text", f"{entry}.{language}.{part}", sealed)
        yield lines(Name("language", language), Quote(text)), len(text)


def _reports(book: Book, who: Person) -> Iterator[tuple[Sayable, int]]:
    for id, sealed in book.all(
        "select id, text from reports where person = :who and text <> '' order by at", who=who.id
    ):
        text = book.unseal(who.id, "reports.text", id, sealed)
        yield Quote(text), len(text)


_TALKS = """
select c.id as conversation, n.code, o.person, o.pseudonym from members own
join conversations c on c.id = own.conversation join needs n on n.id = c.need
join members o on o.conversation = c.id and o.person <> own.person and o.role <> 'translator'
where own.person = :who and own.role <> 'translator' order by c.opened
"""


def _name(book: Book, conversation: str, person: str, sealed: str) -> Name:
    return Name("pseudonym", people.pseudonym(book, conversation, person, sealed))


def _entries(book: Book, who: Person, conversation: str) -> Iterator[tuple[Sayable, int]]:
    names = {
        person: _name(book, conversation, person, sealed)
        for person, sealed in book.all(
            "select person, pseudonym from members where conversation = :id", id=conversation
        )
    }
    for id, author, sealed in book.all(
        "select id, author, text from entries where conversation = :id and text <> ''"
        " order by at, id",
        id=conversation,
    ):
        text = book.unseal(conversation, "entries.text", id, sealed)
        done = [
            joint.unseal(book, id, translator, "translations.text", f"{id}.{language}", words)
            for translator, language, words in book.all(
                "select person, language, text from translations where entry = :id", id=id
            )
        ]
        # Translators: who wrote a message, in a list of everything that is held on you
        by: Arg = Say("You") if author == who.id else names.get(author, Say("Somebody"))
        # Translators: above the translation of a message
        translated = (lines(Say("🌐 translated"), Quote(words)) for words in done if words)
        yield lines(by, Quote(text), *translated), len(text) + sum(map(len, done))


def _begun(book: Book, who: Person) -> Iterator[tuple[Sayable, int]]:
    """The words in a form that is open, or waits below another."""
    row = book.one("select answers, about from forms where person = :who", who=who.id)
    for place, sealed in zip(("answers", "about"), row or (), strict=False):
        said = json.loads(book.unseal(who.id, f"forms.{place}", who.id, sealed) or "{}")
        for words in dict.fromkeys(_written(said)):
            yield Quote(words), len(words)


def _written(sheet: object) -> Iterator[str]:
    for name, value in sheet.items() if isinstance(sheet, dict) else ():
        if name in ("text", "term", "meaning", "run") and value:
            yield value
        elif name == "kept":  # until it is clear what it is, or for whom
            yield from (words for words, _ in value)
        elif name == "_below":
            for part in value:
                yield from _written(part)
