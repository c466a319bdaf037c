"""One message being heard: who wrote it, and what its hearing may do (tell, open a form, ask)."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bots.config import RetentionSettings
from bots.forms import Draft, Field, Form, Option, Said, Sheet, answered, named, pending
from bots.questions import FORMS
from core import locks, people, routes
from core.actions import No
from core.folding import key
from core.language import Languages
from core.message import Arg, Choice, Inbound, Notice, Reply, Say, Sayable, paragraphs
from core.people import Person
from core.store import Book
from core.words import commands

AT = "at"
"""The reply of a question in a conversation's own chat: means nothing, and says where it stands."""
_PATIENCE = 2
"""After so many refused answers, the way out is shown."""

_LASTING = ("need", "skills", "translate", "offer", "ask", "report")
"""Forms that hold somebody's work: another form opens above them, and then they go on."""

_QUOTING, _SAFE = ("need", "intent"), "_safe"
"""Forms that show again what was written in them; and that it was, where nobody reads along: then
it is shown nowhere else."""


@dataclass(frozen=True)
class Community:
    """What the operator decided. audience: the least trust that reads a need unless its author says
    otherwise. readers: who else can read a platform ("telegram", "server", "nobody"). kept: how
    long what is kept. drafts: whether a machine can draft translations. encrypted: the platforms
    whose chats can be end-to-end encrypted, with the gateway's own address there."""

    name: str
    audience: int
    readers: Mapping[str, str]
    kept: RetentionSettings = field(default_factory=RetentionSettings)
    drafts: bool = False
    encrypted: Mapping[str, str] = field(default_factory=dict)


@dataclass(repr=False)
class OpenForm:
    form: Form
    token: str
    asked: str
    sheet: Sheet
    refusals: int


