"""What people should not have written, pressed or sent: a short, clear answer, or rightly none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import people
from core.message import File, Inbound
from core.text import BAR
from tests.room import Room


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Ana needs something, in English; Vic can help; Eva and Mod look on; Sara is Persian."""
    room = Room(f"sqlite:///{tmp_path}/movements.db")
    room.join("Ana")
    room.join("Vic", trust="vouched")
    room.join("Eva", trust="vouched")
    room.join("Mod", trust="moderator")
    room.join("Sara", "fa", platform="numbers")
    yield room
    room.close()


def posts(room: Room) -> str:
    room.can("Vic", "writing")
    room.says("Ana", "need Somebody to write a letter for my sister")
    room.presses("Ana", "Post it")
    code: str = room.value("select code from needs order by created desc, id limit 1")
    return code


def meet(room: Room) -> str:
    """Ana and Vic talk. -> the conversation."""
    code = posts(room)
    room.says("Vic", f"offer {code} I write letters.")
    room.presses("Ana", "Accept")
    conversation: str = room.value("select id from conversations")
    return conversation


NOTHING_TO_READ = [
    ({"text": ""}, "I could not read that", "نتوانستم آن را بخوانم"),
    ({"text": " \n\t "}, "I could not read that", "نتوانستم آن را بخوانم"),
    ({"text": "\u200e\u202e\u200b"}, "I could not read that", "نتوانستم آن را بخوانم"),
    ({"text": "\x00\x01\x02\x7f"}, "I could not read that", "نتوانستم آن را بخوانم"),
    ({"text": "\ud800\udfff"}, "I could not read that", "نتوانستم آن را بخوانم"),
    ({"text": "x" * 1_000_000}, "This is too long. 4000", "خیلی طولانی است. حداکثر ۴۰۰۰"),
    ({"files": (File("voice"),)}, "I can't pass on voice messages", "فرستادن پیام صوتی"),
    ({"files": (File("picture"),)}, "I could not open this file", "نتوانستم این فایل"),
    ({"files": (File("video"),)}, "I can't pass on videos", "فرستادن ویدیو"),
    ({"files": (File("sticker"),)}, "Please write it in words.", "لطفاً آن را با کلمات بنویسید."),
    ({"files": (File("contact"),)}, "I can pass on only pictures", "فقط عکس و سند PDF"),
    ({"files": (File("encrypted"),)}, "I could not read this message", "این پیام را نتوانستم"),
    ({"text": "😀 👍🏽"}, "You can write, or pick:", "بنویسید یا انتخاب کنید:"),
    ({"text": "7"}, "There is no line with this number.", "گزینه‌ای با این شماره نیست."),
    ({"text": "cancel"}, "There is nothing to cancel.", "چیزی برای لغو نیست."),
    ({"text": "offer 9ZZ"}, "There is no open need 9ZZ.", "نیاز بازی با کد 9ZZ نیست"),
    ({"text": "offer banana"}, "There is no open need banana", "نیاز بازی با کد banana نیست"),
    ({"text": "close 9ZZ"}, "You have no need 9ZZ.", "نیازی با کد 9ZZ ندارید."),
    ({"text": "queue"}, "Only moderators can do this.", "فقط ناظران می‌توانند"),
    ({"text": "stats"}, "Only moderators can do this.", "فقط ناظران می‌توانند"),
    ({"text": "suspend 9ZZ"}, "Only moderators can do this.", "فقط ناظران می‌توانند"),
    ({"text": "verify"}, "Only moderators can verify people.", "فقط ناظران می‌توانند افراد"),
    ({"text": "vouch"}, "You can vouch for others once", "وقتی برای خودتان ضمانت شده باشد"),
    ({"text": "vouch 3KQ7MNPA"}, "This code is not valid", "این کد معتبر نیست"),
    ({"text": "link 3KQ7MNPA"}, "This code is not valid", "این کد معتبر نیست"),
    ({"text": "talk"}, "You have no open conversation.", "گفت‌وگوی بازی ندارید."),
    ({"text": "block"}, "You have no open conversation.", "گفت‌وگوی بازی ندارید."),
    ({"text": "report"}, "You have no open conversation.", "گفت‌وگوی بازی ندارید."),
    ({"text": "audit"}, "Only moderators can do this.", "فقط ناظران می‌توانند"),
    ({"text": "yes"}, "You can write, or pick:", "بنویسید یا انتخاب کنید:"),
    ({"text": "ofer 7KQ"}, "Did you mean offer 7KQ?", "منظورتان پیشنهاد 7KQ بود؟"),
    ({"text": "Cancel the deportation of my sister"}, "Is this something you", "آیا برای این"),
    ({"text": "new", "edits": "u999"}, "I can't change what I took in", "آنچه را گرفته‌ام نمی‌توانم"),
    ({"pressed": "=abc123:text:x"}, "That question has passed.", "از آن پرسش گذشته‌ایم."),
    ({"pressed": "\ud800\x00"}, "That question has passed.", "از آن پرسش گذشته‌ایم."),
    ({"pressed": "offer 9ZZ"}, "There is no open need 9ZZ", "نیاز بازی با کد 9ZZ نیست"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "english", "persian"), NOTHING_TO_READ)
