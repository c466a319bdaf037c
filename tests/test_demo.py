"""The story of the playground, played on the whole gateway."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from adapters.web import Web
from adapters.web.demo import play
from bots import moderators
from bots.__main__ import talk_of
from bots.config import PLAYGROUND
from bots.gateway import Gateway
from core.store import Store
from tests.world import database


async def test_the_story_comes_to_its_end(tmp_path: Path) -> None:
    web = Web(listen="127.0.0.1:0")
    store = Store(database(tmp_path))
    store.now(moderators.of_the_playground)
    gateway = Gateway(store, talk_of(PLAYGROUND, {"web": web}), {"web": web})
    running = asyncio.create_task(gateway.run())
    await web.up.wait()
    await play(web, pace=0)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await asyncio.to_thread(store.close)
    shown = [m.text for m in web.phones["activist"].messages.values()]
    assert sum("🌐" in text for text in shown) == 2
    assert not any(
        "question has passed" in m.text for m in web.phones["volunteer"].messages.values()
    )
