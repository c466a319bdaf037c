"""Forms: questions asked one after the other, answers kept by name. Pure: no rows, no sending.

A form is data. The next question is the first field that has no answer and whose `when` holds; the
question asked last is remembered by name, so adding or moving questions needs no migration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.language import Languages
from core.message import Arg, Notice, Sayable
from core.people import Person
from core.store import Book


@dataclass(frozen=True)
class Option:
    """One pickable answer. A token that starts with "/" is a command instead of an answer."""

    token: str
    label: Arg


@dataclass(frozen=True, repr=False)
class Sheet:
    """An open form as its questions see it. answers[name + "?"] is the draft of a question that
    takes several steps: what was "offered" and "picked" stays in it for whoever comes back to the
    question; "step" is where in the question they are, and goes."""

    who: Person
    languages: Languages
    answers: Mapping[str, Any]
    about: Mapping[str, Any]
    mark: Callable[[str], str] = lambda _: ""
    """The fingerprint of a word of their own (core.locks)."""
    need_days: int = 30
    """Days for which a need is open."""
    route: bool | None = None
    """Whether what is sensitive may be written where they are; None: nowhere in this community."""

    def draft(self, name: str) -> dict[str, Any]:
        return dict(self.answers.get(f"{name}?") or {})


@dataclass(frozen=True, repr=False)
class Said:
    """An answer: the tokens that were picked (by button, number or label), or words."""

    text: str
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Value:
    """The answer. also: further answers that follow from it."""

    value: Any
    also: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Draft:
    """A step within the question: it is asked again, with this remembered."""

    draft: Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Change:
    """Another question is to be asked again."""

    name: str


Outcome = Value | Draft | Change


def no_options(sheet: Sheet) -> list[Option]:
    return []


def always(sheet: Sheet) -> bool:
    return True


@dataclass(frozen=True)
class Field:
    """One question. parse raises `No` with the reason when the answer can't be taken."""

    name: str
    ask: Callable[[Sheet], Sayable]
    parse: Callable[[Sheet, Said], Outcome]
    options: Callable[[Sheet], list[Option]] = no_options
    when: Callable[[Sheet], bool] = always


@dataclass(frozen=True)
class Form:
    """done gets the book, the person, and answers and about by name."""

    name: str
    fields: tuple[Field, ...]
    done: Callable[[Book, Sheet], list[Notice]]


def pending(form: Form, sheet: Sheet) -> Field | None:
    """The next question, or None: the form is complete."""
    for question in form.fields:
        if question.name not in sheet.answers and question.when(sheet):
            return question
    return None


def named(form: Form, name: str) -> Field | None:
    return next((f for f in form.fields if f.name == name), None)


def before(form: Form, name: str, sheet: Sheet) -> Field | None:
    """The question before this one that has an answer: where `back` leads."""
    last = None
    for question in form.fields:
        if question.name == name:
            return last
        if question.name in sheet.answers and question.when(sheet):
            last = question
    return last


def answered(sheet: Sheet, name: str, outcome: Outcome) -> dict[str, Any]:
    """The answers after an outcome."""
    answers = dict(sheet.answers)
    if isinstance(outcome, Draft):
        answers[f"{name}?"] = dict(outcome.draft)
        return answers
    _leave(answers, name)
    if isinstance(outcome, Change):
        answers.pop(outcome.name, None)
    else:
        answers[name] = outcome.value
        answers.update(outcome.also)
    return answers


def went_back(form: Form, asked: str, sheet: Sheet) -> dict[str, Any]:
    """The answers after `back`: one step within the question, else without the answer before."""
    answers = dict(sheet.answers)
    if not _leave(answers, asked) and (earlier := before(form, asked, sheet)):
        answers.pop(earlier.name)
    return answers


def _leave(answers: dict[str, Any], name: str) -> bool:
    """-> whether they were somewhere inside the question."""
    draft = dict(answers.get(f"{name}?") or {})
    step = draft.pop("step", None)
    answers[f"{name}?"] = draft
    return bool(step)