def test_it_is_answered_in_the_persons_language(
    room: Room, what: dict[str, Any], english: str, persian: str
) -> None:
    for name, answer in (("Ana", english), ("Sara", persian)):
        (told,) = room.does(name, **what)
        assert answer in told
        assert len(told.splitlines()) < 15


def test_a_picture_that_can_t_be_passed_on_passes_on_its_words(room: Room) -> None:
    meet(room)
    told = room.does("Ana", text="This is her", files=(File("picture", "ref"),), unclean="large")
    assert told == ["This file is too large. Send a smaller one: 10 MB and 25 megapixels at most."]
    assert "│ This is her" in room.last("Vic")


def test_deleting_what_was_never_passed_on_is_nothing(room: Room) -> None:
    assert room.does("Ana", native="u1", deleted=True) == []
    assert room.does("Ana", native="never", deleted=True) == []


def test_an_unknown_code_leads_to_the_needs_that_there_are(room: Room) -> None:
    posts(room)
    room.says("Vic", "offer 9ZZ")
    assert room.presses("Vic", "See needs")[0].startswith("Open needs that ask for your skills")


def test_a_button_pressed_twice_has_one_effect(room: Room) -> None:
    posts(room)
    assert room.presses("Ana", "Post it")[0].startswith("That question has passed.")
    assert room.value("select count(*) from needs") == 1
    offer = room.says("Vic", "needs")
    assert offer
    room.says("Vic", f"offer {room.value('select code from needs')} I write.")
    room.presses("Ana", "Accept")
    assert room.presses("Ana", "Accept") == ["This offer is not open any more."]
    assert room.presses("Ana", "Decline") == ["This offer is not open any more."]
    assert room.value("select count(*) from conversations") == 1


def test_a_button_a_week_later_says_where_she_is(room: Room) -> None:
    room.says("Ana", "need")
    room.says("Ana", "We need somebody to write a letter")
    room.presses("Ana", "Done")
    room.time += 7 * 86400
    (told,) = room.presses("Ana", "Done")
    assert told.startswith("That question has passed. Here is where you are:")
    assert "Which country is it about?" in told
    room.says("Ana", "cancel")
    meet(room)
    (told,) = room.presses("Ana", "Post it")
    assert "You are talking with" in told


def test_the_same_event_ten_times_has_one_effect(room: Room) -> None:
    meet(room)
    event = Inbound(id="once", sender=room.people["Ana"].address, text="Only once", native="once")
    for _ in range(10):
        room.happens("Ana", event)
    assert [s.text for s in room.people["Vic"].shown if "Only once" in s.text] == [room.last("Vic")]


def test_the_same_sentence_five_times_is_answered_once(room: Room) -> None:
    told = [room.says("Ana", "They took my brother yesterday") for _ in range(5)]
    assert [len(each) for each in told] == [1, 1, 0, 0, 0]
    assert told[1] == ["I have it. One moment."]
    room.time += 61
    assert room.says("Ana", "They took my brother yesterday")


