"""The commands that a messenger lists by itself, with what each does in every language."""

from __future__ import annotations

from bots.commands import COMMANDS
from core.language import Languages
from core.message import Say

_LISTED = (
    *("need", "needs", "skills", "translate", "mine", "talk", "language", "safety", "link"),
    *("stop", "forget"),
)
_ALSO = {"help": Say("what you can do here"), "cancel": Say("leave the open question")}


def menu(languages: Languages) -> dict[str, list[tuple[str, str]]]:
    """language -> (English command word, what it does). The words are those that every messenger
    takes; each command can be written in any language anyway."""
    lines = {id: line for id in _LISTED if (line := COMMANDS[id].line)} | _ALSO
    return {
        language: [(id, languages.render(line, language)) for id, line in lines.items()]
        for language in languages.enabled
    }
