"""`movements`: builds everything from the configuration, and runs it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import hashlib
import importlib
import logging
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters import KNOWN, Adapter
from bots import config as configuration
from bots import health, keeping, logs, moderators
from bots.beforehand import read_aside
from bots.config import AUDIENCES, PLAYGROUND, Config, Wrong, nearest, place
from bots.engines import engine_of
from bots.gateway import Gateway
from bots.limits import Limits
from bots.menu import menu, menu_for
from bots.privacy_page import privacy_page
from bots.talk import Talk
from bots.turn import Community
from core import people
from core.actions import belonging, trust
from core.language import Languages
from core.message import Down
from core.privacy import Vault
from core.store import Store

log = logging.getLogger("movements")

_PR_SET_DUMPABLE = 4  # https://man7.org/linux/man-pages/man2/pr_set_dumpable.2const.html


# ------------------------------------------------------------------------------------- building


def adapters_of(config: Config, only: Sequence[str], demo: bool) -> dict[str, Adapter]:
    """Raises Wrong."""
    there = [name for name in KNOWN if getattr(config, name) is not None]
    for name in only:
        if name not in KNOWN:
            raise Wrong(f"--only {name} is unknown{nearest(name, KNOWN)}")
        if name not in there:
            raise Wrong(f"{config.path or 'the playground'}: --only {name}: add the table [{name}]")
    if not there:
        names = ", ".join(f"[{name}]" for name in KNOWN)
        raise Wrong(f"{config.path}: no platform; add a table, one of: {names}")
    made: dict[str, Adapter] = {}
    for name in only or there:
        module, cls = KNOWN[name].split(":")
        given = _given(config, name, demo)
        try:
            made[name] = getattr(importlib.import_module(module), cls)(**given)
        except Down as down:
            raise Wrong(config.told(name, down)) from None
    return made


def _given(config: Config, name: str, demo: bool) -> dict[str, Any]:
    """What the adapter is made with: its settings, secrets read from their files."""
    if name == "telegram" and (telegram := config.telegram):
        token = config.secret(name, "token_file")
        listed = menu(Languages(config.community.languages))
        return {"token": token, "api": telegram.api, "proxy": telegram.proxy, "menu": listed}
    if name == "xmpp" and (xmpp := config.xmpp):
        return {
            "jid": xmpp.jid,
            "password": config.secret(name, "password_file"),
            "host": xmpp.host,
            "port": xmpp.port,
            "ca_file": str(config.folder / xmpp.ca_file) if xmpp.ca_file else None,
            "proxy": xmpp.proxy,
            "menu": menu_for(Languages(config.community.languages)),
        }
    if name == "matrix" and (matrix := config.matrix):
        return {
            "homeserver": matrix.homeserver,
            "user": matrix.user,
            "password": config.secret(name, "password_file"),
            "folder": _folder(config, f"var/matrix/{_short(matrix.user, matrix.homeserver)}"),
            "proxy": matrix.proxy,
        }
    assert config.web is not None
    return {
        "listen": _free(config.web.listen) if config is PLAYGROUND else config.web.listen,
        "demo": demo,
    }


def _folder(config: Config, name: str) -> Path:
    """A folder of ours beside the configuration, made when missing. Raises Wrong."""
    folder = config.folder / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        raise Wrong(f"{config.path}: {folder} can't be written; make it so for this user") from None
    return folder


def _short(*account: str) -> str:
    """A name for what belongs to one account: another account finds no log-in of this one."""
    return hashlib.sha256(" ".join(account).encode()).hexdigest()[:12]


def _free(listen: str) -> str:
    """The same, unless something listens there: then at any port."""
    host, port = place(listen)
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            port = 0
    return f"{host}:{port}"


def talk_of(config: Config, adapters: dict[str, Adapter]) -> Talk:
    community = Community(
        name=config.community.name,
        audience=AUDIENCES.index(config.community.audience),
        readers={name: adapter.facts.reader for name, adapter in adapters.items()},
        kept=config.retention,
        drafts=config.drafts is not None,
        encrypted={n: a.facts.own for n, a in adapters.items() if a.facts.encrypts},
    )
    return Talk(Languages(config.community.languages), community)


# ------------------------------------------------------------------------------------- commands


def run(config: Config, only: Sequence[str], demo: bool) -> int:
    """Until it is told to end. The playground forgets everything then."""
    adapters = adapters_of(config, only, demo)
    if config is not PLAYGROUND:
        return _run_on(keeping.open_store(config, alone=True), config, adapters)
    with tempfile.TemporaryDirectory(prefix="movements-") as folder:
        vault = Vault(f"sqlite:///{folder}/keys.db", Path(folder) / "master.key")
        store = Store(f"sqlite:///{folder}/movements.db", vault)
        store.now(moderators.of_the_playground)
        return _run_on(store, config, adapters)


def _run_on(store: Store, config: Config, adapters: dict[str, Adapter]) -> int:
    gateway = Gateway(
        store, talk_of(config, adapters), adapters, Limits(), config.retention, engine_of(config)
    )
    read_aside(config.community.languages)
    try:
        asyncio.run(_run(gateway, config))
    finally:
        store.close()
    return 0


async def _run(gateway: Gateway, config: Config) -> None:
    """Raises Wrong."""
    main = asyncio.current_task()
    assert main is not None
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, main.cancel)
    async with contextlib.AsyncExitStack() as open_ones:
        open_ones.enter_context(contextlib.suppress(asyncio.CancelledError))
        if config.health:
            try:
                await open_ones.enter_async_context(health.served(gateway, config.health.listen))
            except Down as down:
                raise Wrong(config.told("health", down)) from None
        async with asyncio.TaskGroup() as group:
            group.create_task(gateway.run())
            if web := gateway.adapters.get("web"):
                await web.up.wait()
                print(f"Open {web.url} in a browser. Ctrl-C ends it.", flush=True)  # type: ignore[attr-defined]
    log.info("ended")


def check(config: Config) -> int:
    """Logs in everywhere. -> 1 if anything is wrong; prints a table."""
    rows = [("config", "ok", str(config.path or "none: the playground"))]
    if config is not PLAYGROUND:
        rows.append(("store", *_checked(config, "store")))
        if rows[-1][1] == "ok":
            rows.append(("audit", *_checked(config, "audit")))
    tables = [name for name in (*KNOWN, "health", "drafts") if getattr(config, name) is not None]
    rows += [(name, *_checked(config, name)) for name in tables]
    if not set(tables) & set(KNOWN):
        rows.append(("platforms", "FAILED", f"{config.path}: there is no table of a platform"))
    width = max(len(name) for name, _, _ in rows)
    for name, state, what in rows:
        print(f"{name:<{width}}  {state:<6}  {what}")
    return int(any(state == "FAILED" for _, state, _ in rows))


def _checked(config: Config, table: str) -> tuple[str, str]:
    """-> "ok" or "FAILED", and one line."""
    try:
        if table == "store":
            keeping.open_store(config).close()
            return "ok", config.database().split("://")[0]
        if table == "audit":
            return "ok", keeping.check_audit(config)
        if table == "drafts":
            engine = engine_of(config)
            assert engine is not None
            return "ok", ", ".join(engine.pairs())
        if table == "health":
            assert config.health is not None
            return "ok", asyncio.run(health.check(config.health.listen))
        return "ok", asyncio.run(adapters_of(config, [table], False)[table].check())
    except Wrong as wrong:
        return "FAILED", str(wrong)
    except Down as down:
        return "FAILED", config.told(table, down)
    except Exception as error:
        return "FAILED", f"{config.path}: [{table}]: unexpected: {logs.trouble(error)}"


def moderator(config: Config, act: str, platform: str | None, handle: str | None) -> int:
    store = keeping.open_store(config)
    try:
        if act == "list":
            found = store.now(moderators.all_of_them)
            print("\n".join(found) if found else "There is no moderator yet.")
            return 0
        if act == "invite":
            code = store.now(trust.invite_moderator)
            print("Within an hour, write this to the gateway from the account that shall moderate:")
            print(f"verify {code}")
            return 0
        address = moderators.address(platform, handle)
        if act == "add":
            store.now(lambda book: moderators.trusted(book, address, people.MODERATOR))
        elif not store.now(lambda book: moderators.no_more(book, address)):
            raise Wrong("there is no moderator at this address; see: moderator list")
        print("Done.")
        return 0
    finally:
        store.close()


def stats(config: Config) -> int:
    store = keeping.open_store(config)
    try:
        for what, count in store.now(belonging.counts).items():
            print(f"{count:>8}  {what}")
    finally:
        store.close()
    return 0


# ------------------------------------------------------------------------------------- the terminal


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="movements", description=__doc__.split("\n")[0])
    acts = top.add_subparsers(dest="act", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--config", type=Path, help="without one: config.toml if it is there, else the playground"
    )
    running = acts.add_parser("run", parents=[shared], help="run the gateway")
    running.add_argument("--only", nargs="+", default=[], metavar="P", help="these platforms only")
    running.add_argument("--demo", action="store_true", help="the playground plays a story itself")
    acts.add_parser("check", parents=[shared], help="log in everywhere and print a table")
    named = acts.add_parser("moderator", parents=[shared], help="who moderates")
    named.add_argument("what", choices=("invite", "add", "list", "remove"))
    named.add_argument("platform", nargs="?")
    named.add_argument("handle", nargs="?")
    acts.add_parser("stats", parents=[shared], help="print counts")
    acts.add_parser("privacy", parents=[shared], help="print what is kept of people, and how long")
    acts.add_parser("rotate-key", parents=[shared], help="a new master key; the gateway goes on")
    copying = acts.add_parser("backup", parents=[shared], help="a copy of the data without keys")
    copying.add_argument("target", type=Path)
    forgetting = acts.add_parser("forget", parents=[shared], help="forget somebody, for good")
    forgetting.add_argument("platform")
    forgetting.add_argument("handle")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """-> 0; 1 if a check failed; 2 for what the operator can mend, with one line that says how."""
    _leave_no_dump()
    logs.begin()
    return obey(parser().parse_args(argv))


def _leave_no_dump() -> None:
    """An image of this process's memory holds everything in clear. The limit alone does not stop
    dumps that are piped to a program (https://man7.org/linux/man-pages/man5/core.5.html)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def obey(given: argparse.Namespace) -> int:
    try:
        config = _config(given.config, getattr(given, "demo", False))
        if given.act == "run":
            return run(config, given.only, given.demo)
        if given.act == "check":
            return check(config)
        if given.act == "moderator":
            return moderator(config, given.what, given.platform, given.handle)
        if given.act == "privacy":
            print(privacy_page(config.retention), end="")
            return 0
        if given.act == "rotate-key":
            return keeping.rotate_key(config)
        if given.act == "backup":
            return keeping.backup(config, given.target)
        if given.act == "forget":
            return keeping.forget(config, moderators.address(given.platform, given.handle))
        return stats(config)
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before or after the gateway itself, which ends by it
        return 130
    except Exception:
        log.critical("ended by a fault of this program", exc_info=True)
        return 1


def _config(path: Path | None, demo: bool) -> Config:
    if demo:
        if path is not None:
            raise Wrong(
                "--demo plays on the playground and needs no --config; leave one of them out"
            )
        return PLAYGROUND
    default = Path("config.toml")
    if path is None and not default.exists():
        return PLAYGROUND
    return configuration.load(path or default)


if __name__ == "__main__":
    sys.exit(main())
