"""A disk that is really full: what can be done on it is told in `full_disk`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import missing

ROOT = Path(__file__).parent.parent


def a_namespace() -> list[str]:
    """What runs a command where it may mount a disk that nobody else sees."""
    for how in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        tried = ["unshare", *how, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return ["unshare", *how]
    missing("this machine lets nobody mount a disk of their own (unshare --user --mount)")


def test_on_a_full_disk_people_are_forgotten_from_the_chat(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    inside = [sys.executable, "-m", "tests.full_disk", str(disk)]
    done = subprocess.run(
        [*a_namespace(), *inside], capture_output=True, cwd=ROOT, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
