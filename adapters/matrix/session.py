"""The bot's log-in: kept on disk, because homeservers allow few (Synapse: 5, then one in 333 s).

The device stays the same for ever: a transaction id is known to the homeserver per device, so a
new one would let a resent message through twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import aiohttp_socks
from nio import (  # type: ignore[import-untyped]
    AsyncClient,
    AsyncClientConfig,
    LoginResponse,
    WhoamiResponse,
)

from core.message import Down

# nio logs room ids, user ids, and whole events that it finds malformed
logging.getLogger("nio").setLevel(logging.CRITICAL + 1)

NETWORK = (
    OSError,  # TimeoutError is one
    aiohttp.ClientError,
    # plain Exceptions, which nio neither retries nor wraps
    aiohttp_socks.ProxyError,
    aiohttp_socks.ProxyConnectionError,
    aiohttp_socks.ProxyTimeoutError,
)
LOGGED_OUT = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN")
_WAIT = 60.0


def unreachable(error: BaseException) -> Down:
    return Down(f"the homeserver cannot be reached ({type(error).__name__})", "homeserver")


class Session:
    """One account. user: "@movements:example.org". folder: its own, made when missing."""

    def __init__(
        self, homeserver: str, user: str, password: str, folder: pathlib.Path, proxy: str | None
    ) -> None:
        self._homeserver, self._user, self.password = homeserver.rstrip("/"), user, password
        self._folder = folder
        # the name is resolved at the proxy either way; socks5h is a ValueError: python-socks#21
        self._proxy = proxy.replace("socks5h://", "socks5://", 1) if proxy else None
        self._renewing = asyncio.Lock()
        self._refused_until = 0.0
        self._kept: dict[str, Any] = {}

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Two processes on one account would each hear everything. Raises Down in the second."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Down("another process uses this account", "user") from None
            yield

    async def open(self, *, keys_lost: bool = False) -> AsyncClient:
        """-> a client that is logged in; the caller closes it. keys_lost: nothing is kept of this
        device's keys. Raises Down."""
        client = self._client()
        self._load()
        if keys_lost and self._kept.get("has_keys"):
            # a device cannot have others: another takes its place, and the beginning stays
            self._kept = {k: v for k, v in self._kept.items() if k == "beginning"}
        if "access_token" in self._kept:
            names = ("user_id", "device_id", "access_token")
            client.restore_login(*(self._kept[name] for name in names))
            return client
        try:
            await self._log_in(client)
        except BaseException:
            await client.close()
            raise
        return client

    async def renew(self, client: AsyncClient, stale: str) -> None:
        """Logs in again, on the same device, unless that has happened since `stale` was read.
        Raises Down."""
        async with self._renewing:
            if client.access_token in ("", stale):
                await self._log_in(client)

    async def check(self) -> str:
        """-> the account's user id. Raises Down."""
        self._load()
        if "access_token" not in self._kept:
            with self.alone():
                client = await self.open()
        else:
            client = await self.open()
        try:
            answer = await client.whoami()
            if not isinstance(answer, WhoamiResponse) and answer.status_code in LOGGED_OUT:
                with self.alone():
                    await self._log_in(client)
                answer = await client.whoami()
        except NETWORK as error:
            raise unreachable(error) from None
        finally:
            await client.close()
        if not isinstance(answer, WhoamiResponse):
            raise Down("this is no Matrix homeserver, or it is not well", "homeserver")
        return str(answer.user_id)

    def _client(self) -> AsyncClient:
        config = AsyncClientConfig(
            encryption_enabled=False,
            store_sync_tokens=False,
            max_limit_exceeded=0,  # otherwise nio sleeps, for ever, inside the call
            max_timeouts=0,
            request_timeout=30,
        )
        return AsyncClient(self._homeserver, self._user, config=config, proxy=self._proxy)

    async def _log_in(self, client: AsyncClient) -> None:
        wait = self._refused_until - time.monotonic()
        if wait > 0:
            raise Down(f"the homeserver allows no log-in yet: waiting {wait:.0f} s")
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self._user},
            "password": self.password,
            "initial_device_display_name": "gateway",
        }
        if "device_id" in self._kept:
            body["device_id"] = self._kept["device_id"]
        client.access_token = ""
        try:
            answer = await client.login_raw(body)
        except NETWORK as error:
            raise unreachable(error) from None
        if isinstance(answer, LoginResponse):
            names = ("user_id", "device_id", "access_token")
            self._keep(**{name: getattr(answer, name) for name in names})
            return
        if answer.status_code == "M_LIMIT_EXCEEDED":
            wait = answer.retry_after_ms / 1000 if answer.retry_after_ms else _WAIT
            self._refused_until = time.monotonic() + wait
            raise Down(f"the homeserver allows no log-in yet: waiting {wait:.0f} s")
        if answer.status_code == "M_FORBIDDEN":
            raise Down("the homeserver refuses this user and password", "password_file")
        if answer.status_code == "M_USER_DEACTIVATED":
            raise Down("the homeserver has deactivated this account", "user")
        raise Down("this is no Matrix homeserver, or it is not well", "homeserver")

    # ---------------------------------------------------------------- the file

    def has_keys(self) -> None:
        """From now on this device is of no use without the keys that are kept of it."""
        if not self._kept.get("has_keys"):
            self._keep(has_keys=True)

    def wants_reset(self) -> bool:
        """Whether the operator wants our identity replaced: by an empty file, which is removed."""
        wish = self._folder / "replace-identity"
        wanted = wish.exists()
        wish.unlink(missing_ok=True)
        return wanted

    @property
    def beginning(self) -> str | None:
        """The position of the very first start, until a later one is stored with a message:
        without it, what is written before the first message is heard would count as history."""
        return self._kept.get("beginning")

    @beginning.setter
    def beginning(self, position: str | None) -> None:
        self._keep(beginning=position)

    def _account(self) -> dict[str, str]:
        return {"homeserver": self._homeserver, "user": self._user}

    def _load(self) -> None:
        try:
            kept = json.loads((self._folder / "session.json").read_text())
        except (FileNotFoundError, ValueError):
            kept = {}
        same = {name: kept.get(name) for name in self._account()} == self._account()
        self._kept = kept if same else {}

    def _keep(self, **what: str | bool | None) -> None:
        self._kept |= self._account() | what
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._folder / "session.new"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(self._kept, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / "session.json")