@dataclass(repr=False)
class Turn:
    """text: what was written, cleaned. relayed: it was handed on to somebody. uncovered: the form
    above another one was closed."""

    book: Book
    who: Person
    inbound: Inbound
    text: str
    languages: Languages
    community: Community
    notices: list[Notice] = field(default_factory=list)
    relayed: bool = False
    uncovered: bool = False
    root: str | None = None
    under: str | None = None
    """The message, and else the entry, in whose thread answers stand."""

    @property
    def chat(self) -> str:
        """The conversation in whose own chat this was written; "": in the chat with the gateway."""
        return self.inbound.conversation or ""

    def reload(self) -> None:
        """What is known of the writer was changed."""
        self.who = people.known(self.book, self.who.id) or self.who

    # ------------------------------------------------------------------ telling

    def tell(self, notices: Iterable[Notice]) -> None:
        """What an action returned. Answers to the writer stay where they wrote: in the thread, in
        the conversation's own chat."""
        self.notices += [self._here(n) if n.to == self.who.id else n for n in notices]

    def _here(self, notice: Notice) -> Notice:
        if not notice.thread and not notice.under:
            thread = self.inbound.thread or self.root
            notice = replace(notice, thread=thread, under=self.under)
        if notice.conversation is None:
            notice = replace(notice, chat=self.chat)
            if self.chat and notice.choices and not notice.reply:  # their numbers count here alone
                notice = replace(notice, reply=Reply(AT, {"conversation": self.chat}))
        return notice

    def say(
        self, say: Sayable, choices: tuple[Choice, ...] = (), reply: Reply | None = None
    ) -> None:
        self.tell([Notice(self.who.id, say, choices, reply)])

    # ------------------------------------------------------------------ forms

    def open_form(self) -> OpenForm | None:
        row = self.book.one(
            "select form, token, asked, answers, about, refusals from forms where person = :who",
            who=self.who.id,
        )
        if row is None or row.form not in FORMS:
            return None
        answers, about = (
            json.loads(self.book.unseal(self.who.id, place, self.who.id, sealed) or "{}")
            for place, sealed in (("forms.answers", row.answers), ("forms.about", row.about))
        )
        sheet = self.sheet(answers, about)
        return OpenForm(FORMS[row.form], row.token, row.asked, sheet, row.refusals)

    def _sealed(self, place: str, what: Mapping[str, Any]) -> str:
        return self.book.seal(self.who.id, place, self.who.id, json.dumps(dict(what)))

    def sheet(self, answers: Mapping[str, Any], about: Mapping[str, Any]) -> Sheet:
        mark = partial(locks.mark, self.book, self.who.id)
        days = self.community.kept.need_days
        route = None
        if self.community.encrypted:
            route = routes.safe(self.book, self.who.address)
        return Sheet(self.who, self.languages, answers, about, mark, days, route)

    def open(
        self,
        form: Form,
        about: Mapping[str, Any] | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> None:
        """Opens a form and asks its first unanswered question. Another that was open is left,
        unless it holds some work: then it goes on afterwards."""
        about = dict(about or {})
        if (below := self.open_form()) and below.form.name != form.name:
            if below.form.name in _LASTING:
                about["_below"] = [
                    below.form.name, below.token, below.asked, dict(below.sheet.answers),
                    {k: v for k, v in below.sheet.about.items() if k != "_below"},
                ]  # fmt: skip
            elif "_below" in below.sheet.about:
                about["_below"] = below.sheet.about["_below"]
        self._go_on(form, secrets.token_hex(3), self.sheet(answers or {}, about))

    def close_form(self) -> None:
        """Closes the open form; the one below it, if any, is open again."""
        closed = self.open_form()
        self.book.do("delete from forms where person = :who", who=self.who.id)
        if closed and "_below" in closed.sheet.about:
            form, token, asked, answers, about = closed.sheet.about["_below"]
            self._keep(FORMS[form], token, asked, answers, about)
            self.uncovered = True

    def go_on_below(self) -> None:
        """At the end of the turn: asks again what an uncovered form had asked."""
        if self.uncovered and (form := self.open_form()):
            self.ask_again(form)

    def ask_again(self, form: OpenForm, why: Sayable | None = None) -> None:
        """why: what is said above the question."""
        if question := named(form.form, form.asked) or pending(form.form, form.sheet):
            self._ask(form.form, form.token, form.sheet, question, why=why)

    def go_to(self, form: OpenForm, answers: Mapping[str, Any]) -> None:
        """Goes on with these answers instead."""
        self._go_on(form.form, form.token, replace(form.sheet, answers=answers))

    def answer(self, form: OpenForm, said: Said) -> None:
        """An answer to the question that was asked last."""
        question = named(form.form, form.asked) or pending(form.form, form.sheet)
        if question is None:
            return self._go_on(form.form, form.token, form.sheet)
        try:
            outcome = question.parse(form.sheet, said)
        except No as no:
            return self._refuse(form, question, no)
        sheet = replace(form.sheet, answers=answered(form.sheet, question.name, outcome))
        if isinstance(outcome, Draft):
            self._ask(form.form, form.token, sheet, question, bool(self.inbound.pressed))
        else:
            self._go_on(form.form, form.token, sheet)
        return None

    def _refuse(self, form: OpenForm, question: Field, no: No) -> None:
        self.book.do(
            "update forms set refusals = refusals + 1 where person = :who", who=self.who.id
        )
        out = Say("To leave this, pick “Cancel”.") if form.refusals + 1 >= _PATIENCE else None
        options = question.options(form.sheet)
        options += [Option(f"/{choice.value}", choice.label) for choice in no.choices]
        if out and not any(option.token == "/cancel" for option in options):
            options.append(Option("/cancel", Say("Cancel")))
        said = paragraphs(no.why, out, None if out else question.ask(form.sheet))
        told = Notice(self.who.id, said, self._choices(form.token, question, options))
        self.tell([replace(told, sensitive=bool(form.sheet.about.get(_SAFE)))])

    def _go_on(self, form: Form, token: str, sheet: Sheet) -> None:
        question = pending(form, sheet)
        if question is None:
            self.close_form()
            self.tell(form.done(self.book, sheet))
            return
        self._ask(form, token, sheet, question)

    def _ask(
        self,
        form: Form,
        token: str,
        sheet: Sheet,
        question: Field,
        in_place: bool = False,
        why: Sayable | None = None,
    ) -> None:
        """in_place: the question is a step further; it changes where it stands."""
        before = sheet.about.get("_key") if in_place else None
        shown = before or uuid.uuid4().hex
        about = {**sheet.about, "_key": shown, "_chat": self.chat}
        if form.name in _QUOTING and sheet.route:
            about[_SAFE] = True
        self._keep(form, token, question.name, sheet.answers, about)
        self.uncovered = False
        asked = question.ask(sheet)
        self.tell(
            [
                Notice(
                    self.who.id,
                    paragraphs(why, asked) if why else asked,
                    self._choices(token, question, question.options(sheet)),
                    key=None if before else shown,
                    replaces=before,
                    sensitive=bool(about.get(_SAFE)),
                )
            ]
        )

    def _keep(
        self,
        form: Form,
        token: str,
        asked: str,
        answers: Mapping[str, Any],
        about: Mapping[str, Any],
    ) -> None:
        self.book.do(
            "insert into forms(person, form, token, asked, answers, about, refusals)"
            " values (:who, :form, :token, :asked, :answers, :about, 0)"
            " on conflict (person) do update set form = excluded.form, token = excluded.token,"
            " asked = excluded.asked, answers = excluded.answers, about = excluded.about,"
            " refusals = 0",
            who=self.who.id,
            form=form.name,
            token=token,
            asked=asked,
            answers=self._sealed("forms.answers", answers),
            about=self._sealed("forms.about", about),
        )

    @staticmethod
    def _choices(token: str, question: Field, options: list[Option]) -> tuple[Choice, ...]:
        return tuple(
            Choice(
                o.token[1:] if o.token[0] == "/" else f"={token}:{question.name}:{o.token}", o.label
            )
            for o in options
        )

    # ------------------------------------------------------------------ reading an answer

    def offers(self, form: OpenForm, token: str) -> bool:
        """Whether the open question offers this answer: a button's value may be forged."""
        question = named(form.form, form.asked)
        return question is not None and token in [o.token for o in question.options(form.sheet)]

    def picked(self, form: OpenForm, numbers: list[int] | None) -> tuple[str, ...] | None:
        """The tokens that numbers, or a written label, pick from the open question's options; a
        number that names no line is None."""
        question = named(form.form, form.asked)
        options = question.options(form.sheet) if question else []
        if numbers is not None and options:
            if any(not 1 <= n <= len(options) for n in numbers):
                return None
            return tuple(options[n - 1].token for n in numbers)
        typed = key(self.text)
        for option in options:
            if typed and typed in self._spellings(option.label):
                return (option.token,)
        tokens = [option.token for option in options]
        word = commands().universal(self.text)  # "ok", "готово", «تمام شد»: in any language
        if tokens[1:] == ["/cancel"] and word in ("yes", "no"):
            return (tokens[word == "no"],)
        return (word,) if word in tokens else ()

    def _spellings(self, label: Arg) -> set[str]:
        found = (self.languages.render(label, tag) for tag in (self.who.language, "en"))
        return {key(text.removeprefix("✓").strip()) for text in found}
