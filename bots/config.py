"""The configuration: TOML -> frozen dataclasses. What is wrong is one line: file, key, remedy."""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.catalogues import offered
from core.message import Down

_KEPT = {"need_days": (4, 3650), "telegram_hours": (0, 47)}
"""Least and most, where they are not a day or an hour, and ten years."""
AUDIENCES = ("anyone", "vouched", "verified")


REMEDIES = {
    "token_file": "put the token that @BotFather gives into that file",
    "password_file": "put the account's password into that file",
    "api": "is the address right, and does the server run?",
    "host": "are host and port right, and does the server run?",
    "homeserver": "is the address right, and does the server run?",
    "proxy": "is the address right, and does the proxy run?",
    "ca_file": "name a file with the authority's certificate (PEM), or leave it out",
    "jid": "give the gateway an account of its own",
    "user": "give the gateway an account of its own",
    "listen": "choose another one",
}
"""key -> what the operator can do about it."""


class Wrong(Exception):
    """One line for the operator: where, what, and what to do."""


@dataclass(frozen=True)
class StoreSettings:
    url: str = field(default="sqlite:///var/movements.db", repr=False)
    keys_url: str = field(default="sqlite:///var/keys.db", repr=False)
    master_key_file: str = "var/master.key"


@dataclass(frozen=True)
class CommunitySettings:
    name: str = "Movements"
    languages: tuple[str, ...] = offered()
    audience: str = "vouched"


@dataclass(frozen=True)
class RetentionSettings:
    """How long what is kept: see `bots.retention`."""

    undelivered_hours: int = 72
    need_days: int = 30
    closed_days: int = 7
    idle_days: int = 90
    warning_days: int = 83
    ban_days: int = 365
    audit_days: int = 180
    heard_days: int = 14
    copies_days: int = 30
    telegram_hours: int = 24


@dataclass(frozen=True)
class TelegramSettings:
    token_file: str
    api: str = "https://api.telegram.org"
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class XmppSettings:
    jid: str
    password_file: str
    host: str | None = None
    port: int = 5222
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class MatrixSettings:
    homeserver: str
    user: str
    password_file: str
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class WebSettings:
    listen: str = "127.0.0.1:8642"


@dataclass(frozen=True)
class HealthSettings:
    listen: str = "127.0.0.1:9642"


@dataclass(frozen=True)
class DraftsSettings:
    models: str | None = None
    libretranslate: str | None = None


