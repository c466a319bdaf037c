"""A throw-away Synapse on loopback: one temporary directory, talks to nobody, stopped by its pid.

The configuration manual: https://element-hq.github.io/synapse/latest/usage/configuration/
"""

from __future__ import annotations

import atexit
import contextlib
import hmac
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from functools import cache
from typing import Any

UNLIMITED = {"per_second": 1_000_000, "burst_count": 1_000_000}
# Synapse has no switch for all of them.
LIMITS: dict[str, tuple[str, ...]] = {
    "rc_message": (),
    "rc_registration": (),
    "rc_admin_redaction": (),
    "rc_key_requests": (),
    "rc_room_creation": (),
    "rc_media_create": (),
    "rc_joins_per_room": (),
    "rc_delayed_event_mgmt": (),
    "rc_login": ("address", "account", "failed_attempts"),
    "rc_joins": ("local", "remote"),
    "rc_invites": ("per_room", "per_user", "per_issuer"),
}
SECRET = "only-on-loopback"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Synapse:
    """more: settings on top. Raises RuntimeError if it does not come up."""

    def __init__(self, **more: Any) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="synapse-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = self._settings() | more
        self.process: subprocess.Popen[bytes] | None = None

    def _settings(self) -> dict[str, Any]:
        listener = {
            "port": self.port,
            "type": "http",
            "bind_addresses": ["127.0.0.1"],
            "resources": [{"names": ["client"]}],
        }
        limits = {
            name: dict.fromkeys(parts, UNLIMITED) if parts else UNLIMITED
            for name, parts in LIMITS.items()
        }
        return limits | {
            "server_name": "test.local",
            "report_stats": False,  # it refuses to start without a word on this
            "listeners": [listener],
            "pid_file": str(self.folder / "pid"),
            "log_config": str(self.folder / "log.json"),  # must be a file
            "signing_key_path": str(self.folder / "signing.key"),
            "media_store_path": str(self.folder / "media"),
            "database": {
                "name": "sqlite3",
                "args": {"database": str(self.folder / "homeserver.db")},
            },
            "registration_shared_secret": SECRET,
            "macaroon_secret_key": SECRET,
            "form_secret": SECRET,
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "presence": {"enabled": False},
            "user_directory": {"enabled": False},
            "bcrypt_rounds": 4,
            # for two minutes an identical /sync would be answered from memory
            "caches": {"sync_response_cache_duration": "0s"},
        }

    def start(self) -> None:
        log = {"version": 1, "root": {"level": "CRITICAL"}}
        for name, content in (("homeserver.yaml", self.settings), ("log.json", log)):
            (self.folder / name).write_text(json.dumps(content))  # JSON is valid YAML
        command = [sys.executable, "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]
        quiet = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=quiet,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C in a terminal is for pytest alone
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        assert self.process
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                self.ask("GET", "/_matrix/client/versions")
                return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "output").read_text()[-3000:] or "no answer in time")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self.process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu(self) -> float:
        """-> seconds of processor time that the server has used."""
        assert self.process
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1]
        return sum(int(ticks) for ticks in fields.split()[11:13]) / os.sysconf("SC_CLK_TCK")

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> dict[str, Any]:
        """One request. Raises urllib.error.HTTPError."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Content-Type", "application/json")
        if body is not None:
            request.data = json.dumps(body).encode()
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with OPENER.open(request, timeout=20) as answer:
            return json.loads(answer.read() or b"{}")  # type: ignore[no-any-return]

    def register(self, user: str, password: str, *, admin: bool = False) -> dict[str, Any]:
        """-> user_id, access_token, device_id. (Synapse, "Shared-Secret Registration")"""
        path = "/_synapse/admin/v1/register"
        nonce = self.ask("GET", path)["nonce"]
        role = "admin" if admin else "notadmin"
        signed = "\0".join((nonce, user, password, role)).encode()
        mac = hmac.digest(SECRET.encode(), signed, "sha1").hex()
        account = {"username": user, "password": password, "admin": admin}
        return self.ask("POST", path, account | {"nonce": nonce, "mac": mac})


@cache
def shared() -> Synapse:
    """The one of this test run: accounts are made per test, a server takes three seconds."""
    synapse = Synapse()
    atexit.register(synapse.remove)
    synapse.start()
    return synapse
