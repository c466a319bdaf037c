"""The gateway as `python -m bots run` builds it, but nobody is told to write less.

    python -m benchmarks.gateway CONFIG

Without `Limits`, which allow one person a message a second, and without the pace that Telegram asks
of bots (`Facts.rate`, `Facts.gap`): both are there to be slow. Until it is killed.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import replace
from pathlib import Path

from bots import config
from bots.__main__ import adapters_of, talk_of
from bots.gateway import Gateway
from bots.keeping import open_store

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    settings = config.load(Path(sys.argv[1]))
    adapters = adapters_of(settings, (), False)
    for adapter in adapters.values():
        adapter.facts = replace(adapter.facts, rate=1e6, gap=0.0)
    gateway = Gateway(open_store(settings, alone=True), talk_of(settings, adapters), adapters)
    asyncio.run(gateway.run())
