"""Trust: codes handed from person to person, to vouch, to verify, to link."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from core import audit, people, routes, vouching
from core.actions import No, talking
from core.actions.agreeing import QUEUE, propose
from core.actions.drastic import verified
from core.actions.encrypted import check_route
from core.actions.seeing import SEE_NEEDS
from core.message import Code, Joined, Notice, Say, SayMany, Word, lines
from core.people import DAY, MODERATOR, VERIFIED, VOUCHED, Person
from core.store import Book
from core.words import HANDED, new_code

CODE_DAYS = 3
INVITED_HOURS = 1


def hand_out(
    book: Book, who: Person, kind: str, places: Mapping[str, str] | None = None
) -> list[Notice]:
    """A code to give to one person: kind vouch, verify, or link. places: the gateway's own
    addresses where chats can be encrypted. Raises No."""
    _check_may(book, who, kind)
    places = places or {}
    code = new_code(HANDED, secrets.SystemRandom())
    book.do(
        "insert into codes(code, kind, person, until) values (:code, :kind, :who, :until)",
        code=fingerprint(book, code), kind=kind, who=who.id, until=book.now + CODE_DAYS * DAY,
    )  # fmt: skip
    given = Joined(" ", (Word(kind), Code(code)))
    if kind == "link":
        how = Say("In your other messenger, send me this within 3 days:")
        where = (
            Say("I am on {platform} as {address}", platform=routes.NAMES.get(name, name),
                address=Code(address))
            for name, address in places.items()
        )  # fmt: skip
        # whoever read the code would read with them: not where others can
        return [Notice(who.id, lines(how, given, *where), sensitive=routes.involved(book, who.id))]
    how = Say("Give this to one person whom you trust. They send it to me within 3 days:")
    return [Notice(who.id, lines(how, given))]


def fingerprint(book: Book, code: str) -> str:
    """What a code handed out is kept as: nobody reads it, only who was given it can use it."""
    return book.fingerprint("codes.code", code)


def _check_may(book: Book, who: Person, kind: str) -> None:
    """Raises No."""
    if kind == "verify" and who.trust < MODERATOR:
        raise No(Say("Only moderators can verify people."))
    if kind == "link":
        involved = routes.involved(book, who.id)
        if involved and not routes.has_any(book, who.id):
            raise No(
                Say(
                    "🔒 You are in encrypted conversations. I give this code only in the encrypted"
                    " chat where you had them. If you have lost it, “{forget}”, and begin anew.",
                    forget=Word("forget"),
                )
            )
        return check_route(book, who, involved)
    if who.trust < VOUCHED:
        raise No(Say("You can vouch for others once you are vouched for yourself."))
    if days := vouching.burnt_for(book, who):
        raise No(
            SayMany(
                "Somebody for whom you vouched was suspended. You can vouch again in {n} day.",
                "Somebody for whom you vouched was suspended. You can vouch again in {n} days.",
                days,
            )
        )
    if days := vouching.days_until_next(book, who):
        raise No(
            SayMany(
                "You have vouched for as many as one can in a month. The next in {n} day.",
                "You have vouched for as many as one can in a month. The next in {n} days.",
                days,
            )
        )


def invite_moderator(book: Book) -> str:
    """-> a code from the operator, for one account, for an hour: whoever sends it with `verify`
    moderates. For messengers where an account's own address is hard to find out."""
    code = new_code(HANDED, secrets.SystemRandom())
    book.do(
        "insert into codes(code, kind, person, until) values (:code, 'moderator', '', :until)",
        code=fingerprint(book, code), until=book.now + INVITED_HOURS * 3600,
    )  # fmt: skip
    return code


def _becomes_moderator(book: Book, who: Person, code: str) -> bool:
    """Whether this was the operator's code."""
    used = book.do(
        "delete from codes where code = :code and kind = 'moderator' and until > :now",
        code=fingerprint(book, code), now=book.now,
    )  # fmt: skip
    if used and who.trust < MODERATOR:
        _set_trust(book, who.id, MODERATOR)
        audit.note(book, None, "moderator")
    return bool(used)


