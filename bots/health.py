"""/healthz and /metrics on loopback: how the platforms are, and counts; nothing about anybody."""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from bots.gateway import Gateway
from core.message import Down


def page(gateway: Gateway) -> tuple[int, str]:
    """-> HTTP status (503 while a platform is down) and one line for each platform."""
    lines, status = [], 200
    for name, condition in sorted(gateway.conditions.items()):
        minutes = int(time.time() - condition.since) // 60
        if condition.trouble is not None:
            status = 503
            lines.append(f"{name} down for {minutes} min: {condition.trouble}")
        else:
            lines.append(f"{name} up for {minutes} min")
    return status, "\n".join(lines) + "\n"


async def metrics(gateway: Gateway) -> str:
    """Prometheus text format."""
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


async def serve(gateway: Gateway, listen: str) -> None:
    """Until cancelled. Raises Down if the address can't be used."""
    host, _, port = listen.rpartition(":")

    async def healthz(_: web.Request) -> web.Response:
        status, text = page(gateway)
        return web.Response(status=status, text=text)

    async def counts(_: web.Request) -> web.Response:
        return web.Response(text=await metrics(gateway))

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", counts)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, int(port)).start()
        await asyncio.Event().wait()
    except (OSError, ValueError):
        raise Down("the address can't be used", key="listen") from None
    finally:
        await runner.cleanup()
