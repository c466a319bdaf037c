"""`movements`: builds everything from the configuration, and runs it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import logging
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from adapters import KNOWN, Adapter
from bots import config as configuration
from bots import health
from bots.config import AUDIENCES, PLAYGROUND, Config, Wrong
from bots.gateway import Gateway
from bots.talk import Talk
from bots.turn import Community
from core import people
from core.actions import belonging
from core.language import Languages
from core.message import Address, Down
from core.store import Book, NotAlone, Store
from core.upgrades import TooNew

log = logging.getLogger("movements")


# ------------------------------------------------------------------------------------- building


def adapters_of(config: Config, only: Sequence[str], demo: bool) -> dict[str, Adapter]:
    """Raises Wrong."""
    made: dict[str, Adapter] = {}
    for name, place in KNOWN.items():
        settings = getattr(config, name)
        if settings is None or (only and name not in only):
            continue
        module, cls = place.split(":")
        made[name] = getattr(importlib.import_module(module), cls)(**_given(config, name, demo))
    for name in only:
        if name not in made:
            raise Wrong(f"{config.path}: --only {name}: there is no table [{name}]")
    if not made:
        names = ", ".join(f"[{name}]" for name in KNOWN)
        raise Wrong(f"{config.path}: no platform; add a table, one of: {names}")
    return made


def _given(config: Config, name: str, demo: bool) -> dict[str, Any]:
    """What the adapter is made with: its settings, secrets read from their files."""
    if name == "telegram" and (telegram := config.telegram):
        token = config.secret(name, "token_file")
        return {"token": token, "api": telegram.api, "proxy": telegram.proxy}
    if name == "xmpp" and (xmpp := config.xmpp):
        return {
            "jid": xmpp.jid,
            "password": config.secret(name, "password_file"),
            "host": xmpp.host,
            "port": xmpp.port,
            "ca_file": str(config.folder / xmpp.ca_file) if xmpp.ca_file else None,
            "proxy": xmpp.proxy,
        }
    if name == "matrix" and (matrix := config.matrix):
        return {
            "homeserver": matrix.homeserver,
            "user": matrix.user,
            "password": config.secret(name, "password_file"),
            "folder": config.folder / "var" / "matrix",
            "proxy": matrix.proxy,
        }
    assert config.web is not None
    return {"listen": config.web.listen, "demo": demo}


def open_store(config: Config, *, alone: bool = False) -> Store:
    """alone: for the gateway itself; commands work beside it. Raises Wrong."""
    where = f"{config.path or 'the default'}: [store] url"
    try:
        return Store(config.database(), alone=alone)
    except NotAlone:
        raise Wrong(
            f"{where}: another gateway already runs on this database; end it first"
        ) from None
    except (ArgumentError, NoSuchModuleError):
        raise Wrong(f"{where} must look like sqlite:///var/movements.db") from None
    except TooNew as error:
        raise Wrong(f"{where}: written by a newer version ({error}); upgrade first") from None
    except (SQLAlchemyError, OSError) as error:
        kind = type(error).__name__
        raise Wrong(f"{where}: the database can't be opened ({kind}); is it there?") from None


def talk_of(config: Config, adapters: dict[str, Adapter]) -> Talk:
    community = Community(
        name=config.community.name,
        audience=AUDIENCES.index(config.community.audience),
        readers={name: adapter.facts.reader for name, adapter in adapters.items()},
    )
    return Talk(Languages(config.community.languages), community)


# ------------------------------------------------------------------------------------- commands


def run(config: Config, only: Sequence[str], demo: bool) -> int:
    """Until it is told to end. The playground forgets everything then."""
    adapters = adapters_of(config, only, demo)
    if config is not PLAYGROUND:
        return _run_on(open_store(config, alone=True), config, adapters)
    with tempfile.TemporaryDirectory(prefix="movements-") as folder:
        store = Store(f"sqlite:///{folder}/movements.db")
        store.now(_playground)
        return _run_on(store, config, adapters)


def _run_on(store: Store, config: Config, adapters: dict[str, Adapter]) -> int:
    gateway = Gateway(store, talk_of(config, adapters), adapters)
    try:
        asyncio.run(_run(gateway, config))
    finally:
        store.close()
    return 0


async def _run(gateway: Gateway, config: Config) -> None:
    main = asyncio.current_task()
    assert main is not None
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, main.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        async with asyncio.TaskGroup() as group:
            group.create_task(gateway.run())
            if config.health:
                group.create_task(health.serve(gateway, config.health.listen))
            if web := gateway.adapters.get("web"):
                await web.up.wait()
                print(f"Open {web.url} in a browser. Ctrl-C ends it.", flush=True)  # type: ignore[attr-defined]


def _playground(book: Book) -> None:
    """The phones of the playground that somebody trusted already."""
    for handle, level in (
        ("moderator", people.MODERATOR),
        ("volunteer", people.VERIFIED),
        ("translator", people.VOUCHED),
    ):
        _trusted(book, Address("web", handle), level)


def _trusted(book: Book, address: Address, level: int) -> None:
    found = people.at(book, address)
    who = found[0] if found else people.meet(book, address, "en")
    book.do("update people set trust = :level where id = :id", level=level, id=who.id)


def check(config: Config) -> int:
    """Logs in everywhere. -> 1 if anything is wrong; prints a table."""
    rows: list[tuple[str, str, str]] = [("config", "ok", str(config.path or "defaults"))]
    try:
        open_store(config).close()
        rows.append(("store", "ok", config.database().split("://", 1)[0]))
    except Wrong as wrong:
        rows.append(("store", "FAILED", str(wrong)))
    for name in KNOWN:
        if getattr(config, name) is None:
            continue
        try:
            (adapter,) = adapters_of(config, [name], False).values()
            rows.append((name, "ok", asyncio.run(adapter.check())))
        except Wrong as wrong:
            rows.append((name, "FAILED", str(wrong)))
        except Down as down:
            key = f"[{name}] {down.key}: " if down.key else ""
            rows.append((name, "FAILED", f"{key}{down.reason}"))
    width = max(len(name) for name, _, _ in rows)
    for name, state, what in rows:
        print(f"{name:<{width}}  {state:<6}  {what}")
    return int(any(state == "FAILED" for _, state, _ in rows))


def moderator(config: Config, act: str, platform: str | None, handle: str | None) -> int:
    store = open_store(config)
    try:
        if act == "list":
            found = store.now(_moderators)
            print("\n".join(found) if found else "There is no moderator yet.")
            return 0
        if platform not in KNOWN or not handle:
            raise Wrong(f"moderator {act} PLATFORM HANDLE; platforms are: {', '.join(KNOWN)}")
        address = Address(platform, handle)
        if act == "add":
            store.now(lambda book: _trusted(book, address, people.MODERATOR))
        elif not store.now(lambda book: _no_moderator(book, address)):
            raise Wrong("there is no moderator at this address")
        print("Done.")
        return 0
    finally:
        store.close()


def _moderators(book: Book) -> list[str]:
    """The operator's own list, on the operator's own terminal; never sent or logged."""
    rows = book.all(
        "select a.platform, a.handle from people p join addresses a on a.person = p.id"
        " where p.trust = :trust order by a.platform, a.handle",
        trust=people.MODERATOR,
    )
    return [f"{row.platform} {row.handle}" for row in rows]


def _no_moderator(book: Book, address: Address) -> int:
    return book.do(
        "update people set trust = :new where trust = :moderator and id ="
        " (select person from addresses where platform = :platform and handle = :handle)",
        new=people.NEW,
        moderator=people.MODERATOR,
        platform=address.platform,
        handle=address.handle,
    )


def stats(config: Config) -> int:
    store = open_store(config)
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
    moderators = acts.add_parser("moderator", parents=[shared], help="add, list, remove moderators")
    moderators.add_argument("what", choices=("add", "list", "remove"))
    moderators.add_argument("platform", nargs="?")
    moderators.add_argument("handle", nargs="?")
    acts.add_parser("stats", parents=[shared], help="print counts")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    given = parser().parse_args(argv)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump holds everything in clear
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for noisy in ("httpx", "httpcore", "aiohttp", "nio", "slixmpp", "telegram", "peewee"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    try:
        config = _config(given.config, getattr(given, "demo", False))
        if given.act == "run":
            return run(config, given.only, given.demo)
        if given.act == "check":
            return check(config)
        if given.act == "moderator":
            return moderator(config, given.what, given.platform, given.handle)
        return stats(config)
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 2


def _config(path: Path | None, demo: bool) -> Config:
    if demo and path is None:
        return PLAYGROUND
    default = Path("config.toml")
    if path is None and not default.exists():
        return PLAYGROUND
    return configuration.load(path or default)


if __name__ == "__main__":
    sys.exit(main())
