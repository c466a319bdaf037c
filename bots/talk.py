"""hear(): one message, one transaction; what it means, in which order. Nothing else.

1 heard before: ignored; a word of their own against danger: done.  2 the whole message is a
universal word: done.  3 a native reply to a message that means something.  4 a button.  5 a form is
open: an answer.  6 a command.  7 a conversation: relayed.  8 the menu.
(A reply to a message that waits for its translation comes before 2: "Help" may be the translation.)
"""

from __future__ import annotations

from bots import asking, guard, meeting, numbering, questions, relaying
from bots.commands import COMMANDS, show_help, where_they_are
from bots.forms import Said, went_back
from bots.greeting import SECURED, greet
from bots.readable import LONGEST, Repeats, is_sentence, readable
from bots.scarce import Scarcity
from bots.turn import AT, Community, OpenForm, Turn
from core import copies, outbox, routes
from core.actions import No, offers, talking
from core.actions.encrypted import check_route
from core.language import Languages
from core.message import Changed, Event, Inbound, Left, Notice, Overheard, Say
from core.store import Book
from core.text import clean, number, numbers
from core.words import commands

_LONGEST_VALUE = 100
"""Of a button: a client of one's own sends what it likes."""


class Talk:
    """What people write, in one community, whatever the platform."""

    def __init__(self, languages: Languages, community: Community) -> None:
        self.languages, self.community = languages, community
        self.repeats, self.scarcity = Repeats(), Scarcity()

    def hear(self, book: Book, event: Event) -> bool:
        """-> whether it was handed on to somebody. Commits nothing itself. Raises StoreDown."""
        if book.scarce and not self.scarcity.hears(book, event):
            return False
        turn = self._turn(book, event)
        if turn is None:
            return False
        try:
            if not guard.acted(turn):
                self._interpret(turn)
        except No as no:
            turn.say(no.why, no.choices)
        turn.go_on_below()
        if turn.relayed:
            self.repeats.forget(turn.who.id)
        outbox.put(book, turn.notices, actor=turn.who.id)
        return turn.relayed

    def set_aside(self, book: Book, event: Inbound) -> bool:
        """A message whose hearing failed: acknowledged, and its author told."""
        if turn := self._turn(book, event):
            turn.say(Say("Something went wrong here with your last message. Please send it again."))
            outbox.put(book, turn.notices, actor=turn.who.id)
        return False

    # 1
    def _turn(self, book: Book, event: Event) -> Turn | None:
        """None: nothing is to be done, or it was done before."""
        if not meeting.first_time(book, event):
            return None
        if isinstance(event, Left):
            meeting.left(book, event)
            return None
        if isinstance(event, Changed):
            meeting.changed(book, event)
            return None
        if isinstance(event, Overheard):
            meeting.overheard(book, event)
            return None
        text = clean(event.text, LONGEST + 1).strip()
        found = meeting.who_wrote(book, event, text, self.languages)
        if found is None:
            return None
        turn = Turn(book, found.who, event, text, self.languages, self.community)
        if found.new:
            greet(turn)
        elif event.secured:
            turn.say(SECURED)
        return turn

    # ------------------------------------------------------------------ what

    def _interpret(self, turn: Turn) -> None:
        event, text = turn.inbound, turn.text
        word = None if event.pressed is not None else commands().universal(text)
        form = turn.open_form()
        if turn.who.state == "suspended" and not _forgets(word, form):
            return turn.say(guard.SUSPENDED)
        if event.deleted:
            return relaying.take_back(turn)
        if event.pressed is None and not readable(turn):
            return None
        if event.edits:
            return relaying.edited(turn)
        copy = None
        if event.answers_to and event.pressed is None and turn.who.address is not None:
            copy = copies.of(turn.book, turn.who.address, event.answers_to)
            if event.thread and not (copy and copy.means_something()):
                copy = copies.of(turn.book, turn.who.address, event.thread)
        if event.pictures:
            return relaying.hand_on_pictures(turn, copy, form)
        if not _writes_twice(form) and (times := self.repeats.before(turn)):
            return turn.say(Say("I have it. One moment.")) if times == 1 else None
        if copy and copy.reply and copy.reply.action == "translate":
            if about := numbering.about(turn, copy.reply.args["entry"]):
                return self._pick(turn, about, numbers(text) or [])
            return relaying.translation(turn, copy)
        if word and self._universal(turn, word, form):
            return None
        if copy and self._native_reply(turn, copy):
            return None
        if event.pressed is not None:
            return self._pressed(turn, clean(event.pressed, _LONGEST_VALUE), form)
        if event.conversation is not None and form and form.sheet.about.get("_chat") != turn.chat:
            form = None  # it was asked elsewhere
        if form and not (text[0] in "/!／！" and self._command(turn, strict=True)):
            return self._answer(turn, form)
        return self._new_line(turn)

    # 2
    def _universal(self, turn: Turn, word: str, form: OpenForm | None) -> bool:
        if word == "cancel":
            if form:
                turn.close_form()
                turn.say(Say("Cancelled. Nothing was sent."))
            else:
                turn.say(Say("There is nothing to cancel."))
        elif word == "back" and form:
            turn.go_to(form, went_back(form.form, form.asked, form.sheet))
        elif word == "help" and turn.notices:
            pass  # they were greeted just now
        elif word == "forget" and form and form.form.name == "forget":
            self._said(turn, form, Said("", (word,)))
        elif word in ("help", "stop", "forget"):
            COMMANDS[word].run(turn, "")
        else:
            return False
        return True

    # 3
    def _native_reply(self, turn: Turn, copy: copies.Copy) -> bool:
        text, native = turn.text, turn.inbound.native
        if copy.choices and (picks := numbers(text)):
            self._pick(turn, copy, picks)
            return True
        if copy.reply is None or copy.reply.action == AT:
            if copy.entry is None:
                return False
            # a reply to one's own message that was relayed
            conversation = turn.book.value(
                "select conversation from entries where id = :id", id=copy.entry
            )
            relaying.hand_on(turn, conversation, text, native, copy.entry)
            return True
        args = dict(copy.reply.args)
        if copy.reply.action == "relay":
            relaying.hand_on(turn, args["conversation"], text, native, args.get("entry"))
        elif copy.reply.action == "offer":
            _run(turn, "offer", f"{args['need']} {text}")
        elif copy.reply.action == "ask":
            turn.tell(offers.ask(turn.book, turn.who, offer=args["offer"], text=text))
        return True

    # 4
    def _pressed(self, turn: Turn, value: str, form: OpenForm | None) -> None:
        word, _, rest = value.partition(" ")
        if value == "cancel":
            self._universal(turn, "cancel", form)
        elif word in COMMANDS:
            _run(turn, word, rest)
        else:
            token, _, picked = value.removeprefix("=").partition(":")
            asked, _, option = picked.partition(":")
            current = form and (form.token, form.asked) == (token, asked)
            if form and current and turn.offers(form, option):
                self._said(turn, form, Said("", (option,)))
            else:
                where_they_are(turn, Say("That question has passed. Here is where you are:"))

    # 5
    def _answer(self, turn: Turn, form: OpenForm) -> None:
        tokens = turn.picked(form, numbers(turn.text))
        if tokens is None:
            turn.ask_again(form, Say("There is no line with this number."))
        elif tokens and tokens[0].startswith("/"):
            self._pressed(turn, tokens[0][1:], form)
        else:
            self._said(turn, form, Said("" if tokens else turn.text, tokens))

    def _said(self, turn: Turn, form: OpenForm, said: Said) -> None:
        """Forms whose answer decides what becomes of a kept message end here; others go on."""
        name, about = form.form.name, form.sheet.about
        named = [about.get(key) for key in ("code", "id", "offer")]
        check_route(
            turn.book, turn.who, routes.leads_to(turn.book, *named, form.sheet.answers.get("whom"))
        )
        if name not in ("intent", "meant", "whom"):
            return turn.answer(form, said)
        if not said.tokens:  # not an answer: they went on writing
            if name == "whom":
                return relaying.keep_more(turn, form)
            if name == "intent" and is_sentence(turn.text):
                whole = clean(f"{about['text']}\n{turn.text}", LONGEST)
                return turn.open(asking.INTENT, {"text": whole})
            turn.close_form()
            return self._new_line(turn)
        choice = said.tokens[0]
        turn.close_form()
        if name == "whom":
            relaying.hand_on_kept(turn, choice, about["kept"])
        elif choice == "need":
            answers = asking.read_need(turn.sheet({}, {}), about["text"])
            turn.open(asking.NEED, answers=answers)
        elif choice == "skills":
            COMMANDS["skills"].run(turn, about["text"])
        elif choice == "yes":
            word, _, rest = about["run"].partition(" ")
            _run(turn, word, rest)
        elif about.get("conversation"):
            relaying.hand_on_kept(turn, about["conversation"], about["kept"])
        else:
            show_help(turn)
        return None

    # 6, 7, 8
    def _command(self, turn: Turn, *, strict: bool) -> tuple[str, str] | None:
        found = commands().command(turn.text, [turn.who.language], strict=strict)
        return found if found and found[0] in COMMANDS else None

    def _new_line(self, turn: Turn) -> None:
        focus: talking.Conversation | list[talking.Conversation]
        if turn.inbound.conversation is None:
            focus = talking.in_focus(turn.book, turn.who)
        else:
            try:
                focus = talking.open_to(turn.book, turn.who.id, turn.chat)
            except No as no:
                over = Notice(turn.who.id, no.why, no.choices, conversation=turn.chat, ends=True)
                return turn.tell([over])
        if found := self._command(turn, strict=bool(focus)):
            return _run(turn, *found)
        if number(turn.text) is not None and self._bare_number(turn, bool(focus)):
            return None
        guess = commands().suggest(turn.text, [turn.who.language])
        if guess and guess[0] in COMMANDS:
            return self._did_you_mean(turn, " ".join(guess).strip(), focus)
        if isinstance(focus, talking.Conversation):
            return relaying.hand_on(turn, focus.id, turn.text, turn.inbound.native)
        if focus:
            return relaying.ask_whom(turn, focus)
        if _translates(turn):
            return turn.say(
                Say(
                    "To translate a message, answer it with a reply. Your reply is the translation."
                )
            )
        if is_sentence(turn.text):
            return turn.open(asking.INTENT, {"text": turn.text})
        return None if turn.notices else show_help(turn)

    def _bare_number(self, turn: Turn, talks: bool) -> bool:
        """The number of a line in the newest message that has numbered lines, unless they were
        talking with somebody since. False: it is a message like any other. Raises No."""
        asking = numbering.asking(turn)
        if asking and asking[0].choices:
            self._pick(turn, asking[0], numbers(turn.text) or [])
        elif asking or talks:
            return False
        else:
            where_they_are(turn, Say("There is no line with this number."))
        return True

    def _pick(self, turn: Turn, copy: copies.Copy, picks: list[int]) -> None:
        """A number written under a message with numbered lines."""
        if not picks or any(not 1 <= n <= len(copy.choices) for n in picks):
            raise No(Say("There is no line with this number."))
        self._pressed(turn, copy.choices[picks[0] - 1], turn.open_form())

    def _did_you_mean(
        self, turn: Turn, run: str, focus: talking.Conversation | list[talking.Conversation]
    ) -> None:
        about: dict[str, object] = {"run": run}
        if isinstance(focus, talking.Conversation):
            kept = [[turn.text, turn.inbound.native]]
            about |= {"name": focus.name, "conversation": focus.id, "kept": kept}
        turn.open(questions.MEANT, about)


def _run(turn: Turn, word: str, rest: str) -> None:
    """Raises No: among others, where anybody could have forged it and it is about what is
    sensitive."""
    check_route(turn.book, turn.who, routes.leads_to(turn.book, rest))
    COMMANDS[word].run(turn, rest)


def _forgets(word: str | None, form: OpenForm | None) -> bool:
    return word == "forget" or (form is not None and form.form.name == "forget")


def _writes_twice(form: OpenForm | None) -> bool:
    """Whether they are asked to write the same once more."""
    return form is not None and form.form.name in ("panic", "freeze")


def _translates(turn: Turn) -> bool:
    return bool(
        turn.book.value(
            "select 1 from members m join conversations c on c.id = m.conversation"
            " where m.person = :who and m.role = 'translator' and c.state = 'open'",
            who=turn.who.id,
        )
    )
