"""Every benchmark still runs, in small, and ends with a ratio for each of its cases. How large the
ratio is depends on the machine: `benchmarks/README.md` has what was measured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import need_program

ROOT = Path(__file__).parent.parent


def printed(folder: Path, *command: str) -> list[str]:
    """-> the lines below the table's head."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert "ratio" in head
    return lines


def test_hearing_is_measured_beside_bare_sqlite(tmp_path: Path) -> None:
    given = ("--people", "2", "--seconds", "0.1", "--rounds", "1")
    lines = printed(tmp_path, "benchmarks.hear", *given)
    for kind in ("answer", "form step", "relay"):
        (line,) = (line for line in lines if kind in line)
        rate, _, _, ratio, batched = map(float, line.split(kind)[1].split())
        assert min(rate, ratio, batched) > 0
    assert not list(tmp_path.iterdir()), "it leaves nothing behind"


def test_floods_are_measured_beside_calm(tmp_path: Path) -> None:
    given = ("--people", "4", "--seconds", "1", "--rounds", "1")
    lines = printed(tmp_path, "benchmarks.flood", *given)
    assert [line.split()[0] for line in lines] == ["calm", "sender", "newcomers"]
    for line in lines:
        assert min(map(float, line.split()[1:])) > 0
    assert not list(tmp_path.iterdir()), "it leaves nothing behind"


def test_the_gateway_on_xmpp_is_measured_beside_bare_slixmpp(tmp_path: Path) -> None:
    need_program("prosody")
    given = ("--users", "2", "--seconds", "0.3", "--rounds", "1")
    lines = printed(tmp_path, "benchmarks.xmpp", *given)
    assert [line.split()[:3] for line in lines] == [
        [kind, "2", bot] for kind in ("answer", "relay") for bot in ("slixmpp", "gateway")
    ]
    for line in lines:
        rate, ratio, *_, unanswered, surplus = map(float, line.split()[3:])
        assert min(rate, ratio) > 0
        assert unanswered == surplus == 0


@pytest.mark.parametrize("platform", ["xmpp", "matrix"])
def test_an_encrypted_chat_is_measured_beside_a_plain_one(tmp_path: Path, platform: str) -> None:
    need_program("prosody")
    given = (platform, "--people", "1", "--messages", "2", "--rounds", "1")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.encrypted", *given],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    ratios = re.findall(r"^ratio of \w+, encrypted to plain: ([\d.]+)$", done.stdout, re.MULTILINE)
    assert len(ratios) == 3
    assert min(map(float, ratios)) > 0
    assert not list(tmp_path.iterdir()), "it leaves nothing behind"


def test_the_gateway_on_telegram_is_measured_beside_bare_aiohttp(tmp_path: Path) -> None:
    given = ("--chats", "2", "--messages", "50", "--rounds", "1")
    lines = printed(tmp_path, "benchmarks.telegram", *given)
    assert [line.split()[:2] for line in lines] == [["2", "aiohttp"], ["2", "gateway"]]
    for line in lines:
        rate, ratio, *_, surplus = map(float, line.split()[2:])
        assert min(rate, ratio) > 0
        assert surplus == 0


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "benchmarks").glob("*.py")))
def test_the_page_on_benchmarks_knows_them_all(name: str) -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text("utf-8")
    if name != "__init__.py":
        assert re.search(rf"\b{name.removesuffix('.py')}\b", page)
