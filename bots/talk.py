"""hear(): one message, one transaction; what it means, in which order. Nothing else.

1 heard before: ignored.  2 the whole message is a universal word: done.  3 a native reply to a
message that means something.  4 a button.  5 a form is open: an answer.  6 a command.
7 a conversation: relayed.  8 the menu.
(A reply to a message that waits for its translation comes before 2: "Help" may be the translation.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Set

from bots import questions
from bots.commands import COMMANDS, greet, show_help
from bots.forms import Said, Value, before
from bots.turn import Community, OpenForm, Turn
from core import outbox, people
from core.actions import No, offers, talking, translating
from core.language import Languages
from core.message import Inbound, Left, Name, Say
from core.store import Book
from core.text import clean, number, numbers
from core.words import commands

LONGEST = 4000
_AT_LEAST_A_SENTENCE = 3


class Talk:
    """down: the platforms that can't be reached now, as the gateway last saw them."""

    def __init__(self, languages: Languages, community: Community) -> None:
        self.languages, self.community = languages, community
        self.down: Set[str] = frozenset()

    def hear(self, book: Book, event: Inbound | Left) -> bool:
        """-> whether it was handed on to somebody. Commits nothing itself."""
        if event.cursor is not None:
            save_cursor(book, event.sender.platform, event.cursor)
        if isinstance(event, Left):
            if found := people.at(book, event.sender):
                outbox.dead(book, found[1])
            return False
        if not _first_time(book, event):
            return False
        turn = self._meet(book, event)
        try:
            self._interpret(turn)
        except No as no:
            turn.say(no.why)
        outbox.put(book, turn.notices)
        return turn.relayed

    def set_aside(self, book: Book, event: Inbound) -> bool:
        """A message whose hearing failed: acknowledged, and its author told."""
        if event.cursor is not None:
            save_cursor(book, event.sender.platform, event.cursor)
        if not _first_time(book, event):
            return False
        turn = self._meet(book, event)
        turn.say(Say("Something went wrong here with your last message. Please send it again."))
        outbox.put(book, turn.notices)
        return False

    # ------------------------------------------------------------------ who

    def _meet(self, book: Book, event: Inbound) -> Turn:
        text = clean(event.text, LONGEST + 1).strip()
        found = people.at(book, event.sender)
        if found is None:
            who = people.meet(book, event.sender, self._first_language(event, text))
        else:
            who, row, alive = found
            if not alive or who.address != row:
                people.here(book, who, row)
                book.wakes.add(f"person:{who.id}")
        turn = Turn(book, who, event, text, self.languages, self.community)
        if found is None:
            greet(turn)
        return turn

    def _first_language(self, event: Inbound, text: str) -> str:
        if known := self.languages.negotiate(event.locale):
            return known
        return self.languages.negotiate(self.languages.detect(text, ["en"])) or "en"

    # ------------------------------------------------------------------ what

    def _interpret(self, turn: Turn) -> None:
        event, text = turn.inbound, turn.text
        if turn.who.state == "suspended":
            return turn.say(Say("A moderator has suspended you."))
        if event.deleted:
            return self._take_back(turn)
        if event.edits:
            return self._edited(turn)
        if not event.pressed and not self._readable(turn):
            return None
        copy = None
        if event.answers_to and turn.who.address is not None:
            copy = outbox.copy_of(turn.book, turn.who.address, event.answers_to)
        if copy and copy.reply and copy.reply.action == "translate":
            return self._translation(turn, copy)
        form = turn.open_form()
        word = None if event.pressed else commands().universal(text)
        if word and self._universal(turn, word, form):
            return None
        if copy and self._native_reply(turn, copy):
            return None
        if event.pressed:
            return self._pressed(turn, event.pressed, form)
        found = commands().command(text, self._own(turn), strict=True)
        if form and not (found and text[0] in "/!"):
            return self._answer(turn, form)
        return self._new_line(turn)

    def _own(self, turn: Turn) -> list[str]:
        return [turn.who.language]

    def _readable(self, turn: Turn) -> bool:
        """False: there is nothing to read, or too much, and they were told."""
        files = turn.inbound.files
        if "encrypted" in files:
            turn.say(
                Say(
                    "I can't read encrypted messages here yet."
                    " Please open a chat without encryption."
                )
            )
        elif files:
            kinds = {
                "picture": Say("I can't pass on pictures yet without risk. Write it in words."),
                "voice": Say("I can't pass on voice messages yet without risk. Write it in words."),
                "video": Say("I can't pass on videos without risk. Write it in words."),
                "sticker": Say("Please write it in words."),
            }
            other = Say("I can't pass on files without risk. Write it in words.")
            turn.say(kinds.get(files[0], other))
        if len(turn.text) > LONGEST:
            turn.say(Say("This is too long. {n} characters at most; send it in parts.", n=LONGEST))
            return False
        if not turn.text and not files:
            turn.say(Say("I could not read that. Please write it in words."))
        return bool(turn.text)

    # 2
    def _universal(self, turn: Turn, word: str, form: OpenForm | None) -> bool:
        if word == "cancel":
            if form:
                turn.close_form()
                turn.say(Say("Cancelled. Nothing was sent."))
            else:
                turn.say(Say("There is nothing to cancel."))
        elif word == "back" and form:
            earlier = before(form.form, form.asked, form.sheet)
            answers = dict(form.sheet.answers)
            if earlier:
                answers.pop(earlier.name, None)
            turn.go_to(form, answers)
        elif word == "help" and turn.notices:
            pass  # they were greeted just now
        elif word in ("help", "stop", "forget"):
            COMMANDS[word].run(turn, "")
        else:
            return False
        return True

    # 3
    def _native_reply(self, turn: Turn, copy: outbox.Copy) -> bool:
        if copy.reply is None:
            if copy.entry is None:
                return False
            # a reply to one's own message that was relayed
            conversation = turn.book.value(
                "select conversation from entries where id = :id", id=copy.entry
            )
            self._relay(turn, conversation, copy.entry)
            return True
        args = dict(copy.reply.args)
        if copy.choices and (picks := numbers(turn.text)):
            return self._pick(turn, copy, picks)
        if copy.reply.action == "relay":
            self._relay(turn, args["conversation"], args.get("entry"))
        elif copy.reply.action == "offer":
            COMMANDS["offer"].run(turn, f"{args['need']} {turn.text}")
        elif copy.reply.action == "ask":
            turn.tell(offers.ask(turn.book, turn.who, offer=args["offer"], text=turn.text))
        return True

    def _translation(self, turn: Turn, copy: outbox.Copy) -> None:
        assert copy.reply is not None
        entry, target = copy.reply.args["entry"], copy.reply.args["target"]
        if turn.text in ("?", "؟", "？"):
            turn.tell(translating.ask_meaning(turn.book, turn.who, entry=entry))
            return
        turn.tell(
            translating.translate(
                turn.book,
                turn.who,
                entry=entry,
                target=target,
                text=turn.text,
                native=turn.inbound.native,
            )
        )
        turn.relayed = True

    # 4
    def _pressed(self, turn: Turn, value: str, form: OpenForm | None) -> None:
        if not value.startswith("="):
            if value == "cancel":
                self._universal(turn, "cancel", form)
                return
            word, _, rest = value.partition(" ")
            if word in COMMANDS:
                COMMANDS[word].run(turn, rest)
                return
        token, _, picked = value[1:].partition(":")
        asked, _, option = picked.partition(":")
        if form and form.token == token and form.asked == asked:
            self._said(turn, form, Said("", (option,)))
            return
        turn.say(Say("That question has passed."))
        if form:
            turn.ask_again(form)

    # 5
    def _answer(self, turn: Turn, form: OpenForm) -> None:
        tokens = turn.picked(form, numbers(turn.text))
        if tokens is None:
            turn.say(Say("There is no line with this number."))
            turn.ask_again(form)
        elif tokens and tokens[0].startswith("/"):
            self._pressed(turn, tokens[0][1:], form)
        else:
            self._said(turn, form, Said("" if tokens else turn.text, tokens))

    def _said(self, turn: Turn, form: OpenForm, said: Said) -> None:
        """Forms whose answer decides what becomes of a kept message end here; others go on."""
        name, kept = form.form.name, form.sheet.about.get("text", "")
        if name not in ("intent", "meant", "whom"):
            return turn.answer(form, said)
        if not said.tokens:  # not an answer: they went on writing
            turn.close_form()
            return self._new_line(turn)
        choice = said.tokens[0]
        turn.close_form()
        if name == "whom":
            self._relay_kept(turn, choice, form)
        elif name == "meant" and choice == "yes":
            word, _, rest = form.sheet.about["run"].partition(" ")
            COMMANDS[word].run(turn, rest)
        elif name == "meant" and form.sheet.about.get("conversation"):
            self._relay_kept(turn, form.sheet.about["conversation"], form)
        elif name == "intent" and choice == "need":
            sheet = turn._sheet({}, {})
            outcome = questions.need_text(sheet, Said(kept))
            assert isinstance(outcome, Value)
            turn.open(questions.NEED, answers={"text": kept, **outcome.also})
        else:
            show_help(turn)
        return None

    # 6, 7, 8
    def _new_line(self, turn: Turn) -> None:
        focus = talking.in_focus(turn.book, turn.who)
        found = commands().command(turn.text, self._own(turn), strict=bool(focus))
        if found and found[0] in COMMANDS:
            if turn.who.trust >= COMMANDS[found[0]].trust or found[0] in ("vouch", "verify"):
                return COMMANDS[found[0]].run(turn, found[1])
            raise No(Say("Only moderators can do this."))
        if (picks := numbers(turn.text)) and number(turn.text) is not None:
            copies = outbox.last_choices(turn.book, turn.who.address or 0)
            if unclear(copies):
                raise No(Say("Two messages wait for an answer. Reply to the one you mean."))
            if copies:
                self._pick(turn, copies[0], picks)
                return None
        if guess := commands().suggest(turn.text, self._own(turn)):
            return self._did_you_mean(turn, guess, focus)
        if isinstance(focus, talking.Conversation):
            return self._relay(turn, focus.id, None)
        if focus:
            about = {
                "text": turn.text,
                "native": turn.inbound.native,
                "conversations": [{"id": c.id, "name": c.name, "code": c.code} for c in focus],
            }
            return turn.open(questions.WHOM, about)
        if translating_now(turn):
            return turn.say(
                Say(
                    "To translate a message, answer it with a reply. Your reply is the translation."
                )
            )
        if len(turn.text.split()) >= _AT_LEAST_A_SENTENCE:
            return turn.open(questions.INTENT, {"text": turn.text})
        return None if turn.notices else show_help(turn)

    def _pick(self, turn: Turn, copy: outbox.Copy, picks: list[int]) -> bool:
        """A number written under a message with numbered lines."""
        if any(not 1 <= n <= len(copy.choices) for n in picks):
            turn.say(Say("There is no line with this number."))
        else:
            self._pressed(turn, copy.choices[picks[0] - 1], turn.open_form())
        return True

    def _did_you_mean(
        self, turn: Turn, guess: str, focus: talking.Conversation | list[talking.Conversation]
    ) -> None:
        rest = " ".join(turn.text.split()[1:])
        shown = f"{commands().word(guess, turn.who.language)} {rest}".strip()
        about = {"command": shown, "run": f"{guess} {rest}".strip(), "text": turn.text}
        if isinstance(focus, talking.Conversation):
            about |= {
                "name": focus.name,
                "conversation": focus.id,
                "native": turn.inbound.native,
            }
        turn.open(questions.MEANT, about)

    # 7
    def _relay(self, turn: Turn, conversation: str, answers: str | None) -> None:
        self._hand_on(turn, conversation, turn.text, turn.inbound.native, answers)

    def _relay_kept(self, turn: Turn, conversation: str, form: OpenForm) -> None:
        about = form.sheet.about
        self._hand_on(turn, conversation, about["text"], about["native"], None)
        seen = talking.open_to(turn.book, turn.who.id, conversation)
        turn.say(Say("Sent to {name}.", name=Name("pseudonym", seen.name)))

    def _hand_on(
        self, turn: Turn, conversation: str, text: str, native: str, answers: str | None
    ) -> None:
        likely = people.reads(turn.book, turn.who.id)
        notices = talking.relay(
            turn.book,
            turn.who,
            conversation=conversation,
            text=text,
            language=self.languages.detect(text, likely),
            native=native,
            answers=answers,
        )
        turn.tell(notices)
        turn.relayed = True
        other = talking.open_to(turn.book, turn.who.id, conversation)
        platform = turn.book.value(
            "select a.platform from people p left join addresses a on a.id = p.address"
            " where p.id = :id",
            id=other.other,
        )
        if platform in self.down:
            name = Name("pseudonym", other.name)
            turn.say(Say("Kept. {name} will get it as soon as their server is back.", name=name))

    # ------------------------------------------------------------------ edits

    def _edited(self, turn: Turn) -> None:
        """An edit corrects a relayed message or a translation; nothing else can be changed."""
        native = turn.inbound.edits or ""
        copy = outbox.copy_of(turn.book, turn.who.address or 0, native)
        if not self._readable(turn):
            return
        if copy and copy.reply and copy.reply.action == "translate":
            self._translation(turn, copy)
        elif copy and copy.entry:
            language = self.languages.detect(turn.text, people.reads(turn.book, turn.who.id))
            turn.tell(
                talking.change_entry(
                    turn.book, turn.who, entry=copy.entry, text=turn.text, language=language
                )
            )
            turn.relayed = True
        else:
            turn.say(Say("I can't change what I took in already. Please write it again."))

    def _take_back(self, turn: Turn) -> None:
        copy = outbox.copy_of(turn.book, turn.who.address or 0, turn.inbound.native)
        if copy and copy.entry and not copy.reply:
            turn.tell(
                talking.change_entry(
                    turn.book, turn.who, entry=copy.entry, text="", language=turn.who.language
                )
            )


