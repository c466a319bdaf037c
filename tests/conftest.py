"""Fixtures for every test: the platforms, real and in memory."""

from __future__ import annotations

import importlib
import os
import shutil

import pytest

from tests.platforms import Platform

PLATFORMS = {
    "memory": "tests.platforms.memory:MemoryPlatform",
    "web": "tests.platforms.web:WebPlatform",
    "telegram": "tests.platforms.telegram:TelegramPlatform",
    "xmpp": "tests.platforms.xmpp:XmppPlatform",
    "matrix": "tests.platforms.matrix:MatrixPlatform",
}
PROGRAMS = {"xmpp": "prosody"}


def need_program(name: str) -> None:
    """In CI a missing server is a failure; on a laptop the test is skipped and says what to do."""
    if shutil.which(name) is None:
        what = f"{name} is not installed: apt-get install {name}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def make_platform(name: str) -> Platform:
    if name in PROGRAMS:
        need_program(PROGRAMS[name])
    module, cls = PLATFORMS[name].split(":")
    return getattr(importlib.import_module(module), cls)()  # type: ignore[no-any-return]


@pytest.fixture(params=PLATFORMS)
def platform(request: pytest.FixtureRequest) -> Platform:
    """One platform, not yet started."""
    return make_platform(request.param)
