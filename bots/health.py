"""/healthz and /metrics: how the platforms are, and counts; nothing about anybody."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from aiohttp import web

from bots.config import place
from bots.gateway import Gateway
from core.message import Down


def page(gateway: Gateway) -> tuple[int, str]:
    """-> HTTP status (503 while a platform is down, or the disk full) and one line for each."""
    lines, status = [], 200
    if gateway.store.scarce:
        lines.append("no room on the disk: people are forgotten, and nothing else is heard")
        status = 503
    for name, condition in sorted(gateway.conditions.items()):
        minutes = int(time.time() - condition.since) // 60
        if condition.trouble is not None:
            status = 503
            lines.append(f"{name} down for {minutes} min: {condition.trouble}")
        else:
            lines.append(f"{name} up for {minutes} min")
    return status, "\n".join(lines) + "\n"


async def metrics(gateway: Gateway) -> str:
    """The text format of Prometheus
    (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format)."""
    waiting = await gateway.do(
        lambda book: book.value("select count(*) from outbox where state = 'waiting'")
    )
    counted = {
        "movements_heard_total": gateway.heard,
        "movements_delivered_total": gateway.courier.delivered,
        "movements_outbox_waiting": waiting,
    }
    lines = [f"{name} {value}" for name, value in counted.items()]
    for name, condition in sorted(gateway.conditions.items()):
        lines.append(f'movements_up{{platform="{name}"}} {int(condition.trouble is None)}')
    return "\n".join(lines) + "\n"


@contextlib.asynccontextmanager
async def served(gateway: Gateway, listen: str) -> AsyncIterator[None]:
    """Answers at `listen` while it is open. Raises Down if the address can't be used."""

    async def healthz(_: web.Request) -> web.Response:
        status, text = page(gateway)
        return web.Response(status=status, text=text)

    async def counts(_: web.Request) -> web.Response:
        try:
            return web.Response(text=await metrics(gateway))
        except Exception as error:  # the store is down: its text may quote a statement
            return web.Response(status=503, text=f"{type(error).__name__}\n")

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", counts)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, *place(listen)).start()
        except OSError:
            raise _taken() from None
        yield
    finally:
        await runner.cleanup()


async def check(listen: str) -> str:
    """-> where it would listen. Raises Down."""
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, *place(listen))
    except OSError:
        raise _taken() from None
    server.close()
    return listen


def _taken() -> Down:
    return Down("this address is taken, or is not one of this machine", key="listen")
