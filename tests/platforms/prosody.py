"""A throw-away Prosody for tests and benchmarks, and a bad network to put in front of it."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import datetime as dt
import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DOMAIN = "xmpp.test"
PASSWORD = "planted-password"
"""Needs no DNS: clients connect to loopback, and check the certificate against this."""

CONFIG = """
daemonize = false
{root}
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
log = {{ {{ levels = {{ min = "warn" }}, to = "file", filename = "{folder}/prosody.log" }} }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{}} s2s_ports = {{}} http_ports = {{}}
https_ports = {{ {files} }} https_interfaces = {{ "127.0.0.1" }}
https_ssl = {{ key = "{folder}/key.pem", certificate = "{folder}/cert.pem" }}
http_external_url = "https://localhost:{files}/" http_default_host = "upload.{domain}"
modules_enabled = {{
  "roster", "saslauth", "tls", "disco", "blocklist", "ping", "smacks", "mam", "muc_mam",
  "pep"
}}
modules_disabled = {{ "s2s", "s2s_auth_certs" }}
{tls}
authentication = "internal_plain" -- account files can be written directly; on the wire it is SCRAM
storage = "internal"
default_archive_policy = true
archive_expires_after = "1w"
smacks_max_queue_size = 5000
ssl = {{ key = "{folder}/key.pem", certificate = "{folder}/cert.pem" }}
certificates = "{folder}"
VirtualHost "{domain}"
Component "rooms.{domain}" "muc"
  restrict_room_creation = false
Component "upload.{domain}" "http_file_share"
  http_host = "localhost"
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def make_certificate(folder: Path, name: str) -> Path:
    """-> the certificate's file, which is also its own authority; key.pem stands beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName(name), x509.DNSName(f"rooms.{name}"), x509.DNSName("localhost")]
    )
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "cert.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


def _escaped(name: str) -> str:
    """As Prosody names its files: every byte but ASCII letters and digits as %xx."""
    return "".join(
        c if c.isascii() and c.isalnum() else "".join(f"%{b:02x}" for b in c.encode()) for c in name
    )


class Prosody:
    """One server process, all of it in one temporary folder.

    clear: clients may also log in without TLS, for a load that costs little beside what it loads.
    """

    def __init__(self, *, clear: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="movements-prosody-"))
        self.ca_file = make_certificate(self.folder, DOMAIN)
        self.port, self.files_port = free_port(), free_port()
        # as root without this, Prosody says no, and then neither works nor ends
        root = "run_as_root = true" if os.geteuid() == 0 else ""
        self.config = self.folder / "prosody.cfg.lua"
        tls = "c2s_require_encryption = true"
        if clear:
            tls = "c2s_require_encryption = false allow_unencrypted_plain_auth = true"
        self.config.write_text(
            CONFIG.format(
                folder=self.folder,
                port=self.port,
                files=self.files_port,
                domain=DOMAIN,
                root=root,
                tls=tls,
            )
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Prosody:
        with (self.folder / "stdout").open("ab") as output:
            self.process = subprocess.Popen(
                [shutil.which("prosody") or "prosody", "-F", "--config", str(self.config)],
                cwd=self.folder,
                env={**os.environ, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        for _ in range(1500):
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "stdout").read_text())
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return self
            time.sleep(0.01)
        self.kill()
        raise TimeoutError("Prosody did not open its port")

    def kill(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """Ends the process. What it stored stays, and `start` starts it again."""
        if self.process is not None:
            self.process.send_signal(sig)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _store(self, kind: str, user: str, lua: str) -> None:
        folder = self.folder / "data" / _escaped(DOMAIN) / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{_escaped(user)}.dat").write_text(f"return {lua};\n")

    def account(self, user: str, password: str = PASSWORD, *, archive: bool = True) -> str:
        """Makes one, also while the server runs. archive: what its preference says. -> the JID"""
        self._store("accounts", user, f'{{ ["password"] = "{password}" }}')
        self._store("archive_prefs", user, f"{{ [false] = {str(archive).lower()} }}")
        return f"{user}@{DOMAIN}"


@functools.cache
def shared() -> Prosody:
    """The one server of this test run, started when first wanted."""
    server = Prosody().start()
    atexit.register(server.remove)
    return server


class Network:
    """A TCP relay on loopback that can cut, swallow and refuse, and keeps what it was sent.

    swallow: bytes disappear, the connection stays. refuse: new connections are closed at once.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.swallow = self.refuse = False
        self.connections = 0
        self.sent = bytearray()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Network:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            if self.refuse:
                return
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            pair = {writer, back}
            self._writers |= pair
            await asyncio.gather(
                self._pump(reader, back, self.sent), self._pump(there, writer, None)
            )
            self._writers -= pair
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, copy: bytearray | None
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if copy is not None:
                    copy += data
                if not self.swallow:
                    sink.write(data)
                    await sink.drain()
        sink.transport.abort()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def stop(self) -> None:
        self._server.close()
        self.cut()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