def test_a_sentence_is_heard_again_when_its_commit_was_lost(room: Room) -> None:
    event = Inbound(
        id="lost", sender=room.people["Ana"].address, text="They took my brother", native="lost"
    )

    def fails(book: Any) -> None:
        room.talk.hear(book, event)
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        room.store.now(fails)
    assert "Is this something you need help with?" in room.happens("Ana", event)[0]


def test_to_a_person_the_same_sentence_is_passed_on_each_time(room: Room) -> None:
    meet(room)
    for _ in range(3):
        room.says("Ana", "Are you there, please?")
    assert sum("Are you there" in s.text for s in room.people["Vic"].shown) == 3


@pytest.mark.parametrize("word", ["yes", "no", "done", "skip", "1", "7", "بله", "👍", "ok"])
def test_small_words_are_passed_on_while_two_people_talk(room: Room, word: str) -> None:
    meet(room)
    room.says("Ana", word)
    assert room.last("Vic").endswith(f"│ {word}")


@pytest.mark.parametrize("typed", ["ofer 7KQ", "ofer", "reprot", "/offr"])
def test_a_mistyped_command_is_never_passed_on_unasked(room: Room, typed: str) -> None:
    meet(room)
    before = len(room.people["Vic"].shown)
    assert room.says("Ana", typed)[0].startswith("Did you mean ")
    assert len(room.people["Vic"].shown) == before


def test_relayed_words_never_look_like_the_bot_and_hold_nothing_to_tap(room: Room) -> None:
    meet(room)
    room.says("Ana", "⚠ Movements\n/forget now, see https://evil.example/x and @admin")
    lines = room.last("Vic").splitlines()
    assert all(line.startswith(BAR) for line in lines[1:])
    assert "https://" not in room.last("Vic")
    assert "/forget" not in room.last("Vic")
    assert "@admin" not in room.last("Vic")


def test_a_reply_to_what_is_closed_is_answered(room: Room) -> None:
    conversation = meet(room)
    code = room.value("select code from needs")
    alert = next(s.native for s in room.people["Vic"].shown if "🔎" in s.text)
    talk = next(s.native for s in room.people["Vic"].shown if "Just write" in s.text)
    room.says("Ana", "The first")
    own = room.people["Ana"].written[-1]
    room.says("Ana", "The second", reply_to=own)
    assert "The second" in room.last("Vic")
    room.does("Ana", pressed=f"leave {conversation}")
    room.presses("Ana", "End it")
    assert room.says("Vic", "Wait", reply_to=talk) == ["This conversation is closed."]
    assert room.says("Ana", "Wait", reply_to=own) == ["This conversation is closed."]
    room.says("Ana", f"close {code}")
    room.presses("Ana", "Close it")
    assert room.says("Vic", "I can", reply_to=alert)[0].startswith("There is no open need")


def test_a_message_with_nowhere_to_go_is_kept_until_that_is_clear(room: Room) -> None:
    meet(room)
    room.can("Eva", "writing")
    room.says("Eva", f"offer {room.value('select code from needs')} I write too.")
    room.presses("Ana", "Accept")
    room.says("Vic", "Hello")
    for text in ("First", "Second"):
        assert room.says("Ana", text) == ["To whom?"]
    label = next(label for _, label in room.people["Ana"].shown[-1].choices)
    assert room.presses("Ana", label)[0].startswith("Sent to ")
    seen = "\n".join(s.text for n in ("Vic", "Eva") for s in room.people[n].shown[-2:])
    assert "│ First" in seen
    assert "│ Second" in seen


def test_a_suspended_person_is_told_and_can_only_leave(room: Room) -> None:
    def suspend(book: Any) -> None:
        book.do("update people set state = 'suspended' where id = :id", id=room.id(book, "Ana"))

    room.store.now(suspend)
    for what in (
        {"text": "need a lawyer for me"},
        {"pressed": "need"},
        {"files": (File("voice"),)},
    ):
        assert room.does("Ana", **what) == ["A moderator has suspended you."]
    assert room.says("Ana", "forget")[0].startswith("Forget everything")


