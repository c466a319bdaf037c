"""Sealing and forgetting, by themselves: what a thief of the files finds, what a kill leaves."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from core.keys import KEY_BYTES, Locked, MasterFile
from core.privacy import Damaged, Forgotten, Vault, _padded, _unpadded

SECRET = "پدرم را دیشب بردند"


def vault_in(folder: Path) -> Vault:
    return Vault(f"sqlite:///{folder}/keys.db", folder / "master.key")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    vault = vault_in(tmp_path)
    yield vault
    vault.close()


def known(vault: Vault, *ids: str) -> None:
    for id in ids:
        vault.create(id)
    vault.flush()


def reopened(vault: Vault) -> Vault:
    vault.close()
    return vault_in(vault.file.path.parent)


def raw(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


# ------------------------------------------------------------------ sealing


def test_what_is_sealed_opens_again_after_a_restart(vault: Vault) -> None:
    known(vault, "ana")
    sealed = vault.seal("ana", "needs.text", "1", SECRET)
    assert SECRET not in sealed
    again = reopened(vault)
    assert again.unseal("ana", "needs.text", "1", sealed) == SECRET
    again.close()


def test_a_sealed_text_opens_in_its_own_row_and_column_alone(vault: Vault) -> None:
    known(vault, "ana", "vic")
    sealed = vault.seal("ana", "needs.text", "1", SECRET)
    for who, place, row in (
        ("ana", "needs.text", "2"),
        ("ana", "offers.text", "1"),
        ("vic", "needs.text", "1"),
    ):
        with pytest.raises(Damaged):
            vault.unseal(who, place, row, sealed)


def test_every_flipped_byte_is_noticed(vault: Vault) -> None:
    known(vault, "ana")
    sealed = base64.b64decode(vault.seal("ana", "needs.text", "1", SECRET))
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(Damaged):
            vault.unseal("ana", "needs.text", "1", base64.b64encode(changed).decode())
    with pytest.raises(Damaged):
        vault.unseal("ana", "needs.text", "1", "never sealed")


def test_the_same_text_is_never_sealed_the_same_twice(vault: Vault) -> None:
    known(vault, "ana")
    assert len({vault.seal("ana", "needs.text", "1", SECRET) for _ in range(50)}) == 50


def test_the_length_shows_its_class_only(vault: Vault) -> None:
    known(vault, "ana")
    lengths = {len(vault.seal("ana", "x", "1", "a" * n)) for n in range(1, 4093)}
    assert len(lengths) == 4


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=6000))
def test_every_text_comes_out_of_its_padding(text: str) -> None:
    assert _unpadded(_padded(text)) == text


def test_a_fingerprint_is_steady_and_says_nothing_without_the_key(
    vault: Vault, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mine = vault.index("addresses", "telegram|1234")
    assert mine == vault.index("addresses", "telegram|1234")
    assert mine != vault.index("heard", "telegram|1234")
    other = vault_in(tmp_path_factory.mktemp("other"))
    assert mine != other.index("addresses", "telegram|1234")
    other.close()
    again = reopened(vault)
    assert mine == again.index("addresses", "telegram|1234")
    again.close()


# ------------------------------------------------------------------ forgetting


def test_what_was_forgotten_reads_as_nothing_and_nothing_more_is_sealed(vault: Vault) -> None:
    known(vault, "ana")
    sealed = vault.seal("ana", "needs.text", "1", SECRET)
    vault.destroy(["ana"])
    vault.destroy(["ana", "nobody"])
    for one in (vault, reopened(vault)):
        assert one.unseal("ana", "needs.text", "1", sealed) == ""
        with pytest.raises(Forgotten):
            one.seal("ana", "needs.text", "1", SECRET)
        assert one.missing(["ana"]) == {"ana"}
        one.close()


def test_a_destroyed_key_is_nowhere_in_the_files(vault: Vault) -> None:
    ids = [f"person{n}" for n in range(300)]
    known(vault, *ids, "vic")
    folder = vault.file.path.parent
    wrapped = [row[0].encode() for id in ids if (row := vault.keys.get(id))]
    assert len(wrapped) == 300
    assert all(key in raw(folder) for key in wrapped)
    vault.destroy(ids)
    left = raw(folder)
    assert not any(key in left or id.encode() in left for key, id in zip(wrapped, ids, strict=True))
    assert vault.missing(["vic"]) == set()


def test_a_key_is_destroyed_where_no_journal_can_be_written_any_more(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(vault, "ana", "vic")
    sealed = vault.seal("ana", "needs.text", "1", SECRET)
    folder = vault.file.path.parent
    row = vault.keys.get("ana")
    assert row is not None
    with monkeypatch.context() as full:

        def writing() -> None:
            raise OperationalError("insert", None, sqlite3.OperationalError("disk is full"))

        full.setattr(vault.keys, "writing", writing)
        vault.destroy(["ana"])
        assert vault.unseal("ana", "needs.text", "1", sealed) == ""
        assert row[0].encode() not in raw(folder)
    again = reopened(vault)
    assert again.missing(["ana", "vic"]) == {"ana"}
    assert again.unseal("ana", "needs.text", "1", sealed) == ""
    for _ in again.rotate():
        pass
    assert b"ana" not in raw(folder)
    assert again.missing(["ana", "vic"]) == {"ana"}
    again.close()


# ------------------------------------------------------------------ the master key


def test_the_first_run_makes_a_master_key_that_only_its_owner_reads(vault: Vault) -> None:
    assert vault.file.path.stat().st_mode & 0o777 == 0o400
    ((generation, key),) = vault.file.read().items()
    assert (generation, len(key)) == (1, KEY_BYTES)


def test_a_master_key_that_others_can_read_is_refused_with_the_remedy(vault: Vault) -> None:
    vault.close()
    vault.file.path.chmod(0o440)
    with pytest.raises(Locked, match="chmod 400"):
        vault_in(vault.file.path.parent)


def test_a_lost_master_key_is_not_replaced_by_a_new_one(vault: Vault) -> None:
    vault.close()
    vault.file.path.unlink()
    with pytest.raises(Locked, match="put it back"):
        vault_in(vault.file.path.parent)


@pytest.mark.parametrize("text", ["", "1", "1 short", f"1 {base64.b64encode(bytes(32)).decode()}"])
def test_a_wrong_master_key_is_refused(vault: Vault, text: str) -> None:
    vault.close()
    vault.file.path.unlink()
    vault.file.path.write_text(text)
    vault.file.path.chmod(0o400)
    with pytest.raises(Locked, match="right file"):
        vault_in(vault.file.path.parent)


def test_systemd_may_hand_the_master_key_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = tmp_path / "credentials"
    handed.mkdir()
    first = os.urandom(KEY_BYTES)
    (handed / "movements.master").write_text(f"1 {base64.b64encode(first).decode()}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    vault = vault_in(tmp_path)
    known(vault, "ana")
    sealed = vault.seal("ana", "x", "1", SECRET)
    assert not (tmp_path / "master.key").exists()
    with pytest.raises(Locked, match="add a line “2 KEY”"):
        next(vault.rotate())
    with (handed / "movements.master").open("a") as file:
        file.write(f"2 {base64.b64encode(os.urandom(KEY_BYTES)).decode()}\n")
    assert sum(vault.rotate()) == 2
    second = (handed / "movements.master").read_text().splitlines()[1]
    (handed / "movements.master").write_text(second)
    vault.close()
    vault = vault_in(tmp_path)
    assert vault.unseal("ana", "x", "1", sealed) == SECRET
    vault.close()


# ------------------------------------------------------------------ rotation

_ROTATE = """
import os, signal, sys
from pathlib import Path
from core.privacy import Vault
folder, last = Path(sys.argv[1]), int(sys.argv[2])
vault = Vault(f"sqlite:///{folder}/keys.db", folder / "master.key")
for step, _ in enumerate(vault.rotate()):
    if step == last:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def rotating(folder: Path, last: int = -1) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _ROTATE, str(folder), str(last)])


