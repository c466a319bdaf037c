"""Who may import whom, and what no file may contain; read from the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bots", "core", "adapters")
FILES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
LONGEST = 350
"""Lines in a file."""

CORE = {
    "core/store.py": {"sqlalchemy"},
    "core/columns.py": {"sqlalchemy"},
    "core/tables.py": {"sqlalchemy"},
    "core/trust_tables.py": {"sqlalchemy"},
    "core/upgrades.py": {"sqlalchemy"},
    "core/databases.py": {"sqlalchemy"},
    "core/forgetting.py": {"sqlalchemy"},
    "core/keys.py": {"sqlalchemy"},
    "core/spare.py": {"sqlalchemy"},
    "core/privacy.py": {"cryptography"},
    "core/language.py": {"babel"},
    "core/detection.py": {"numpy", "py3langid"},
    "core/leanings.py": {"numpy"},
    "core/catalogues.py": {"babel"},
}
ADAPTERS = {
    "memory": set(),
    "web": {"aiohttp"},
    "telegram": {"aiohttp", "aiohttp_socks", "telegram"},
    "xmpp": {
        *("slixmpp", "python_socks", "aiohttp", "aiohttp_socks", "cryptography"),
        *("omemo", "oldmemo", "doubleratchet", "x3dh"),
    },
    "matrix": {"nio", "vodozemac", "cryptography", "aiohttp", "aiohttp_socks"},
}
BOTS = {
    "bots/cleaner.py": {"PIL", "pypdfium2"},
    "bots/drafter.py": {"ctranslate2", "sentencepiece"},
    "bots/engines.py": {"aiohttp"},
    "bots/health.py": {"aiohttp"},
    "bots/keeping.py": {"sqlalchemy"},
}
SEES_ADAPTERS = {"bots/__main__.py"}
KNOWS_THE_PROTOCOL = {
    "bots/gateway.py", "bots/courier.py", "bots/pictures.py", "bots/unsending.py",
}  # fmt: skip
"""They import the type `adapters.Adapter`, which is a seam, and no platform."""


def imports(path: str) -> Iterator[str]:
    """The modules that a file names, `from adapters import Adapter` as "adapters.Adapter" (of
    `core.message` and other plain modules as "core.message")."""
    for node in ast.walk(FILES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            if (ROOT / module.replace(".", "/")).is_dir():
                yield from (f"{module}.{alias.name}" for alias in node.names)
            else:
                yield module


def top(module: str) -> str:
    return module.partition(".")[0]


def others(path: str) -> set[str]:
    """Top names of what is neither ours nor the standard library's."""
    return {top(m) for m in imports(path)} - set(PACKAGES) - sys.stdlib_module_names


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("core/")])
def test_the_core_needs_only_itself_and_its_few_libraries(path: str) -> None:
    assert {top(m) for m in imports(path)} & {"bots", "adapters"} == set()
    assert others(path) <= CORE.get(path, set())


def test_the_types_at_the_seams_need_nothing() -> None:
    assert {top(m) for m in imports("core/saying.py")} <= sys.stdlib_module_names
    more = {m for m in imports("core/message.py") if top(m) not in sys.stdlib_module_names}
    assert more == {"core.saying"}


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("adapters/")])
def test_an_adapter_needs_the_seams_and_its_own_library(path: str) -> None:
    name = Path(path).parts[1].removesuffix(".py")
    own = f"adapters.{name}"
    ours = {m for m in imports(path) if top(m) in PACKAGES}
    assert all(m == "core.message" or f"{m}.".startswith(f"{own}.") for m in ours), ours
    assert others(path) <= ADAPTERS.get(name, set())


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("bots/")])
def test_the_conversation_needs_no_platform(path: str) -> None:
    adapters = {m for m in imports(path) if top(m) == "adapters"}
    if path in KNOWS_THE_PROTOCOL:
        assert adapters == {"adapters.Adapter"}
    elif path in SEES_ADAPTERS:
        assert adapters <= {
            "adapters.Adapter",
            "adapters.KNOWN",
        }  # classes by name, when configured
    else:
        assert adapters == set()
    assert others(path) <= BOTS.get(path, set())


def test_nobody_imports_the_platform_for_tests() -> None:
    assert [p for p in FILES if any(m.startswith("adapters.memory") for m in imports(p))] == []


@pytest.mark.parametrize("path", [p for p in FILES if p.startswith("core/") or p == "bots/talk.py"])
def test_the_core_and_talk_never_wait(path: str) -> None:
    """One message is one call in one transaction: two can't interleave inside one person."""
    waits = (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)
    assert [node.lineno for node in ast.walk(FILES[path]) if isinstance(node, waits)] == []
    assert "asyncio" not in set(imports(path))


@pytest.mark.parametrize("path", FILES)
def test_what_is_said_is_a_plain_text(path: str) -> None:
    """pybabel passes over f-strings and anything put together: they would never be translated."""
    wrong = []
    for node in ast.walk(FILES[path]):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        said = {"Say": node.args[:1], "SayMany": node.args[:2]}.get(node.func.id, [])
        wrong += [
            arg.lineno
            for arg in said
            if not (isinstance(arg, ast.Constant) and isinstance(arg.value, str))
            and f"{path} {ast.unparse(node)}" not in UNPACKED
        ]
    assert wrong == []


UNPACKED = {
    # what was extracted when it was written, on its way back from the database
    "core/packing.py Say(raw['say'], **{k: unpack(v) for k, v in raw['args'].items()})",
    "core/packing.py SayMany(raw['one'], raw['many'], raw['n'], **args)",
    # a mark, the same in every language
    "core/needs.py Say(mark)",
}


@pytest.mark.parametrize("path", FILES)
def test_no_file_is_long(path: str) -> None:
    assert len((ROOT / path).read_text("utf-8").splitlines()) <= LONGEST
