"""What a person sets about themselves: language, skills, how often; trust, links, leaving."""

from __future__ import annotations

import secrets

from core import matching, outbox, people
from core.actions import No, talking
from core.actions.needs import shut
from core.message import (
    Address,
    Choice,
    Code,
    Joined,
    Name,
    Notice,
    Quote,
    Say,
    Sayable,
    SayMany,
    Word,
    dots,
    lines,
    paragraphs,
)
from core.needs import by_id, least_trust, skills_named
from core.people import TRUST, VERIFIED, VOUCHED, Person
from core.store import Book
from core.words import new_code

_CODE_DAYS = 3


def set_language(book: Book, who: Person, *, language: str) -> list[Notice]:
    book.do("update people set language = :language where id = :id", language=language, id=who.id)
    people.speaks(book, who.id, language)
    return [Notice(who.id, Say("From now on I write {name}.", name=Name("language", language)))]


def set_skills(
    book: Book,
    who: Person,
    *,
    skills: list[str],
    languages: list[str],
    countries: list[str],
    often: str,
) -> list[Notice]:
    """Replaces what the person can do; shows the open needs that fit at once."""
    for table in ("abilities", "speaks", "places"):
        book.do(f"delete from {table} where person = :who", who=who.id)
    book.many(
        "insert into abilities(skill, person) values (:skill, :who)",
        [{"skill": skill, "who": who.id} for skill in dict.fromkeys(skills)],
    )
    book.many(
        "insert into places(person, country) values (:who, :country)",
        [{"country": country, "who": who.id} for country in dict.fromkeys(countries)],
    )
    for language in languages:
        people.speaks(book, who.id, language)
    book.do(
        "update people set alerts = :often, state = 'live' where id = :id", often=often, id=who.id
    )
    waiting = len(matching.open_needs_for(book, who.id, who.trust, 20, mine=True))
    beyond = [skill for skill in skills if who.trust < least_trust(skill)]
    return [
        Notice(
            who.id,
            paragraphs(
                Say(
                    "Saved. I write to you when somebody needs: {skills}",
                    skills=skills_named(tuple(skills)),
                ),
                Say(
                    "For these, somebody here has to vouch for you first: {skills}."
                    " Ask a person who is trusted here for a code,"
                    " and send me “{vouch}” and the code.",
                    skills=skills_named(tuple(beyond)),
                    vouch=Word("vouch"),
                )
                if beyond
                else None,
                SayMany(
                    "{n} open need asks for your skills.",
                    "{n} open needs ask for your skills.",
                    waiting,
                )
                if waiting
                else None,
            ),
            choices=(Choice("needs", Say("See them")),) if waiting else (),
        )
    ]


def overview(book: Book, who: Person) -> list[Notice]:
    """`mine`: the person's needs, conversations, skills."""
    needs = [
        need
        for id in book.column(
            "select id from needs where person = :who and state = 'open' order by created desc"
            " limit 10",
            who=who.id,
        )
        if (need := by_id(book, id))
    ]
    talks = talking.conversations(book, who.id)[:8]
    skills = book.column(
        "select skill from abilities where person = :who order by skill", who=who.id
    )
    pairs = book.all(
        "select source, target from pairs where person = :who order by source, target", who=who.id
    )
    parts: list[Sayable] = [
        dots(
            Say("Trust: {trust}", trust=Name("trust", TRUST[who.trust])),
            Say("Language: {name}", name=Name("language", who.language)),
        )
    ]
    if needs:
        parts.append(
            lines(
                Say("Your open needs:"),
                *(dots(Code(n.code), *(Name("skill", s) for s in n.skills)) for n in needs),
            )
        )
    if talks:
        parts.append(lines(Say("You are talking with:"), *(c.title() for c in talks)))
    if skills:
        parts.append(Say("You help with: {skills}", skills=skills_named(tuple(skills))))
    if pairs:
        named = (
            Say(
                "{source} → {target}",
                source=Name("language", p.source),
                target=Name("language", p.target),
            )
            for p in pairs
        )
        parts.append(Say("You translate: {pairs}", pairs=Joined(", ", tuple(named))))
    if len(parts) == 1:
        parts.append(Say("You have no need, no conversation and no skills here yet."))
    choices = (
        *(Choice(f"close {n.code}", Say("Close {code}", code=Code(n.code))) for n in needs),
        *(Choice(f"talk {c.id}", c.title()) for c in talks),
        Choice("skills", Say("What I can help with")),
    )
    return [Notice(who.id, paragraphs(*parts), choices)]


def stop(book: Book, who: Person) -> list[Notice]:
    """No alerts and digests any more; conversations go on."""
    book.do("update people set alerts = 'never' where id = :id", id=who.id)
    said = Say("You get no more alerts. Your conversations stay open.")
    return [Notice(who.id, said, (Choice("skills", Say("Start again")),))]


# ------------------------------------------------------------------------------------- trust


