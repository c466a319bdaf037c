"""Which names are looked up by this process, whichever way: the C library's, c-ares, a datagram."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pycares
import pytest

_CALLS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_noted: list[set[str]] = []
_hooked = False


def _note(what: str) -> None:
    for names in _noted:
        names.add(what)


def _hook(event: str, args: tuple[object, ...]) -> None:
    """https://docs.python.org/3/library/audit_events.html"""
    if not _noted or not event.startswith("socket."):
        return
    if event in _CALLS and isinstance(args[0], str | bytes):
        name = args[0].decode() if isinstance(args[0], bytes) else args[0]
        try:
            ipaddress.ip_address(name)
        except ValueError:
            _note(name)
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        sock, inet = args[0], (socket.AF_INET, socket.AF_INET6)
        datagrams = isinstance(sock, socket.socket) and sock.type & socket.SOCK_DGRAM
        if datagrams and sock.family in inet:  # type: ignore[attr-defined]
            _note("a datagram")


@contextmanager
def noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    global _hooked
    if not _hooked:
        sys.addaudithook(_hook)  # for ever: hooks can't be taken away
        _hooked = True
    for method in ("getaddrinfo", "gethostbyaddr", "query", "search", "getnameinfo"):
        if hasattr(pycares.Channel, method):
            ares = getattr(pycares.Channel, method)

            def asked(self: Any, name: Any, *more: Any, ares: Any = ares, **named: Any) -> Any:
                _note(str(name))
                return ares(self, name, *more, **named)

            monkeypatch.setattr(pycares.Channel, method, asked)
    names: set[str] = set()
    _noted.append(names)
    try:
        yield names
    finally:
        _noted.remove(names)
