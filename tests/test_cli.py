"""The operator at the terminal: `movements run | check | moderator | stats | privacy`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from adapters import KNOWN
from bots.__main__ import _free, adapters_of, obey, parser
from bots.config import load
from bots.moderators import HANDLES
from tests.conftest import make_platform, need_program
from tests.platforms.bot_api import BotApi
from tests.platforms.matrix import PASSWORD, MatrixPlatform
from tests.platforms.prosody import PASSWORD as XMPP_PASSWORD
from tests.platforms.prosody import free_port
from tests.platforms.telegram import TelegramPhone, TelegramPlatform
from tests.platforms.web import WebPhone
from tests.platforms.xmpp import XmppPlatform
from tests.test_health import get
from tests.world import plain

ROOT = Path(__file__).parent.parent


def secret(folder: Path, name: str, value: str) -> str:
    path = folder / name
    path.write_text(value + "\n")
    path.chmod(0o600)
    return name


def write(folder: Path, **tables: dict[str, object]) -> None:
    """The configuration, in `folder`."""
    lines = []
    for name, values in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value, default=str)}" for key, value in values.items()]
    (folder / "config.toml").write_text("\n".join(lines))


def telegram(folder: Path, api: BotApi, token: str | None = None) -> dict[str, object]:
    return {"token_file": secret(folder, "token", token or api.token), "api": api.url}


def xmpp(folder: Path, platform: XmppPlatform, password: str = XMPP_PASSWORD) -> dict[str, object]:
    return {
        "jid": platform.bot,
        "password_file": secret(folder, "xmpp", password),
        "host": "127.0.0.1",
        "port": platform.network.port,
        "ca_file": platform.server.ca_file,
    }


def matrix(folder: Path, platform: MatrixPlatform, password: str = PASSWORD) -> dict[str, object]:
    return {
        "homeserver": platform.line.url,
        "user": platform.bot,
        "password_file": secret(folder, "matrix", password),
    }


class Told:
    """How an act ended, and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.rows = {line.split()[0]: line for line in out.splitlines() if line}
        assert "Traceback" not in out + err


Act = Callable[..., Awaitable[Told]]


