"""A proxy on loopback, well-behaved or not, that remembers which names it was asked for."""

from __future__ import annotations

import asyncio
import contextlib


class Proxy:
    """kind: socks5 (RFC 1928, 1929) or http, without TLS. Whatever name it is asked for, it leads
    to `port`. mood: works, resets, talks nonsense, is silent, refuses, hangs in the handshake."""

    def __init__(self, kind: str, port: int) -> None:
        self.kind, self.port, self.mood = kind, port, "works"
        self.names: set[str] = set()
        self.logins: set[str] = set()
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Proxy:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.url = f"{self.kind}://user:pass@127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self.answer(reader, writer)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mood == "resets":
            writer.transport.abort()
        elif self.mood == "talks nonsense":
            writer.write(b"what?\r\n" * 20)
        elif self.mood == "is silent":
            await reader.read()
        elif self.kind == "socks5":
            await self.socks(reader, writer)
        else:
            await self.http(reader, writer)

    async def socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(b"\x05\x02")
        _, size = await reader.readexactly(2)
        user = await reader.readexactly(size)
        password = await reader.readexactly((await reader.readexactly(1))[0])
        self.logins.add(f"{user.decode()}:{password.decode()}")
        writer.write(b"\x01\x00")
        if self.mood == "hangs in the handshake":
            await reader.read()
            return
        _, _, _, what = await reader.readexactly(4)
        assert what == 3, "an address: the name was looked up here"
        name = await reader.readexactly((await reader.readexactly(1))[0])
        asked = int.from_bytes(await reader.readexactly(2), "big")
        self.names.add(name.decode())
        if self.mood == "refuses":
            writer.write(b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
            return
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await self.pipe(reader, writer, b"", asked if name == b"localhost" else self.port)

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.names.add(head.split()[1].decode().split("/")[2].split(":")[0])
        if b"Proxy-Authorization: Basic dXNlcjpwYXNz" in head:
            self.logins.add("user:pass")
        if self.mood == "refuses":
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            return
        if self.mood == "hangs in the handshake":
            await reader.read()
            return
        first, rest = head.split(b"\r\n", 1)
        method, url, version = first.split()
        path = b"/" + url.split(b"/", 3)[3]
        first = b" ".join((method, path, version)) + b"\r\n" + rest
        await self.pipe(reader, writer, first, self.port)

    async def pipe(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes, port: int
    ) -> None:
        above, below = await asyncio.open_connection("127.0.0.1", port)
        self.writers.append(below)
        below.write(first)

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while piece := await source.read(65536):
                    sink.write(piece)
            sink.close()

        await asyncio.gather(copy(reader, below), copy(above, writer))
