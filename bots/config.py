"""The configuration: TOML -> frozen dataclasses. What is wrong is one line: file, key, remedy."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

AUDIENCES = ("anyone", "vouched", "verified")


class Wrong(Exception):
    """One line for the operator: where, what, and what to do."""


@dataclass(frozen=True)
class StoreSettings:
    url: str = "sqlite:///var/movements.db"


@dataclass(frozen=True)
class CommunitySettings:
    name: str = "Movements"
    languages: tuple[str, ...] = ("en", "fa")
    audience: str = "vouched"


@dataclass(frozen=True)
class TelegramSettings:
    token_file: str
    api: str = "https://api.telegram.org"
    proxy: str | None = None


@dataclass(frozen=True)
class XmppSettings:
    jid: str
    password_file: str
    host: str | None = None
    port: int = 5222
    ca_file: str | None = None
    proxy: str | None = None


@dataclass(frozen=True)
class MatrixSettings:
    homeserver: str
    user: str
    password_file: str
    proxy: str | None = None


@dataclass(frozen=True)
class WebSettings:
    listen: str = "127.0.0.1:8642"


@dataclass(frozen=True)
class HealthSettings:
    listen: str = "127.0.0.1:9642"


@dataclass(frozen=True)
class Config:
    """A platform or service runs if its table is there. path: the file, None without one."""

    path: Path | None = None
    store: StoreSettings = field(default_factory=StoreSettings)
    community: CommunitySettings = field(default_factory=CommunitySettings)
    telegram: TelegramSettings | None = None
    xmpp: XmppSettings | None = None
    matrix: MatrixSettings | None = None
    web: WebSettings | None = None
    health: HealthSettings | None = None

    @property
    def folder(self) -> Path:
        """Paths in the file are relative to the file."""
        return self.path.parent if self.path else Path()

    def database(self) -> str:
        """`store.url`, with a relative SQLite path made relative to the file."""
        prefix = "sqlite:///"
        rest = self.store.url.removeprefix(prefix)
        if rest == self.store.url or rest.startswith("/"):
            return self.store.url
        return f"{prefix}{self.folder / rest}"

    def secret(self, table: str, key: str) -> str:
        """What the file named by a key holds. Raises Wrong."""
        path = self.folder / str(getattr(getattr(self, table), key))
        where = f"{self.path}: [{table}] {key}"
        try:
            if path.stat().st_mode & 0o007:
                raise Wrong(f"{where}: {path} can be read by everybody here; run: chmod 600 {path}")
            text: str = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = "does not exist" if isinstance(error, FileNotFoundError) else "can't be read"
            raise Wrong(f"{where}: {path} {why}; put the secret into it, on one line") from None
        if not text:
            raise Wrong(f"{where}: {path} is empty; put the secret into it, on one line")
        return text


TABLES: dict[str, type[Any]] = {
    "store": StoreSettings,
    "community": CommunitySettings,
    "telegram": TelegramSettings,
    "xmpp": XmppSettings,
    "matrix": MatrixSettings,
    "web": WebSettings,
    "health": HealthSettings,
}
PLAYGROUND = Config(web=WebSettings())
"""Without a file: the playground alone."""


def load(path: Path) -> Config:
    """Raises Wrong."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        example = "copy config.example.toml and fill it in"
        raise Wrong(f"{path}: there is no such file; {example}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{path}: can't be read ({type(error).__name__})") from None
    except tomllib.TOMLDecodeError as error:
        raise Wrong(f"{path}: this is not TOML: {error}") from None
    tables: dict[str, Any] = {}
    for name, values in raw.items():
        if name not in TABLES:
            raise Wrong(f"{path}: [{name}] is unknown{_nearest(name, TABLES)}")
        if not isinstance(values, dict):
            raise Wrong(f"{path}: {name} is a table; write it as [{name}]")
        tables[name] = _table(path, name, values)
    config = Config(path=path, **tables)
    _check(config)
    return config


def _table(path: Path, name: str, values: dict[str, Any]) -> Any:
    fields = {f.name: f for f in dataclasses.fields(TABLES[name])}
    for key, value in values.items():
        if key not in fields:
            raise Wrong(f"{path}: [{name}] {key} is unknown{_nearest(key, fields)}")
        values[key] = _typed(f"{path}: [{name}] {key}", value, str(fields[key].type))
    for key, f in fields.items():
        given = key in values or f.default is not dataclasses.MISSING
        if not given:
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
    if not value and "None" in wanted:
        return None
    if not value:
        raise Wrong(f"{where} is empty")
    return value


def _nearest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), 1, 0.5)
    return f"; did you mean {close[0]}?" if close else f"; known are: {', '.join(known)}"


def _check(config: Config) -> None:
    from core.language import Languages

    path, community = config.path, config.community
    if community.audience not in AUDIENCES:
        raise Wrong(f"{path}: [community] audience must be one of: {', '.join(AUDIENCES)}")
    for tag in community.languages:
        if tag not in Languages().enabled:
            ready = ", ".join(Languages().enabled)
            raise Wrong(
                f"{path}: [community] languages: {tag} has no catalogue; there are: {ready}"
            )
    for name in ("telegram", "xmpp", "matrix"):
        proxy = getattr(getattr(config, name), "proxy", None)
        if proxy and urlsplit(proxy).scheme not in ("socks5", "http"):
            raise Wrong(f"{path}: [{name}] proxy must look like socks5://127.0.0.1:9050")
    if config.matrix and urlsplit(config.matrix.homeserver).scheme not in ("https", "http"):
        raise Wrong(f"{path}: [matrix] homeserver must look like https://matrix.example.org")
    if config.xmpp and "@" not in config.xmpp.jid:
        raise Wrong(f"{path}: [xmpp] jid must look like movements@example.org")
