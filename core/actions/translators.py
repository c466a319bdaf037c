"""Translators: the languages they say, being asked where two sides share none, going again."""

from __future__ import annotations

from core import people, routes, tasks
from core.actions import No
from core.message import Choice, Code, Joined, Name, Notice, Say, lines
from core.people import Person
from core.store import Book
from core.timers import remind

ASKED_AT_ONCE = 5
_BUSY = 5
"""A translator with this many open conversations is asked no more."""
LOOK_AGAIN = 3600
"""Seconds until free translators are looked for once more."""


def parties_of(book: Book, conversation: str) -> dict[str, str]:
    """role -> person, for asker and helper."""
    rows = book.all(
        "select role, person from members where conversation = :id and role <> 'translator'",
        id=conversation,
    )
    return {row.role: row.person for row in rows}


def gaps_of(book: Book, conversation: str) -> list[tuple[str, str]]:
    """The translations that this conversation needs and no translator in it gives: (from, to), the
    first language of each side. Who gave a message back, and did not come back to it, gives none.
    Empty where the sides share a language."""
    parties = parties_of(book, conversation)
    asker, helper = (people.reads(book, parties[role]) for role in ("asker", "helper"))
    if set(asker) & set(helper):
        return []
    return [
        (one[0], other[0])
        for one, other in ((asker, helper), (helper, asker))
        if not book.value(
            "select 1 from members m join pairs t on t.person = m.person where"
            " m.conversation = :id and m.role = 'translator'"
            f" and t.source = :source and t.target in ({listed(other)})"
            " and not exists (select 1 from tasks k join entries e on e.id = k.entry"
            "   where k.person = m.person and k.until = 0 and k.text = ''"
            "   and e.conversation = m.conversation)",
            id=conversation,
            source=one[0],
            **values_of(other),
        )
    ]


def listed(languages: list[str]) -> str:
    return ", ".join(f":language{n}" for n in range(len(languages)))


def values_of(languages: list[str]) -> dict[str, str]:
    return {f"language{n}": language for n, language in enumerate(languages)}


def wanted(book: Book, conversation: str) -> bool:
    """Is it open, and does one side still not read the other?"""
    state = book.value("select state from conversations where id = :id", id=conversation)
    return state == "open" and bool(gaps_of(book, conversation))


def needing(book: Book, who: Person) -> list[str]:
    """The conversations that wait for somebody with her pairs of languages; the oldest first."""
    pairs = {
        (row.source, row.target)
        for row in book.all("select source, target from pairs where person = :who", who=who.id)
    }
    waiting = book.column(
        """
        select c.id from conversations c join needs n on n.id = c.need
        where c.state = 'open' and n.audience <= :trust and n.sensitive <= :safe
          and exists (select 1 from timers r
                      where r.about = c.id and r.kind = 'look_for_translators')
          and not exists (select 1 from members m where m.conversation = c.id and m.person = :who)
          and not exists (select 1 from members m join blocks b on
                            (b.person = :who and b.blocked = m.person)
                            or (b.blocked = :who and b.person = m.person)
                          where m.conversation = c.id)
        order by c.opened, c.id limit 50
        """,
        who=who.id,
        trust=who.trust,
        safe=int(routes.safe(book, who.address)),
    )
    return [id for id in waiting if pairs & set(gaps_of(book, id))]