def test_a_rotation_changes_the_master_key_and_nothing_else(vault: Vault) -> None:
    ids = [f"person{n}" for n in range(450)]
    known(vault, *ids)
    sealed = {id: vault.seal(id, "x", id, SECRET) for id in ids}
    mark, before = vault.index("x", "1"), vault.file.read()
    vault.destroy(ids[:10])
    assert sum(vault.rotate()) == len(ids) - 10 + 1
    after = vault.file.read()
    assert list(after) == [2]
    assert not set(after.values()) & set(before.values())
    for one in (vault, reopened(vault)):
        assert [one.unseal(id, "x", id, sealed[id]) for id in ids] == [""] * 10 + [SECRET] * 440
        assert one.index("x", "1") == mark
        one.close()


_CUT = """
import json, os, shutil, signal, sys
from pathlib import Path
from core.privacy import Vault
folder, sealed = Path(sys.argv[1]), json.load(sys.stdin)
TOUCHES = {"execute", "executemany", "commit", "write", "fsync", "replace", "unlink", "open"}

def opened(place):
    return Vault(f"sqlite:///{place}/keys.db", place / "master.key")

def rotate(place, last):
    calls = 0
    def count(frame, what, arg):
        nonlocal calls
        if what == "c_call" and arg.__name__ in TOUCHES:
            calls += 1
            if calls == last:
                os.kill(os.getpid(), signal.SIGKILL)
    vault = opened(place)
    sys.setprofile(count)
    for _ in vault.rotate():
        pass
    sys.setprofile(None)
    vault.close()

def check(place):
    vault = opened(place)
    vault.expect(sealed)
    for id, text in sealed.items():
        assert vault.unseal(id, "x", id, text) == "theirs", last
    left = vault.file.read()
    vault.close()
    return left

last, killed = 0, True
while killed:
    last += 1
    place = folder / f"cut{last}"
    shutil.copytree(folder / "whole", place)
    if (child := os.fork()) == 0:
        rotate(place, last)
        os._exit(0)
    killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    check(place)
    if killed:
        rotate(place, 0)
    assert list(check(place)) in ([2], [3]), last
    there = {path.name: path.stat().st_size for path in place.iterdir()}
    assert there.pop("keys.db-journal", 0) == 0, last
    assert sorted(there) == ["keys.db", "master.key"], last
    shutil.rmtree(place)
print(last)
"""


