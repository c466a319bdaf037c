"""Sealed at rest, forgotten on request: what a thief of the files finds, and what an old copy tells
of those who asked to be forgotten.
"""

from __future__ import annotations

import base64
import contextlib
import os
import queue
import re
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.people import introduce
from bots.__main__ import obey, parser
from bots.clock import run_due
from bots.config import RetentionSettings
from bots.talk import Talk
from bots.turn import Community
from core import copies, forgetting, joint, outbox, people, safe, unsends
from core.actions import belonging, parting, talking
from core.keys import Locked
from core.language import Languages
from core.message import Address, Inbound, Secret
from core.privacy import Vault
from core.store import Book, Done, Store, StoreDown
from tests.vaults import in_clear, vault_of
from tests.vaults import opened as vault_opened

MANY = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 300
EACH = 10
"""Messages of each, with what is made of them and kept of their keys."""
TALK = Talk(Languages(["en"]), Community("Movements", 0, {}))
NUMBERS = iter(range(10**9))


def word(kind: str, number: int) -> str:
    """A planted string: found again in any file, whatever stands around it."""
    return f"planted{kind}{number:06}x"


def address(number: int) -> Address:
    return Address("memory", word("handle", number))


def say(book: Book, number: int, text: str) -> None:
    name = str(next(NUMBERS))
    TALK.hear(book, Inbound(word("id", number) + name, address(number), text, native=name))


def person(book: Book, number: int) -> people.Person:
    found = people.at(book, address(number))
    assert found is not None
    return found[0]


def plant(book: Book, pairs: range) -> None:
    """Pairs of people in conversations; strings of theirs in every place where strings can be."""
    introduce(book, [(address(2 * n), address(2 * n + 1)) for n in pairs])
    for n in pairs:
        asker, helper = person(book, 2 * n), person(book, 2 * n + 1)
        book.do("delete from needs where person <> :who and code = '?'", who=asker.id)
        for who, number in ((asker, 2 * n), (helper, 2 * n + 1)):
            say(book, number, f"Tomorrow at nine, {word('entry', number)}, at the usual place")
            say(book, number, f"/need {word('form', number)} and a lawyer in Berlin for asylum")
            say(book, number, "cancel")
            say(book, number, f"/need {word('form', number)} and a lawyer in Berlin for asylum")
            native = word("native", number)
            entry = book.value("select id from entries where author = :id limit 1", id=who.id)
            assert who.address is not None
            copies.own(book, who.id, who.address, native, entry=entry)
            book.do(
                "insert into translations(entry, language, person, text, at)"
                " values (:entry, 'fa', :who, :text, 0)",
                entry=entry,
                who=who.id,
                text=joint.seal(
                    book, entry, who.id, "translations.text", f"{entry}.fa", word("done", number)
                ),
            )
            _plant_more(book, who, number)
        if n % 5 == 0:
            (seen,) = talking.conversations(book, asker.id)
            reason = f"They asked for money, {word('report', 2 * n)}"
            outbox.put(book, parting.report(book, asker, conversation=seen.id, text=reason))


def _plant_more(book: Book, who: people.Person, number: int) -> None:
    (conversation,) = book.column("select conversation from members where person = :id", id=who.id)
    handle, secrets = word("handle", number), []
    assert who.address is not None
    for one in range(number * EACH, number * EACH + EACH):
        entry = uuid.uuid4().hex
        text = book.seal(conversation, "entries.text", entry, word("line", one))
        book.do(
            "insert into entries(id, conversation, author, text, language, at)"
            " values (:id, :conversation, :who, :text, 'en', 0)",
            id=entry, conversation=conversation, who=who.id, text=text,
        )  # fmt: skip
        name = f"{entry}.fa.1"
        book.do(
            "insert into tasks(entry, language, part, person, until, text, draft)"
            " values (:id, 'fa', 1, :who, 0, :text, :draft)",
            id=entry, who=who.id,
            text=joint.seal(book, entry, who.id, "tasks.text", name, word("half", one)),
            draft=joint.seal(book, entry, who.id, "tasks.draft", name, word("draft", one)),
        )  # fmt: skip
        book.do(
            "insert into files(entry, number, body, at) values (:id, 0, :body, 0)",
            id=entry,
            body=book.seal(conversation, outbox.PICTURE, f"{entry}.0", word("file", one)),
        )
        copies.own(book, who.id, who.address, word("stood", one), entry=entry)
        value = f"{word('key', one)} {handle}".encode()
        secrets.append(Secret(f"session {word('session', one)} {handle}", value, handle))
    safe.keep(book, "memory", secrets)


def store_in(folder: Path, **how: Any) -> Store:
    vault = Vault(f"sqlite:///{folder}/keys.db", folder / "master.key")
    return Store(f"sqlite:///{folder}/movements.db", vault, **how)