def hand_out(book: Book, who: Person, kind: str) -> list[Notice]:
    """A code to give to one person: kind vouch, verify, or link. Raises No."""
    least = {"vouch": VOUCHED, "verify": people.MODERATOR, "link": people.NEW}[kind]
    if who.trust < least:
        raise No(_may_not(kind))
    code = new_code(8, secrets.SystemRandom())
    book.do(
        "insert into codes(code, kind, person, until) values (:code, :kind, :who, :until)",
        code=code, kind=kind, who=who.id, until=book.now + _CODE_DAYS * 86400,
    )  # fmt: skip
    if kind == "link":
        how = Say("In your other messenger, send me this within 3 days:")
    else:
        how = Say("Give this to one person whom you trust. They send it to me within 3 days:")
    return [Notice(who.id, lines(how, Joined(" ", (Word(kind), Code(code)))))]


def _may_not(kind: str) -> Say:
    if kind == "verify":
        return Say("Only moderators can verify people.")
    return Say("You can vouch for others once somebody has vouched for you.")


def take_code(book: Book, who: Person, kind: str, code: str) -> list[Notice]:
    """Somebody was handed a code for `vouch` or `verify`. It works once. Raises No."""
    row = book.one(
        "select person from codes where code = :code and kind = :kind and until > :now",
        code=code, kind=kind, now=book.now,
    )  # fmt: skip
    if row is None or row.person == who.id:
        raise No(Say("This code is not valid, or was used already."))
    book.do("delete from codes where code = :code", code=code)
    giver = people.known(book, row.person)
    level = VOUCHED if kind == "vouch" else VERIFIED
    least = VOUCHED if kind == "vouch" else people.MODERATOR
    if giver is None or giver.state != "live" or giver.trust < least:
        raise No(Say("This code is not valid, or was used already."))
    return raise_trust(book, giver, who, level)


def raise_for(book: Book, who: Person, kind: str, conversation: str) -> list[Notice]:
    """Vouches for, or verifies, the other side of a conversation. Raises No."""
    least = VOUCHED if kind == "vouch" else people.MODERATOR
    if who.trust < least:
        raise No(_may_not(kind))
    seen = talking.open_to(book, who.id, conversation)
    other = people.known(book, seen.other)
    assert other is not None
    told = raise_trust(book, who, other, VOUCHED if kind == "vouch" else VERIFIED)
    return [Notice(who.id, Say("Done. Thank you.")), *told]


def raise_trust(book: Book, giver: Person, who: Person, level: int) -> list[Notice]:
    book.do(
        "insert into vouches(voucher, person, at) values (:giver, :who, :now)"
        " on conflict do nothing",
        giver=giver.id,
        who=who.id,
        now=book.now,
    )
    if who.trust >= level:
        return [Notice(who.id, Say("You are trusted here already."))]
    book.do("update people set trust = :level where id = :id", level=level, id=who.id)
    said = (
        Say("Somebody vouched for you. You now see more needs.")
        if level == VOUCHED
        else Say("You are verified now. You see every need that asks for your skills.")
    )
    return [Notice(who.id, said, (Choice("needs", Say("See open needs")),))]


def suspend(book: Book, who: Person, report: str) -> list[Notice]:
    """A moderator stops somebody who was reported: no alerts, no new needs, offers or messages."""
    about = _handled(book, who, report)
    book.do("update people set state = 'suspended' where id = :id", id=about)
    ended = [
        notice
        for id in book.column(
            "select conversation from members m join conversations c on c.id = m.conversation"
            " where m.person = :id and c.state = 'open'",
            id=about,
        )
        for notice in talking.end(book, id, silent=about)
    ]
    return [
        Notice(who.id, Say("Suspended.")),
        Notice(about, Say("A moderator has suspended you.")),
        *ended,
    ]


def dismiss(book: Book, who: Person, report: str) -> list[Notice]:
    _handled(book, who, report)
    return [Notice(who.id, Say("The report is closed."))]


def _handled(book: Book, who: Person, report: str) -> str:
    row = book.one("select about from reports where id = :id and state = 'open'", id=report)
    if who.trust < people.MODERATOR:
        raise No(Say("Only moderators can do this."))
    if row is None:
        raise No(Say("This report is closed already."))
    book.do("update reports set state = 'closed', text = '' where id = :id", id=report)
    return str(row.about)


def queue(book: Book, who: Person) -> list[Notice]:
    """The open reports, for moderators, one message each."""
    if who.trust < people.MODERATOR:
        raise No(Say("Only moderators can do this."))
    rows = book.all("select id, text from reports where state = 'open' order by at limit 5")
    if not rows:
        return [Notice(who.id, Say("There is no open report."))]
    return [
        Notice(
            who.id,
            lines(Say("⚠ Reported:"), Quote(row.text)),
            choices=(
                Choice(f"suspend {row.id}", Say("Suspend this person")),
                Choice(f"dismiss {row.id}", Say("Nothing to do")),
            ),
        )
        for row in rows
    ]


