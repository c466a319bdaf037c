"""The program that takes one stranger's file apart, alone in its own process: file in on stdin,
fresh JPEG pictures out on stdout. Standard library, Pillow and PDFium; imports nothing of ours.

Nothing of the original is kept but its pixels: they are copied onto a new picture. Before the
first byte of the file is decoded, the process gives up everything but reading and writing what it
already holds: no file can be opened, no socket made, no program run, no signal sent (seccomp(2)),
and memory and processor time are limited (getrlimit(2)). Whoever takes it over through a hole in a
decoder holds a file that they already had.

Out: b"clean" and, for each picture, its length in four bytes and the picture; or b"refused " and
why: empty, kind, large, long, locked, broken, sandbox. Dead without a word: as broken.
"""

from __future__ import annotations

import ctypes
import io
import os
import platform
import resource
import struct
import sys
import warnings
from typing import Any

MOST_BYTES = 10_000_000  # as core.message.LARGEST_FILE
MOST_PIXELS = 25_000_000
MOST_PAGES = 20
LONGEST_SIDE = 2560  # pixels: more than any screen that it will be looked at on
PAGE_SIDE = 1800  # pixels: a page of A4 at 150 dpi
MEMORY = 512 << 20  # bytes of address space
SECONDS = 10  # of processor time

PICTURES = ("JPEG", "PNG", "WEBP", "GIF")

# What stays allowed, by machine: AUDIT_ARCH, and the numbers of read write close fstat lseek mmap
# mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn madvise mremap sched_yield getpid
# gettid futex exit exit_group clock_gettime getrandom sigaltstack sched_getaffinity
# (linux: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h)
X86_64 = "0 1 3 5 8 9 10 11 12 13 14 15 28 25 24 39 186 202 60 231 228 318 131 204"
AARCH64 = "63 64 57 80 62 222 226 215 214 134 135 139 233 216 124 172 178 98 93 94 113 278 132 123"
ALLOWED = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}


class Refused(Exception):
    """The text is the one word that says why."""


def limit() -> None:
    """Memory, time, files, processes, size of files written; no core dump."""
    os.nice(10)  # people who write come first
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    if sys.platform == "linux":  # the limit alone does not stop dumps that are piped: core(5)
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE


def lock() -> None:
    """From here on only the calls above; every other one fails with EPERM. Cannot be undone.

    Raises Refused: this system can't do it, and then nothing is decoded.
    """
    if platform.machine() not in ALLOWED or not sys.platform.startswith("linux"):
        raise Refused("sandbox")
    arch, numbers = ALLOWED[platform.machine()]
    calls = [int(number) for number in numbers.split()]
    # struct sock_filter: code, jump if true, jump if false, k (linux/filter.h)
    load, equal, less, answer = 0x20, 0x15, 0x35, 0x06
    allow, forbid, kill = 0x7FFF0000, 0x00050001, 0x80000000
    steps = [
        (load, 0, 0, 4),  # seccomp_data.arch
        (equal, 1, 0, arch),
        (answer, 0, 0, kill),
        (load, 0, 0, 0),  # seccomp_data.nr
        (less, 0, 1, 0x40000000),  # x32: the same calls under other numbers
        (answer, 0, 0, kill),
    ]
    for n, call in enumerate(calls):
        steps.append((equal, len(calls) - n, 0, call))
    steps += [(answer, 0, 0, forbid), (answer, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]

    program = Program(len(steps), ctypes.addressof(code))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = (ctypes.c_int, *4 * (ctypes.c_ulong,))
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    if prctl(no_new_privileges, 1, 0, 0, 0) or prctl(
        set_seccomp, mode_filter, ctypes.addressof(program), 0, 0
    ):
        raise Refused("sandbox")


# ------------------------------------------------------------------------------- pictures


def fresh(image: Any, side: int) -> bytes:
    """-> its pixels, right way up and not larger than a screen, as a JPEG with nothing else in it:
    no profile, no comment, no thumbnail, the same parameters for everybody."""
    from PIL import Image, ImageOps

    image.thumbnail((side, side))
    ImageOps.exif_transpose(image, in_place=True)
    seen = Image.new("RGB", image.size, "white")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        seen.paste(image, mask=image.getchannel("A"))
    elif image.mode.startswith(("I", "F")):  # 16 bits of grey
        seen.paste(image.point(lambda value: value / 256).convert("L"))
    else:
        seen.paste(image.convert("RGB"))
    out = io.BytesIO()
    seen.save(out, "JPEG", quality=85)
    return out.getvalue()


def picture(body: bytes) -> list[bytes]:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(io.BytesIO(body), formats=PICTURES)
    except UnidentifiedImageError:
        raise Refused("broken") from None
    if image.width * image.height > MOST_PIXELS:
        raise Refused("large")
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # JPEG: never larger in memory than needed
    image.load()
    return [fresh(image, LONGEST_SIDE)]


def pages(body: bytes) -> list[bytes]:
    """Each page as it looks; what a PDF does, links to or carries along is not in a picture."""
    import pypdfium2  # type: ignore[import-untyped]

    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        raise Refused("locked" if "password" in str(error).lower() else "broken") from None
    if not 0 < len(document) <= MOST_PAGES:
        raise Refused("long" if len(document) else "broken")
    made = []
    for page in document:
        width, height = page.get_size()
        if not (0 < width < 1e6 and 0 < height < 1e6):
            raise Refused("broken")
        scale = PAGE_SIDE / max(width, height)
        made.append(fresh(page.render(scale=scale).to_pil(), PAGE_SIDE))
        page.close()
    return made


def clean(body: bytes) -> list[bytes]:
    """-> the pictures. Raises Refused, and whatever a decoder raises."""
    if not body:
        raise Refused("empty")
    if len(body) > MOST_BYTES:
        raise Refused("large")
    head, read = body[:16], None
    if head.startswith(b"%PDF-"):
        import pypdfium2

        pypdfium2.PdfDocument.new().close()  # loads what it needs while files can be opened
        read = pages
    elif head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")) or (
        head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    ):
        read = picture
    if read is None:
        raise Refused("kind")
    _load()
    lock()
    return read(body)


def _load() -> None:
    """Everything that is imported late otherwise."""
    import xml.etree.ElementTree  # noqa: F401

    from PIL import Image, MpoImagePlugin, TiffImagePlugin  # noqa: F401

    for encoding in ("latin-1", "cp1252", "utf-16", "utf-16-be", "utf-16-le", "unicode-escape"):
        b"  ".decode(encoding)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    turned = Image.Exif()
    turned[0x0112] = 6
    for kind in PICTURES:
        for mode in ("RGB", "P", "RGBA"):
            sample = io.BytesIO()
            image = Image.new("RGB" if kind == "JPEG" else mode, (9, 5))
            image.save(sample, kind, exif=turned)
            picture(sample.getvalue())


def main() -> None:
    warnings.simplefilter("ignore")
    limit()
    out = sys.stdout.buffer
    try:
        made = clean(sys.stdin.buffer.read(MOST_BYTES + 1))
        out.write(b"clean" + b"".join(len(one).to_bytes(4, "big") + one for one in made))
    except Refused as refused:
        out.write(b"refused " + str(refused).encode())
    except BaseException as error:  # a decoder's, about a stranger's file: nothing to report
        large = type(error).__name__ in ("MemoryError", "DecompressionBombError")
        out.write(b"refused " + (b"large" if large else b"broken"))
    out.flush()


if __name__ == "__main__":
    main()
