"""Several people do anything at all, in any order, and it holds: nothing raises, everybody is
answered, nobody reads what is not meant for them, no address appears anywhere.

`HYPOTHESIS_PROFILE=soak` for a long run.
"""

from __future__ import annotations

import itertools
import tempfile
from random import Random
from typing import Any
from unittest.mock import patch
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import audit
from core.message import File
from core.people import MODERATOR
from tests.room import Room, Somebody
from tests.vaults import opened

NAMES = {
    "Ana": ("en", "new", "buttons"),
    "Sara": ("fa", "vouched", "numbers"),
    "Vic": ("en", "verified", "buttons"),
    "Tom": ("fa", "vouched", "buttons"),
    "Mod": ("en", "moderator", "numbers"),
    "Kim": ("fa", "moderator", "buttons"),
}
COMMANDS = (
    "need", "need a writer for a letter", "needs", "offer", "skills", "translate", "mine", "talk",
    "language", "language fa", "safety", "link", "vouch", "verify", "queue", "stats", "close",
    "block", "report", "stop", "forget", "help", "cancel", "back", "yes", "no", "done", "audit",
    "suspend", "/need", "ofer 7KQ", "نیاز", "برگشت", "لغو", "راهنما", "ترجمه", "1", "2", "3", "۴",
    "0", "99", "1 2", "?", "Persian", "English", "Iran",
)  # fmt: skip
HOSTILE = (
    "", " ", "\u202e\u2066", "\ud800", "\x00", "{name}", "{0.__class__}", "%s", "│ x", "😀",
    "⚠ Movements", "'; drop table needs; --", "/forget", "@ana https://x.example", "a\n\n\n\nb",
    "x" * 5000,
)  # fmt: skip
VERBS = (
    "accept", "decline", "ask", "leave", "talk", "join", "notnow", "keep", "pass", "why", "read",
    "offer", "close", "suspend", "dismiss", "restore", "agree", "refuse", "vouch", "link",
)  # fmt: skip


