"""The least a Telegram bot can do: a long poll and an echo on plain aiohttp, nothing kept.

The yardstick for the gateway's Telegram path. Every message is answered with "ok <text>".

    python -m benchmarks.fast_bot_api 20000 500              # prints its URL on the first line
    python -m benchmarks.raw_telegram_echo URL 1:benchmark   # in another process; ends by Ctrl-C
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from typing import Any

import aiohttp


async def echo(api: str, token: str, flight: int = 64) -> None:
    """Answers until cancelled, with at most `flight` answers under way."""
    tasks: set[asyncio.Task[None]] = set()
    gate = asyncio.Semaphore(flight)
    pool = aiohttp.TCPConnector(limit=flight + 1)
    async with aiohttp.ClientSession(connector=pool) as http:

        async def call(method: str, **fields: Any) -> Any:
            async with http.post(f"{api}/bot{token}/{method}", json=fields) as response:
                return (await response.json())["result"]

        async def answer(message: dict[str, Any]) -> None:
            try:
                text = f"ok {message['text']}"
                await call("sendMessage", chat_id=message["chat"]["id"], text=text)
            finally:
                gate.release()

        offset = 0
        while True:
            for update in await call("getUpdates", offset=offset, timeout=25):
                offset = update["update_id"] + 1
                await gate.acquire()
                tasks.add(task := asyncio.create_task(answer(update["message"])))
                task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("api", help="base URL of the Bot API")
    parser.add_argument("token")
    parser.add_argument("--flight", type=int, default=64, help="answers under way at most")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt, aiohttp.ClientError):  # the server is done: so am I
        asyncio.run(echo(given.api, given.token, given.flight))
