"""A bot that says what it hears, on Matrix, in a process of its own: the real store and safe under
the real adapter, and what is due to be said in the same transaction as what was heard. What begins
with "talk" is said in a conversation.

    python -m tests.echo HOMESERVER USER PASSWORD FOLDER
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from adapters.matrix import Matrix
from bots.meeting import first_time
from bots.safekeeping import Safekeeping
from core import safe
from core.message import Address, Event, Inbound, Outbound, Secret, Unsent
from core.store import Book, Store
from tests.vaults import vault_of


def heard(book: Book, event: Event) -> None:
    if first_time(book, event) and isinstance(event, Inbound):
        said = json.dumps([event.sender.handle, event.text, event.encrypted]).encode()
        name = f"{book.value('select count(*) from heard'):012}"
        safe.keep(book, "echo", [Secret(name, said)])


async def main(url: str, user: str, password: str, folder: pathlib.Path) -> None:
    place = f"sqlite:///{folder}/echo.db"
    store = Store(place, vault_of(place))
    bot = Matrix(homeserver=url, user=user, password=password, folder=folder / "matrix")
    some = asyncio.Event()

    async def do(job: Callable[[Book], Any]) -> Any:
        return await asyncio.to_thread(store.now, job)

    async def hear(event: Event) -> bool:
        await do(partial(heard, event=event))
        some.set()
        return False

    async def say() -> None:
        while True:
            await bot.up.wait()
            waiting = await do(partial(safe.load, platform="echo"))
            for secret in sorted(waiting, key=lambda each: each.name):
                handle, text, encrypted = json.loads(secret.value)
                mark = "" if encrypted else "in clear: "
                about = "talk" if text.startswith("talk") else None
                out = Outbound(
                    secret.name, Address("matrix", handle), mark + text, conversation=about
                )
                try:
                    await bot.send(out)
                except Unsent:
                    break
                gone = [Secret(secret.name, None)]
                await do(partial(safe.keep, platform="echo", secrets=gone))
            else:
                await some.wait()
                some.clear()

    since = await do(lambda book: book.value("select cursor from cursors"))
    async with asyncio.TaskGroup() as group:
        group.create_task(say())
        group.create_task(bot.run(hear, since, Safekeeping(do, "matrix")))


def begin(url: str, user: str, password: str, folder: str) -> None:
    asyncio.run(main(url, user, password, pathlib.Path(folder)))


if __name__ == "__main__":
    begin(*sys.argv[1:5])