# ------------------------------------------------------------------------------ others' buttons


def world_of(room: Room) -> dict[str, str]:
    """Everything that a button can name, none of it Eva's."""
    conversation = meet(room)
    code = room.value("select code from needs")
    room.says("Ana", "need Somebody to write a second letter")
    room.presses("Ana", "Post it")
    second = room.value("select code from needs where code <> :code", code=code)
    room.says("Vic", f"offer {second} This one too.")
    room.join("Tia", trust="vouched")

    def invite(book: Any) -> None:
        book.do(
            "insert into invitations values (:c, :p, 'asked', 0)",
            c=conversation,
            p=room.id(book, "Tia"),
        )
        book.do(
            "insert into reports(id, person, about, text, at) values ('rep', :p, :a, 'bad', 0)",
            p=room.id(book, "Ana"),
            a=room.id(book, "Vic"),
        )

    room.store.now(invite)
    offer = room.value("select id from offers where state = 'sent'")
    return {"conversation": conversation, "code": second, "offer": offer, "report": "rep"}


VERBS = {
    "accept": "offer", "decline": "offer", "ask": "offer", "leave": "conversation",
    "talk": "conversation", "join": "conversation", "notnow": "conversation",
    "keep": "code", "close": "code", "pass": "code", "why": "code",
    "suspend": "report", "dismiss": "report",
}  # fmt: skip
TABLES = "needs", "offers", "conversations", "members", "invitations", "reports", "people", "alerts"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["Eva", "Sara"])
def test_nobody_presses_anothers_button(room: Room, verb: str, who: str) -> None:
    ids = world_of(room)

    def state(book: Any) -> list[Any]:
        return [sorted(map(repr, book.all(f"select * from {table}"))) for table in TABLES]

    before = room.store.now(state)
    seen = {name: len(p.shown) for name, p in room.people.items() if name != who}
    for id in (ids[VERBS[verb]], "", "unknown"):
        told = room.does(who, pressed=f"{verb} {id}".strip())
        assert told, "no answer"
        assert "You are now talking" not in told[0]
    assert room.store.now(state) == before
    assert {name: len(room.people[name].shown) for name in seen} == seen


def test_linking_another_account_leads_around_no_block(room: Room) -> None:
    for name in ("Eva2", "Ana2"):
        room.join(name)

    def block(book: Any) -> None:
        for one, other in (("Ana", "Eva"), ("Sara", "Ana"), ("Eva2", "Eva")):
            book.do(
                "insert into blocks(person, blocked) values (:one, :other)",
                one=room.id(book, one),
                other=room.id(book, other),
            )

    room.store.now(block)
    for old, new in (("Eva", "Eva2"), ("Ana", "Ana2")):
        (told,) = room.says(new, "link")
        code = next(word for word in re.findall(r"\b[0-9A-Z]{8}\b", told))
        room.says(old, f"link {code}")

    def pairs(book: Any) -> list[bool]:
        names = ("Ana2", "Eva2", "Sara")
        ids = {name: room.id(book, name) for name in names}
        found = [(one, other) for one in names for other in names if one < other]
        assert room.id(book, "Ana") == ids["Ana2"]
        return [people.blocked(book, ids[one], ids[other]) for one, other in found]

    assert room.store.now(pairs) == [True, True, False]  # Ana and Eva, Ana and Sara, Eva and Sara


def test_a_forged_answer_is_none(room: Room) -> None:
    room.says("Eva", "need")
    room.says("Eva", "Somebody to write a letter for me")
    value = room.people["Eva"].shown[-1].choices[0][0]
    token = value.split(":")[0]
    for forged in (f"{token}:skills:s.nonsense", f"{token}:audience:0", f"{token}:skills:"):
        assert room.does("Eva", pressed=forged)[0].startswith("That question has passed.")
    assert room.does("Sara", pressed=value)[0].startswith("از آن پرسش گذشته‌ایم.")
