"""Who may come in to the playground, and the files they get.

It has no passwords. Whoever could reach it from outside is another site in the same browser: so the
Host must be a loopback name (DNS rebinding), and a request that names an Origin must name this very
page (RFC 6455 section 10.2).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from core.message import Down

PAGE = Path(__file__).with_name("page")
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def loopback(listen: str) -> tuple[str, int]:
    """Splits "127.0.0.1:8642" into host and port. Raises Down for any address but loopback."""
    try:
        host, port = urlsplit(f"//{listen}").hostname, urlsplit(f"//{listen}").port
    except ValueError:
        host = port = None
    if host is None or port is None:
        raise Down("listen must look like 127.0.0.1:8642", key="listen")
    if not _is_loopback(host):
        raise Down("the playground has no passwords, so it listens on loopback only", key="listen")
    return ("127.0.0.1" if host == "localhost" else host), port


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


@web.middleware
async def only_from_here(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Lets in what a page of ours asks, and the browser's own navigation to it."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    try:
        at_home = _is_loopback(urlsplit(f"//{host}").hostname)
    except ValueError:
        at_home = False
    navigates = request.headers.get("Sec-Fetch-Mode") == "navigate"
    ours = request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    own_page = origin in (None, f"http://{host}")
    if not (at_home and own_page and (ours or navigates)):
        raise web.HTTPForbidden
    return await handler(request)


async def page(request: web.Request) -> web.StreamResponse:
    """One file of the page."""
    path = PAGE / (request.match_info["name"] or "index.html")
    if path.suffix not in TYPES or not path.is_file():
        raise web.HTTPNotFound
    return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix], charset="utf-8")


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Whatever is answered: only this page's own files are loaded, and no markup is ever made of
    text (CSP level 3, Trusted Types)."""
    response.headers.update(HEADERS)