def take_code(book: Book, who: Person, kind: str, code: str) -> list[Notice]:
    """Somebody was handed a code for `vouch` or `verify`. It works once. Raises No."""
    if kind == "verify" and _becomes_moderator(book, who, code):
        said = Say("You are a moderator now. What waits for you is under “{queue}”.",
                   queue=Word("queue"))  # fmt: skip
        return [Notice(who.id, said, QUEUE)]
    giver = people.known(book, giver_of(book, who, kind, code))
    least = VOUCHED if kind == "vouch" else MODERATOR
    if giver is None or giver.state != "live" or giver.trust < least:
        raise No(Say("This code is not valid, or was used already."))
    told = _raised(book, giver, who, kind)
    use_up(book, code)
    return told


def giver_of(book: Book, who: Person, kind: str, code: str) -> str:
    """-> who handed it out. Raises No."""
    giver = book.value(
        "select person from codes where code = :mark and kind = :kind and until > :now",
        mark=fingerprint(book, code), kind=kind, now=book.now,
    )  # fmt: skip
    if giver is None or giver == who.id:
        raise No(Say("This code is not valid, or was used already."))
    return str(giver)


def use_up(book: Book, code: str) -> None:
    book.do("delete from codes where code = :mark", mark=fingerprint(book, code))


def raise_for(book: Book, who: Person, kind: str, conversation: str) -> list[Notice]:
    """Vouches for, or verifies, the other side of a conversation. Raises No."""
    _check_may(book, who, kind)
    seen = talking.open_to(book, who.id, conversation)
    other = people.known(book, seen.other)
    assert other is not None
    return [Notice(who.id, Say("Done. Thank you.")), *_raised(book, who, other, kind)]


def _raised(book: Book, giver: Person, who: Person, kind: str) -> list[Notice]:
    return vouch(book, giver, who) if kind == "vouch" else verify(book, giver, who)


def vouch(book: Book, giver: Person, who: Person) -> list[Notice]:
    """-> what `who` is told. It is noted only where it may still matter, so that nobody can tie
    two who are trusted already to each other. Raises No."""
    if vouching.vouched_before(book, giver.id, who.id):
        raise No(Say("This person has vouched for you already. It takes another one."))
    if vouching.by_two(book, who.id) or who.trust > VOUCHED:
        return [Notice(who.id, Say("You are trusted here already."))]
    vouching.vouches(book, giver.id, who.id)
    if giver.trust >= MODERATOR:
        audit.note(book, giver, "vouch")
    if who.trust == VOUCHED:
        return [Notice(who.id, Say("Somebody vouched for you too."))]
    if not vouching.enough(book, who.id):
        once = Say(
            "Somebody vouched for you. It takes one more person, from another circle, or a"
            " moderator; then you see more needs."
        )
        return [Notice(who.id, once)]
    _set_trust(book, who.id, VOUCHED)
    return [Notice(who.id, Say("You count as vouched for. You see more needs now."), (SEE_NEEDS,))]


def verify(book: Book, giver: Person, who: Person) -> list[Notice]:
    """A moderator's word is enough for somebody for whom two others vouched; otherwise another
    moderator has to agree. -> what everybody concerned is told. Raises No."""
    if who.trust >= VERIFIED:
        return [Notice(who.id, Say("You are trusted here already."))]
    if vouching.by_two(book, who.id, without=giver.id):
        audit.note(book, giver, "verify")
        return verified(book, who)
    told = []
    if not vouching.vouched_before(book, giver.id, who.id):
        told = vouch(book, giver, who)
    proposed = propose(book, giver, "verify", who.id)
    if any(notice.to == who.id for notice in proposed):  # done: more than a vouch
        return proposed
    waits = Say("A moderator wants to verify you. Another one has to agree.")
    return [*told, Notice(who.id, waits), *proposed]


def _set_trust(book: Book, id: str, level: int) -> None:
    book.do("update people set trust = :level where id = :id", level=level, id=id)
