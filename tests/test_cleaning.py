"""Crafted files: nothing of them survives but pixels, and nothing of them reaches the gateway."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bots import cleaner
from bots.cleaning import Cleaning, Unclean, _pictures
from core.message import LARGEST_FILE
from tests.crafted import MARK, WHOLE, Kind, bomb, crafted, nothing, pdf

FILES = 5000 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 1000
WHY = {"empty", "kind", "large", "long", "locked", "broken"}
KEPT = {0xD8, 0xE0, 0xDB, 0xC0, 0xC2, 0xC4, 0xDA, 0xD9}
"""What a JPEG needs: start, JFIF, tables, frame, scan, end."""


async def cleaned(body: bytes) -> tuple[bytes, ...] | str:
    try:
        return await Cleaning().clean(body)
    except Unclean as unclean:
        return unclean.why


def segments(body: bytes) -> set[int]:
    """The markers of a JPEG up to its scan; what comes after must end with the end."""
    found, at = {body[1]}, 2
    while body[at + 1] != 0xDA:
        found.add(body[at + 1])
        if body[at + 1] == 0xE0:  # 16 bytes: no thumbnail in it
            assert body[at + 2 : at + 9] == b"\x00\x10JFIF\x00"
        at += 2 + int.from_bytes(body[at + 2 : at + 4], "big")
    scan = body[at:]
    assert scan.index(b"\xff\xd9") == len(scan) - 2
    return found


def judged(n: int, kind: Kind, made: tuple[bytes, ...] | str) -> str:
    """-> "clean" or "refused"; fails where a mark survived, or more than pixels."""
    where = f"file {n}, {kind.__name__}"
    if isinstance(made, str):
        assert made in WHY, where
        assert kind not in WHOLE, f"{where} was refused: {made}"
        return "refused"
    assert kind is not nothing, where
    assert made, where
    for picture in made:
        assert picture.find(MARK) == -1, where
        assert segments(picture) <= KEPT, where
        with Image.open(io.BytesIO(picture)) as image:
            assert image.format == "JPEG", where
            assert max(image.size) <= cleaner.LONGEST_SIDE, where
    return "clean"


async def test_no_mark_of_a_crafted_file_survives() -> None:
    """As the gateway has them cleaned, a program started for each."""
    room = asyncio.Semaphore(2)

    async def one(n: int) -> str:
        kind, body = crafted(n)
        async with room:
            return judged(n, kind, await cleaned(body))

    assert set(await asyncio.gather(*map(one, range(40)))) == {"clean", "refused"}


STARTED = f"""
import importlib.util, io, os, sys, types
spec = importlib.util.spec_from_file_location("cleaner", {str(Path(cleaner.__file__))!r})
cleaner = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cleaner)
cleaner._load()
cleaner._load = lambda: None  # it is, in every fork
import pypdfium2
pypdfium2.PdfDocument.new().close()
while size := sys.stdin.buffer.read(4):
    body = sys.stdin.buffer.read(int.from_bytes(size, "big"))
    read, write = os.pipe()
    if not (child := os.fork()):
        sys.stdin = types.SimpleNamespace(buffer=io.BytesIO(body))
        sys.stdout = types.SimpleNamespace(buffer=open(write, "wb"))
        cleaner.main()
        os._exit(0)
    os.close(write)
    said = open(read, "rb").read()
    os.waitpid(child, 0)
    sys.stdout.buffer.write(len(said).to_bytes(4, "big") + said)
    sys.stdout.buffer.flush()
"""


@pytest.mark.parametrize("start", range(0, FILES, 250))
def test_of_a_thousand_crafted_files_no_mark_survives(start: int) -> None:
    """The same program, forked for each when it is started already: to start it takes longer than
    to clean a file."""
    outcomes = set()
    with subprocess.Popen(
        (sys.executable, "-I", "-B", "-c", STARTED), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdin
        assert program.stdout
        for n in range(start, start + 250):
            kind, body = crafted(n)
            program.stdin.write(len(body).to_bytes(4, "big") + body)
            program.stdin.flush()
            said = program.stdout.read(int.from_bytes(program.stdout.read(4), "big"))
            refused = said.removeprefix(b"refused ").decode() if said[:8] == b"refused " else ""
            outcomes.add(judged(n, kind, refused or _pictures(said) or "broken"))
    assert outcomes == {"clean", "refused"}


def sample(colour: str = "red", size: tuple[int, int] = (300, 200), **more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", **more)
    return out.getvalue()


async def test_a_picture_stands_upright_and_looks_the_same() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    (picture,) = await Cleaning().clean(sample("red", exif=turned))
    image = Image.open(io.BytesIO(picture))
    assert image.size == (200, 300)
    red, green, blue = image.getpixel((100, 100))  # type: ignore[misc]
    assert red > 250
    assert green < 5
    assert blue < 5


async def test_a_large_picture_is_made_smaller() -> None:
    (picture,) = await Cleaning().clean(sample(size=(5000, 2500)))
    assert Image.open(io.BytesIO(picture)).size == (2560, 1280)


async def test_what_is_transparent_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(out, "PNG")
    (picture,) = await Cleaning().clean(out.getvalue())
    assert Image.open(io.BytesIO(picture)).getpixel((10, 10)) == (255, 255, 255)


async def test_the_same_pixels_give_the_same_bytes_whoever_sent_them() -> None:
    first = await Cleaning().clean(sample(comment=b"one"))
    assert first == await Cleaning().clean(sample(comment=b"two") + b"trailing")


async def test_every_page_of_a_pdf_is_a_picture_up_to_twenty() -> None:
    import random

    assert len(await Cleaning().clean(pdf(random.Random(1), 20))) == 20
    with pytest.raises(Unclean, match="long"):
        await Cleaning().clean(pdf(random.Random(1), 21))


@pytest.mark.parametrize("size", [(6000, 6000), (25_000_001, 1)])
async def test_more_than_25_megapixels_are_refused(size: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.new("1", size).save(out, "PNG")
    with pytest.raises(Unclean, match="large"):
        await Cleaning().clean(out.getvalue())


async def test_more_than_ten_megabytes_are_refused() -> None:
    assert cleaner.MOST_BYTES == LARGEST_FILE
    with pytest.raises(Unclean, match="large"):
        await Cleaning().clean(b"\xff\xd8\xff" + bytes(LARGEST_FILE))


async def test_bombs_are_refused_or_small() -> None:
    import random

    for n in range(7):
        made = await cleaned(bomb(random.Random(n)))
        assert made in WHY or isinstance(made, tuple)


# ------------------------------------------------------------------- what the process can do

TAKEN_OVER = f"""
import sys, importlib.util
spec = importlib.util.spec_from_file_location("cleaner", {str(Path(cleaner.__file__))!r})
cleaner = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cleaner)
import os, socket, subprocess, signal, ctypes
try:
    import _posixsubprocess
