"""A Bot API server that checks nothing and costs little, to load a Telegram bot in a closed loop.

Each of CHATS people writes, waits for the first sendMessage to their chat, and writes again, until
MESSAGES are answered. The clock runs from the first update given out to the last answer: start-up
and an empty poll at the end do not count.

    python -m benchmarks.fast_bot_api MESSAGES CHATS [--port N] [--text "ping {n}"]

prints its URL (any token fits), a line at the bot's first poll, then, when all is answered, one
line of JSON, and exits:

    http://127.0.0.1:40123
    polled
    {"messages": 20000, "chats": 500, "per_s": 5410, "p50_ms": 88.1, "p99_ms": 130.9, "other": 0}

`other`: sendMessage and editMessageText beyond the first answer to each message. The bot gets the
URL as its `api`: see `benchmarks/telegram.py`, which runs the gateway and its yardstick on it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from typing import Any
from urllib.parse import parse_qs

ME = {"id": 1, "is_bot": True, "first_name": "Bot", "username": "benchmark_bot"}


class Load:
    """Who has written what, and what waits for the bot."""

    def __init__(self, messages: int, chats: int, text: str) -> None:
        self.messages, self.chats, self.text = messages, chats, text
        self.waiting: dict[int, dict[str, Any]] = {}  # update id -> update
        self.asked: dict[int, float] = {}  # chat -> when its open message was written
        self.written = self.ids = self.other = 0
        self.took: list[float] = []
        self.news, self.done = asyncio.Event(), asyncio.Event()
        self.began = self.ended = 0.0

    def write(self, chat: int) -> None:
        if self.written == self.messages:
            return
        self.written += 1
        person = {"id": chat, "is_bot": False, "first_name": "Ada", "language_code": "en"}
        message = {"message_id": self.next_id(), "date": int(time.time()), "from": person}
        message |= {"chat": {"id": chat, "type": "private", "first_name": "Ada"}}
        message["text"] = self.text.replace("{n}", str(self.written))
        self.waiting[self.written] = {"update_id": self.written, "message": message}
        self.asked[chat] = time.perf_counter()
        self.news.set()

    def next_id(self) -> int:
        self.ids += 1
        return self.ids

    async def updates(self, offset: int, limit: int, seconds: float) -> list[dict[str, Any]]:
        if not self.began:
            print("polled", flush=True)
            self.began = time.perf_counter()
            for i in range(min(self.chats, self.messages)):
                self.write(1_000_000 + i)
        for id in [id for id in self.waiting if id < offset]:
            del self.waiting[id]
        if not self.waiting:
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), seconds)
            except TimeoutError:
                return []
        return list(self.waiting.values())[:limit]

    def answered(self, chat: int) -> None:
        asked = self.asked.pop(chat, None)
        if asked is None:
            self.other += 1
            return
        self.ended = time.perf_counter()
        self.took.append(self.ended - asked)
        if len(self.took) == self.messages:
            self.done.set()
        self.write(chat)

    def result(self) -> dict[str, float]:
        took = sorted(self.took)
        return {
            "messages": self.messages,
            "chats": self.chats,
            "per_s": round(self.messages / (self.ended - self.began)),
            "p50_ms": round(took[len(took) // 2] * 1e3, 1),
            "p99_ms": round(took[len(took) * 99 // 100] * 1e3, 1),
            "other": self.other,
        }


class Connection(asyncio.Protocol):
    """HTTP/1.1 as clients really send it: POST or GET, Content-Length, keep-alive."""

    def __init__(self, load: Load) -> None:
        self.load, self.buffer = load, b""
        self.poll: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, why: Exception | None) -> None:
        if self.poll:
            self.poll.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < size:
                return
            body, self.buffer = self.buffer[end + 4 : size], self.buffer[size:]
            path, _, query = head.split(b" ", 2)[1].partition(b"?")
            self.serve(path.rsplit(b"/", 1)[1].decode().lower(), self.fields(query, body))

    def fields(self, query: bytes, body: bytes) -> dict[str, Any]:
        if body[:1] == b"{":
            return dict(json.loads(body))
        pairs = parse_qs((query + b"&" + body).decode())
        return {name: values[0] for name, values in pairs.items()}

    def serve(self, method: str, fields: dict[str, Any]) -> None:
        load = self.load
        if method == "getupdates":
            self.poll = asyncio.create_task(self.updates(fields))
        elif method in ("sendmessage", "editmessagetext"):
            chat = int(fields["chat_id"])
            message = {"message_id": load.next_id(), "date": int(time.time()), "from": ME}
            message |= {"chat": {"id": chat, "type": "private"}, "text": fields["text"]}
            self.answer(message)
            load.answered(chat)
        else:
            self.answer(ME if method == "getme" else True)

    async def updates(self, fields: dict[str, Any]) -> None:
        offset, limit = int(fields.get("offset", 0)), int(fields.get("limit", 100))
        self.answer(await self.load.updates(offset, limit, float(fields.get("timeout", 0))))

    def answer(self, result: Any) -> None:
        body = json.dumps({"ok": True, "result": result}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self.transport.write(head.encode() + b"\r\n\r\n" + body)


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("messages", type=int)
    parser.add_argument("chats", type=int)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--text", default="ping {n}", help="{n} is the number of the message")
    given = parser.parse_args()
    load = Load(given.messages, given.chats, given.text)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(load), "127.0.0.1", given.port)
    print("http://{}:{}".format(*server.sockets[0].getsockname()[:2]), flush=True)
    await load.done.wait()
    await asyncio.sleep(0.05)  # the last answer is still on its way to the bot
    print(json.dumps(load.result()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
