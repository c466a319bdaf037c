"""Offering help with a need, and the asker's answer to it."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass

from core import people, pseudonyms, rationing, routes
from core.actions import No, talking
from core.actions.encrypted import check_route
from core.actions.seeing import SEE_MINE, check_may_offer
from core.actions.translators import find_translators
from core.message import (
    Choice,
    Code,
    Joined,
    Name,
    Notice,
    Quote,
    Reply,
    Say,
    Sayable,
    dots,
    lines,
)
from core.needs import Need, by_id
from core.people import TRUST, Person
from core.store import Book

_ANSWERED = Say("This offer is not open any more.")


def offer(book: Book, who: Person, *, code: str, text: str, language: str) -> list[Notice]:
    """Sends the asker one line about who offers, under a pseudonym made for this need alone."""
    need = check_may_offer(book, who, code)
    rationing.spend(book, who, "offered", need.id)
    if need.sensitive:
        routes.involves(book, who.id)
    id, pseudonym = uuid.uuid4().hex, _fresh_pseudonym(book, who.id, need.person)
    book.do(
        "insert into offers(id, need, person, pseudonym, text, language, at)"
        " values (:id, :need, :who, :pseudonym, :text, :language, :now)",
        id=id, need=need.id, who=who.id, language=language,
        pseudonym=book.seal(who.id, "offers.pseudonym", id, pseudonym),
        text=book.seal(who.id, "offers.text", id, text),
        now=book.now,
    )  # fmt: skip
    book.do(
        "update alerts set state = 'answered' where need = :need and person = :who",
        need=need.id,
        who=who.id,
    )
    head = Say(
        "{name} offers help with {code}.", name=Name("pseudonym", pseudonym), code=Code(need.code)
    )
    shown = Notice(
        need.person,
        lines(head, _known_of(book, who, need, language), Quote(text)),
        choices=(
            # Translators: a button, under an offer of help
            Choice(f"accept {id}", Say("Accept")),
            Choice(f"decline {id}", Say("Decline")),
            Choice(f"ask {id}", Say("Ask a question first")),
        ),
        reply=Reply("ask", {"offer": id}),
        key=f"o.{id}",
    )
    sent = Say("Sent. The person chooses; I will write to you as soon as they answer.")
    return [Notice(who.id, sent), shown]


def _known_of(book: Book, who: Person, need: Need, language: str) -> Sayable:
    """What the asker is told of somebody: trust, languages, record. Nothing that names them."""
    languages = tuple(Name("language", language) for language in people.reads(book, who.id))
    record = book.one(
        "select count(*) as told, sum(case when state = 'told' then 0 else 1 end) as answered"
        " from alerts where person = :who and need <> :need and state <> 'digest'",
        who=who.id,
        need=need.id,
    )
    foreign = language not in people.reads(book, need.person)
    return dots(
        Name("trust", TRUST[who.trust]),
        # Translators: about somebody who offers help; a list
        Say("speaks {languages}", languages=Joined(", ", languages)),
        # Translators: after the name of somebody who offers help: answered {n} of {all} requests
        Say("answered {n} of {all} before", n=int(record.answered), all=record.told)
        if record and record.told
        else None,
        Say("written in {language}", language=Name("language", language)) if foreign else None,
    )


def _fresh_pseudonym(book: Book, carrier: str, reader: str, *others: str) -> str:
    """Two words that nobody else carries in this reader's conversations and offers, and that the
    carrier never had: nothing ties two conversations together. others: taken besides."""
    offered = book.all(
        "select o.person, o.id, o.pseudonym from offers o join needs n on n.id = o.need"
        " where n.person = :reader or o.person = :carrier",
        reader=reader,
        carrier=carrier,
    )
    carried = book.all(
        "select m.conversation, m.person, m.pseudonym from members m join members own"
        " on own.conversation = m.conversation where own.person = :reader"
        " union select m.conversation, m.person, m.pseudonym from members m"
        " where m.person = :carrier",
        reader=reader,
        carrier=carrier,
    )
    taken = {
        *(book.unseal(person, "offers.pseudonym", id, sealed) for person, id, sealed in offered),
        *(people.pseudonym(book, *row) for row in carried),
    }
    return pseudonyms.new([*filter(None, taken), *others], secrets.SystemRandom())


@dataclass(frozen=True, slots=True)
class _Offer:
    person: str
    pseudonym: str


def _sent(book: Book, id: str) -> tuple[_Offer, Need]:
    """An offer that still waits, and its need. Raises No."""
    row = book.one(
        "select need, person, pseudonym from offers where id = :id and state = 'sent'", id=id
    )
    need = by_id(book, row.need) if row else None
    if row is None or need is None:
        raise No(_ANSWERED, (SEE_MINE,))
    return _Offer(row.person, book.unseal(row.person, "offers.pseudonym", id, row.pseudonym)), need


def accept(book: Book, who: Person, id: str) -> list[Notice]:
    """Opens a conversation between asker and helper. Raises No."""
    row, need = _sent(book, id)
    helper = people.known(book, row.person)
    if need.person != who.id or helper is None:
        raise No(_ANSWERED, (SEE_MINE,))
    book.do("update offers set state = 'accepted' where id = :id", id=id)
    conversation = uuid.uuid4().hex
    book.vault.create(conversation)
    mine = _fresh_pseudonym(book, who.id, helper.id, row.pseudonym)
    book.do(
        "insert into conversations(id, need, opened) values (:id, :need, :now)",
        id=conversation,
        need=need.id,
        now=book.now,
    )
    people.joins(book, conversation, who.id, "asker", mine)
    people.joins(book, conversation, helper.id, "helper", row.pseudonym)
    talking.look_at(book, who.id, conversation)
    talking.notice_another(book, helper.id, conversation)
    notices = [
        _opened(who.id, row.pseudonym, need, conversation),
        _opened(helper.id, mine, need, conversation),
    ]
    if not set(people.reads(book, who.id)) & set(people.reads(book, helper.id)):
        notices += find_translators(book, conversation)
    return notices


def _opened(reader: str, other: str, need: Need, conversation: str) -> Notice:
    said = Say(
        "You are now talking with {name} about {code}. Just write."
        " Neither of you sees the other's account.",
        name=Name("pseudonym", other),
        code=Code(need.code),
    )
    leads = Reply("relay", {"conversation": conversation})
    return Notice(reader, said, reply=leads, conversation=conversation)


def decline(book: Book, who: Person, id: str) -> list[Notice]:
    """The helper is told kindly; the need stays open."""
    row, need = _sent(book, id)
    if need.person != who.id:
        raise No(_ANSWERED, (SEE_MINE,))
    book.do("update offers set state = 'declined' where id = :id", id=id)
    kindly = Say(
        "For {code} another way was found. Thank you for your offer.", code=Code(need.code)
    )
    return [Notice(who.id, Say("Declined.")), Notice(row.person, kindly)]


def asked_about(book: Book, who: Person, id: str) -> str:
    """-> the person that a question about an offer goes to: the other side. Raises No."""
    row, need = _sent(book, id)
    if who.id not in (need.person, row.person):
        raise No(_ANSWERED, (SEE_MINE,))
    return str(row.person if who.id == need.person else need.person)


def ask(book: Book, who: Person, *, offer: str, text: str) -> list[Notice]:
    """A question before the choice, or its answer; both ways, still without a conversation."""
    other = asked_about(book, who, offer)
    row, need = _sent(book, offer)
    check_route(book, who, need.sensitive)
    if other == row.person:
        head = Say("About your offer for {code}, the person asks:", code=Code(need.code))
        # Translators: a button, under a question that somebody asks
        choices: tuple[Choice, ...] = (Choice(f"ask {offer}", Say("Answer")),)
    else:
        head = Say(
            "{name} writes about {code}:",
            name=Name("pseudonym", row.pseudonym),
            code=Code(need.code),
        )
        choices = (
            # Translators: a button, under an offer of help
            Choice(f"accept {offer}", Say("Accept")),
            Choice(f"decline {offer}", Say("Decline")),
            # Translators: a button: one more question about an offer
            Choice(f"ask {offer}", Say("Ask more")),
        )
    shown = Notice(
        other,
        lines(head, Quote(text)),
        choices=choices,
        reply=Reply("ask", {"offer": offer}),
        key=f"q.{offer}.{uuid.uuid4().hex}",
    )
    return [Notice(who.id, Say("Sent.")), shown]