except ImportError: pass
cleaner.limit()
body = sys.stdin.buffer.read()
cleaner._load()
cleaner.lock()
def tell(what):
    sys.stdout.buffer.write(b"refused " + what.encode())
    sys.stdout.flush()
    os._exit(0)
try:
    {{}}
except PermissionError: tell("forbidden")
except OSError as error: tell("errno%d" % error.errno)
except MemoryError: tell("memory")
tell("did it")
"""


async def taken_over(deed: str) -> str:
    """What becomes of somebody who runs their own code where the file is decoded."""
    command = (sys.executable, "-I", "-B", "-c", TAKEN_OVER.replace("{}", deed))
    with pytest.raises(Unclean) as refused:
        await Cleaning(command).clean(b"\xff\xd8\xff")
    return refused.value.why


@pytest.mark.parametrize(
    "deed",
    [
        "socket.socket(socket.AF_INET)",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair()",
        "open('/etc/passwd').read()",
        "open('/tmp/x', 'w')",
        "os.listdir('/')",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.pipe()",
        "os.readlink('/proc/self/exe')",
        "os.unlink('/tmp/nothing')",
        "os.setsid()",
    ],
)
async def test_who_takes_the_process_over_can_do_nothing_with_it(deed: str) -> None:
    assert await taken_over(deed) == "forbidden"


async def test_memory_is_limited() -> None:
    assert await taken_over("bytearray(cleaner.MEMORY)") == "memory"


async def test_who_loops_for_ever_is_ended() -> None:
    deed = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1)); cleaner.lock = 0"
    loop = TAKEN_OVER.replace("{}", "[None for _ in iter(int, 1)]").replace(
        "cleaner.lock()", f"{deed}"
    )
    with pytest.raises(Unclean, match="broken"):
        await Cleaning((sys.executable, "-I", "-B", "-c", loop)).clean(b"x")


async def test_who_waits_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.cleaning.SECONDS", 0.3)
    sleep = (sys.executable, "-I", "-c", "import time; time.sleep(600)")
    with pytest.raises(Unclean, match="broken"):
        await Cleaning(sleep).clean(bytes(1_000_000))


@pytest.mark.parametrize(
    "says",
    [
        "b'clean'",
        "b'clean' + (9).to_bytes(4, 'big') + b'short'",
        "b'clean' + (4).to_bytes(4, 'big') + b'<svg'",
        "b'anything'",
        "b''",
    ],
)
async def test_a_process_that_does_not_end_its_sentence_has_said_nothing(says: str) -> None:
    code = f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({says})"
    with pytest.raises(Unclean, match="broken"):
        await Cleaning((sys.executable, "-I", "-c", code)).clean(b"x")


async def test_a_process_that_never_stops_talking_is_ended() -> None:
    code = "import sys\nwhile True: sys.stdout.buffer.write(bytes(1 << 20))"
    with pytest.raises(Unclean, match="large"):
        await Cleaning((sys.executable, "-I", "-c", code)).clean(b"x")


async def test_the_process_gets_nothing_from_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVEMENTS_SECRET", "s3cret")
    read, write = os.pipe()
    os.set_inheritable(write, True)
    code = (
        "import os, sys; sys.stdin.buffer.read(); fds = sorted(os.listdir('/proc/self/fd'));"
        "ok = len(fds) <= 4 and 'MOVEMENTS_SECRET' not in os.environ and os.getcwd() == '/';"
        "sys.stdout.write('refused ' + ('nothing' if ok else 'something'))"
    )
    with pytest.raises(Unclean, match="nothing"):
        await Cleaning((sys.executable, "-I", "-c", code)).clean(b"x")
    os.close(read)
    os.close(write)
