"""What happens on a disk that is full, on a real one: `test_full_disk` runs this in a mount
namespace of its own. python -m tests.full_disk FOLDER: an empty folder to mount a small disk on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from core import locks, people
from core.message import Inbound
from core.store import Book, Done, Store, StoreDown
from tests import vaults
from tests.platforms.memory import MemoryPlatform
from tests.test_sealed import TALK, address, everything, forget, heard, opened, person, plant, word
from tests.world import World, plain

MEGABYTES = 64
PANIC = "is the bakery open"


def fill(disk: Path) -> Path:
    """Not one byte is left."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    there = os.statvfs(disk)
    assert there.f_bavail == 0
    return ballast


def says(store: Store, number: int, text: str, id: str) -> Done:
    event = Inbound(id, address(number), text, native=id)
    (done,) = heard(store, partial(TALK.hear, event=event))
    return done


def told(store: Store, number: int) -> str:
    """What waits for whoever is at this address now."""

    def read(book: Book) -> str:
        found = people.at(book, address(number))
        rows = "select key, notice from outbox where person = :id"
        return "\n".join(
            book.unseal(found[0].id, "outbox.notice", key, sealed)
            for key, sealed in (book.all(rows, id=found[0].id) if found else ())
            if found
        )

    return store.now(read)


def live(disk: Path) -> None:
    with opened(disk, alone=True) as store:
        store.now(partial(plant, pairs=range(4)))
        store.now(lambda book: locks.change(
            book, person(book, 4).id, panic=locks.mark(book, person(book, 4).id, PANIC)
        ))  # fmt: skip
        ids = {n: store.now(lambda book, n=n: person(book, n).id) for n in range(8)}  # type: ignore[misc]
        store.now(lambda book: book.do("delete from outbox"))
        assert heard(store, lambda book: None)[0].error is None

        ballast = fill(disk)
        # somebody writes, until there is no room
        n = 0
        while not store.scarce:
            done = says(store, 6, f"A long story, the {n}th part of it. " * 90, f"long{n}")
            assert done.error is None or isinstance(done.error, StoreDown)
            n += 1
        assert not (disk / "movements.db.spare").exists()
        assert "I have no room left" in told(store, 6)
        size = len(told(store, 6))
        assert says(store, 6, "And one more", "more").error is None
        assert len(told(store, 6)) == size, "told once"
        assert isinstance(says(store, 99, "Hello, I am new here", "new").error, StoreDown)

        # by the word and its question, and by a word of one's own
        (done,) = heard(store, partial(forget, 0))
        assert done.error is None
        assert "Nothing about you is left here" in told(store, 0)
        assert says(store, 4, PANIC, "panic").error is None
        assert "connects people who need help" in told(store, 4)
        assert store.vault.missing(list(ids.values())) == {ids[0], ids[4]}
        there = everything(store)
        for n in (0, 4):
            assert word("form", n) not in there
            assert ids[n] not in there
        assert word("form", 6) in there

        # with room all is as before, and the spare room is kept again
        ballast.unlink()
        assert says(store, 99, "Hello, I am new here", "new").error is None
        assert not store.scarce
        assert (disk / "movements.db.spare").stat().st_size == store.spare.size


def nothing_else(disk: Path) -> None:
    """The room that was kept back is taken too: a panic word destroys the key, and is answered when
    there is room."""
    with opened(disk, alone=True) as store:
        store.now(lambda book: locks.change(
            book, person(book, 2).id, panic=locks.mark(book, person(book, 2).id, PANIC)
        ))  # fmt: skip
        id = store.now(lambda book: person(book, 2).id)
        store.spare.give()
        ballast = fill(disk)
        n = 0
        while not store.scarce:
            says(store, 6, f"A long story, the {n}th part of it. " * 90, f"again{n}")
            n += 1
        done = says(store, 2, PANIC, "panic2")
        assert store.vault.missing([id]) == {id}
        if done.error is None:
            assert "connects people who need help" in told(store, 2)
        ballast.unlink()
        heard(store, lambda book: None)
        assert says(store, 2, PANIC, "panic2").error is None
        assert "connects people who need help" in told(store, 2)
        assert id not in store.now(vaults.in_clear)


async def in_the_chat(disk: Path) -> None:
    """The whole way: she writes, and reads the answers."""
    platform = MemoryPlatform(buttons=False)
    async with World({"memory": platform}, f"sqlite:///{disk}/chat.db") as world:
        await world.tell("people: Ana fa, Vic en")
        await asyncio.to_thread(world.store._checkpoint)  # no room in the log either
        ballast = fill(disk)
        await world.says("Ana", "سلام")
        await world.says("Ana", "فراموشم کن")
        await world.sees("Ana", "جا ندارم")
        await world.sees("Ana", "پاک می‌شود")
        await world.says("Ana", "۱")
        await world.sees("Ana", "انجام شد.")
        ballast.unlink()
        await world.says("Vic", "/mine")
        while "Trust: New here" not in plain((await world.next("Vic")).text):
            pass


if __name__ == "__main__":
    disk = Path(sys.argv[1])
    size = f"size={MEGABYTES}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], check=True)
    live(disk)
    nothing_else(disk)
    asyncio.run(in_the_chat(disk))