def counts(book: Book) -> dict[str, int]:
    """Numbers only, for `stats`: nothing that leads to anybody."""
    return {
        what: book.value(f"select count(*) from {table} where {where}")
        for what, table, where in (
            ("people", "people", "1 = 1"),
            ("open needs", "needs", "state = 'open'"),
            ("needs in all", "needs", "1 = 1"),
            ("offers", "offers", "1 = 1"),
            ("open conversations", "conversations", "state = 'open'"),
            ("translations", "translations", "1 = 1"),
            ("messages waiting to be sent", "outbox", "state = 'waiting'"),
        )
    }


# ------------------------------------------------------------------------------------- linking


def link(book: Book, who: Person, code: str) -> list[Notice]:
    """This address joins the person who handed out the code. Only an empty newcomer can be merged:
    whoever has needs, conversations or offers of their own stays who they are. Raises No."""
    row = book.one(
        "select person from codes where code = :code and kind = 'link' and until > :now",
        code=code, now=book.now,
    )  # fmt: skip
    if row is None or row.person == who.id:
        raise No(Say("This code is not valid, or was used already."))
    used = book.value(
        "select 1 from needs where person = :who union select 1 from offers where person = :who"
        " union select 1 from members where person = :who",
        who=who.id,
    )
    if used:
        raise No(
            Say("You already have needs or conversations on this account. It can't be linked.")
        )
    book.do("delete from codes where code = :code", code=code)
    book.do("update addresses set person = :to where person = :who", to=row.person, who=who.id)
    book.do(
        "update people set address = :address where id = :to", address=who.address, to=row.person
    )
    erase(book, who.id)
    return [Notice(row.person, Say("Linked. I answer you wherever you wrote last."))]


# ------------------------------------------------------------------------------------- forgetting


def holdings(book: Book, who: Person) -> Sayable:
    """What `forget` would wipe."""
    needs = book.value("select count(*) from needs where person = :who", who=who.id)
    talks = book.value("select count(*) from members where person = :who", who=who.id)
    counted = (
        SayMany("{n} need", "{n} needs", needs),
        SayMany("{n} conversation", "{n} conversations", talks),
        Say("your languages and skills"),
        Say("this account"),
    )
    return Say(
        "Forget everything about you here: {what}. It cannot be undone.",
        what=Joined(", ", counted),
    )


def forget(book: Book, who: Person) -> list[Notice]:
    """Deletes everything of this person. Peers learn only that the conversation is closed."""
    ended: list[Notice] = []
    for id in book.column(
        "select m.conversation from members m join conversations c on c.id = m.conversation"
        " where m.person = :who and c.state = 'open'",
        who=who.id,
    ):
        ended += talking.end(book, id, silent=who.id)
    for id in book.column("select id from needs where person = :who", who=who.id):
        need = by_id(book, id)
        assert need is not None
        ended += shut(book, need)
    place = book.one("select platform, handle from addresses where id = :id", id=who.address)
    erase(book, who.id)
    notices = [notice for notice in ended if notice.to != who.id]
    if place is not None:
        done = Say("Done. Nothing about you is left here. Delete this chat on your phone too.")
        notices.append(outbox.farewell(book, Address(*place), who.language, done))
    return notices


def unless_busy(book: Book, who: str) -> None:
    """Forgets whoever was told goodbye, unless they began anew in the meantime."""
    began = book.value(
        "select 1 from forms where person = :who union select 1 from needs where person = :who"
        " union select 1 from abilities where person = :who",
        who=who,
    )
    if not began:
        erase(book, who)


_ERASED = (
    "delete from translations where person = :who or entry in"
    " (select id from entries where author = :who)",
    "delete from copies where address in (select id from addresses where person = :who)"
    " or entry in (select id from entries where author = :who)",
    "delete from entries where author = :who",
    "delete from members where person = :who",
    "delete from invitations where person = :who",
    "delete from offers where person = :who or need in (select id from needs where person = :who)",
    "delete from alerts where person = :who or need in (select id from needs where person = :who)",
    "delete from need_skills where need in (select id from needs where person = :who)",
    "delete from timers where about in (select id from needs where person = :who) or about = :who",
    "update needs set text = '', person = '', country = '', state = 'closed' where person = :who",
    "delete from outbox where person = :who",
    "delete from vouches where person = :who or voucher = :who",
    "delete from blocks where person = :who or blocked = :who",
    "delete from reports where person = :who or about = :who",
    *(f"delete from {table} where person = :who" for table in (
        "forms", "speaks", "abilities", "places", "pairs", "codes", "addresses",
    )),
    "delete from people where id = :who",
)  # fmt: skip


def erase(book: Book, who: str) -> None:
    for statement in _ERASED:
        book.do(statement, who=who)
