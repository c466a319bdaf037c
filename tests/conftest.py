"""Fixtures for every test: the platforms, real and in memory."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests import planted
from tests.platforms import Platform, postgres

# Without a clock: a slow machine is no failure. HYPOTHESIS_PROFILE=soak: everything that is drawn,
# many times as often.
settings.register_profile("untimed", deadline=None)
settings.register_profile("soak", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "untimed"))

PLATFORMS = {
    "memory": "tests.platforms.memory:MemoryPlatform",
    "web": "tests.platforms.web:WebPlatform",
    "telegram": "tests.platforms.telegram:TelegramPlatform",
    "xmpp": "tests.platforms.xmpp:XmppPlatform",
    "matrix": "tests.platforms.matrix:MatrixPlatform",
    "megolm": "tests.platforms.megolm:MegolmPlatform",
}
PROGRAMS = {"xmpp": "prosody"}


def need_program(name: str, package: str = "") -> None:
    """In CI a missing server is a failure; on a laptop the test is skipped and says what to do."""
    if shutil.which(name) is None:
        missing(f"{package or name} is not installed: apt-get install {package or name}")


def missing(what: str) -> NoReturn:
    """what: is missing, and how to get it."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def make_platform(name: str) -> Platform:
    if name in PROGRAMS:
        need_program(PROGRAMS[name])
    module, cls = PLATFORMS[name].split(":")
    return getattr(importlib.import_module(module), cls)()  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def nothing_leaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """See `tests.planted`."""
    planted.watch(monkeypatch.setattr)
    with planted.net():
        yield
    leaked = [record for record in planted.records if planted.found(record)]
    assert not leaked, f"logged, and holds what no log may hold: {leaked[0]!r}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What stood in the error output of a test is a log too."""
    report = yield
    if report.passed and (leaked := planted.found(report.capstderr)):
        report.outcome = "failed"
        report.longrepr = f"the error output holds what no log may hold: {leaked[0]!r}"
    return report


@pytest.fixture(params=PLATFORMS)
def platform(request: pytest.FixtureRequest) -> Platform:
    """One platform, not yet started."""
    return make_platform(request.param)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Postgres]:
    """One cluster for all tests."""
    found = postgres.programs()
    if found is None:
        missing("postgresql is not installed: apt-get install postgresql")
    cluster = postgres.Postgres(found).start()
    yield cluster
    cluster.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of a new database, on each kind that the store runs on."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/movements.db"
    cluster: postgres.Postgres = request.getfixturevalue("postgresql")
    return cluster.database()