class Life:
    def __init__(self, room: Room) -> None:
        self.room = room
        self.said = itertools.count(1)
        self.tokens: dict[str, str] = {}
        for name, (language, trust, platform) in NAMES.items():
            room.join(name, language, trust, platform)
        room.can("Vic", "writing")
        room.can("Sara", "writing", "journalism")
        room.translates("Tom", "fa", "en")
        room.says("Ana", "need a writer for a letter")
        room.presses("Ana", "Post it")
        code = room.value("select code from needs")
        for name in ("Vic", "Sara"):
            room.says(name, f"offer {code} I write letters.")
            room.does("Ana", pressed=self._accept())
        self._holds(dict.fromkeys(room.people, 0))

    def _accept(self) -> str:
        offer = self.room.value("select id from offers where state = 'sent'")
        return f"accept {offer}"

    def words(self, name: str, text: str) -> str:
        """With a word of their own in it, to be looked for elsewhere."""
        token = f"zq{next(self.said)}qz"
        self.tokens[token] = name
        return f"{text} {token}"

    def step(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(NAMES)))
        who = self.room.people[name]
        what = self._what(data, who, name)
        marks = {each: len(p.shown) for each, p in self.room.people.items()}
        heard = self.room.value("select count(*) from heard")
        told = self.room.does(name, **what)
        passed_on = any(
            len(p.shown) > marks[each] for each, p in self.room.people.items() if each != name
        )
        ignored = "deleted" in what or self._repeated(name, what)
        banned = self.room.value("select count(*) from bans") > 0
        assert told or passed_on or ignored or banned, f"no answer to {what}"
        assert self.room.value("select count(*) from heard") >= heard
        self._holds(marks)

    def _repeated(self, name: str, what: dict[str, Any]) -> bool:
        last = self.room.talk.repeats.last
        return any(
            s.text and s.text in what.get("text", "") and len(s.ids) > 2 for s in last.values()
        )

    def _what(self, data: st.DataObject, who: Somebody, name: str) -> dict[str, Any]:
        """What is drawn never depends on what there is, so that a failure can be made smaller."""
        kind = data.draw(st.sampled_from("ccccwwwwppppppppphnnrrredf"))
        nth = data.draw(st.integers(0, 999))
        shown = who.shown[-12:]
        values = [value for s in shown for value, _ in s.choices]
        natives = [s.native for s in shown] + who.written[-6:]
        text = self.words(name, ("سلام", "hello", "a writer for")[nth % 3])
        match kind:
            case "c":
                return {"text": data.draw(st.sampled_from(COMMANDS))}
            case "h":
                return {"text": data.draw(st.one_of(st.sampled_from(HOSTILE), st.text()))}
            case "p" if values:
                return {"pressed": values[nth % len(values)]}
            case "n":
                return {"pressed": f"{data.draw(st.sampled_from(VERBS))} {self._id(nth)}"}
            case "r" if natives:
                reply = (text, text, "1", "2", "?", "Help")[nth % 6]
                return {"text": reply, "answers_to": natives[nth % len(natives)]}
            case "e" if natives:
                return {"text": text, "edits": natives[nth % len(natives)]}
            case "d" if natives:
                return {"deleted": True, "native": natives[nth % len(natives)]}
            case "f":
                kind = ("voice", "picture", "document")[nth % 3]
                clean = (b"a clean picture",) if kind == "picture" else ()
                return {"text": text, "files": (File(kind),), "pictures": clean}
        return {"text": text}

    def _id(self, nth: int) -> str:
        """Of something that there is, most likely not theirs."""
        found = self.room.store.now(
            lambda book: book.column(
                "select id from offers union select id from conversations"
                " union select code from needs union select id from reports"
                " union select id from proposals order by 1"
            )
        )
        return str(found[nth % len(found)]) if found else "9ZZ"

    # ------------------------------------------------------------------ what holds

    def _holds(self, marks: dict[str, int]) -> None:
        handles = {name: p.address.handle for name, p in self.room.people.items()}
        for name, person in self.room.people.items():
            for shown in person.shown[marks[name] :]:
                everything = "\n".join((shown.text, *(f"{v} {t}" for v, t in shown.choices)))
                assert not any(handle in everything for handle in handles.values())
                for token, author in self.tokens.items():
                    if author != name and token in everything:
                        assert self._may_read(name, author), f"{name} read {author}: {shown.text}"
        self.room.store.now(self._rows_hold)
        assert self.room.store.now(audit.trouble) is None

    def _may_read(self, name: str, author: str) -> bool:
        return bool(self.room.store.now(lambda book: self._related(book, name, author)))

    def _related(self, book: Any, name: str, author: str) -> bool:
        reader, writer = self.room.id(book, name), self.room.id(book, author)
        together = book.value(
            "select 1 from members a join members b on b.conversation = a.conversation"
            " where a.person = :reader and b.person = :writer"
            " union select 1 from offers o join needs n on n.id = o.need where"
            " (o.person = :reader and n.person = :writer)"
            " or (o.person = :writer and n.person = :reader)"
            " union select 1 from needs n join people p on p.id = :reader"
            " where n.person = :writer and p.trust >= n.audience"
            " union select 1 from people p join reports r on r.person = :writer"
            " where p.id = :reader and p.trust = :moderator",
            reader=reader,
            writer=writer,
            moderator=MODERATOR,
        )
        return bool(together)

    @staticmethod
    def _rows_hold(book: Any) -> None:
        rows = book.all("select conversation, person from members")
        carried = list(zip(rows, opened(book, "members", "pseudonym"), strict=True))
        for column in ("conversation", "person"):
            together = [(getattr(row, column), name) for row, name in carried]
            assert len(set(together)) == len(together), f"a pseudonym twice in one {column}"
        lost = book.value(
            "select count(*) from outbox o where state = 'waiting' and not exists"
            " (select 1 from people p where p.id = o.person)"
        )
        assert lost == 0


@settings(
    max_examples=max(settings().max_examples // 5, 1),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_whatever_people_do_it_holds(data: st.DataObject) -> None:
    random = Random(0)
    with (
        tempfile.TemporaryDirectory() as folder,
        patch("secrets.SystemRandom", lambda: random),
        patch("secrets.token_hex", lambda n: random.randbytes(n).hex()),
        patch("uuid.uuid4", lambda: UUID(int=random.getrandbits(128), version=4)),
    ):
        room = Room(f"sqlite:///{folder}/movements.db")
        try:
            life = Life(room)
            for _ in range(data.draw(st.integers(5, 40))):
                life.step(data)
        finally:
            room.close()
