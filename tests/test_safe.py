"""What libraries for encryption keep: with the message or not at all, readable in no file, and gone
with whom it leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bots.clock import run_due
from bots.config import RetentionSettings
from bots.limits import BURST, Limits
from bots.safekeeping import Safekeeping
from bots.talk import Talk
from bots.turn import Community
from core import newcomers, people, safe
from core.actions import belonging
from core.language import Languages
from core.message import Address, Inbound, Secret
from core.store import Book, Store
from tests.platforms.memory import MemoryPlatform
from tests.vaults import vault_of
from tests.world import World

ANA = Address("xmpp", "planted-ana@example.org")
BEGAN = 1_800_000_000
RATCHET = Secret("session planted-ana@example.org 7", b"planted ratchet \0\xff", ANA.handle)
ACCOUNT = Secret("account", b"planted account")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/movements.db"
    store = Store(url, vault_of(url), lambda: BEGAN)
    yield store
    store.close()


def everything(book: Book) -> dict[str, bytes | None]:
    return {secret.name: secret.value for secret in safe.load(book, "xmpp")}


def put(*secrets: Secret) -> partial[None]:
    return partial(safe.keep, platform="xmpp", secrets=secrets)


def test_the_last_value_under_a_name_is_found_again(store: Store) -> None:
    store.now(put(RATCHET, ACCOUNT, Secret(ACCOUNT.name, b"newer")))
    assert store.now(everything) == {RATCHET.name: RATCHET.value, "account": b"newer"}
    assert store.now(partial(safe.load, platform="matrix")) == []
    store.now(put(Secret(ACCOUNT.name, None)))
    assert store.now(everything) == {RATCHET.name: RATCHET.value}


def test_no_name_handle_or_value_can_be_read_in_a_file(store: Store, tmp_path: Path) -> None:
    store.now(put(RATCHET, ACCOUNT))
    files = list(tmp_path.iterdir())
    assert files
    assert all(b"planted" not in file.read_bytes() for file in files)


def test_the_length_of_an_address_does_not_show(store: Store) -> None:
    for n in range(1, 40):
        handle = "a" * n + "@example.org"
        store.now(put(Secret(f"session {handle}", b"the same", handle)))
    assert store.now(lambda book: book.value("select count(distinct length(sealed)) from safe")) < 3


def test_it_goes_with_the_person_it_leads_to(store: Store) -> None:
    store.now(lambda book: people.meet(book, ANA, "en"))
    store.now(put(RATCHET, ACCOUNT))
    wakes: set[str] = set()

    def forget(book: Book) -> None:
        found = people.at(book, ANA)
        assert found
        belonging.let_go(book, found[0])
        wakes.update(book.wakes)

    store.now(forget)
    assert store.now(everything) == {"account": ACCOUNT.value}
    assert f"forgotten:xmpp:{ANA.handle}" in wakes
    assert not store.vault.knows(store.vault.fingerprint(ANA.platform, ANA.handle))
    store.now(put(RATCHET))  # a last message to them is encrypted anew
    assert RATCHET.name in store.now(everything)


def test_what_their_client_answers_to_the_goodbye_goes_too(store: Store) -> None:
    """A ratchet that comes when nobody is there any more; or a stranger's."""
    store.now(lambda book: people.meet(book, ANA, "en"))
    store.now(put(RATCHET, ACCOUNT))

    def forget(book: Book) -> None:
        found = people.at(book, ANA)
        assert found
        belonging.let_go(book, found[0])

    store.now(forget)
    stranger = Secret("session bob@example.org 3", b"planted", "bob@example.org")
    store.now(put(RATCHET, stranger))
    kept = RetentionSettings()
    store.clock = lambda: BEGAN + 299
    store.now(partial(run_due, kept=kept))
    assert RATCHET.name in store.now(everything)
    store.clock = lambda: BEGAN + 300
    store.now(partial(run_due, kept=kept))
    assert set(store.now(everything)) == {"account", stranger.name}
    assert not store.vault.knows(store.vault.fingerprint(ANA.platform, ANA.handle))
    store.clock = lambda: BEGAN + 3600 * 3
    wakes = store.now(_due_and_woken)
    assert store.now(everything) == {"account": ACCOUNT.value}
    assert "forgotten:xmpp:bob@example.org" in wakes


def _due_and_woken(book: Book) -> set[str]:
    run_due(book, RetentionSettings())
    return book.wakes


def test_whoever_comes_meanwhile_keeps_their_ratchets(store: Store) -> None:
    store.now(put(RATCHET))
    store.now(partial(run_due, kept=RetentionSettings()))
    store.now(lambda book: people.meet(book, ANA, "en"))
    store.clock = lambda: BEGAN + 3600 * 9
    store.now(partial(run_due, kept=RetentionSettings()))
    assert store.now(everything) == {RATCHET.name: RATCHET.value}


def test_an_old_copy_of_the_database_does_not_bring_it_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/movements.db"
    store = Store(url, vault_of(url))
    store.now(put(RATCHET, ACCOUNT))
    store.vault.destroy([store.vault.fingerprint(ANA.platform, ANA.handle)])
    store.close()
    store = Store(url, vault_of(url), alone=True)
    try:
        assert len(store.unfinished) == 1
        assert store.now(everything) == {"account": ACCOUNT.value}
    finally:
        store.close()


def written(n: int) -> Inbound:
    return Inbound(str(n), ANA, "hello", secrets=(Secret("ratchet", str(n).encode(), ANA.handle),))


def test_a_message_that_was_heard_before_still_moves_the_ratchet(store: Store) -> None:
    talk = Talk(Languages(["en"]), Community("Movements", 0, {}))
    again = Inbound("1", ANA, "hello", secrets=(Secret("ratchet", b"2", ANA.handle),))
    for event in (written(1), again):
        store.now(partial(talk.hear, event=event))
    assert store.now(everything) == {"ratchet": b"2"}


async def test_a_message_beyond_the_limits_still_moves_the_ratchet() -> None:
    kept: list[Secret] = []

    class Here:
        def __init__(self) -> None:
            self.trust = iter([0])

        async def do(self, job: partial[object]) -> object:
            if getattr(job, "func", None) is safe.keep:
                kept.extend(job.keywords["secrets"])
                return None
            return [] if job is newcomers.waiting else [0]

    async def hear(event: object) -> bool:
        return False

    async def opened(event: Inbound) -> Inbound:
        return event

    limits = Limits(lambda: 0.0)
    limits.begin(hear, Here().do, opened)
    running = asyncio.create_task(limits.run())
    await asyncio.sleep(0)
    for n in range(int(BURST) + 10):
        await limits.admit(written(n))
    running.cancel()
    assert [secret.value for secret in kept] == [
        str(n).encode() for n in range(int(BURST), int(BURST) + 10)
    ]


async def test_the_adapter_is_told_who_was_forgotten(database: str) -> None:
    async with World({"memory": MemoryPlatform()}, database) as world:
        handle = (await world.join("Ana", "en")).phone.address.handle
        keeping = Safekeeping(world.gateway.do, "memory")
        hers = Secret("ratchet", b"1", handle)
        await keeping.keep([hers, ACCOUNT])
        assert set(await keeping.load()) == {hers, ACCOUNT}
        told: asyncio.Queue[str] = asyncio.Queue()
        world.gateway.adapters["memory"].forget = told.put_nowait  # type: ignore[method-assign]
        await world.says("Ana", "forget")
        await world.sees("Ana", "Forget everything")
        await world.presses("Ana", "Forget everything")
        async with asyncio.timeout(10):
            assert await told.get() == handle
        assert await keeping.load() == [ACCOUNT]
