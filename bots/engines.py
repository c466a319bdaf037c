"""What drafts translations, if the operator put it in place: models in a folder, in a process of
their own, or a LibreTranslate server on this machine. Nothing is ever downloaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import aiohttp

from bots import drafter
from bots.config import Config, Wrong

SECONDS = 20.0
"""For one draft."""
_MOST_OUT = 64_000
_BETWEEN = "en"


class Engine(Protocol):
    async def draft(self, source: str, target: str, text: str) -> str:
        """-> the text in another language; "" if it can't. Raises nothing."""

    def pairs(self) -> list[str]:
        """-> what it says of itself to the operator: ["fa → en", ...]."""

    def close(self) -> None:
        """Ends what it started."""


def engine_of(config: Config) -> Engine | None:
    """What drafts translations: models before a server. Raises Wrong."""
    if (drafts := config.drafts) is None:
        return None
    engines: list[Engine] = []
    if drafts.models:
        models, where = Models(config.folder / drafts.models), config.where("drafts", "models")
        if not models.pairs():
            raise Wrong(f"{where}: no unpacked Argos package is in that folder; put one there")
        if not all(find_spec(name) for name in ("ctranslate2", "sentencepiece")):
            raise Wrong(f"{where}: run: .venv/bin/pip install ctranslate2 sentencepiece")
        engines.append(models)
    if drafts.libretranslate:
        engines.append(LibreTranslate(drafts.libretranslate))
    return FirstOf(engines)


class FirstOf:
    """The first of several that can."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = engines

    def pairs(self) -> list[str]:
        return [pair for engine in self._engines for pair in engine.pairs()]

    async def draft(self, source: str, target: str, text: str) -> str:
        for engine in self._engines:
            if said := await engine.draft(source, target, text):
                return said
        return ""

    def close(self) -> None:
        for engine in self._engines:
            engine.close()


def installed(folder: Path) -> dict[tuple[str, str], Path]:
    """-> unpacked Argos packages by their languages, as their metadata.json says."""
    found = {}
    for about in sorted(folder.glob("*/metadata.json")):
        try:
            said = json.loads(about.read_text("utf-8"))
            pair = str(said["from_code"]), str(said["to_code"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if (about.parent / "model").is_dir() and (about.parent / "sentencepiece.model").is_file():
            found[pair] = about.parent.resolve()
    return found


class Models:
    """The operator's folder of models. One process, started with the first draft, and again when it
    has died or took too long."""

    def __init__(self, folder: Path) -> None:
        self._there = installed(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._one = asyncio.Lock()

    def pairs(self) -> list[str]:
        return [f"{source} → {target}" for source, target in self._there]

    async def draft(self, source: str, target: str, text: str) -> str:
        models = self._way(_plain(source), _plain(target))
        if not models:
            return ""
        question = json.dumps({"models": [str(folder) for folder in models], "text": text})
        async with self._one:
            answer = await asyncio.to_thread(self._asked, question.encode() + b"\n")
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return str(json.loads(answer)["text"])
        return ""

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(BrokenPipeError), process:  # its pipes are closed
                process.kill()

    def _way(self, source: str, target: str) -> list[Path]:
        steps = [(source, target)]
        if (source, target) not in self._there:
            steps = [(source, _BETWEEN), (_BETWEEN, target)]
        return [self._there[step] for step in steps if all(s in self._there for s in steps)]

    def _asked(self, question: bytes) -> bytes:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                (sys.executable, "-I", "-B", str(Path(drafter.__file__))),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it may quote what people write
                env={},
                start_new_session=True,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        end = threading.Timer(SECONDS, process.kill)
        end.start()
        try:
            process.stdin.write(question)
            process.stdin.flush()
            return process.stdout.readline(_MOST_OUT)
        except OSError:
            return b""
        finally:
            end.cancel()


class LibreTranslate:
    """A server on this machine: https://github.com/LibreTranslate/LibreTranslate (POST
    /translate)."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def pairs(self) -> list[str]:
        return ["what the LibreTranslate server has"]

    async def draft(self, source: str, target: str, text: str) -> str:
        asked = {"q": text, "source": _plain(source), "target": _plain(target), "format": "text"}
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(f"{self._url}/translate", json=asked, allow_redirects=False) as answer,
            ):
                body = await answer.content.read(_MOST_OUT)
                return str(json.loads(body)["translatedText"]) if answer.status == 200 else ""
        except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError):
            return ""

    def close(self) -> None:
        pass


def _plain(language: str) -> str:
    """As engines name it: zh_Hans is zh."""
    return language.partition("_")[0]
