"""What people write to each other: handed on, translated, corrected, taken back, kept until it is
clear for whom it is."""

from __future__ import annotations

from bots import questions
from bots.readable import ONLY_THERE
from bots.turn import OpenForm, Turn
from core import copies, people
from core.actions import No, talking, translating
from core.message import Name, Say


def hand_on(
    turn: Turn,
    conversation: str,
    text: str,
    native: str,
    answers: str | None = None,
    pictures: tuple[bytes, ...] = (),
) -> None:
    """native: the author's own message. answers: the entry that it replies to. Raises No."""
    language = turn.languages.detect(text, people.reads(turn.book, turn.who.id))
    turn.tell(
        talking.relay(
            turn.book,
            turn.who,
            conversation=conversation,
            text=text,
            language=language,
            native=native,
            answers=answers,
            pictures=pictures,
        )
    )
    turn.relayed = True


def hand_on_pictures(turn: Turn, copy: copies.Copy | None, form: OpenForm | None) -> None:
    """They go to the conversation that they answer, or the one in focus, and nowhere else; what
    stands under them is no command and no answer. Raises No."""
    conversation = entry = None
    if copy and copy.reply and copy.reply.action == "relay":
        conversation, entry = copy.reply.args["conversation"], copy.reply.args.get("entry")
    elif copy and copy.entry and not copy.reply:
        entry = copy.entry
        conversation = turn.book.value("select conversation from entries where id = :id", id=entry)
    elif turn.inbound.conversation is not None:
        conversation = turn.inbound.conversation
    elif form is None and not (copy and copy.reply):
        focus = talking.in_focus(turn.book, turn.who)
        if isinstance(focus, talking.Conversation):
            conversation = focus.id
        elif focus:
            raise No(Say("Send the picture as a reply to a message of the person you mean."))
    if conversation is None:
        raise No(ONLY_THERE)
    event = turn.inbound
    hand_on(turn, conversation, turn.text, event.native, entry, event.pictures)


def ask_whom(turn: Turn, found: list[talking.Conversation]) -> None:
    """It may be meant for any of these: kept while they are asked."""
    turn.open(
        questions.WHOM,
        {
            "kept": [[turn.text, turn.inbound.native]],
            "conversations": [{"id": c.id, "name": c.name, "code": c.code} for c in found],
        },
    )


def keep_more(turn: Turn, form: OpenForm) -> None:
    """They went on writing before they said to whom."""
    kept = [*form.sheet.about["kept"], [turn.text, turn.inbound.native]]
    turn.open(questions.WHOM, {**form.sheet.about, "kept": kept})


def hand_on_kept(turn: Turn, conversation: str, kept: list[list[str]]) -> None:
    for text, native in kept:
        hand_on(turn, conversation, text, native)
    seen = talking.open_to(turn.book, turn.who.id, conversation)
    turn.say(Say("Sent to {name}.", name=Name("pseudonym", seen.name)))


def translation(turn: Turn, copy: copies.Copy) -> None:
    """A reply to an entry that was shown to a translator. Raises No."""
    assert copy.reply is not None
    args = copy.reply.args
    entry, target = args["entry"], args["target"]
    turn.root, turn.under = (turn.inbound.answers_to if copy.entry else None), entry
    if turn.text in ("?", "؟", "？", "⸮"):
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
            part=int(args.get("part", "1")),
            of=int(args.get("of", "1")),
            masks=args.get("masks"),
        )
    )
    turn.relayed = True


def edited(turn: Turn) -> None:
    """An edit corrects a relayed message or a translation; nothing else can be changed."""
    copy = copies.of(turn.book, turn.who.address or 0, turn.inbound.edits or "")
    if copy and copy.reply and copy.reply.action == "translate":
        translation(turn, copy)
    elif copy and copy.entry and not copy.reply:
        language = turn.languages.detect(turn.text, people.reads(turn.book, turn.who.id))
        turn.tell(
            talking.change_entry(
                turn.book, turn.who, entry=copy.entry, text=turn.text, language=language
            )
        )
        turn.relayed = True
    else:
        raise No(Say("I can't change what I took in already. Please write it again."))


def take_back(turn: Turn) -> None:
    copy = copies.of(turn.book, turn.who.address or 0, turn.inbound.native)
    if copy and copy.entry and not copy.reply:
        turn.tell(talking.take_back(turn.book, turn.who, entry=copy.entry))
