"""What reaches the log: never what people write, who they are, or a secret."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bots.logs import Formatter, who
from core.message import Address

ROOT = Path(__file__).parent.parent
TOKEN = "7000000001:AAplantedTOKENplantedTOKENplanted_12"


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What loggers wrote through our formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def test_our_own_line_is_one_line(said: io.StringIO) -> None:
    logging.getLogger("movements.courier").warning("%s is down:\n%s", "xmpp", "no answer")
    line = said.getvalue()
    assert line.endswith(" WARNING movements.courier: xmpp is down: no answer\n")
    assert line.count("\n") == 1


def test_of_an_exception_only_its_type_and_place_are_said(said: io.StringIO) -> None:
    try:
        raise ValueError("my father was taken")
    except ValueError:
        logging.getLogger("adapters.xmpp").exception("skipped")
    assert "father" not in said.getvalue()
    assert "skipped [ValueError in test_of_an_exception" in said.getvalue()
    assert "test_logs.py:" in said.getvalue()


def test_of_a_group_every_exception_is_said(said: io.StringIO) -> None:
    both = ExceptionGroup("my father", [KeyError("was"), OSError("taken")])
    logging.getLogger("movements").error("ended", exc_info=both)
    assert said.getvalue().endswith("ended [KeyError; OSError]\n")


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        f"http://a.example/bot{TOKEN}/getMe",
        "syt_abc_DEF_1",
        "mat_abcDEF_1",
        "@ana:example.org",
    ],
)
def test_a_token_or_an_address_is_taken_out(secret: str, said: io.StringIO) -> None:
    logging.getLogger("movements").error("trouble with %s", secret)
    assert "trouble with" in said.getvalue()
    assert "planted" not in said.getvalue()
    assert secret not in said.getvalue()


def test_what_a_library_says_is_left_out(said: io.StringIO) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved %r", "my father")
    assert said.getvalue().endswith(" ERROR asyncio: (text left out)\n")


UNCAUGHT = {
    "in the program": "raise ValueError('pla' + 'nted')",
    "in a thread": (
        "import threading\n"
        "def end(): raise ValueError('pla' + 'nted')\n"
        "thread = threading.Thread(target=end); thread.start(); thread.join()"
    ),
    "in a task": (
        "import asyncio, gc\n"
        "async def fail(): raise ValueError('pla' + 'nted')\n"
        "async def main():\n"
        "    task = asyncio.create_task(fail()); await asyncio.sleep(0); await asyncio.sleep(0)\n"
        "    del task; gc.collect()\n"
        "asyncio.run(main())"
    ),
    "where nobody can catch it": (
        "class Thing:\n    def __del__(self): raise ValueError('pla' + 'nted')\nThing()"
    ),
    "as a warning": "import warnings; warnings.warn('pla' + 'nted')",
}


@pytest.mark.parametrize("where", UNCAUGHT)
def test_nothing_that_goes_wrong_prints_its_text(where: str) -> None:
    program = f"from bots import logs\nlogs.begin()\n{UNCAUGHT[where]}"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = ended.stdout + ended.stderr
    assert told.count("\n") == 1, told
    assert "planted" not in told
    assert ("ValueError in " in told) is (where != "as a warning")


def test_a_line_that_is_wrongly_made_is_not_printed_with_what_it_was_made_of() -> None:
    program = (
        "import logging\nfrom bots import logs\nlogs.begin()\n"
        "logging.getLogger('movements').warning('%d', 'pla' + 'nted')\nprint('on it goes')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout + ended.stderr == "on it goes\n"


def test_a_person_is_a_number_of_this_run_alone() -> None:
    ana, vic = Address("xmpp", "ana@example.org"), Address("xmpp", "vic@example.org")
    assert who(ana) == who(Address("xmpp", "ana@example.org")) != who(vic)
    assert re.fullmatch(r"person \d{1,6}", who(ana))
    program = "from bots.logs import who; from core.message import Address; import sys\n"
    program += "print(*(who(Address('xmpp', f'{n}@example.org')) for n in range(20)))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(runs) == 2
