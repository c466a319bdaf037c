"""What could endanger somebody travels only where nobody on the way can read or forge it: two
messengers, one that is open to its server and one that is end-to-end encrypted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core import routes
from tests.conftest import make_platform, need_program
from tests.platforms.element import ElementPlatform
from tests.platforms.memory import MemoryPhone, MemoryPlatform
from tests.platforms.omemo import OmemoPlatform
from tests.world import World
from tests.world import database as database_in

ON = {"Ana": "open", "Two": "closed", "Vic": "closed", "Sam": "open", "Tom": "closed"}


@pytest.fixture
async def world(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(routes, "JITTER", (0, 0))
    platforms = {
        "open": MemoryPlatform("open"),
        "closed": MemoryPlatform("closed", buttons=False, encrypts=True),
    }
    async with World(platforms, database, ON) as world:
        yield world


def phone(world: World, name: str) -> MemoryPhone:
    found = world.players[name].phone
    assert isinstance(found, MemoryPhone)
    return found


MOVES = """
people: Ana en, Two en, Vic en vouched
Vic can: writing
Ana: need Somebody to write a letter for my sister
Ana sees: If it could endanger somebody
Ana presses: 🔒 Post it, encrypted only
Ana sees: 🔒 Not from here: the server of this chat can read it.
Ana presses: How to get there
Ana sees: I am on closed as gateway@closed
Two: link {trust}
Two sees: Linked.
Two sees: │ Somebody to write a letter for my sister
Ana sees: ⚠ A chat on closed was linked to you
Two presses: 🔒 Post it, encrypted only
Two sees: 🔒 It goes only through encrypted chats
Vic sees: 🔎 {code}
Vic: offer {code} I edit letters.
Vic sees: Sent.
Two sees: offers help with {code}
Two presses: Accept
Two sees: Just write.
Vic sees: Just write.
"""


async def test_it_is_refused_in_the_open_and_moves_with_its_draft(world: World) -> None:
    await world.tell(f"{MOVES}\nAna sees nothing")


async def test_nothing_of_it_is_shown_or_taken_in_the_open(world: World) -> None:
    await world.tell(f"""{MOVES}
Ana: I wonder whether this gets through
Ana sees: 🔒 That passes only through your encrypted chat.
Vic sees nothing
Ana: mine
Ana sees: 🔒 I answer that only in your encrypted chat.
Two sees: Your open needs:
Ana: close {{code}}
Ana sees: 🔒 That passes only through your encrypted chat.
Ana: link
Ana sees: 🔒 That passes only through your encrypted chat.
Vic: They took her from the library
Two sees: │ They took her from the library
Ana sees nothing
Two: Who was it?
Vic sees: │ Who was it?""")


async def test_a_code_that_was_read_in_the_open_brings_nobody_into_it(world: World) -> None:
    """Whoever reads her open messenger asked for another one before."""
    first = "Ana: /link\nAna sees: In your other messenger\nAna presses: How to get there"
    await world.tell(f"""{MOVES.replace("Ana presses: How to get there", first)}
Tom joins en
Tom: link {{trust1}}
Tom sees: This code is not valid, or was used already.""")


async def test_who_is_in_the_open_alone_is_not_told_of_it(world: World) -> None:
    await world.tell("""
people: Two en, Sam en vouched, Vic en vouched
Sam can: writing
Vic can: writing
Two: need Somebody to write a letter for my sister
Two sees: This is what they will see:
Two presses: 🔒 Post it, encrypted only
Two sees: 1 person who can help is being told
Vic sees: 🔎 {code}
Sam sees nothing
Sam: needs
Sam sees: There is no open need for you now.
Sam: offer {code}
Sam sees: 🔒 That passes only through an encrypted chat
Sam presses: How to get there
Sam sees: In your other messenger""")


async def test_what_waits_for_an_encrypted_chat_is_said_without_saying_what(world: World) -> None:
    """Her messenger turned its encryption off meanwhile."""
    await world.tell(MOVES)
    phone(world, "Two").encrypts = False
    await world.tell("""
Two: hello there again my friend
Two sees: 🔒 That passes only through an encrypted chat
Vic: I have begun.
Two sees: 🔒 Something waits for you
Two sees nothing""")
    await world.tell("""
Two presses: How to get there
Two sees: 🔒 You are in encrypted conversations.""")
    phone(world, "Two").encrypts = True
    await world.tell("""
