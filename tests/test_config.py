"""What an operator writes, and the one line that says what is wrong with it."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import re
import tomllib
from pathlib import Path

import pytest

from bots.config import REMEDIES, TABLES, Config, Wrong, load

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"

RIGHT = {
    "telegram": {"token_file": "token"},
    "xmpp": {"jid": "movements@example.org", "password_file": "password"},
    "matrix": {
        "homeserver": "https://matrix.example.org",
        "user": "@movements:example.org",
        "password_file": "password",
    },
}


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def table(name: str, **values: str) -> str:
    """A table that is right but for `values`, which are TOML."""
    right = {key: f'"{value}"' for key, value in RIGHT.get(name, {}).items()}
    lines = (f"{key} = {value}" for key, value in (right | values).items())
    return "\n".join((f"[{name}]", *lines)) + "\n"


def the_line(folder: Path, text: str) -> str:
    """-> what the operator is told, without the file's name."""
    path = written(folder, text)
    with pytest.raises(Wrong) as told:
        load(path)
    line = str(told.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


PROXY = "must look like socks5://127.0.0.1:9050"
MISTAKES = {
    "an unknown table": ("[telegrm]", "[telegrm] is unknown; did you mean telegram?"),
    "a table unlike any": (
        "[irc]",
        "[irc] is unknown; known are: store, community, retention, telegram, xmpp, matrix, web,"
        " health, drafts",
    ),
    "an unknown key": (
        table("xmpp", pasword_file='"x"'),
        "[xmpp] pasword_file is unknown; did you mean password_file?",
    ),
    "a time of nothing": (
        "[retention]\nheard_days = 0",
        "[retention] heard_days must be a whole number from 1 to 3650",
    ),
    "a need that closes before anybody is asked": (
        "[retention]\nneed_days = 3",
        "[retention] need_days must be a whole number from 4 to 3650",
    ),
    "a deletion that Telegram would refuse": (
        "[retention]\ntelegram_hours = 48",
        "[retention] telegram_hours must be a whole number from 0 to 47",
    ),
    "half a day": ("[retention]\nheard_days = 0.5", "[retention] heard_days must be a number"),
    "a warning that comes too late": (
        "[retention]\nidle_days = 30",
        "[retention] warning_days must be less than idle_days, which is 30",
    ),
    "a key without a table": (
        'token_file = "x"',
        "token_file stands outside of a table; put it below its [table]",
    ),
    "a table as a value": ("web = true", "web is a table; write it as [web]"),
    "a table twice": ("[[web]]", "web is a table; write it as [web]"),
    "a key that is missing": (
        '[telegram]\napi = "https://a.example"',
        '[telegram] token_file is missing; add: token_file = "..."',
    ),
    "a number as a text": (
        table("xmpp", port='"5222"'),
        "[xmpp] port must be a number, without quotes",
    ),
    "yes as a number": (table("xmpp", port="true"), "[xmpp] port must be a number, without quotes"),
    "a text as a number": (table("web", listen="8642"), "[web] listen must be a text, in quotes"),
    "a list as a text": (
        table("community", languages='"en"'),
        '[community] languages must be a list of texts, like ["en", "fa"]',
    ),
    "a list of numbers": (table("community", languages="[1]"), "must be a list of texts"),
    "no language": (table("community", languages="[]"), "must be a list of texts"),
    "an empty text": (table("xmpp", jid='""'), "[xmpp] jid is empty; fill it in"),
    "a character of nothing": (
        table("telegram", token_file=r'"a\u0000b"'),
        "[telegram] token_file holds a character that no setting can",
    ),
    "an audience of one's own": (
        table("community", audience='"friends"'),
        "[community] audience must be one of: anyone, vouched, verified",
    ),
    "a language that is not translated": (
        table("community", languages='["en", "tlh"]'),
        "[community] languages: tlh is not translated yet; there are: en",
    ),
    "another database": (table("store", url='"mysql://host/db"'), "[store] url must look like"),
    "another driver": (table("store", url='"postgresql://host/db"'), "[store] url must look like"),
    "a path for a database": (table("store", url='"var/a.db"'), "[store] url must look like"),
    "a database in memory": (table("store", url='"sqlite://"'), "[store] url must look like"),
    "no database at all": (table("store", url='"sqlite:///"'), "[store] url must look like"),
    "a memory that is lost": (
        table("store", url='"sqlite:///:memory:"'),
        "[store] url must look like",
    ),
    "an API without a scheme": (
        table("telegram", api='"api.example"'),
        "[telegram] api must look like https://api.telegram.org",
    ),
    "a proxy without a port": (table("telegram", proxy='"socks5://localhost"'), PROXY),
    "a proxy of another kind": (table("xmpp", proxy='"socks4://127.0.0.1:1"'), PROXY),
    "a proxy with a wrong port": (table("matrix", proxy='"socks5://127.0.0.1:99999"'), PROXY),
    "a JID without a domain": (
        table("xmpp", jid='"movements"'),
        "[xmpp] jid must look like movements@example.org",
    ),
    "a JID with a resource": (table("xmpp", jid='"a@b/c"'), "[xmpp] jid must look like"),
    "no such port": (table("xmpp", port="70000"), "[xmpp] port must look like 5222"),
    "a homeserver without a scheme": (
        table("matrix", homeserver='"matrix.example.org"'),
        "[matrix] homeserver must look like https://matrix.example.org",
    ),
    "a homeserver without a name": (
        table("matrix", homeserver='"https://"'),
        "[matrix] homeserver must look like",
    ),
    "a user without a server": (
        table("matrix", user='"movements"'),
        "[matrix] user must look like @movements:example.org",
    ),
    "a playground without a port": (
        table("web", listen='"127.0.0.1"'),
        "[web] listen must look like 127.0.0.1:8642",
    ),
    "a health page without a host": (
        table("health", listen='":9642"'),
        "[health] listen must look like 127.0.0.1:9642",
    ),
    "a health page at no port": (
        table("health", listen='"127.0.0.1:health"'),
        "[health] listen must look like",
    ),
    "a health page at a page": (
        table("health", listen='"127.0.0.1:9642/healthz"'),
        "[health] listen must look like",
    ),
    "drafts by nothing": ("[drafts]", "[drafts] models is missing; name a folder of models, or a"),
    "drafts by somebody else's machine": (
        table("drafts", libretranslate='"https://libretranslate.example.org"'),
        "[drafts] libretranslate must look like http://127.0.0.1:5000",
    ),
    "no TOML": ("[web", "this is not TOML: "),
    "a key twice": ('[web]\nlisten = "a"\nlisten = "b"', "this is not TOML: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line(mistake: str, tmp_path: Path) -> None:
    text, told = MISTAKES[mistake]
    assert told in the_line(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Wrong, match=r"there is no such file; copy config\.example\.toml"):
        load(tmp_path / "config.toml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Wrong, match=r"can't be read \(IsADirectoryError\)"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b'[community]\nname = "caf\xe9"')
    with pytest.raises(Wrong, match="not UTF-8"):
        load(tmp_path / "config.toml")


def test_a_file_from_notepad_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[web]\r\n")
    assert load(tmp_path / "config.toml").web is not None


# ------------------------------------------------------------------------------------- secrets

SECRETS = {
    "nowhere": (None, 0o600, "does not exist; put the secret into it, on one line"),
    "for everybody": (b"x", 0o604, "can be read by everybody here; run: chmod 600"),
    "empty": (b"\n", 0o600, "is empty; put the secret into it, on one line"),
    "a key file": (b"a\nb\n", 0o600, "has more than one line"),
    "no text": (b"\xff\xfe", 0o600, "can't be read as text"),
}


def with_secret(folder: Path, content: bytes | None, mode: int = 0o600) -> Config:
    if content is not None:
        (folder / "token").write_bytes(content)
        (folder / "token").chmod(mode)
    return load(written(folder, table("telegram")))


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_cannot_be_used(secret: str, tmp_path: Path) -> None:
    content, mode, told = SECRETS[secret]
    config = with_secret(tmp_path, content, mode)
    with pytest.raises(Wrong) as wrong:
        config.secret("telegram", "token_file")
    line = str(wrong.value)
    assert line.startswith(f"{tmp_path}/config.toml: [telegram] token_file: {tmp_path}/token ")
    assert told in line
    assert "\n" not in line


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "token").mkdir(0o700)
    with pytest.raises(Wrong, match="can't be read as text"):
        with_secret(tmp_path, None).secret("telegram", "token_file")


def test_a_secret_is_its_line_without_what_editors_add(tmp_path: Path) -> None:
    config = with_secret(tmp_path, b"\xef\xbb\xbf pass word \r\n", 0o640)
    assert config.secret("telegram", "token_file") == "pass word"


def test_paths_are_seen_from_the_file(tmp_path: Path) -> None:
    config = load(written(tmp_path, ""))
    assert config.database() == f"sqlite:///{tmp_path}/var/movements.db"
    elsewhere = load(written(tmp_path, table("store", url='"sqlite:////srv/movements.db"')))
    assert elsewhere.database() == "sqlite:////srv/movements.db"


# ------------------------------------------------------------------------------------- the example


def shown() -> str:
    """The example with every setting switched on."""
    return re.sub(r"^#(?=\[|\w+ = )", "", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)


def test_the_example_is_right_as_it_is() -> None:
    config = load(EXAMPLE)
    assert config == Config(path=EXAMPLE, web=TABLES["web"]())


def test_the_example_shows_every_setting_and_no_other() -> None:
    settings = {name: {f.name for f in dataclasses.fields(cls)} for name, cls in TABLES.items()}
    assert {name: set(keys) for name, keys in tomllib.loads(shown()).items()} == settings


def test_the_example_is_right_with_everything_switched_on(tmp_path: Path) -> None:
    config = load(written(tmp_path, shown()))
    assert all(getattr(config, name) is not None for name in TABLES)


@pytest.mark.parametrize(
    ("name", "key", "default"),
    [
        (name, field.name, field.default)
        for name, cls in TABLES.items()
        for field in dataclasses.fields(cls)
        if field.default not in (None, dataclasses.MISSING)
    ],
)
def test_the_example_shows_the_default(name: str, key: str, default: object) -> None:
    value = tomllib.loads(shown())[name][key]
    assert (tuple(value) if isinstance(value, list) else value) == default


def test_the_example_says_something_about_every_setting() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r"#?\w+ = ", line):
            assert before.startswith("# "), line


def test_every_key_that_an_adapter_names_has_a_remedy() -> None:
    adapters = Path(__file__).parent.parent / "adapters"
    named = {
        argument.value
        for file in adapters.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Down"
        for argument in (*call.args[1:], *(k.value for k in call.keywords if k.arg == "key"))
        if isinstance(argument, ast.Constant)
    }
    assert named >= {"token_file", "password_file", "homeserver", "listen"}
    assert named <= set(REMEDIES)
