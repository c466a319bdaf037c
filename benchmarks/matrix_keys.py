"""How soon the Matrix adapter has its keys after a start, beside stock nio with the same number.

    python -m benchmarks.matrix_keys [ROOM KEYS] [RATCHETS]

As many room keys of other people (Megolm) and ratchets with their devices (Olm) are made and kept
once: in the gateway's database, sealed, and in nio's own store. Then each is loaded by a fresh
process, in turn, several times.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial

from vodozemac import Account, GroupSession, InboundGroupSession

from adapters.matrix.encryption import Encryption
from adapters.matrix.olm import PICKLE
from adapters.matrix.reading import Reading
from adapters.matrix.shelf import Shelf
from core import safe
from core.message import Secret
from core.privacy import Vault
from core.store import Store

RUNS = 5
BOT, DEVICE = "@bot:x", "BOT"


class Client:
    user_id, device_id = BOT, DEVICE


def store_of(folder: pathlib.Path) -> Store:
    vault = Vault(f"sqlite:///{folder}/keys.db", folder / "master.key")
    return Store(f"sqlite:///{folder}/movements.db", vault)


def make(folder: pathlib.Path, rooms: int, ratchets: int) -> None:
    """Two of each to a person."""
    from nio.crypto import sessions  # type: ignore[import-untyped]
    from nio.store import SqliteStore  # type: ignore[import-untyped]

    theirs = SqliteStore(BOT, DEVICE, str(folder), database_name="nio.db")
    theirs.save_account(sessions.OlmAccount())
    ours = Account()
    kept = [
        Secret("account", json.dumps({"device": DEVICE, "pickle": ours.pickle(PICKLE)}).encode())
    ]
    with theirs.database.atomic():
        for n in range(rooms):
            group, who = GroupSession(), f"@p{n // 2}:x"
            inbound = InboundGroupSession(group.session_key)
            meta = json.dumps([who, f"curve{n // 2}"]).encode()
            value = meta + b"\n" + inbound.pickle(PICKLE).encode()
            kept.append(Secret(f"megolm !r{n // 2} {group.session_id}", value, who))
            key = group.session_key.to_base64()
            session = sessions.InboundGroupSession(key, "ed", f"curve{n // 2}", f"!r{n // 2}")
            theirs.save_inbound_group_session(session)
        for n in range(ratchets):
            peer, who = Account(), f"@p{n // 2}:x"
            peer.generate_one_time_keys(1)
            (one_time_key,) = peer.one_time_keys.values()
            made = ours.create_outbound_session(peer.curve25519_key, one_time_key)
            value = n.to_bytes(8, "big") + made.pickle(PICKLE).encode()
            curve = peer.curve25519_key.to_base64()
            kept.append(Secret(f"olm {curve} {made.session_id}", value, who))
            theirs.save_session(curve, sessions.Session(made))
    theirs.database.close()
    store = store_of(folder)
    store.now(partial(safe.keep, platform="matrix", secrets=kept))
    store.close()


def load_ours(folder: pathlib.Path) -> float:
    """-> seconds of processor time, from the open database to the adapter's keys."""

    class Here:
        async def load(self) -> list[Secret]:
            return store.now(partial(safe.load, platform="matrix"))

        async def keep(self, secrets: object) -> None: ...

    async def run() -> int:
        shelf = Shelf(Here())
        await shelf.load()
        encryption = Encryption(Client(), shelf, "")
        Reading(shelf, encryption)
        return len(list(shelf.all("megolm"))) + len(list(shelf.all("olm")))

    store = store_of(folder)
    begin = time.process_time()
    count = asyncio.run(run())
    took = time.process_time() - begin
    assert count
    store.close()
    return took


def load_nio(folder: pathlib.Path) -> float:
    from nio.crypto.olm_machine import Olm  # type: ignore[import-untyped]
    from nio.store import SqliteStore

    theirs = SqliteStore(BOT, DEVICE, str(folder), database_name="nio.db")
    begin = time.process_time()
    Olm(BOT, DEVICE, theirs)
    return time.process_time() - begin


def main(rooms: int, ratchets: int) -> None:
    with tempfile.TemporaryDirectory(prefix="matrix-keys-") as name:
        make(pathlib.Path(name), rooms, ratchets)
        times: dict[str, list[float]] = {"--ours": [], "--nio": []}
        for _ in range(RUNS):
            for which, took in times.items():
                command = [sys.executable, "-m", "benchmarks.matrix_keys", which, name]
                took.append(float(subprocess.run(command, check=True, capture_output=True).stdout))
    ours, theirs = (statistics.median(took) for took in times.values())
    print(f"{rooms} room keys and {ratchets} ratchets, median of {RUNS} starts each:")
    print(
        f"sealed, in the gateway's store: {ours:.2f} s of processor time; stock nio: {theirs:.2f} s"
    )
    print(f"ratio: {ours / theirs:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] in (["--ours"], ["--nio"]):
        load = load_ours if sys.argv[1] == "--ours" else load_nio
        print(load(pathlib.Path(sys.argv[2])))
    else:
        numbers = [int(word) for word in sys.argv[1:]] + [6000, 2000][len(sys.argv) - 1 :]
        main(*numbers)