@pytest.fixture
def act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Act:
    """Types a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    async def typed(*argv: str) -> Told:
        code = await asyncio.to_thread(lambda: obey(parser().parse_args(argv)))
        return Told(code, *capsys.readouterr())

    return typed


# ------------------------------------------------------------------------------------- check


async def test_check_logs_in_everywhere_and_prints_a_table(act: Act, tmp_path: Path) -> None:
    need_program("prosody")
    platforms = TelegramPlatform(), XmppPlatform(), MatrixPlatform()
    async with contextlib.AsyncExitStack() as stack:
        for platform in platforms:
            await platform.start()
            stack.push_async_callback(platform.stop)
        write(
            tmp_path,
            telegram=telegram(tmp_path, platforms[0].api),
            xmpp=xmpp(tmp_path, platforms[1]),
            matrix=matrix(tmp_path, platforms[2]),
            web={"listen": "127.0.0.1:0"},
            health={"listen": "127.0.0.1:0"},
        )
        told = await act("check")
        assert [line.split() for line in told.out.splitlines()] == [
            ["config", "ok", "config.toml"],
            ["store", "ok", "sqlite"],
            ["audit", "ok", "0", "acts"],
            ["telegram", "ok", "@movebot"],
            ["xmpp", "ok", platforms[1].bot],
            ["matrix", "ok", platforms[2].bot],
            ["web", "ok", "127.0.0.1:0"],
            ["health", "ok", "127.0.0.1:0"],
        ]
        assert told.code == 0


async def failed(act: Act, table: str) -> str:
    """-> the row of what failed, without what every such row has."""
    told = await act("check")
    assert told.code == 1
    assert told.err == ""
    found = re.fullmatch(rf"{table} +FAILED  config\.toml: (.+)", told.rows[table])
    assert found, told.out
    return found[1]


async def test_a_revoked_token(act: Act, tmp_path: Path) -> None:
    platform = TelegramPlatform()
    await platform.start()
    write(tmp_path, telegram=telegram(tmp_path, platform.api, "7000000001:AArevokedREVOKED"))
    line = await failed(act, "telegram")
    await platform.stop()
    assert line == (
        "[telegram] token_file: Telegram refuses the token;"
        " put the token that @BotFather gives into that file"
    )


async def test_what_is_no_token(act: Act, tmp_path: Path) -> None:
    write(tmp_path, telegram={"token_file": secret(tmp_path, "token", "hunter2")})
    line = await failed(act, "telegram")
    assert "[telegram] token_file: this is not a token" in line
    assert "hunter2" not in line


async def test_no_telegram_at_this_address(act: Act, tmp_path: Path) -> None:
    api = f"http://127.0.0.1:{free_port()}"
    write(tmp_path, telegram={"token_file": secret(tmp_path, "token", "7000000001:AA"), "api": api})
    line = await failed(act, "telegram")
    assert line.startswith("[telegram] api: Telegram cannot be reached")
    assert line.endswith("is the address right, and does the server run?")


async def test_a_wrong_password_on_xmpp(act: Act, tmp_path: Path) -> None:
    platform = make_platform("xmpp")
    assert isinstance(platform, XmppPlatform)
    await platform.start()
    write(tmp_path, xmpp=xmpp(tmp_path, platform, "wrong"))
    line = await failed(act, "xmpp")
    await platform.stop()
    assert line == (
        "[xmpp] password_file: the server refused the login;"
        " put the account's password into that file"
    )


async def test_no_xmpp_server_at_this_address(act: Act, tmp_path: Path) -> None:
    settings = {"jid": "bot@xmpp.test", "host": "127.0.0.1", "port": free_port()}
    write(tmp_path, xmpp=settings | {"password_file": secret(tmp_path, "password", "pw")})
    line = await failed(act, "xmpp")
    assert line.startswith("[xmpp] host: the server cannot be reached; are host and port right")


async def test_an_authority_that_is_no_file(act: Act, tmp_path: Path) -> None:
    settings = {"jid": "bot@xmpp.test", "ca_file": "nowhere.pem"}
    write(tmp_path, xmpp=settings | {"password_file": secret(tmp_path, "password", "pw")})
    assert (await failed(act, "xmpp")).startswith("[xmpp] ca_file: the certificate authority's")


async def test_a_wrong_password_on_matrix(act: Act, tmp_path: Path) -> None:
    platform = MatrixPlatform()
    await platform.start()
    write(tmp_path, matrix=matrix(tmp_path, platform, "wrong"))
    line = await failed(act, "matrix")
    await platform.stop()
    assert line == (
        "[matrix] password_file: the homeserver refuses this user and password;"
        " put the account's password into that file"
    )


async def test_no_homeserver_at_this_address(act: Act, tmp_path: Path) -> None:
    settings = {"homeserver": f"http://127.0.0.1:{free_port()}", "user": "@bot:test.local"}
    write(tmp_path, matrix=settings | {"password_file": secret(tmp_path, "password", "pw")})
    line = await failed(act, "matrix")
    assert line.startswith("[matrix] homeserver: the homeserver cannot be reached")


async def test_a_missing_secret_fails_alone(act: Act, tmp_path: Path) -> None:
    write(tmp_path, telegram={"token_file": "token"}, web={"listen": "127.0.0.1:0"})
    assert "[telegram] token_file: token does not exist" in await failed(act, "telegram")
    assert (await act("check")).rows["web"].split()[1] == "ok"


async def test_addresses_that_are_taken(act: Act, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        write(tmp_path, web={"listen": taken}, health={"listen": taken})
        assert await failed(act, "web") == (
            "[web] listen: something listens at this address already; choose another one"
        )
        assert await failed(act, "health") == (
            "[health] listen: this address is taken, or is not one of this machine;"
            " choose another one"
        )


STORES = {
    "a text": "is it a database, and may this user write it and its folder?",
    "a folder": "is it a database, and may this user write it and its folder?",
    "below a file": "is it a database, and may this user write it and its folder?",
    "nobody there": "does the server run, and are host, user and database right?",
}


@pytest.mark.parametrize("kind", STORES)
async def test_a_store_that_cannot_be_opened(kind: str, act: Act, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 1000)
    urls = {
        "a text": "sqlite:///text",
        "a folder": "sqlite:///.",
        "below a file": "sqlite:///text/movements.db",
        "nobody there": f"postgresql+psycopg://u:hunter2@127.0.0.1:{free_port()}/movements",
    }
    write(tmp_path, store={"url": urls[kind]}, web={"listen": "127.0.0.1:0"})
    line = await failed(act, "store")
    assert line.startswith("[store] url can't be opened (")
    assert line.endswith(STORES[kind])
    assert "hunter2" not in line
    assert (await act("run")).err == f"config.toml: {line}\n"


async def test_a_folder_for_matrix_that_cannot_be_written(act: Act, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    settings = {"homeserver": "http://127.0.0.1:1", "user": "@bot:test.local"}
    write(tmp_path, matrix=settings | {"password_file": secret(tmp_path, "password", "pw")})
    told = await failed(act, "matrix")
    assert re.fullmatch(r"var/matrix/\w{12} can't be written; make it so for this user", told)


def test_each_matrix_account_has_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = set()
    for user, homeserver in (("a", "http://x"), ("b", "http://x"), ("a", "http://y")):
        settings = {"homeserver": homeserver, "user": f"@{user}:test.local"}
        write(tmp_path, matrix=settings | {"password_file": secret(tmp_path, "password", "pw")})
        adapters_of(load(tmp_path / "config.toml"), ["matrix"], demo=False)
        folders = {folder.name for folder in (tmp_path / "var" / "matrix").iterdir()}
    assert len(folders) == 3


async def test_check_without_a_configuration_is_about_the_playground(
    act: Act, tmp_path: Path
) -> None:
    told = await act("check")
    assert told.code == 0
    assert list(told.rows) == ["config", "web"]
    assert list(tmp_path.iterdir()) == []


# --------------------------------------------------------------------------- run, but it cannot

MISTAKES = {
    "no configuration": (["run", "--config", "no.toml"], {}, "no.toml: there is no such file"),
    "no platform": (["run"], {"community": {}}, "config.toml: no platform; add a table, one of: "),
    "a platform unlike any": (
        ["run", "--only", "telegrm"],
        {"web": {}},
        "--only telegrm is unknown; did you mean telegram?",
    ),
    "a platform without a table": (
        ["run", "--only", "xmpp"],
        {"web": {}},
        "config.toml: --only xmpp: add the table [xmpp]",
    ),
    "a platform the playground has not": (
        ["run", "--demo", "--only", "xmpp"],
        {},
        "the playground: --only xmpp: add the table [xmpp]",
    ),
    "a playground for everybody": (
        ["run"],
        {"web": {"listen": "0.0.0.0:8642"}},
        "config.toml: [web] listen: the playground has no passwords, so it listens on loopback",
    ),
    "a secret that is not there": (
        ["run"],
        {"telegram": {"token_file": "token"}},
        "config.toml: [telegram] token_file: token does not exist",
    ),
    "a demo with a configuration": (
        ["run", "--demo", "--config", "config.toml"],
        {"web": {}},
        "--demo plays on the playground and needs no --config",
    ),
    "counts of the playground": (["stats"], {}, "the playground keeps nothing; copy config.exam"),
    "a moderator nowhere": (["moderator", "add"], {"web": {}}, "write PLATFORM HANDLE"),
    "a moderator on another platform": (
        ["moderator", "add", "irc", "ana"],
        {"web": {}},
        "write PLATFORM HANDLE; the platforms are: telegram, xmpp, matrix, web",
    ),
    "a moderator by name": (
        ["moderator", "add", "telegram", "@ana"],
        {"web": {}},
        "on telegram the handle is the account's number",
    ),
    "a moderator who is none": (
        ["moderator", "remove", "xmpp", "ana@example.org"],
        {"web": {}},
        "there is no moderator at this address",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_one_line(mistake: str, act: Act, tmp_path: Path) -> None:
    argv, tables, line = MISTAKES[mistake]
    if tables:
        write(tmp_path, **tables)
    told = await act(*argv)
    assert told.code == 2
    assert told.out == ""
    assert told.err.startswith(line)
    assert told.err.count("\n") == 1


# ------------------------------------------------------------------------ moderators and counts


async def test_the_page_on_privacy_has_the_configured_times(act: Act, tmp_path: Path) -> None:
    write(tmp_path, retention={"copies_days": 3}, web={})
    told = await act("privacy")
    assert told.code == 0
    assert (
        "| where a message stands in your chat, so that a reply finds its way | 3 days |"
        in told.out
    )


def test_every_platform_has_a_form_of_handle() -> None:
    assert HANDLES.keys() == KNOWN.keys()


async def test_moderators_come_and_go(act: Act, tmp_path: Path) -> None:
    write(tmp_path, web={"listen": "127.0.0.1:0"})
    assert (await act("moderator", "list")).out == "There is no moderator yet.\n"
    for platform, handle in (
        ("xmpp", "Ana@Example.org"),
        ("matrix", "@Tom:example.org"),
        ("telegram", "123456789"),
        ("telegram", "123456789"),
    ):
        assert (await act("moderator", "add", platform, handle)).out == "Done.\n"
    assert (await act("moderator", "list")).out.splitlines() == [
        "matrix @Tom:example.org",
        "telegram 123456789",
        "xmpp ana@example.org",
    ]
    assert (await act("moderator", "remove", "telegram", "123456789")).code == 0
    assert (await act("moderator", "remove", "telegram", "123456789")).code == 2
    assert "telegram" not in (await act("moderator", "list")).out
    told = await act("stats")
    assert "       3  people\n" in told.out
    assert "example.org" not in told.out
    assert (await act("check")).rows["audit"] == "audit   ok      4 acts"


async def test_a_moderator_is_invited_with_a_code(act: Act, tmp_path: Path) -> None:
    write(tmp_path, web={"listen": "127.0.0.1:0"})
    told = await act("moderator", "invite")
    assert re.fullmatch(r"verify [2-9A-Z]{8}", told.out.splitlines()[1])


async def test_who_touches_the_record_of_acts_is_found_out(act: Act, tmp_path: Path) -> None:
    write(tmp_path, web={"listen": "127.0.0.1:0"})
    for handle in ("a@example.org", "b@example.org"):
        assert (await act("moderator", "add", "xmpp", handle)).code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "var" / "movements.db")) as data, data:
        data.execute("delete from audit where number = 1")
    told = await act("check")
    assert told.code == 1
    assert told.rows["audit"].endswith(
        "config.toml: [store] url: the record of what moderators did was tampered with:"
        " row 1 was removed; ask who had this database, and look at a backup"
    )


# ------------------------------------------------------------------------------------- run


class Program:
    """`movements run` in a process of its own."""

    def __init__(self, folder: Path, *argv: str) -> None:
        self.folder, self.argv, self.log = folder, argv, ""

    async def __aenter__(self) -> Program:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bots", "run", *self.argv),
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.communicate()

    async def says(self, words: str) -> str:
        """-> the next line with these words."""
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            while line := (await self.process.stdout.readline()).decode():
                self.log += line
                if words in line:
                    return line.strip()
        raise AssertionError(f"it ended without {words!r}: {self.log}")

    async def up(self) -> WebPhone:
        """-> a phone on its playground."""
        line = await self.says("Open http")
        url = re.findall(r"http://\S+", line)[0]
        self.current = SimpleNamespace(up=asyncio.Event(), url=url)
        self.current.up.set()
        return self.phone("ana")

    def phone(self, handle: str) -> WebPhone:
        return WebPhone(self, handle, "en")  # type: ignore[arg-type]

    async def end(self, sign: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(sign)
        async with asyncio.timeout(30):
            self.log += (await self.process.communicate())[0].decode()
        assert self.process.returncode is not None
        return self.process.returncode


async def hears(phone: WebPhone, text: str, answer: str) -> None:
    await phone.say(text)
    assert answer in plain((await phone.next()).text)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_when_it_is_told_to(sign: signal.Signals, tmp_path: Path) -> None:
    need_program("prosody")
    platforms = TelegramPlatform(), XmppPlatform(), MatrixPlatform()
    async with contextlib.AsyncExitStack() as stack:
        for platform in platforms:
            await platform.start()
            stack.push_async_callback(platform.stop)
        write(
            tmp_path,
            telegram=telegram(tmp_path, platforms[0].api),
            xmpp=xmpp(tmp_path, platforms[1]),
            matrix=matrix(tmp_path, platforms[2]),
            web={"listen": "127.0.0.1:0"},
        )
        program = await stack.enter_async_context(Program(tmp_path))
        up = {(await program.says(" is up")).split()[-3] for _ in KNOWN}
        assert up == set(KNOWN)
        assert await program.end(sign) == 0
    assert "ended" in program.log.splitlines()[-1]
    assert "Traceback" not in program.log


async def test_a_token_is_revoked_and_the_others_work_on(tmp_path: Path) -> None:
    api, port, token = BotApi(), free_port(), BotApi().token
    await api.start()
    write(
        tmp_path,
        telegram=telegram(tmp_path, api),
        web={"listen": "127.0.0.1:0"},
        health={"listen": f"127.0.0.1:{port}"},
    )
    async with Program(tmp_path) as program:
        phone = await program.up()
        await program.says("telegram is up")
        handle = api.user()
        await TelegramPhone(api, handle).say("PLANTED words")
        await api.screens[handle].get()

        api.token = "7000000001:AAanother"
        api.cut()
        line = await program.says("telegram is down")
        assert "Telegram refuses the token ([telegram] token_file). Next try in " in line
        status, text = await get(port, "healthz")
        assert status == 503
        assert text == (
            "telegram down for 0 min: Telegram refuses the token ([telegram] token_file)\n"
            "web up for 0 min\n"
        )
        await hears(phone, "start", "Movements")

        api.token = token
        await program.says("telegram is up")
        assert (await get(port, "healthz"))[0] == 200
        await phone.close()
        assert await program.end() == 0
    await api.stop()
    for private in (token, token.split(":")[1], "PLANTED", str(handle), "Traceback"):
        assert private not in program.log


async def test_a_wrong_password_is_one_line_in_the_log(tmp_path: Path) -> None:
    platform = make_platform("xmpp")
    assert isinstance(platform, XmppPlatform)
    await platform.start()
    write(tmp_path, xmpp=xmpp(tmp_path, platform, "wrong"))
    async with Program(tmp_path) as program:
        line = await program.says("xmpp is down")
        assert "the server refused the login ([xmpp] password_file). Next try in " in line
        assert await program.end() == 0
    await platform.stop()
    assert platform.bot not in program.log


async def test_a_second_gateway_on_the_same_store_is_turned_away(act: Act, tmp_path: Path) -> None:
    write(tmp_path, web={"listen": "127.0.0.1:0"})
    async with Program(tmp_path) as program:
        await (await program.up()).close()
        told = await act("run")
        assert told.code == 2
        assert told.err == (
            "config.toml: [store] url: another gateway runs on this database; end it first\n"
        )
        assert (await act("stats")).code == 0
        assert await program.end() == 0


async def test_only_the_platforms_that_are_named_run(tmp_path: Path) -> None:
    write(tmp_path, telegram={"token_file": "nowhere"}, web={"listen": "127.0.0.1:0"})
    async with Program(tmp_path, "--only", "web") as program:
        await (await program.up()).close()
        assert await program.end() == 0
    assert "telegram" not in program.log


async def test_the_demo_never_touches_a_real_store(tmp_path: Path) -> None:
    write(tmp_path, web={"listen": "127.0.0.1:0"})
    before = {path.name for path in tmp_path.iterdir()}
    async with Program(tmp_path, "--demo") as program:
        phone = await program.up()
        moderator = program.phone("moderator")
        for each, answer in (
            (moderator, "There is no open report."),
            (phone, "Only moderators can do this."),
        ):
            await hears(each, "start", "Movements")
            await hears(each, "queue", answer)
            await each.close()
        assert await program.end() == 0
    assert {path.name for path in tmp_path.iterdir()} == before


def test_the_playground_finds_another_port_if_its_own_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert _free(f"127.0.0.1:{other.getsockname()[1]}") == "127.0.0.1:0"
    free = f"127.0.0.1:{free_port()}"
    assert _free(free) == free


async def test_without_a_configuration_the_playground_runs_and_keeps_nothing(
    tmp_path: Path,
) -> None:
    async with Program(tmp_path) as program:
        phone = await program.up()
        await hears(phone, "start", "Movements")
        await phone.close()
        assert await program.end() == 0
    assert list(tmp_path.iterdir()) == []


async def test_a_health_page_where_it_cannot_be_ends_everything(tmp_path: Path) -> None:
    write(tmp_path, web={"listen": "127.0.0.1:0"}, health={"listen": "192.0.2.1:9642"})
    async with Program(tmp_path) as program:
        await program.says("config.toml: [health] listen: this address is taken, or is not one of")
        assert await program.process.wait() == 2
    assert program.log.count("\n") == 1