Two: Thank you very much indeed.
Two sees: │ I have begun.
Vic sees: │ Thank you very much indeed.
Two sees nothing""")


ALONE = """
people: Two en, Vic en vouched
Vic can: writing
Two: need Somebody to write a letter for my sister
Two sees: This is what they will see:
Two presses: 🔒 Post it, encrypted only
Two sees: Posted as
Vic sees: 🔎 {code}
Vic: offer {code} I edit letters.
Vic sees: Sent.
Two sees: offers help with {code}
Two presses: Accept
Two sees: Just write.
Vic sees: Just write.
"""


async def test_new_keys_stop_it_until_their_owner_confirms_and_the_other_side_is_warned(
    world: World,
) -> None:
    await world.tell(ALONE)
    phone(world, "Two").changes_keys()
    await world.tell("""
Two sees: ⚠ This chat has new encryption keys.
Vic: They took her from the library
Two sees: 🔒 Something waits for you
Two: tell me more about this please
Two sees: 🔒 This chat has new encryption keys, and nobody has confirmed
Two: mine
Two sees: 🔒 Something waits for you
again
Two presses: What to do
Two sees: ⚠ This chat has new encryption keys.
Two presses: They are mine
Two sees: │ They took her from the library
Two sees: Your open needs:
Two sees: Confirmed.
Vic sees: with new keys and says that they are theirs
Two: tell me more about this please
Vic sees: │ tell me more about this please""")


async def test_who_has_another_messenger_is_asked_there_and_nowhere_else(world: World) -> None:
    await world.tell(MOVES)
    phone(world, "Two").changes_keys()
    await world.tell("""
Two sees: I ask you about it in your other chat.
Ana sees: ⚠ Your chat on closed has new encryption keys
Two: confirm 2
Two sees: 🔒 This chat has new encryption keys
Ana presses: They are mine
Ana sees: Confirmed.
Vic: They took her from the library
Two sees: │ They took her from the library""")


async def test_an_address_that_was_taken_over_is_no_longer_theirs(world: World) -> None:
    await world.tell(MOVES)
    phone(world, "Two").changes_keys()
    await world.tell("""
Two sees: I ask you about it in your other chat.
Ana sees: ⚠ Your chat on closed has new encryption keys
Ana presses: It was not me
Ana sees: That chat is not yours any more
Vic: They took her from the library
Ana sees: 🔒 Something waits for you
Two: mine
Two sees: connects people who need help
Two sees: Trust: New here
Two: talk
Two sees: You have no open conversation.""")


async def test_a_forged_plain_message_confirms_nothing(world: World) -> None:
    await world.tell(ALONE)
    phone(world, "Two").changes_keys()
    await world.tell("Two sees: ⚠ This chat has new encryption keys.")
    phone(world, "Two").encrypts = False
    await world.tell("""
Two presses: They are mine
Two sees: Say that in an encrypted message
Vic: They took her from the library
Two sees: 🔒 Something waits for you""")


async def test_new_keys_while_everything_is_hidden_are_not_forgotten(world: World) -> None:
    await world.tell(f"""{ALONE}
Two: safety
Two sees: Words for danger
Two presses: Words for danger
Two sees: You have none.
Two presses: Choose a freeze word
Two sees: Write your freeze word
Two: blue umbrella
Two sees: Write it once more.
Two: blue umbrella
Two sees: Now the PIN
Two: 480215
Two sees: Write it once more.
Two: 480215
Two sees: From now on this word hides everything
Two: blue umbrella
Two sees: connects people""")
    phone(world, "Two").changes_keys()
    await world.tell("""
Two sees: ⚠ This chat has new encryption keys.
Vic: They took her from the library
Two: 480215
Two sees: 🔒 Something waits for you
Two sees nothing""")


@pytest.mark.parametrize("closed", ["xmpp", "matrix"])
async def test_it_moves_from_telegram_to_real_servers_and_is_talked_over(
    closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_program("prosody")
    monkeypatch.setattr(routes, "JITTER", (0, 0))
    private = OmemoPlatform() if closed == "xmpp" else ElementPlatform()
    platforms = {"telegram": make_platform("telegram"), closed: private}
    on = {name: "telegram" if place == "open" else closed for name, place in ON.items()}
    async with World(platforms, database_in(tmp_path), on) as world:
        shown = {"xmpp": "XMPP", "matrix": "Matrix"}[closed]
        story = MOVES.replace("on closed as gateway@closed", f"on {shown} as")
        await world.tell(story.replace("on closed", f"on {shown}"))
        await world.tell("""
Vic: They took her from the library
Two sees: │ They took her from the library
Ana: I wonder whether this gets through
Ana sees: 🔒 That passes only through your encrypted chat.
Two: Who was it, and when?
Vic sees: │ Who was it, and when?""")
