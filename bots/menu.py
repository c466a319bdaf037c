"""The commands that a messenger lists by itself, with what each does in every language."""

from __future__ import annotations

from collections.abc import Callable

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


def menu_for(
    languages: Languages,
) -> Callable[[str | None], tuple[str, list[tuple[str, str]]]]:
    """The same for a messenger that says in which language somebody asks: a language's tag -> where
    the answer to a command will be, and the commands."""
    listed = menu(languages)
    # Translators: shown by the app when somebody picked a command in its menu
    said = Say("I answer in the chat.")

    def answer(hint: str | None) -> tuple[str, list[tuple[str, str]]]:
        language = languages.negotiate(hint) or "en"
        return languages.render(said, language), listed[language]

    return answer
