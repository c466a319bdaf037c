"""The store in trouble: what fails alone, what fails whole, and that it always recovers."""

from __future__ import annotations

import asyncio
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.store import Book, Done, NotAlone, Store, StoreDown
from tests.platforms.memory import MemoryPlatform
from tests.platforms.postgres import Postgres
from tests.world import World


@contextmanager
def opened(url: str, **how: Any) -> Iterator[Store]:
    store = Store(url, **how)
    try:
        yield store
    finally:
        store.close()


def together(store: Store, *jobs: Callable[[Book], Any]) -> list[Done]:
    """Runs jobs in one commit, as they come when many people write at once."""
    ends: queue.SimpleQueue[list[Done]] = queue.SimpleQueue()
    store.give_back = lambda done, wakes: ends.put(done)
    going: queue.SimpleQueue[None] = queue.SimpleQueue()
    started: queue.SimpleQueue[None] = queue.SimpleQueue()

    def first(book: Book) -> None:
        started.put(None)
        going.get(timeout=10)  # whatever is submitted meanwhile is one batch

    store.submit(first, "first")
    started.get(timeout=10)
    for number, job in enumerate(jobs):
        store.submit(job, number)
    going.put(None)
    assert [done.token for done in ends.get(timeout=30)] == ["first"]
    done = ends.get(timeout=30)
    assert [end.token for end in done] == list(range(len(jobs)))
    return done


def write(book: Book, key: str, size: int = 1) -> str:
    book.do("insert into cursors(platform, cursor) values (:key, :much)", key=key, much="x" * size)
    return key


def written(store: Store) -> list[str]:
    return store.now(lambda book: book.column("select platform from cursors order by platform"))


# --------------------------------------------------------------------------------- neighbours


def fails_in_python(book: Book) -> None:
    write(book, "half")
    raise ValueError


def fails_in_the_database(book: Book) -> None:
    write(book, "half")
    write(book, "half")


def says_nonsense(book: Book) -> None:
    write(book, "half")
    book.do("select nothing from nowhere")


@pytest.mark.parametrize("bad", [fails_in_python, fails_in_the_database, says_nonsense])
def test_one_bad_job_is_undone_alone(database: str, bad: Callable[[Book], None]) -> None:
    with opened(database) as store:
        a, b, c = together(store, partial(write, key="a"), bad, partial(write, key="c"))
        assert (a.result, a.error) == ("a", None)
        assert b.error is not None
        assert not isinstance(b.error, StoreDown)
        assert (c.result, c.error) == ("c", None)
        assert written(store) == ["a", "c"]


def test_a_job_after_the_bad_one_sees_nothing_of_it(database: str) -> None:
    with opened(database) as store:
        _, seen = together(
            store, fails_in_python, lambda book: book.value("select count(*) from cursors")
        )
        assert seen.result == 0


def may_not_write(book: Book, kind: str) -> None:
    """The database's trouble, though it comes to one job alone."""
    if kind == "sqlite":
        book.do("pragma query_only = on")
        try:
            write(book, "mine")
        finally:
            book.do("pragma query_only = off")
    book.do("select pg_cancel_backend(pg_backend_pid())")
    book.do("select pg_sleep(10)")


def test_trouble_of_the_database_is_no_bad_job_and_loses_the_whole_commit(database: str) -> None:
    kind = database.partition(":")[0].partition("+")[0]
    with opened(database) as store:
        done = together(store, partial(write, key="a"), partial(may_not_write, kind=kind))
        assert [type(end.error) for end in done] == [StoreDown, StoreDown]
        assert written(store) == []
        (end,) = together(store, partial(write, key="a"))
        assert end.error is None


# --------------------------------------------------------------------------------- full, locked