@contextlib.contextmanager
def opened(folder: Path, **how: Any) -> Iterator[Store]:
    store = store_in(folder, **how)
    try:
        yield store
    finally:
        store.close()


def heard(store: Store, *jobs: Callable[[Book], Any]) -> list[Done]:
    """Through the writer, as the gateway does it."""
    ends: queue.SimpleQueue[list[Done]] = queue.SimpleQueue()
    store.give_back = lambda done, wakes: ends.put(done)
    for job in jobs:
        store.submit(job, None)
    done: list[Done] = []
    while len(done) < len(jobs):
        done += ends.get(timeout=60)
    return done


def forget(number: int, book: Book) -> None:
    say(book, number, "cancel")
    say(book, number, "forget")
    (token, asked) = book.one(
        "select token, asked from forms where person = :id", id=person(book, number).id
    )
    name = str(next(NUMBERS))
    pressed = Inbound(name, address(number), "", native=name, pressed=f"={token}:{asked}:forget")
    TALK.hear(book, pressed)


_SPELT = [b"planted", "planted".encode("utf-16-le"), b"planted".hex().encode()] + [
    base64.b64encode(b"-" * shift + b"planted").rstrip(b"=")[shift + (shift > 0) : -1]
    for shift in range(3)
]
"""However it may lie there."""


def hits(folder: Path) -> list[str]:
    """The planted strings in the files' bytes."""
    return [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_file() and any(spelt in path.read_bytes() for spelt in _SPELT)
    ]


def everything(store: Store) -> str:
    """Whatever the keys open of the database."""
    return store.now(in_clear)


def planted(store: Store) -> set[str]:
    """The planted strings among it."""
    return set(re.findall(r"planted[a-z]+\d{6}x", everything(store)))


def of(numbers: Iterable[int], *, but: str = "") -> set[str]:
    """What was planted of these people, without one kind of it."""
    found = {
        *(word(kind, n) for n in numbers for kind in ("handle", "entry", "form", "native", "done")),
        *(
            word(kind, n * EACH + one)
            for n in numbers
            for one in range(EACH)
            for kind in ("line", "half", "draft", "file", "stood", "key", "session")
        ),
    }
    return {one for one in found if not but or but not in one}