def test_a_rotation_killed_before_any_call_that_touches_the_disk_loses_no_key(
    tmp_path: Path,
) -> None:
    (tmp_path / "whole").mkdir()
    vault = vault_in(tmp_path / "whole")
    ids = [f"person{n}" for n in range(210)]
    known(vault, *ids)
    sealed = {id: vault.seal(id, "x", id, "theirs") for id in ids}
    vault.close()
    done = subprocess.run(
        [sys.executable, "-c", _CUT, str(tmp_path)],
        input=json.dumps(sealed), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


def test_two_rotations_that_begin_together_lose_no_key(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would make a new master key of its own, and one would be lost."""
    ids = [f"person{n}" for n in range(50)]
    known(vault, *ids)
    sealed = {id: vault.seal(id, "x", id, SECRET) for id in ids}
    together, read = threading.Barrier(2), MasterFile.read

    def both_have_read(self: MasterFile) -> dict[int, bytes]:
        found = read(self)
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(1)  # the second can't come: it waits for the first
        return found

    other = vault_in(vault.file.path.parent)
    monkeypatch.setattr(MasterFile, "read", both_have_read)
    threads = [
        threading.Thread(target=lambda one=one: list(one.rotate())) for one in (vault, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    again = reopened(vault)
    assert all(again.unseal(id, "x", id, text) == SECRET for id, text in sealed.items())
    again.close()


def test_a_second_rotation_joins_the_first_at_every_step(vault: Vault) -> None:
    """However their steps fall between each other."""
    ids = [f"person{n}" for n in range(250)]
    known(vault, *ids)
    sealed = {id: vault.seal(id, "x", id, SECRET) for id in ids}
    other = vault_in(vault.file.path.parent)
    for seed in range(20):
        going = [vault.rotate(), other.rotate()]
        draws = random.Random(seed)
        while going:
            one = draws.choice(going)
            if next(one, None) is None:
                going.remove(one)
    other.ciphers.clear()
    assert all(other.unseal(id, "x", id, text) == SECRET for id, text in sealed.items())
    other.close()


@pytest.mark.parametrize("last", range(5))
def test_a_rotation_killed_after_any_step_goes_on_where_it_was(vault: Vault, last: int) -> None:
    ids = [f"person{n}" for n in range(300)]
    known(vault, *ids)
    sealed = {id: vault.seal(id, "x", id, SECRET) for id in ids}
    folder = vault.file.path.parent
    assert rotating(folder, last).wait(60) == -signal.SIGKILL
    known(vault, "newcomer")
    sealed["newcomer"] = vault.seal("newcomer", "x", "newcomer", SECRET)
    again = reopened(vault)
    assert all(again.unseal(id, "x", id, text) == SECRET for id, text in sealed.items())
    again.close()
    assert rotating(folder).wait(60) == 0
    again = vault_in(folder)
    assert all(again.unseal(id, "x", id, text) == SECRET for id, text in sealed.items())
    assert len(again.file.read()) == 1
    assert max(again.file.read()) > 1
    again.close()


def test_people_come_go_and_write_while_keys_are_rotated_and_killed(vault: Vault) -> None:
    known(vault, *(f"old{n}" for n in range(600)))
    sealed: dict[str, str] = {}
    gone: list[str] = []
    done = threading.Event()
    trouble: list[BaseException] = []

    def live() -> None:
        n = 0
        try:
            while not done.is_set():
                n += 1
                known(vault, f"new{n}")
                sealed[f"new{n}"] = vault.seal(f"new{n}", "x", "1", SECRET)
                if n % 3 == 0:
                    vault.destroy([f"old{n}"])
                    gone.append(f"old{n}")
                vault.ciphers.clear()  # as in a process with more people than it remembers
                assert vault.unseal(f"new{n}", "x", "1", sealed[f"new{n}"]) == SECRET
        except BaseException as error:
            trouble.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    folder = vault.file.path.parent
    for last in (0, 2, 3, -1, -1):
        rotating(folder, last).wait(60)
    done.set()
    thread.join()
    assert not trouble
    assert sealed
    again = reopened(vault)
    assert all(again.unseal(id, "x", "1", text) == SECRET for id, text in sealed.items())
    assert again.missing(gone) == set(gone)
    assert again.missing(["old1", "old2"]) == set()
    again.close()


# ------------------------------------------------------------------ where many write


def test_many_new_keys_are_one_commit(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = 0
    real: Callable[[], object] = vault.keys.writing

    def writing() -> object:
        nonlocal commits
        commits += 1
        return real()

    monkeypatch.setattr(vault.keys, "writing", writing)
    known(vault, *(f"person{n}" for n in range(100)))
    assert commits == 1
    vault.flush()
    assert commits == 1