@dataclass(frozen=True)
class Config:
    """A platform or service runs if its table is there. path: the file, None without one."""

    path: Path | None = None
    store: StoreSettings = field(default_factory=StoreSettings)
    community: CommunitySettings = field(default_factory=CommunitySettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    telegram: TelegramSettings | None = None
    xmpp: XmppSettings | None = None
    matrix: MatrixSettings | None = None
    web: WebSettings | None = None
    health: HealthSettings | None = None
    drafts: DraftsSettings | None = None

    @property
    def folder(self) -> Path:
        """Paths in the file are relative to the file."""
        return self.path.parent if self.path else Path()

    def database(self) -> str:
        return self._from_here(self.store.url)

    def keys(self) -> str:
        """The key store's url."""
        return self._from_here(self.store.keys_url)

    def master_key(self) -> Path:
        return self.folder / self.store.master_key_file

    def _from_here(self, url: str) -> str:
        """A relative SQLite path made relative to the file."""
        prefix = "sqlite:///"
        rest = url.removeprefix(prefix)
        return url if rest == url or rest.startswith("/") else f"{prefix}{self.folder / rest}"

    def where(self, table: str, key: str) -> str:
        """How the operator finds a setting: "config.toml: [xmpp] host"."""
        return f"{self.path or 'the playground'}: [{table}] {key}"

    def told(self, table: str, down: Down) -> str:
        """-> one line: file, table, key, what is wrong, what to do."""
        if down.key is None:
            return f"{self.path or 'the playground'}: [{table}]: {down.reason}"
        return f"{self.where(table, down.key)}: {down.reason}; {REMEDIES[down.key]}"

    def secret(self, table: str, key: str) -> str:
        """What the file named by a key holds. Raises Wrong."""
        path = self.folder / str(getattr(getattr(self, table), key))
        where, remedy = self.where(table, key), "put the secret into it, on one line"
        try:
            if path.stat().st_mode & 0o007:
                raise Wrong(f"{where}: {path} can be read by everybody here; run: chmod 600 {path}")
            text = path.read_text("utf-8-sig").strip()
        except FileNotFoundError:
            raise Wrong(f"{where}: {path} does not exist; {remedy}") from None
        except (OSError, ValueError):
            raise Wrong(f"{where}: {path} can't be read as text; {remedy}") from None
        if not text:
            raise Wrong(f"{where}: {path} is empty; {remedy}")
        if len(text.splitlines()) > 1:
            raise Wrong(f"{where}: {path} has more than one line; {remedy}")
        return text


TABLES: dict[str, type[Any]] = {
    "store": StoreSettings,
    "community": CommunitySettings,
    "retention": RetentionSettings,
    "telegram": TelegramSettings,
    "xmpp": XmppSettings,
    "matrix": MatrixSettings,
    "web": WebSettings,
    "health": HealthSettings,
    "drafts": DraftsSettings,
}
PLAYGROUND = Config(web=WebSettings())
"""Without a file: the playground alone."""


def load(path: Path) -> Config:
    """Raises Wrong."""
    try:
        raw = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        example = "copy config.example.toml and fill it in"
        raise Wrong(f"{path}: there is no such file; {example}") from None
    except tomllib.TOMLDecodeError as error:
        raise Wrong(f"{path}: this is not TOML: {error}") from None
    except UnicodeDecodeError:
        raise Wrong(f"{path}: this is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise Wrong(f"{path}: can't be read ({type(error).__name__})") from None
    tables: dict[str, Any] = {}
    for name, values in raw.items():
        if name not in TABLES and not isinstance(values, dict):
            raise Wrong(f"{path}: {name} stands outside of a table; put it below its [table]")
        if name not in TABLES:
            raise Wrong(f"{path}: [{name}] is unknown{nearest(name, TABLES)}")
        if not isinstance(values, dict):
            raise Wrong(f"{path}: {name} is a table; write it as [{name}]")
        tables[name] = _table(path, name, values)
    config = Config(path=path, **tables)
    _check(config)
    return config


def nearest(name: str, known: Iterable[str]) -> str:
    """-> the end of a line that says what was perhaps meant."""
    known = list(known)
    close = difflib.get_close_matches(name, known, 1, 0.5)
    return f"; did you mean {close[0]}?" if close else f"; known are: {', '.join(known)}"


def place(listen: str) -> tuple[str, int]:
    """Splits a `listen` that was checked, "127.0.0.1:9642" or "[::1]:9642", into host and port."""
    host, port = _host(listen)
    return host or "", port or 0


def _host(authority: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(f"//{authority}")
        return parts.hostname, parts.port
    except ValueError:
        return None, None


def _table(path: Path, name: str, values: dict[str, Any]) -> Any:
    fields = {f.name: f for f in dataclasses.fields(TABLES[name])}
    for key, value in values.items():
        if key not in fields:
            raise Wrong(f"{path}: [{name}] {key} is unknown{nearest(key, fields)}")
        values[key] = _typed(f"{path}: [{name}] {key}", value, str(fields[key].type))
    for key, f in fields.items():
        if key not in values and f.default is dataclasses.MISSING:
            raise Wrong(f'{path}: [{name}] {key} is missing; add: {key} = "..."')
    return TABLES[name](**values)


def _typed(where: str, value: Any, wanted: str) -> Any:
    if wanted.startswith("tuple"):
        if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
            return tuple(value)
        raise Wrong(f'{where} must be a list of texts, like ["en", "fa"]')
    if wanted == "int":
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise Wrong(f"{where} must be a number, without quotes")
    if not isinstance(value, str):
        raise Wrong(f'{where} must be a text, in quotes: "..."')
    if "\0" in value:
        raise Wrong(f"{where} holds a character that no setting can")
    if not value and "None" in wanted:
        return None
    if not value:
        raise Wrong(f"{where} is empty; fill it in, or leave the line out if it has a default")
    return value


def _check(config: Config) -> None:
    """What can be known without asking anybody. Raises Wrong."""
    community = config.community
    if community.audience not in AUDIENCES:
        where = config.where("community", "audience")
        raise Wrong(f"{where} must be one of: {', '.join(AUDIENCES)}")
    there = offered()
    for tag in community.languages:
        if tag not in there:
            where = config.where("community", "languages")
            raise Wrong(f"{where}: {tag} is not translated yet; there are: {', '.join(there)}")
    kept = config.retention
    for length in dataclasses.fields(kept):
        least, most = _KEPT.get(length.name, (1, 3650))
        if not least <= getattr(kept, length.name) <= most:
            where = config.where("retention", length.name)
            raise Wrong(f"{where} must be a whole number from {least} to {most}")
    if kept.warning_days >= kept.idle_days:
        where = config.where("retention", "warning_days")
        raise Wrong(f"{where} must be less than idle_days, which is {kept.idle_days}")
    drafts = config.drafts
    if drafts is not None and not (drafts.models or drafts.libretranslate):
        where = config.where("drafts", "models")
        raise Wrong(f"{where} is missing; name a folder of models, or a libretranslate server")
    for table, key, form, example in _FORMS:
        value = getattr(getattr(config, table), key, None)
        if value is not None and not form(value):
            raise Wrong(f"{config.where(table, key)} must look like {example}")


def _url(value: str, *schemes: str) -> bool:
    scheme, _, rest = value.partition("://")
    return scheme in schemes and bool(_host(rest.split("/")[0])[0])


def _proxy(value: str) -> bool:
    scheme, _, rest = value.partition("://")
    return scheme in ("socks5", "http") and None not in _host(rest)


def _website(value: str) -> bool:
    return _url(value, "https", "http")


def _here(value: str) -> bool:
    # what people write is not to leave the machine
    return _website(value) and _host(value.split("/")[2])[0] in ("127.0.0.1", "::1", "localhost")


def _listen(value: str) -> bool:
    return None not in _host(value) and "/" not in value


def _database(value: str) -> bool:
    # one in memory would be another one in each thread
    return bool(re.fullmatch(r"sqlite:///(?!:memory:)[^?]+|postgresql\+psycopg://.+", value))


_FORMS = (
    ("store", "url", _database, "sqlite:///var/movements.db or postgresql+psycopg:///movements"),
    ("store", "keys_url", _database, "sqlite:///var/keys.db or postgresql+psycopg:///keys"),
    ("telegram", "api", _website, "https://api.telegram.org"),
    ("telegram", "proxy", _proxy, "socks5://127.0.0.1:9050"),
    ("xmpp", "jid", re.compile(r"[^@/\s]+@[^@/\s]+").fullmatch, "movements@example.org"),
    ("xmpp", "port", range(1, 65536).__contains__, "5222"),
    ("xmpp", "proxy", _proxy, "socks5://127.0.0.1:9050"),
    ("matrix", "homeserver", _website, "https://matrix.example.org"),
    ("matrix", "user", re.compile(r"@[^@:\s]+:\S+").fullmatch, "@movements:example.org"),
    ("matrix", "proxy", _proxy, "socks5://127.0.0.1:9050"),
    ("drafts", "libretranslate", _here, "http://127.0.0.1:5000, on this machine"),
    ("web", "listen", _listen, "127.0.0.1:8642"),
    ("health", "listen", _listen, "127.0.0.1:9642"),
)
"""table, key, what holds for every right value, and one of them."""