def test_the_planted_are_in_no_file_and_the_forgotten_in_no_copy(tmp_path: Path) -> None:
    data, copied = tmp_path / "data", tmp_path / "copies"
    data.mkdir()
    copied.mkdir()
    with opened(data) as store:
        for first in range(0, MANY // 2, 50):
            store.now(partial(plant, pairs=range(first, first + 50)))
        gone = [n for n in range(MANY) if n % 4 < 2]  # both of every second pair
        left = sorted(set(range(MANY)) - set(gone))
        assert planted(store) >= of(range(MANY))
        assert len(of(gone)) > 10_000
        assert hits(data) == []

        with (
            contextlib.closing(sqlite3.connect(data / "movements.db")) as source,
            contextlib.closing(sqlite3.connect(copied / "movements.db")) as copy,
        ):
            source.backup(copy)
        assert not [done.error for done in heard(store, *(partial(forget, n) for n in gone))
                    if done.error]  # fmt: skip
        found = planted(store)
        assert found & of(gone, but="handle") == set()
        assert found >= of(left)
        assert hits(data) == []
        assert hits(copied) == []

        heard(store, *(partial(_farewell_sent, number=n) for n in gone), _taken_back)
        store.clock = lambda: time.time() + forgetting.SOON + 1
        while store.now(lambda book: book.value(_DOUBTED)):
            heard(store, partial(run_due, kept=RetentionSettings()))
        assert planted(store) & of(gone) == set()
        assert store.now(lambda book: vault_opened(book, "unsends", "chat")) == []
        store._checkpoint()
        assert (data / "movements.db-wal").stat().st_size == 0
        marks = [store.vault.fingerprint("memory", word("handle", n)).encode() for n in gone]
        rows, keys = everything(store).encode(), (data / "keys.db").read_bytes()
        assert [mark for mark in marks if mark in rows or mark in keys] == []

    # the copy, with today's keys
    for name in ("keys.db", "master.key"):
        shutil.copy(data / name, copied / name)
    with opened(copied) as restored:
        found = planted(restored)
        assert found & of(gone) == set()
        assert found >= of(left)
        ids = restored.now(lambda book: book.value("select count(*) from people"))
        assert ids == MANY
    with opened(copied, alone=True) as restored:
        heard(restored, lambda book: None)
        assert restored.now(lambda book: book.value("select count(*) from people")) == len(left)
        there = restored.now(lambda book: book.value("select count(*) from entries"))
        assert there == len(left) * (1 + EACH)
        counted = restored.now(belonging.counts)
        assert counted["open needs"] == len(left) // 2
    assert hits(copied) == []


_DOUBTED = "select 1 from timers where kind = 'forget_keys'"


def _farewell_sent(book: Book, number: int) -> None:
    nobody = person(book, number)
    book.do("update outbox set state = 'sent', notice = '' where person = :id", id=nobody.id)
    belonging.unless_busy(book, nobody.id)


def _taken_back(book: Book) -> None:
    """As when the platform has deleted it."""
    for one in unsends.waiting(book):
        unsends.done(book, one.id)


def test_a_helper_who_goes_takes_the_conversation_from_every_copy(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.now(partial(plant, pairs=range(1)))
        entries = "select conversation, id, text from entries"
        rows = store.now(lambda book: book.all(entries))
        assert len(rows) == 2 * (1 + EACH)
        heard(store, partial(forget, 1))
        for whose, id, sealed in rows:
            assert store.vault.unseal(whose, "entries.text", id, sealed) == ""
        assert word("form", 0) in everything(store)


def test_the_key_is_gone_although_the_commit_fails_and_the_rows_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as store:
        store.now(partial(plant, pairs=range(2)))
        id = store.now(lambda book: person(book, 0).id)
        with monkeypatch.context() as broken:

            def destroy(ids: Any, real: Any = store.vault.destroy) -> None:
                real(ids)
                raise OSError("the disk is full")

            broken.setattr(store.vault, "destroy", destroy)
            (done,) = heard(store, partial(forget, 0))
            assert isinstance(done.error, StoreDown)
        assert store.vault.missing([id]) == {id}
        assert word("form", 0) not in everything(store)
        heard(store, lambda book: None)
        assert store.now(lambda book: people.at(book, address(0))) is None
        assert store.now(lambda book: person(book, 2).state) == "live"


def test_forgetting_twice_and_a_failed_neighbour_harm_nobody(tmp_path: Path) -> None:
    def fails(book: Book) -> None:
        belonging.forget(book, person(book, 2))
        raise ValueError

    with opened(tmp_path) as store:
        store.now(partial(plant, pairs=range(2)))
        one, bad, again = heard(store, partial(forget, 0), fails, partial(forget, 0))
        assert one.error is None
        assert isinstance(bad.error, ValueError)
        assert again.error is None  # a newcomer by now, forgotten too
        assert word("form", 2) in everything(store)


# ------------------------------------------------------------------ an old database


def test_a_database_from_before_is_sealed_and_nothing_stays_in_clear(tmp_path: Path) -> None:
    from tests.test_upgrades import make_first

    url = f"sqlite:///{tmp_path}/movements.db"
    make_first(url)
    with contextlib.closing(sqlite3.connect(tmp_path / "movements.db")) as old:
        old.executescript(OLD)
        old.commit()
    assert b"planted" in (tmp_path / "movements.db").read_bytes()
    with opened(tmp_path) as store:
        found = everything(store)
        for kind in ("handle", "need", "offer", "form", "about", "report", "entry", "done",
                     "notice", "native"):  # fmt: skip
            assert f"planted{kind}" in found, kind
        who, row, alive = store.now(
            lambda book: people.at(book, Address("memory", "plantedhandle"))
        )
        assert (who.id, row, alive) == ("a" * 32, 7, True)
        copy = store.now(lambda book: copies.of(book, 7, "plantednative"))
        assert copy is not None
        assert copy.entry == "e" * 32
        (seen,) = store.now(lambda book: talking.conversations(book, "b" * 32))
        assert seen.name == "planted heron"
    assert hits(tmp_path) == []


OLD = """
insert into people(id, language, created) values
  ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'en', 0), ('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'en', 0);
insert into addresses(id, platform, handle, person) values
  (7, 'memory', 'plantedhandle', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
insert into needs(id, code, person, text, language, country, audience, created, closes) values
  ('n', 'ABC', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'plantedneed', 'en', '', 0, 0, 0),
  ('m', 'ABD', '', '', 'en', '', 0, 0, 0);
insert into offers(id, need, person, pseudonym, text, language, at) values
  ('o', 'n', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'planted heron', 'plantedoffer', 'en', 0);
insert into forms(person, form, token, asked, answers, about) values
  ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'need', 't', 'text', '{"a": "plantedform"}',
   '{"b": "plantedabout"}');
insert into reports(id, person, about, text, at) values
  ('r', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
   'plantedreport', 0);
insert into conversations(id, need, opened) values ('cccccccccccccccccccccccccccccccc', 'n', 0);
insert into members(conversation, person, role, pseudonym) values
  ('cccccccccccccccccccccccccccccccc', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'asker',
   'planted heron'),
  ('cccccccccccccccccccccccccccccccc', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'helper', 'grey owl');
insert into entries(id, conversation, author, text, language, at) values
  ('eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'cccccccccccccccccccccccccccccccc',
   'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'plantedentry', 'en', 0);
insert into translations(entry, language, person, text, at) values
  ('eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'fa', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'planteddone', 0);
insert into outbox(key, person, notice, at) values
  ('k', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '{"say": "plantednotice"}', 0),
  ('l', 'dddddddddddddddddddddddddddddddd', '{"say": "planted for nobody"}', 0);
insert into copies(address, native, entry, at) values
  (7, 'plantednative', 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 0);
insert into heard(id, at) values ('plantedheard', 0);
"""


def test_the_keys_of_another_database_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.now(partial(plant, pairs=range(1)))
    with pytest.raises(Locked, match="right key store"):
        Store(f"sqlite:///{tmp_path}/movements.db", vault_of(f"sqlite:///{tmp_path}/x"), alone=True)
    with opened(tmp_path, alone=True) as store:
        heard(store, lambda book: None)
        assert store.now(lambda book: person(book, 0).state) == "live"


# ------------------------------------------------------------------ the operator


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A community of two pairs."""
    path = tmp_path / "config.toml"
    path.write_text("[web]\n")
    (tmp_path / "var").mkdir(mode=0o700)
    with opened(tmp_path / "var") as store:
        store.now(partial(plant, pairs=range(2)))
        store.now(_on_the_web)
    return path


def _on_the_web(book: Book) -> None:
    people.meet(book, Address("web", word("phone", 1)), "en")
    outbox.put(book, [])


def run(config: Path, *args: str) -> int:
    act, *rest = args
    return obey(parser().parse_args([act, "--config", str(config), *rest]))


def count(folder: Path, table: str) -> Any:
    with opened(folder) as store:
        return store.now(lambda book: book.value(f"select count(*) from {table}"))


def test_backup_forget_restore(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    var, copy = config.parent / "var", config.parent / "copy.db"
    assert run(config, "backup", str(copy)) == 0
    assert copy.stat().st_mode & 0o777 == 0o600
    assert b"planted" not in copy.read_bytes()
    assert count(var, "people") == 5
    assert run(config, "forget", "web", word("phone", 1)) == 0
    assert "Nothing of theirs can be read any more" in capsys.readouterr().out
    for old in var.glob("movements.db*"):
        old.unlink()
    copy.rename(var / "movements.db")
    assert count(var, "people") == 5
    with opened(var, alone=True) as store:
        heard(store, lambda book: None)
        assert store.now(lambda book: people.at(book, Address("web", word("phone", 1)))) is None
        assert store.now(lambda book: person(book, 0).state) == "live"
        assert word("entry", 0) in everything(store)
    assert run(config, "forget", "web", word("phone", 1)) == 2
    assert "nothing to forget" in capsys.readouterr().err


def test_a_backup_beside_a_running_gateway_is_whole(config: Path) -> None:
    var, copy = config.parent / "var", config.parent / "copy.db"
    with opened(var, alone=True) as store:
        store.now(partial(plant, pairs=range(2, 4)))
        assert run(config, "backup", str(copy)) == 0
    with contextlib.closing(sqlite3.connect(copy)) as data:
        assert data.execute("pragma integrity_check").fetchone() == ("ok",)
        assert data.execute("select count(*) from people").fetchone() == (9,)
    assert run(config, "backup", str(copy)) == 2  # never over an older one
    assert run(config, "backup", str(copy / "below")) == 2
    assert sorted(path.name for path in config.parent.iterdir()) == [
        "config.toml", "copy.db", "var",
    ]  # fmt: skip


def test_the_key_is_rotated_beside_a_running_gateway(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    var = config.parent / "var"
    first = (var / "master.key").read_bytes()
    with opened(var, alone=True) as store:
        assert run(config, "rotate-key") == 0
        assert "A new master key" in capsys.readouterr().out
        store.vault.ciphers.clear()
        heard(store, partial(plant, pairs=range(2, 3)))
        assert word("entry", 0) in everything(store)
    assert (var / "master.key").read_bytes() != first
    with opened(var) as store:
        found = everything(store)
        assert word("entry", 0) in found
        assert word("entry", 4) in found


def test_somebody_is_forgotten_from_the_terminal_on_a_full_disk(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(book: Book, who: people.Person) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(belonging, "forget", full)
        assert run(config, "forget", "web", word("phone", 1)) == 0
    assert "next start of the gateway erases them" in capsys.readouterr().out
    var = config.parent / "var"
    with opened(var, alone=True) as store:
        assert word("phone", 1) not in everything(store)
        heard(store, lambda book: None)
    assert count(var, "people") == 4