def _first_time(book: Book, event: Inbound) -> bool:
    """Remembers it, in the transaction of its effects; a fingerprint, for ids may hold handles."""
    name = f"{event.sender.platform}|{event.sender.handle}|{event.id}".encode()
    mark = hashlib.blake2b(name, digest_size=16).hexdigest()  # schema 1 kept these
    return bool(
        book.do(
            "insert into heard(id, at) values (:id, :now) on conflict do nothing",
            id=book.vault.index("heard", mark),
            now=book.now,
        )
    )


def unclear(copies: list[outbox.Copy]) -> bool:
    """The two newest messages with numbered lines both came unasked, and soon after each other: a
    bare number might mean the wrong person's."""
    if len(copies) < 2:
        return False
    new, old = copies
    return bool(new.reply and old.reply and new.reply != old.reply and new.at - old.at < 60)


def save_cursor(book: Book, platform: str, cursor: str) -> None:
    book.do(
        "insert into cursors(platform, cursor) values (:platform, :cursor)"
        " on conflict (platform) do update set cursor = excluded.cursor",
        platform=platform,
        cursor=cursor,
    )


def translating_now(turn: Turn) -> bool:
    return bool(
        turn.book.value(
            "select 1 from members m join conversations c on c.id = m.conversation"
            " where m.person = :who and m.role = 'translator' and c.state = 'open'",
            who=turn.who.id,
        )
    )
