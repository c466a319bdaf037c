"""Files as somebody hostile, careless or unlucky would send them. Seeded: number n is always the
same file. Everything that could tell of its maker holds MARK."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable

from PIL import Image, ImageCms, PngImagePlugin

MARK = b"PLANTEDMARKER"
TEXT = MARK.decode()


def pixels(at: random.Random, mode: str = "RGB") -> Image.Image:
    size = (at.randint(1, 400), at.randint(1, 400))
    noise = Image.effect_noise(size, at.uniform(1, 90))
    return Image.merge("RGB", (noise, noise, noise)).convert(mode)


def exif() -> Image.Exif:
    data = Image.Exif()
    data[0x010E] = data[0x013B] = data[0x8298] = data[0x0110] = TEXT  # what, who, whose, camera
    data[0x9C9B] = TEXT.encode("utf-16-le")
    data[0x0112] = 6
    place = data.get_ifd(0x8825)
    place[1], place[2], place[29] = "N", (35.0, 41.0, 21.0), TEXT
    data.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + MARK
    return data


def profile() -> bytes:
    body = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return bytes(body) + MARK


def xmp() -> bytes:
    return b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:creator>" + MARK + b"</dc:creator></x:xmpmeta>"


def jpeg(at: random.Random) -> bytes:
    out = io.BytesIO()
    more = {"progressive": at.random() < 0.3, "comment": MARK, "icc_profile": profile()}
    pixels(at, at.choice(["RGB", "L", "CMYK"])).save(out, "JPEG", exif=exif(), xmp=xmp(), **more)
    body = out.getvalue()
    for number in (2, 13, 14):  # APP2, APP13 (Photoshop), APP14, with a thumbnail of its own
        inside = b"Photoshop 3.0\0" + MARK + b"\xff\xd8\xff\xe1\0\x10" + MARK
        segment = struct.pack(">BBH", 0xFF, 0xE0 + number, len(inside) + 2) + inside
        if number != 14:
            body = body[:2] + segment + body[2:]
    return body + MARK


def chunk(name: bytes, inside: bytes) -> bytes:
    return (
        struct.pack(">I", len(inside))
        + name
        + inside
        + struct.pack(">I", zlib.crc32(name + inside))
    )


def png(at: random.Random) -> bytes:
    out, info = io.BytesIO(), PngImagePlugin.PngInfo()
    info.add_text("Author", TEXT)
    info.add_text("Comment", TEXT * 50, zip=True)
    info.add_itxt("XML:com.adobe.xmp", xmp().decode())
    mode = at.choice(["RGB", "RGBA", "P", "L", "LA", "1"])
    pixels(at).convert(mode).save(out, "PNG", pnginfo=info, exif=exif(), icc_profile=profile())
    body = out.getvalue()
    return body[:33] + chunk(b"maRk", MARK) + body[33:] + MARK


def webp(at: random.Random) -> bytes:
    out = io.BytesIO()
    more = {"lossless": at.random() < 0.3, "exif": exif(), "xmp": xmp(), "icc_profile": profile()}
    pixels(at, at.choice(["RGB", "RGBA"])).save(out, "WEBP", **more)
    return out.getvalue() + MARK


def gif(at: random.Random) -> bytes:
    out, frames = io.BytesIO(), [pixels(at, "P").resize((40, 30)) for _ in range(at.randint(1, 4))]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], comment=MARK)
    return out.getvalue() + MARK


def pdf(at: random.Random, pages: int = 0) -> bytes:
    """With metadata, a script that runs when it is opened, an attachment, a form, a link, and a
    photo that has its own metadata."""
    photo = jpeg(at)
    wide, high = Image.open(io.BytesIO(photo)).size
    colours = {"L": "/DeviceGray", "CMYK": "/DeviceCMYK"}.get(
        Image.open(io.BytesIO(photo)).mode, "/DeviceRGB"
    )
    n = pages or at.randint(1, 4)
    kids = " ".join(f"{20 + i} 0 R" for i in range(n))
    show = b"q 200 0 0 200 50 500 cm /P Do Q BT /F 20 Tf 50 400 Td (a letter) Tj ET"
    action = f"<< /S /JavaScript /JS (app.alert\\('{TEXT}'\\)) >>"
    objects: dict[int, bytes] = {
        1: f"<< /Type /Catalog /Pages 2 0 R /OpenAction {action} /Metadata 5 0 R "
        f"/Names << /EmbeddedFiles << /Names [({TEXT}) 6 0 R] >> >> >>".encode(),
        2: f"<< /Type /Pages /Kids [{kids}] /Count {n} >>".encode(),
        3: b"<< /Length %d >> stream\n%s\nendstream" % (len(show), show),
        4: b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace %s"
        b" /BitsPerComponent 8 /Filter /DCTDecode /Length %d >> stream\n%s\nendstream"
        % (wide, high, colours.encode(), len(photo), photo),
        5: b"<< /Type /Metadata /Subtype /XML /Length %d >> stream\n%s\nendstream"
        % (len(xmp()), xmp()),
        6: f"<< /Type /Filespec /F ({TEXT}) /EF << /F 7 0 R >> >>".encode(),
        7: b"<< /Type /EmbeddedFile /Length %d >> stream\n%s\nendstream" % (len(MARK), MARK),
        8: f"<< /Author ({TEXT}) /Title ({TEXT}) /Producer ({TEXT}) >>".encode(),
        9: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    for i in range(n):
        objects[20 + i] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {at.choice([595, 300])} 842] "
            "/Contents 3 0 R /Resources << /XObject << /P 4 0 R >> /Font << /F 9 0 R >> >> "
            f"/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 99 99] /A << /S /URI /URI "
            f"(http://{TEXT}.example) >> >>] >>"
        ).encode()
    out, places = bytearray(b"%PDF-1.7\n%" + MARK + b"\n"), {}
    for number, inside in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, inside)
    start, most = len(out), max(objects) + 1
    out += b"xref\n0 %d\n" % most + b"0000000000 65535 f \n"
    for number in range(1, most):
        out += b"%010d 00000 %s \n" % (places.get(number, 0), b"n" if number in places else b"f")
    out += b"trailer << /Size %d /Root 1 0 R /Info 8 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        most,
        start,
    )
    return bytes(out)


def bomb(at: random.Random) -> bytes:
    """Small, until it is unpacked."""
    side = at.choice([6_000, 30_000, 2**31 - 1])
    kind = at.choice(["png", "png truthful", "gif", "jpeg", "pdf page", "pdf pages", "text"])
    if kind.startswith("png"):
        head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
        rows = zlib.compress(bytes(30_000_000 if kind == "png truthful" else 1000), 9)
        body = chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + body
    if kind == "text":
        out, info = io.BytesIO(), PngImagePlugin.PngInfo()
        for i in range(8):
            info.add_text(f"k{i}", "A" * 5_000_000, zip=True)
        Image.new("L", (9, 9)).save(out, "PNG", pnginfo=info)
        return out.getvalue()
    if kind == "gif":
        return b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(500)
    if kind == "jpeg":
        body = jpeg(at)
        place = body.rfind(b"\xff\xc0")
        if place > 0:
            body = body[: place + 5] + b"\xff\xff\xff\xff" + body[place + 9 :]
        return body
    if kind == "pdf pages":
        return pdf(at, 21)
    return pdf(at).replace(b"595 842", b"%d %d" % (9 * 10**7, 9 * 10**7))


def truncated(at: random.Random) -> bytes:
    body = at.choice(WHOLE)(at)
    return body[: at.randint(1, len(body) - 1)]


def flipped(at: random.Random) -> bytes:
    body = bytearray(at.choice(WHOLE)(at))
    for _ in range(at.choice([1, 5, 60])):
        body[at.randrange(len(body))] = at.randrange(256)
    return bytes(body)


def two_in_one(at: random.Random) -> bytes:
    """A picture that is also something else, or something else that begins as one."""
    first, second = at.sample(WHOLE, 2)
    page = b"<html><script>" + MARK + b"</script>"
    zipped = b"PK\x03\x04" + MARK + b"PK\x05\x06" + bytes(18)
    return first(at) + at.choice([second(at), page, zipped, page * 1000])


def nothing(at: random.Random) -> bytes:
    return at.choice(
        [
            b"",
            MARK,
            b"\xff\xd8\xff",
            b"%PDF-",
            b"%PDF-1.7\n%%EOF" + MARK,
            b"RIFF\x00\x00\x00\x00WEBP",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
            b"PK\x03\x04" + MARK * 50,
            b"II*\x00" + bytes(100),
            b"BM" + bytes(100),
            b"\x00\x00\x00\x18ftypheic" + MARK,
            b"OggS" + MARK,
            at.randbytes(at.randint(1, 5000)),
            b"%!PS-Adobe-3.0 EPSF-3.0\n" + MARK,
            b"GIF89a" + at.randbytes(300),
            b"\x89PNG\r\n\x1a\n" + at.randbytes(300),
        ]
    )


Kind = Callable[[random.Random], bytes]
WHOLE: tuple[Kind, ...] = (jpeg, png, webp, gif, pdf)
KINDS: tuple[Kind, ...] = (*WHOLE, bomb, truncated, flipped, two_in_one, nothing)


def crafted(n: int) -> tuple[Kind, bytes]:
    kind = KINDS[n % len(KINDS)]
    return kind, kind(random.Random(n))
