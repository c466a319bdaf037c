"""Who is alerted about a need, and in which order. Gates in SQL, over indexes; nobody is loaded
who is not a candidate.

score = (0.40 S + 0.25 L + 0.20 R + 0.15) / (1 + 0.15 * alerts in 7 days)
S: share of the asked skills they have; L: 1 if they read the need's language, else 0.45 (through a
translator); R: how often they answered, newcomers in the middle. Silence lowers R, declining never
does (phased alerting: doi 10.1371/journal.pone.0343762).
"""

from __future__ import annotations

from core import routes
from core.needs import Need, least_trust
from core.people import ANY, Person
from core.store import Book

WAVES = ((5, 3600), (5, 5 * 3600), (10, 0))
"""How many people each wave wakes, and the seconds until the next one (0: the last)."""

_WEEK = 7 * 86400


def _skilled(need: Need) -> tuple[str, dict[str, object]]:
    """The people whose skill and trust fit, as a condition on abilities `a` and people `p`."""
    parts: list[str] = []
    values: dict[str, object] = {}
    for n, skill in enumerate(need.skills):
        parts.append(f"(a.skill = :skill{n} and p.trust >= :least{n})")
        values[f"skill{n}"], values[f"least{n}"] = skill, least_trust(skill)
    return "(" + " or ".join(parts) + ")", values


def candidates(book: Book, need: Need, limit: int, *, alerts: str = "now") -> list[str]:
    """-> people to alert, best first, at most `limit`. alerts: how they want to be told."""
    if not need.skills:
        return []
    skilled, values = _skilled(need)
    return book.column(
        f"""
        select person from (
          select a.person as person, count(*) as has,
            exists (select 1 from speaks s where s.person = a.person and s.language = :language)
              as reads,
            (select count(*) from alerts r where r.person = a.person) as told,
            (select count(*) from alerts r where r.person = a.person and r.state <> 'told')
              as answered,
            (select count(*) from alerts r where r.person = a.person and r.at > :week) as lately,
            (select max(r.at) from alerts r where r.person = a.person) as last
          from abilities a join people p on p.id = a.person
          where {skilled} and p.trust >= :audience and p.state = 'live' and p.alerts = :alerts
            and p.id <> :asker
            and (:sensitive = 0 or {routes.has_encrypted("p.id")})
            and exists (select 1 from places c where c.person = a.person
                        and (c.country in ('{ANY}', :country) or :country = ''))
            and not exists (select 1 from alerts r where r.need = :need and r.person = a.person)
            and not exists (select 1 from blocks b
                            where (b.person = a.person and b.blocked = :asker)
                            or (b.person = :asker and b.blocked = a.person))
            and (exists (select 1 from speaks s where s.person = a.person
                         and s.language = :language)
                 or exists (select 1 from pairs t join speaks s on s.language = t.target
                            where t.source = :language and s.person = a.person))
          group by a.person
        ) found
        order by (0.4 * has / {len(need.skills)}.0
                  + case when reads then 0.25 else 0.1125 end
                  + 0.2 * case when (answered + 2.0) / (told + 6.0) / 0.6 > 1 then 1
                          else (answered + 2.0) / (told + 6.0) / 0.6 end + 0.15)
                 / (1 + 0.15 * lately) desc,
                 coalesce(last, 0), person
        limit :limit
        """,
        **values,
        audience=need.audience,
        language=need.language,
        country=need.country,
        asker=need.person,
        need=need.id,
        alerts=alerts,
        sensitive=need.sensitive,
        week=book.now - _WEEK,
        limit=limit,
    )


def fits(book: Book, need: Need, who: Person) -> bool:
    """Whether they have one of the skills that it asks for, and are trusted enough for that one."""
    asked = [skill for skill in need.skills if who.trust >= least_trust(skill)]
    mine = book.column("select skill from abilities where person = :who", who=who.id)
    return not set(asked).isdisjoint(mine)


def open_needs_for(book: Book, who: Person, limit: int, *, mine: bool) -> list[str]:
    """-> ids of open needs, newest first; those that are sensitive, where they may be shown. mine:
    only those that ask for this person's skills."""
    fits = "and exists (select 1 from abilities a where a.person = :who and a.skill = ns.skill)"
    found = book.all(
        f"""
        select n.id, ns.skill from needs n join need_skills ns on ns.need = n.id
        where n.state = 'open' and n.person <> :who and n.audience <= :trust
          and n.sensitive <= :safe
          {fits if mine else ""}
          and not exists (select 1 from offers o where o.need = n.id and o.person = :who)
          and not exists (select 1 from blocks b where (b.person = :who and b.blocked = n.person)
                          or (b.person = n.person and b.blocked = :who))
        order by n.created desc, n.id limit 500
        """,
        who=who.id,
        trust=who.trust,
        safe=int(routes.safe(book, who.address)),
    )
    ids = dict.fromkeys(row.id for row in found if who.trust >= least_trust(row.skill))
    return list(ids)[:limit]
