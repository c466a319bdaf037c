"""Machine drafts of translations: the author's consent, what is to be drafted, and the translator
who takes a draft as it is or corrects it.
"""

from __future__ import annotations

from dataclasses import dataclass

from core import joint, tasks
from core.actions import No
from core.actions.translating import translate
from core.actions.translators import parties_of
from core.masking import NO_NAMES, masked
from core.message import Choice, Notice, Quote, Reply, Say, lines
from core.people import Person
from core.store import Book
from core.text import clean


@dataclass(frozen=True, repr=False)
class Undrafted:
    """A part of an entry, as its translator was shown it."""

    entry: str
    part: int
    of: int
    person: str
    source: str
    target: str
    text: str
    masks: str | None


def ask_consent(book: Book, conversation: str) -> list[Notice]:
    """The author of the need is asked once, when the first translator joins."""
    unasked = book.do(
        "update conversations set drafts = 0 where id = :id and drafts is null", id=conversation
    )
    if not unasked:
        return []
    question = Say(
        "May a machine draft translations for the translator? It runs beside this gateway and sends"
        " nothing anywhere. The translator corrects each one."
    )
    choices = (
        Choice(f"drafts {conversation}", Say("Yes, draft them")),
        Choice(f"nodrafts {conversation}", Say("No machine")),
    )
    return [Notice(parties_of(book, conversation)["asker"], question, choices)]


def allow(book: Book, who: Person, conversation: str) -> list[Notice]:
    """Raises No."""
    _decide(book, who, conversation, 1)
    for entry in book.column(
        "select distinct k.entry from tasks k join entries e on e.id = k.entry"
        " where e.conversation = :id and k.text = '' and k.until > 0",
        id=conversation,
    ):
        book.wakes.add(f"draft:{entry}")
    return [Notice(who.id, Say("Good. Translators get drafts to correct."))]


def forbid(book: Book, who: Person, conversation: str) -> list[Notice]:
    """Raises No."""
    _decide(book, who, conversation, 0)
    return [Notice(who.id, Say("Good. No machine reads this conversation."))]


def _decide(book: Book, who: Person, conversation: str, drafts: int) -> None:
    changed = book.do(
        "update conversations set drafts = :drafts where id = :id and state = 'open' and exists"
        " (select 1 from members m where m.conversation = :id and m.person = :who"
        "  and m.role = 'asker')",
        drafts=drafts,
        id=conversation,
        who=who.id,
    )
    if not changed:
        raise No(Say("This conversation is closed."))


def undrafted(book: Book, entry: str) -> list[Undrafted]:
    """-> the parts that a translator has in hand and no draft of; none without consent."""
    rows = book.all(
        "select k.part, k.person, k.language as target, e.language, e.text, e.conversation,"
        " e.author, m.shows_names from tasks k join entries e on e.id = k.entry"
        " join conversations c on c.id = e.conversation"
        " join members m on m.conversation = c.id and m.person = e.author"
        " where k.entry = :entry and k.text = '' and k.draft = '' and k.until > 0"
        " and c.drafts = 1 and c.state = 'open' and e.text <> '' order by k.part",
        entry=entry,
    )
    if not rows:
        return []
    first = rows[0]
    text = book.unseal(first.conversation, "entries.text", entry, first.text)
    masks = NO_NAMES if first.shows_names else first.language
    shown, hidden = masked(text, masks)
    parts = tasks.parts(shown)
    return [
        Undrafted(
            entry, row.part, len(parts), row.person, row.language, row.target,
            parts[row.part - 1], masks if hidden else None,
        )
        for row in rows
        if row.part <= len(parts)
    ]  # fmt: skip


def drafted(book: Book, part: Undrafted, text: str) -> list[Notice]:
    """Shows a draft to the translator, if the part is still in her hands."""
    text = clean(text).strip()
    name = f"{part.entry}.{part.target}.{part.part}"
    changed = book.do(
        "update tasks set draft = :draft where entry = :entry and language = :language"
        " and part = :part and person = :person and text = '' and until > 0",
        draft=joint.seal(book, part.entry, part.person, "tasks.draft", name, text),
        entry=part.entry, language=part.target, part=part.part, person=part.person,
    )  # fmt: skip
    if not changed:
        return []
    args = {"entry": part.entry, "target": part.target, "part": str(part.part), "of": str(part.of)}
    if part.masks:
        args["masks"] = part.masks
    return [
        Notice(
            part.person,
            lines(Say("A machine's draft. Correct it in a reply, or take it:"), Quote(text)),
            (Choice(f"usedraft {name}", Say("Take it as it is")),),
            Reply("translate", args),
            answers=part.entry,
            under=part.entry,
            entry=part.entry,
            key=f"d.{name}",
        )
    ]


def take_draft(book: Book, who: Person, name: str) -> list[Notice]:
    """The translator read it, and nothing was to be corrected. Raises No."""
    entry, _, rest = name.partition(".")
    language, _, part = rest.partition(".")
    row = book.one(
        "select k.draft, e.language, e.text, e.conversation, m.shows_names from tasks k"
        " join entries e on e.id = k.entry"
        " join members m on m.conversation = e.conversation and m.person = e.author"
        " where k.entry = :entry and k.language = :language and k.part = :part"
        " and k.person = :who and k.text = '' and k.draft <> ''",
        entry=entry, language=language, part=int(part) if part.isdecimal() else 0, who=who.id,
    )  # fmt: skip
    if row is None:
        raise No(Say("This message is not with you any more. Thank you."))
    text = book.unseal(row.conversation, "entries.text", entry, row.text)
    masks = NO_NAMES if row.shows_names else row.language
    shown = tasks.parts(masked(text, masks)[0])
    return translate(
        book, who, entry=entry, target=language,
        text=joint.unseal(book, entry, who.id, "tasks.draft", name, row.draft),
        native="", part=int(part), of=len(shown), masks=masks, drafted=True,
    )  # fmt: skip