def test_on_a_full_disk_nothing_is_done_and_with_room_all_is_well(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/full.db") as store:

        def limit(book: Book, pages: int) -> None:
            book.do(f"pragma max_page_count = {pages}")

        pages = store.now(lambda book: book.value("pragma page_count"))
        together(store, partial(limit, pages=pages + 2))
        small, large = together(
            store, partial(write, key="small"), partial(write, key="large", size=100_000)
        )
        assert isinstance(small.error, StoreDown)  # it was in the same commit
        assert isinstance(large.error, StoreDown)
        assert written(store) == []
        together(store, partial(limit, pages=10**6))
        again = together(
            store, partial(write, key="small"), partial(write, key="large", size=100_000)
        )
        assert [end.error for end in again] == [None, None]
        assert written(store) == ["large", "small"]


async def test_people_are_heard_once_there_is_room_again(tmp_path: Path) -> None:
    platform = MemoryPlatform()
    async with World({"memory": platform}, f"sqlite:///{tmp_path}/movements.db") as world:
        await world.tell("people: Ana en, Vic en")
        pages = await world.gateway.do(lambda book: book.value("pragma page_count"))
        await world.gateway.do(lambda book: book.do(f"pragma max_page_count = {pages}"))
        tries: asyncio.Queue[type[BaseException] | None] = asyncio.Queue()
        hear = world.gateway.hear

        async def noted(event: Any) -> bool:
            try:
                handed_on = await hear(event)
            except BaseException as error:
                tries.put_nowait(type(error))
                raise
            tries.put_nowait(None)
            return handed_on

        world.gateway.hear = noted  # type: ignore[method-assign]
        platform.current.cut.set()  # it is run again, with the new ear
        story = " ".join(["I need a lawyer in Berlin for asylum"] * 100)
        for n in range(40):
            await world.says("Ana", f"{story} {n}")
        async with asyncio.timeout(30):
            while await tries.get() is not StoreDown:
                pass
        assert len(platform.server.events) > 0, "it was acknowledged"
        # the writer's connection is the only one with the limit
        store = world.store
        store.submit(lambda book: book.do("pragma max_page_count = 1000000"), _Nobody())
        async with asyncio.timeout(60):
            while platform.server.events:
                await tries.get()
        counted = await world.gateway.do(lambda book: book.value("select count(*) from heard"))
        assert counted == 2 + 40  # two said /start


class _Nobody:
    """A token whose caller went away."""

    def done(self) -> bool:
        return True


# --------------------------------------------------------------------------------- restarted


def test_postgresql_may_restart_between_commits_and_within(postgresql: Postgres) -> None:
    with opened(postgresql.database(), alone=True) as store:
        together(store, partial(write, key="before"))
        postgresql.stop()
        (end,) = _one(store, partial(write, key="down"))
        assert isinstance(end.error, StoreDown)
        postgresql.start()
        (end,) = _one(store, partial(write, key="up"))
        assert end.error is None

        def restarts(book: Book) -> None:
            write(book, "within")
            postgresql.stop()
            postgresql.start()
            write(book, "after")

        (end,) = _one(store, restarts)
        assert isinstance(end.error, StoreDown)
        (end,) = _one(store, partial(write, key="well"))
        assert end.error is None
        assert _one(store, lambda book: book.column("select platform from cursors order by 1"))[
            0
        ].result == ["before", "up", "well"]


def _one(store: Store, job: Callable[[Book], Any]) -> list[Done]:
    ends: queue.SimpleQueue[list[Done]] = queue.SimpleQueue()
    store.give_back = lambda done, wakes: ends.put(done)
    store.submit(job, 0)
    return ends.get(timeout=30)


async def test_what_is_written_while_postgresql_is_down_is_heard_afterwards(
    postgresql: Postgres,
) -> None:
    platform = MemoryPlatform()
    async with World({"memory": platform}, postgresql.database()) as world:
        await world.tell("people: Ana en, Vic en")
        await asyncio.to_thread(postgresql.stop)
        await world.says("Ana", "language")
        await world.says("Vic", "language")
        with pytest.raises(StoreDown):
            await world.gateway.do(lambda book: None)
        assert len(platform.server.events) == 2, "it was acknowledged"
        await asyncio.to_thread(postgresql.start)
        for name in ("Ana", "Vic"):
            await world.sees(name, "language")
        await world.tell("Ana sees nothing\nVic sees nothing")


# --------------------------------------------------------------------------------- two of them

HOLD = """
import sys
from core.store import Store
store = Store(sys.argv[1], alone=True)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_gateway_is_refused_and_commands_work_beside_the_first(database: str) -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", HOLD, database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        ) as first,
    ):
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(NotAlone):
            Store(database, alone=True)
        with opened(database) as command:
            command.now(partial(write, key="command"))
        first.kill()
    with opened(database, alone=True) as second:
        assert written_by(second) == ["command"]


def written_by(store: Store) -> Any:
    return _one(store, lambda book: book.column("select platform from cursors"))[0].result


def test_the_lock_is_taken_again_after_postgresql_restarted(postgresql: Postgres) -> None:
    url = postgresql.database()
    with opened(url, alone=True) as store:
        postgresql.stop()
        postgresql.start()
        assert _one(store, partial(write, key="a"))[0].error is None
        with pytest.raises(NotAlone):
            Store(url, alone=True)


def test_whoever_lost_the_lock_writes_no_more(postgresql: Postgres) -> None:
    url = postgresql.database()
    with opened(url, alone=True) as first:
        postgresql.stop()
        postgresql.start()
        with opened(url, alone=True) as second:
            (end,) = _one(first, partial(write, key="first"))
            assert isinstance(end.error, StoreDown)
            assert _one(second, partial(write, key="second"))[0].error is None
            assert written_by(second) == ["second"]
