"""What the pages say is there is there, and nothing of one's own machine is in the tree."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from bots.__main__ import parser
from bots.config import TABLES, RetentionSettings
from bots.privacy_page import in_short, privacy_page
from core.catalogues import offered
from tests.world import LANGUAGES

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "locales" / "README.md"])
TEXTS = {page: page.read_text("utf-8") for page in PAGES}


def called(page: Path) -> str:
    return str(page.relative_to(ROOT))


pages = pytest.mark.parametrize("page", PAGES, ids=called)


def anchor(heading: str) -> str:
    """As GitHub makes them."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def code(text: str) -> list[str]:
    """The lines in fences, and what stands in backticks."""
    fences = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    return [line for fence in fences for line in fence.splitlines()] + inline


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        if target.startswith(("https://", "http://")):
            continue
        path, _, part = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if part:
            headings = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.MULTILINE)
            assert part in {anchor(heading) for heading in headings}, target


@pages
def test_files_and_tests_that_are_named_are_there(page: Path) -> None:
    for said in code(TEXTS[page]):
        for path in re.findall(
            r"(?:^|[\s(])((?:bots|core|adapters|tests|locales|docs|deploy)/[\w/.*-]*)", said
        ):
            made = ("tests/platforms/yours", "locales/ru/", "locales/messages.pot")
            assert path.startswith(made) or list(ROOT.glob(path.rstrip("/."))), path


@pages
def test_tests_that_hold_something_are_there(page: Path) -> None:
    for said in code(TEXTS[page]):
        for name in re.findall(r"(?:^|[\s(])(test_\w+\.py)", said):
            assert list((ROOT / "tests").rglob(name)), name


def test_every_threat_names_the_test_that_holds_it() -> None:
    text = TEXTS[ROOT / "docs" / "threats.md"]
    rows = re.findall(r"^\| (?!Threat \|)([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert len(rows) == sum(line.startswith("| ") for line in text.splitlines()) - 3
    for threat, _, held in rows:
        named = re.findall(r"`(?:tests/)?((?:core/|stories/)?[\w.]+\.(?:py|txt))`", held)
        assert named, threat
        for name in named:
            assert list((ROOT / "tests").rglob(name)), (threat, name)


@pages
def test_make_can_make_what_is_named(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for said in code(TEXTS[page]):
        for target in re.findall(r"(?:^|&& )make (?:-C \S+ )?([\w-]+)", said):
            assert target in targets, said


@pages
def test_the_program_understands_what_is_named(page: Path) -> None:
    for said in code(TEXTS[page]):
        for argv in re.findall(r"python -m bots ([^#\n]+)", said):
            words = argv.replace("PLATFORM HANDLE", "xmpp a@b").split()
            parser().parse_args(words)  # ends the test with SystemExit if not


@pages
def test_settings_that_are_named_exist(page: Path) -> None:
    text = TEXTS[page]
    for table, key in re.findall(r"\[(\w+)\] (\w+)[:)]", text):
        assert key in TABLES[table].__dataclass_fields__, (table, key)
    for table in re.findall(r"`\[(\w+)\]`", text):
        assert table in TABLES, table
    for shown in re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for table, values in tomllib.loads(shown).items():
            assert values.keys() <= TABLES[table].__dataclass_fields__.keys()


def test_the_page_on_privacy_is_the_one_that_the_settings_make() -> None:
    said = privacy_page(RetentionSettings())
    assert (ROOT / "docs" / "privacy.md").read_text("utf-8") == said
    for setting in RetentionSettings.__dataclass_fields__:  # each is told of
        changed = RetentionSettings(**{setting: 3141})
        assert privacy_page(changed) != said, setting
        assert "3141" in LANGUAGES.render(in_short(changed), "en"), setting
        for language in offered():
            assert "{" not in LANGUAGES.render(in_short(changed), language), language


def test_the_unit_starts_what_there_is() -> None:
    unit = (ROOT / "deploy" / "movements.service").read_text("utf-8")
    (argv,) = re.findall(r"^ExecStart=\S+ -m bots (.+)$", unit, re.MULTILINE)
    assert parser().parse_args(argv.split()).act == "run"


def test_the_screenshot_is_light() -> None:
    picture = (ROOT / "docs" / "playground.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 300_000


# ------------------------------------------------------------------------------------- the tree

# Put together here, so that they are not in the tree themselves.
NOWHERE = {
    "a path of one machine": r"(^|[^\w.])/(ho" r"me|Us" r"ers|wo" r"rk|ro" r"ot)/\w",
    "a registry's host": r"py" r"pi\.org|python" r"hosted\.org|(simple|pypi)/ *--trusted",
    "another index": r"--(extra-)?ind" r"ex-url|trusted-ho" r"st *=",
    "unfinished words": r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|lorem ip" r"sum)\b|for n" r"ow\b",
}


@pytest.mark.parametrize("what", NOWHERE)
def test_the_tree_has_nowhere(what: str) -> None:
    if not (ROOT / ".git").exists():
        files = [p for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts]
    else:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        )
        files = [ROOT / name for name in listed.stdout.split("\0") if name]
    pattern, found = re.compile(NOWHERE[what], re.MULTILINE), []
    for file in files:
        if not file.is_file() or file.suffix == ".png" or file.name == "LICENSE":
            continue
        text = file.read_text("utf-8", "replace")
        found += [f"{file.relative_to(ROOT)}: {hit[0]}" for hit in pattern.finditer(text)]
    assert found == []