def find_translators(book: Book, conversation: str) -> list[Notice]:
    """Asks the next free translators. Where nobody is free both sides are told once, and it is
    tried again every hour."""
    row = book.one(
        "select n.code, n.audience, n.sensitive from conversations c join needs n"
        " on n.id = c.need where c.id = :id and c.state = 'open'",
        id=conversation,
    )
    gaps = gaps_of(book, conversation) if row else []
    if row is None or not gaps:
        return []
    parties, encrypted = parties_of(book, conversation), routes.has_encrypted("p.id")
    found: list[str] = []
    for source, target in gaps:
        found += book.column(
            f"""
            select t.person from pairs t join people p on p.id = t.person
            where t.source = :source and t.target = :target and p.state = 'live'
              and p.trust >= :trust and t.person not in (:asker, :helper)
              and (:sensitive = 0 or {encrypted})
              and not exists (select 1 from invitations i
                              where i.conversation = :id and i.person = t.person)
              and not exists (select 1 from blocks b
                              where (b.person = t.person and b.blocked in (:asker, :helper))
                                 or (b.blocked = t.person and b.person in (:asker, :helper)))
              and (select count(*) from members m join conversations c on c.id = m.conversation
                   where m.person = t.person and m.role = 'translator' and c.state = 'open') < :busy
            order by (select count(*) from invitations i where i.person = t.person), t.person
            limit :limit
            """,
            source=source, target=target, trust=row.audience, id=conversation,
            asker=parties["asker"], helper=parties["helper"], busy=_BUSY, limit=ASKED_AT_ONCE,
            sensitive=row.sensitive,
        )  # fmt: skip
    found = list(dict.fromkeys(found))
    book.many(
        "insert into invitations(conversation, person, state, at)"
        " values (:conversation, :person, 'asked', :now)",
        [{"conversation": conversation, "person": person, "now": book.now} for person in found],
    )
    first_look = not book.value("select 1 from timers where about = :id", id=conversation)
    if first_look:
        remind(book, book.now + LOOK_AGAIN, "look_for_translators", conversation)
    source, target = gaps[0]
    ask = lines(
        Say(
            "Somebody who writes {source} and somebody who writes {target}"
            " need a translator for {code}. You will see their messages, not who they are.",
            source=Name("language", source),
            target=Name("language", target),
            code=Code(row.code),
        ),
    )
    choices = (
        Choice(f"join {conversation}", Say("I'll do it")),
        Choice(f"notnow {conversation}", Say("Not now")),
    )
    asked = [Notice(person, ask, choices, urgent=False) for person in found]
    if not first_look or _has_one(book, conversation):
        return asked
    told = (
        Say("You two share no language. Translators are being asked; just write, it is kept.")
        if found
        else Say("You two share no language, and no translator is free now. I keep looking.")
    )
    both = parties.values()
    return [*(Notice(person, told, conversation=conversation) for person in both), *asked]


def _has_one(book: Book, conversation: str) -> bool:
    return bool(
        book.value(
            "select 1 from members where conversation = :id and role = 'translator'",
            id=conversation,
        )
    )


def not_now(book: Book, who: Person, conversation: str) -> list[Notice]:
    asked = book.value(
        "select 1 from invitations where conversation = :id and person = :who and state = 'asked'",
        id=conversation,
        who=who.id,
    )
    if not asked:
        raise No(Say("You have answered that already."))
    answered(book, who, conversation, "declined")
    return [
        Notice(who.id, Say("Thank you. Others are asked.")),
        *find_translators(book, conversation),
    ]


def translates(book: Book, who: Person, conversation: str) -> bool:
    return bool(
        book.value(
            "select 1 from members m join conversations c on c.id = m.conversation"
            " where m.conversation = :id and m.person = :who and m.role = 'translator'"
            " and c.state = 'open'",
            id=conversation,
            who=who.id,
        )
    )


def resign(book: Book, who: Person, conversation: str) -> list[Notice]:
    """A translator can't go on: both sides are told, others are asked. Raises No."""
    if not translates(book, who, conversation):
        raise No(Say("This conversation is closed."))
    book.do(
        "delete from members where conversation = :id and person = :who",
        id=conversation,
        who=who.id,
    )
    tasks.given_up(book, who.id, conversation)
    left = Say("The translator had to leave. Others are being asked; just write, it is kept.")
    return [
        Notice(who.id, Say("Thank you. Others are asked.")),
        *(
            Notice(person, left, conversation=conversation)
            for person in parties_of(book, conversation).values()
        ),
        *find_translators(book, conversation),
    ]


def answered(book: Book, who: Person, conversation: str, state: str) -> None:
    book.do(
        "update invitations set state = :state where conversation = :id and person = :who",
        state=state,
        id=conversation,
        who=who.id,
    )


def add_pair(book: Book, who: Person, *, source: str, target: str, both: bool) -> list[Notice]:
    """She translates from one language into another, and back if she says so."""
    wanted = [(source, target), *([(target, source)] if both else [])]
    book.many(
        "insert into pairs(source, target, person) values (:source, :target, :who)"
        " on conflict do nothing",
        [{"source": one, "target": other, "who": who.id} for one, other in wanted],
    )
    for language in (source, target):
        people.speaks(book, who.id, language)
    pairs = tuple(
        Say("{source} → {target}", source=Name("language", one), target=Name("language", other))
        for one, other in wanted
    )
    saved = Say("Saved: {pairs}. I will write when somebody needs you.", pairs=Joined(", ", pairs))
    waiting = book.column(
        "select about from timers where kind = 'look_for_translators' order by due limit 20"
    )
    asked = [notice for id in waiting for notice in find_translators(book, id)]
    return [
        Notice(who.id, saved, (Choice("pair", Say("Add another pair")),)),
        *asked,
    ]
