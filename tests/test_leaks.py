"""The net that `tests.planted` spreads under every test holds; and what it does not reach."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from bots.config import StoreSettings, XmppSettings
from core.locks import Lock
from core.message import (
    Address,
    Choice,
    Code,
    Inbound,
    Left,
    Name,
    Notice,
    Outbound,
    Quote,
    Reply,
    Say,
    SayMany,
    paragraphs,
)
from core.outbox import Sent, Waiting
from core.unsends import Unsend
from tests import planted
from tests.planted import plant
from tests.platforms.memory import MemoryPlatform
from tests.world import World, database

STORY = Path(__file__).parent / "stories" / "three_people_meet.txt"


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
@pytest.mark.parametrize("name", ["movements", "never.heard.of"])
def test_a_planted_word_is_caught_in_any_logger(name: str, level: int) -> None:
    plant("my father was taken")
    logging.getLogger(name).log(level, "it said: %s", "my father was taken last night")
    assert planted.found(planted.records.pop()) == ["my father was taken"]


def test_a_planted_word_is_caught_in_an_exception_and_in_its_cause() -> None:
    plant("my father was taken")
    try:
        try:
            raise KeyError("my father was taken")
        except KeyError as error:
            raise ValueError("harmless") from error
    except ValueError:
        logging.getLogger("movements").exception("trouble")
    assert planted.found(planted.records.pop())


@pytest.mark.parametrize("spell", [repr, ascii, lambda text: f"…{text}…"])
def test_a_planted_word_is_caught_in_escapes_and_in_its_pieces(spell: object) -> None:
    plant("پدرم را دیشب بردند، به یک خبرنگار نیاز دارم\nو یک وکیل در تهران")
    assert callable(spell)
    logging.getLogger("movements").debug("%s", spell("و یک وکیل در تهران"))
    assert planted.found(planted.records.pop())


def test_what_is_heard_and_sent_is_planted_by_itself() -> None:
    Inbound("1", Address("memory", "a-handle-in"), text="a text that came in")
    Outbound("k", Address("memory", "a-handle-out"), "a text that goes out", quote="quoted words")
    for text in (
        "a-handle-in", "a text that came in", "a-handle-out", "a text that goes out", "quoted words"
    ):  # fmt: skip
        assert planted.found(text) == [text]


def test_no_repr_of_what_passes_through_holds_a_handle_or_a_word() -> None:
    event = Inbound(
        plant("id-with-a-handle@in"), Address("memory", "a-handle-in"), "a text that came in",
        plant("a native id with a handle"), plant("a forged value"), cursor=plant("a cursor"),
    )  # fmt: skip
    out = Outbound(
        "k",
        Address("memory", "a-handle-out"),
        "a text that goes out",
        choices=(("a value of a choice", "a label of a choice"),),
        quote="quoted words",
    )
    plant("a value of a choice"), plant("a label of a choice")
    said = paragraphs(
        Say(
            "{name} says {what}", name=Name("pseudonym", plant("grey heron")), what=plant("father")
        ),
        SayMany("{n} {it}", "{n} {it}", 2, it=Code(plant("7KQ2XYZA"))),
        Quote(plant("quoted in the middle")),
        plant("a plain string in it"),
    )
    notice = Notice(
        "id",
        said,
        (Choice(plant("a value so"), said),),
        Reply("relay", {"a": plant("an argument")}),
    )
    waiting = Waiting(
        1, "k", "p", "en", 1, out.to, True, notice, plant("native answered"), None,
        plant("a quote above"), True,
    )  # fmt: skip
    things = (
        event, out, Left(event.sender), [event], {"to": out.to}, said, *said.parts[:3], notice,
        *notice.choices, notice.reply, waiting, Sent(waiting, (plant("a native id"),), ()),
        Unsend("id", out.to, ((plant("to be deleted"), 1),)), Lock(panic=plant("a fingerprint")),
        StoreSettings(url=plant("postgresql+psycopg://me:secret@db/movements")),
        XmppSettings("a@b", "file", proxy=plant("socks5://me:secret@127.0.0.1:9050")),
    )  # fmt: skip
    for thing in things:
        assert planted.found(repr(thing)) == []


async def test_asyncio_at_its_most_talkative_tells_nothing(tmp_path: Path) -> None:
    """In debug mode every callback's repr is logged, here as if all were slow."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    async with World({"memory": MemoryPlatform()}, database(tmp_path)) as world:
        await world.tell(STORY.read_text("utf-8"))
    loop.set_debug(False)
    assert len([r for r in planted.records if r.startswith("asyncio")]) > 100


def test_a_gateway_that_crashes_leaves_no_image_of_its_memory(tmp_path: Path) -> None:
    program = (
        "import ctypes, resource, bots.__main__\n"
        f"bots.__main__.main(['check', '--config', '{tmp_path}/none.toml'])\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
    )
    assert ran(program) == "(0, 0) 0"


@pytest.mark.parametrize("child", ["cleaner", "drafter"])
def test_nor_do_the_processes_that_see_pictures_and_texts(child: str) -> None:
    program = (
        f"import ctypes, resource, bots.{child}\n"
        f"bots.{child}.limit()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
    )
    assert ran(program) == "(0, 0) 0"


def ran(program: str) -> str:
    """-> the last line that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout, done.stderr
    return done.stdout.splitlines()[-1]
