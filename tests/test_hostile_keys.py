"""Whatever strangers and homeservers send to the gateway's Matrix device, it goes on: after each
comes a good message, and is read. (Fifteen of these stop nio 0.26; a stranger needs no common room
to send them.)"""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vodozemac import GroupSession, InboundGroupSession, MegolmMessage

from adapters.matrix import devices as devices_module
from adapters.matrix import encryption as encryption_module
from adapters.matrix.devices import Devices
from adapters.matrix.encryption import Encryption
from adapters.matrix.megolm import SEEN, Unreadable
from adapters.matrix.olm import MEGOLM, SESSIONS
from adapters.matrix.reading import Reading
from adapters.matrix.shelf import Shelf
from core.message import Exposed, Later
from tests.platforms.device import ROOM, Device, answer
from tests.safes import Pocket

ADA, EVE, BOT = "@ada:x", "@eve:x", "@bot:x"


class Nowhere:
    """A client that reaches nobody. said: path -> the answer."""

    user_id, device_id, access_token = BOT, "BOT", "t"


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(Pocket())


@pytest.fixture
def bot(shelf: Shelf) -> Encryption:
    return Encryption(Nowhere(), shelf, "password")


def reads(bot: Encryption, event: dict[str, Any], room: str = ROOM) -> Any:
    clear, _ = bot.megolm.open(room, event)
    return clear["content"]["body"]


def still_well(bot: Encryption) -> None:
    """A good message from somebody new."""
    ada = Device(ADA)
    assert bot.receive(answer(ada.gives(bot.olm))) == {(ROOM, ada.group.session_id)}
    assert reads(bot, ada.writes(ada.message("good"))) == "good"


# ------------------------------------------------------------------ to our device


OLM_BODIES = [
    *(
        (kind, body)
        for kind in (0, 1)
        for body in ("garbage", "AAAA", "", "!!!", "\ud800", "A" * 99)
    ),
    (2, "AAAA"),
    ("0", "AAAA"),
    (None, None),
    (0, 5),
    (1, ["x"]),
    (True, "AAAA"),
    (1.5, {}),
]


@pytest.mark.parametrize(("kind", "body"), OLM_BODIES)
def test_a_ciphertext_that_is_none_opens_nothing(bot: Encryption, kind: Any, body: Any) -> None:
    assert bot.receive(answer(Device(EVE).event(bot.olm, kind, body))) == set()
    still_well(bot)


@pytest.mark.parametrize("key", ["notakey", "", 5, None, {}, "A" * 43, "\ud800"])
def test_a_sender_key_that_is_none_opens_nothing(bot: Encryption, key: Any) -> None:
    eve = Device(EVE)
    good = eve.payload(bot.olm, "m.room_key", eve.room_key())
    event = eve.to_device(bot.olm, good, sender_key=key)
    assert bot.receive(answer(event)) == set()
    still_well(bot)


@pytest.mark.parametrize(
    "payload",
    [b"\xff\xfe", b"", b"[1]", b"5", b"null", b"{}", b'"x"', b"[" * 100_000, b"NaN", b"1e999"],
)
def test_a_payload_that_is_no_message_is_nothing(bot: Encryption, payload: bytes) -> None:
    assert bot.receive(answer(Device(EVE).to_device(bot.olm, payload))) == set()
    still_well(bot)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender": ADA},
        {"recipient": ADA},
        {"recipient_keys": {"ed25519": "x"}},
        {"recipient_keys": 5},
        {"keys": []},
        {"keys": {"ed25519": 5}},
        {"type": ["m.room_key"]},
        {"content": "x"},
        {"content": None},
    ],
)
def test_a_payload_that_names_others_is_not_believed(bot: Encryption, wrong: Any) -> None:
    eve = Device(EVE)
    payload = eve.payload(bot.olm, "m.room_key", eve.room_key(), **wrong)
    assert bot.receive(answer(eve.to_device(bot.olm, payload))) == set()
    still_well(bot)


@pytest.mark.parametrize(
    "wrong",
    [
        {"session_key": "garbage"},
        {"session_key": 5},
        {"session_key": "AAAA"},
        {"session_id": "other"},
        {"session_id": None},
        {"algorithm": 5},
        {"algorithm": "m.megolm.v2"},
        {"room_id": 5},
        {"room_id": ""},
        {"room_id": "!a b"},
        {"room_id": []},
    ],
)
def test_a_key_that_is_none_is_not_kept(bot: Encryption, shelf: Shelf, wrong: Any) -> None:
    assert bot.receive(answer(Device(EVE).gives(bot.olm, **wrong))) == set()
    assert list(shelf.all("megolm")) == []
    still_well(bot)


NONSENSE: list[Any] = [
    None,
    5,
    [],
    {},
    "x",
    {"type": "m.room.encrypted"},
    {"type": [], "sender": EVE, "content": {}},
    {"type": "m.room.encrypted", "sender": EVE, "content": {"ciphertext": []}},
    {"type": "m.room.encrypted", "sender": 5, "content": {}},
    {"type": "m.room_key_request", "sender": EVE, "content": {}},
    {"type": "m.room_key_request", "sender": EVE, "content": {"action": "request", "body": 5}},
    {
        "type": "m.room_key_request",
        "sender": EVE,
        "content": {"requesting_device_id": [], "body": {}},
    },
    {"type": "m.key.verification.start", "sender": EVE, "content": {"method": "m.sas.v1"}},
    {"type": "m.key.verification.mac", "sender": EVE, "content": {"mac": {}, "keys": "x"}},
    {"type": "m.secret.request", "sender": EVE, "content": {"name": "m.cross_signing.master"}},
    {"type": "m.room_key", "sender": EVE, "content": {"algorithm": MEGOLM}},
]


@pytest.mark.parametrize("event", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_to_our_device_is_passed_over(bot: Encryption, event: Any) -> None:
    assert bot.receive(answer(event)) == set()
    still_well(bot)


WORDS = """to_device events device_lists changed left device_one_time_keys_count signed_curve25519
device_unused_fallback_key_types type sender content ciphertext sender_key body session_id
algorithm room_id session_key keys ed25519 user_id device_id signatures usage master_keys
self_signing_keys device_keys"""
NAMES = WORDS.split()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)


# a machine that does much else takes long to make them up
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_no_answer_whatsoever_raises(said: dict[str, Any]) -> None:
    bot = Encryption(Nowhere(), Shelf(Pocket()), "password")
    assert bot.receive(said) == set()
    shown = said.get("device_keys")
    assert bot.devices._read(said, EVE, shown if isinstance(shown, dict) else {}) == []


# ------------------------------------------------------------------ what is written in rooms


PLAINTEXTS: list[Any] = [
    b"\xff\xfe\xfd",
    b"",
    b"[]",
    b"5",
    {},
    [],
    5,
    b"[" * 100_000,
    {"type": "m.room.message", "room_id": ROOM, "content": "x"},
    {"type": 5, "room_id": ROOM, "content": {}},
    {"type": "m.room.message", "room_id": "!other", "content": {"body": "x"}},
    {"type": "m.room.message", "content": {"body": "x"}},
    {"type": "m.room.member", "state_key": EVE, "room_id": ROOM, "content": {"membership": "ban"}},
    {"type": "m.room.member", "state_key": None, "room_id": ROOM, "content": {}},
]


@pytest.mark.parametrize("plaintext", PLAINTEXTS, ids=range(len(PLAINTEXTS)))
def test_what_is_no_message_inside_is_unreadable(bot: Encryption, plaintext: Any) -> None:
    eve = Device(EVE)
    bot.receive(answer(eve.gives(bot.olm)))
    with pytest.raises(Unreadable) as unreadable:
        reads(bot, eve.writes(plaintext))
    assert unreadable.value.session is None, "no key would help"
    assert reads(bot, eve.writes(eve.message("fine"))) == "fine"
    still_well(bot)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ciphertext": "AAA"},
        {"ciphertext": 5},
        {"ciphertext": "!"},
        {"ciphertext": ""},
        {"ciphertext": None},
        {"algorithm": 5},
        {"algorithm": "m.megolm.v2"},
        {"session_id": 5},
        {"session_id": ["x"]},
    ],
)
def test_a_room_s_ciphertext_that_is_none_is_unreadable(bot: Encryption, wrong: Any) -> None:
    eve = Device(EVE)
    bot.receive(answer(eve.gives(bot.olm)))
    with pytest.raises(Unreadable):
        reads(bot, eve.writes(eve.message("x"), **wrong))
    still_well(bot)


def test_what_only_newer_clients_leave_out_is_not_missed(bot: Encryption) -> None:
    """sender_key and device_id are deprecated since 1.3; nio gives up without them."""
    ada = Device(ADA)
    bot.receive(answer(ada.gives(bot.olm)))
    assert reads(bot, ada.writes(ada.message("new"))) == "new"
    assert reads(bot, ada.writes(ada.message("old"), sender_key="wrong", device_id=5)) == "old"


def test_nobody_writes_in_another_s_name(bot: Encryption) -> None:
    eve = Device(EVE)
    bot.receive(answer(eve.gives(bot.olm)))
    forged = eve.writes(eve.message("I am Ada")) | {"sender": ADA}
    with pytest.raises(Unreadable):
        reads(bot, forged)


def test_the_same_ciphertext_in_another_event_is_a_replay(bot: Encryption, shelf: Shelf) -> None:
    ada = Device(ADA)
    bot.receive(answer(ada.gives(bot.olm)))
    event = ada.writes(ada.message("pay him"))
    assert reads(bot, event) == "pay him"
    assert reads(bot, event) == "pay him", "the same event may come again"
    with pytest.raises(Unreadable):
        reads(bot, event | {"event_id": "$again"})
    later = Encryption(Nowhere(), shelf, "password")  # after a start
    with pytest.raises(Unreadable):
        reads(later, event | {"event_id": "$again"})


def test_places_are_remembered_up_to_a_number_and_older_ones_count_as_used(bot: Encryption) -> None:
    ada = Device(ADA)
    bot.receive(answer(ada.gives(bot.olm)))
    first = ada.writes(ada.message("first"))
    for _ in range(SEEN):
        assert reads(bot, ada.writes(ada.message("x"))) == "x"
    with pytest.raises(Unreadable):
        reads(bot, first)


def test_a_key_is_not_replaced_by_a_stranger_s_or_a_lesser_one(bot: Encryption) -> None:
    ada, eve = Device(ADA), Device(EVE)
    whole = ada.room_key()
    first = ada.writes(ada.message("from the start"))
    assert bot.receive(answer(ada.gives(bot.olm))) != set()  # from the second place on
    with pytest.raises(Unreadable) as unreadable:
        reads(bot, first)
    assert unreadable.value.session == ada.group.session_id, "its whole key would help"
    stolen = eve.to_device(bot.olm, eve.payload(bot.olm, "m.room_key", whole))
    assert bot.receive(answer(stolen)) == set()
    again = ada.to_device(bot.olm, ada.payload(bot.olm, "m.room_key", whole))
    assert bot.receive(answer(again)) == {(ROOM, ada.group.session_id)}
    assert reads(bot, first) == "from the start"
    assert bot.receive(answer(ada.gives(bot.olm))) == set(), "a lesser one"
    assert reads(bot, first) == "from the start"


def test_a_key_comes_again_only_if_asked_for_and_from_whoever_made_it(bot: Encryption) -> None:
    ada, eve = Device(ADA), Device(EVE)
    known = InboundGroupSession(ada.group.session_key)
    event = ada.writes(ada.message("lost"))
    exported = known.export_at(0)
    assert exported
    forward = ada.room_key(
        session_key=exported.to_base64(),
        sender_key=ada.curve25519,
        sender_claimed_ed25519_key=ada.ed25519,
        forwarding_curve25519_key_chain=[],
    )

    def sent(by: Device, **wrong: object) -> set[tuple[str, str]]:
        payload = by.payload(bot.olm, "m.forwarded_room_key", forward | wrong)
        return bot.receive(answer(by.to_device(bot.olm, payload)))

    assert sent(ada) == set(), "nobody asked"
    bot.missing(event, ROOM, ada.group.session_id)
    assert sent(eve) == set(), "another's"
    assert sent(Device(ADA)) == set(), "another device's"
    assert sent(ada, forwarding_curve25519_key_chain=["x"]) == set()
    assert sent(ada, session_key="garbage") == set()
    assert sent(ada) == {(ROOM, ada.group.session_id)}
    assert reads(bot, event) == "lost"


def test_a_flood_of_ratchets_and_keys_stays_small(bot: Encryption, shelf: Shelf) -> None:
    for _ in range(SESSIONS + 9):
        eve = Device(EVE)
        bot.receive(answer(eve.gives(bot.olm)))
    assert len(list(shelf.all("olm"))) == SESSIONS
    assert len(list(shelf.all("megolm"))) <= 100
    still_well(bot)


# ------------------------------------------------------------------ order, and what cannot be read


def test_what_waits_for_its_key_keeps_its_place(bot: Encryption, shelf: Shelf) -> None:
    reading, ada = Reading(shelf, bot), Device(ADA)
    key = ada.gives(bot.olm)
    events = [ada.writes(ada.message(str(n))) for n in range(3)]
    plain = {"type": "m.room.message", "sender": ADA, "event_id": "$p", "content": {"body": "3"}}
    assert [reading.take(ROOM, event) for event in (*events, plain)] == [[], [], [], []]
    assert reading.take(ROOM, {"type": "m.room.message", "sender": EVE, "event_id": "$e"}) != []
    assert reading.late() is not None
    found = bot.receive(answer(key))
    read = reading.again(found)
    assert [each.event["content"]["body"] for each in read] == ["0", "1", "2", "3"]
    assert [each.encrypted for each in read] == [True, True, True, False]
    assert reading.late() is None


def test_what_waits_survives_a_start_and_is_told_once_for_a_key(
    bot: Encryption, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = Device(ADA)
    key = ada.gives(bot.olm)
    assert Reading(shelf, bot).take(ROOM, ada.writes(ada.message("first"))) == []
    reading = Reading(shelf, bot)
    assert reading.take(ROOM, ada.writes(ada.message("second"))) == []
    monkeypatch.setattr("adapters.matrix.reading.PATIENCE", 0.0)
    (told,) = reading.again()
    assert told.encrypted is None
    assert [secret.name for secret in told.secrets] == [f"unread {told.event['event_id']}"]
    reading = Reading(shelf, bot)
    assert reading.again() == []
    read = reading.again(bot.receive(answer(key)))
    assert [each.event["content"]["body"] for each in read] == ["first", "second"]
    assert all(None in [secret.value for secret in each.secrets] for each in read)
    assert list(shelf.all("unread")) == []


# ------------------------------------------------------------------ whose device is whose


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Path -> what the homeserver answers."""
    said: dict[str, Any] = {"/sendToDevice": {}, "sent": []}

    async def ask(_: object, __: str, path: str, body: object) -> Any:
        said["sent"].append((path, body))
        return next(given for begin, given in said.items() if path.startswith(begin))

    monkeypatch.setattr(devices_module, "ask", ask)
    monkeypatch.setattr(encryption_module, "ask", ask)
    return said


async def signed(devices: Devices, said: dict[str, Any], shown: Any) -> list[bool]:
    said["/keys/query"] = shown
    devices.outdated([ADA])
    return [device.signed for device in await devices.of(Nowhere(), ADA)]


async def test_a_device_is_signed_if_its_owner_s_first_identity_vouches(
    bot: Encryption, shows: dict[str, Any]
) -> None:
    ada, stolen = Device(ADA), Device(ADA, "STOLEN")
    assert await signed(bot.devices, shows, ada.shown()) == [False]
    ada.takes_identity()
    assert await signed(bot.devices, shows, ada.shown(stolen)) == [True, False]


async def test_signatures_that_do_not_fit_vouch_for_nothing(
    bot: Encryption, shows: dict[str, Any]
) -> None:
    ada, thief = Device(ADA), Device(ADA, "THIEF")
    ada.takes_identity()
    good = ada.shown()
    own = good["device_keys"][ADA]["PHONE"]

    def swapped(**wrong: Any) -> dict[str, Any]:
        return json.loads(json.dumps(good)) | wrong  # type: ignore[no-any-return]

    moved = {"device_keys": {ADA: {"THIEF": own}}}
    assert await signed(bot.devices, shows, swapped(**moved)) == [], "another device's object"
    other = thief.keys()["keys"]
    forged = own | {"keys": own["keys"] | {"curve25519:PHONE": other["curve25519:THIEF"]}}
    changed = {"device_keys": {ADA: {"PHONE": forged}}}
    assert await signed(bot.devices, shows, swapped(**changed)) == [], "other keys"
    unsigned = swapped()
    del unsigned["self_signing_keys"][ADA]["signatures"]
    assert await signed(bot.devices, shows, unsigned) == [False], "the master vouches for nobody"
    use = swapped()
    use["self_signing_keys"][ADA]["usage"] = ["user_signing"]
    assert await signed(bot.devices, shows, use) == [False], "a key for something else"
    hidden = swapped(master_keys={})
    assert await signed(bot.devices, shows, hidden) == [False]
    assert await signed(bot.devices, shows, good) == [True]


@pytest.mark.parametrize(
    "keys", [5, {}, [], {"keys": {}}, {"user_id": ADA, "device_id": "X", "keys": {"ed25519:X": 5}}]
)
async def test_device_keys_that_are_none_are_passed_over(
    bot: Encryption, shows: dict[str, Any], keys: Any
) -> None:
    ada = Device(ADA)
    shown = ada.shown()
    shown["device_keys"][ADA]["X"] = keys
    assert await signed(bot.devices, shows, shown) == [False]


async def test_another_identity_is_told_and_vouches_for_nobody(
    bot: Encryption, shelf: Shelf, shows: dict[str, Any]
) -> None:
    ada = Device(ADA)
    ada.takes_identity()
    assert await signed(bot.devices, shows, ada.shown()) == [True]
    assert bot.changed() == []
    ada.takes_identity(seed=9)
    assert await signed(bot.devices, shows, ada.shown()) == [False]
    assert await signed(bot.devices, shows, ada.shown()) == [False]
    assert (bot.changed(), bot.changed()) == ([ADA], []), "once"
    later = Encryption(Nowhere(), shelf, "password")
    assert await signed(later.devices, shows, ada.shown()) == [False], "also after a start"
    assert later.changed() == []
    ada.takes_identity()
    assert await signed(later.devices, shows, ada.shown()) == [True], "the first one is back"


async def test_a_homeserver_that_is_away_is_asked_later(
    bot: Encryption, shows: dict[str, Any]
) -> None:
    shows["/keys/query"] = {"device_keys": {}, "failures": {"x": {}}}
    with pytest.raises(Later):
        await bot.devices.of(Nowhere(), ADA)


# ------------------------------------------------------------------ what we write


async def written(bot: Encryption, text: str, *, sensitive: bool = False) -> Any:
    content = {"msgtype": "m.text", "body": text}
    async with bot.sealed(ROOM, ADA, content, sensitive=sensitive) as ciphertext:
        return ciphertext


def given_to(said: dict[str, Any]) -> list[str]:
    """-> the devices that a key was given to, since this was last asked."""
    sent, said["sent"] = said["sent"], []
    bodies = [body["messages"] for path, body in sent if path.startswith("/sendToDevice")]
    return sorted(id for messages in bodies for user in messages.values() for id in user)


async def test_what_is_sensitive_goes_to_no_device_that_its_owner_does_not_vouch_for(
    bot: Encryption, shows: dict[str, Any]
) -> None:
    ada, stolen = Device(ADA), Device(ADA, "STOLEN")
    shows["/keys/query"] = ada.shown(stolen)
    shows["/keys/claim"] = {"one_time_keys": {}}
    with pytest.raises(Exposed):
        await written(bot, "secret", sensitive=True)
    ada.takes_identity()
    shows["/keys/query"] = ada.shown(stolen)
    bot.devices.outdated([ADA])
    both = ada.one_time_key()
    both["one_time_keys"][ADA] |= stolen.one_time_key()["one_time_keys"][ADA]
    shows["/keys/claim"] = both
    plain = await written(bot, "hello")
    assert given_to(shows) == ["PHONE", "STOLEN"]
    secret = await written(bot, "secret", sensitive=True)
    assert given_to(shows) == ["PHONE"]
    assert secret["session_id"] != plain["session_id"]
    ada.takes_identity(seed=9)
    shows["/keys/query"] = ada.shown(stolen)
    bot.devices.outdated([ADA])
    with pytest.raises(Exposed):
        await written(bot, "secret", sensitive=True)


async def test_a_device_that_is_gone_reads_no_further_and_a_new_one_from_now_on(
    bot: Encryption, shows: dict[str, Any]
) -> None:
    ada, old = Device(ADA), Device(ADA, "OLD")
    shows["/keys/query"] = ada.shown(old)
    both = ada.one_time_key()
    both["one_time_keys"][ADA] |= old.one_time_key()["one_time_keys"][ADA]
    shows["/keys/claim"] = both
    first = await written(bot, "1")
    assert (await written(bot, "2"))["session_id"] == first["session_id"]
    assert given_to(shows) == ["OLD", "PHONE"]
    shows["/keys/query"] = ada.shown()
    bot.devices.outdated([ADA])
    second = await written(bot, "3")
    assert second["session_id"] != first["session_id"]
    assert given_to(shows) == ["PHONE"]
    new = Device(ADA, "NEW")
    shows["/keys/query"], shows["/keys/claim"] = ada.shown(new), new.one_time_key()
    bot.devices.outdated([ADA])
    assert (await written(bot, "4"))["session_id"] == second["session_id"]
    assert given_to(shows) == ["NEW"]


async def test_a_key_is_on_disk_before_it_is_sent_and_our_room_keys_never(
    bot: Encryption, shelf: Shelf, shows: dict[str, Any]
) -> None:
    ada, safe = Device(ADA), Pocket()
    shelf._safe = safe
    shows["/keys/query"], shows["/keys/claim"] = ada.shown(), ada.one_time_key()
    ciphertext = await written(bot, "hello")
    kept = {name.split(" ")[0] for name in safe.kept}
    assert kept == {"account", "olm", "room"}
    values = b"".join(secret.value or b"" for secret in safe.kept.values())
    assert ciphertext["session_id"].encode() not in values
    assert all(s.of == ADA for name, s in safe.kept.items() if name != "account")


async def test_nobody_is_written_to_who_could_not_read_it(
    bot: Encryption, shows: dict[str, Any]
) -> None:
    shows["/keys/query"] = {"device_keys": {ADA: {}}}
    with pytest.raises(Later):
        await written(bot, "hello")
    ada = Device(ADA)
    shows["/keys/query"], shows["/keys/claim"] = ada.shown(), {"one_time_keys": {}}
    bot.devices.outdated([ADA])
    with pytest.raises(Later):
        await written(bot, "hello")


async def test_a_one_time_key_that_the_device_did_not_sign_is_not_used(
    bot: Encryption, shows: dict[str, Any]
) -> None:
    ada, eve = Device(ADA), Device(EVE)
    forged = eve.one_time_key()["one_time_keys"][EVE]["PHONE"]
    shows["/keys/query"] = ada.shown()
    shows["/keys/claim"] = {"one_time_keys": {ADA: {"PHONE": forged}}}
    with pytest.raises(Later):
        await written(bot, "hello")


async def test_a_room_s_key_is_worn_after_a_hundred_messages(
    bot: Encryption, shows: dict[str, Any]
) -> None:
    ada = Device(ADA)
    shows["/keys/query"], shows["/keys/claim"] = ada.shown(), ada.one_time_key()
    sessions = [(await written(bot, "x"))["session_id"] for _ in range(201)]
    assert [sessions.count(id) for id in dict.fromkeys(sessions)] == [100, 100, 1]


async def test_many_at_once_over_a_change_of_keys_and_cancelled_anywhere_stay_readable(
    bot: Encryption, shows: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stock nio loses 70 of 250 so, and a cancelled one leaves the room without its key."""
    ada, chance = Device(ADA), random.Random(7)
    shows["/keys/query"], shows["/keys/claim"] = ada.shown(), ada.one_time_key()
    ask = encryption_module.ask

    async def slow(*given: Any) -> Any:
        await asyncio.sleep(0)
        answer = await ask(*given)
        await asyncio.sleep(0)
        return answer

    monkeypatch.setattr(encryption_module, "ask", slow)
    sent: list[Any] = []

    async def send(n: int) -> None:
        content = {"msgtype": "m.text", "body": str(n)}
        async with bot.sealed(ROOM, ADA, content) as ciphertext:
            await asyncio.sleep(0)
            sent.append((ciphertext, set(bot._outgoing[ROOM, False].shared)))

    tasks = [asyncio.create_task(send(n)) for n in range(250)]
    for task in (tasks[0], *chance.sample(tasks[1:], 40)):
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    failed = [t.exception() for t in tasks if not t.cancelled() and t.exception()]
    assert failed == []
    assert len(sent) >= 250 - 41
    assert all(shared == {(ADA, ada.curve25519)} for _, shared in sent), "written without its key"
    places = [
        (each["session_id"], MegolmMessage.from_base64(each["ciphertext"]).message_index())
        for each, _ in sent
    ]
    assert len(set(places)) == len(places), "a place was used twice"
    assert len({session for session, _ in places}) == 3


async def test_who_asks_again_for_a_key_gets_what_they_were_given_and_no_more(
    bot: Encryption, shows: dict[str, Any]
) -> None:
    ada = Device(ADA)
    shows["/keys/query"], shows["/keys/claim"] = ada.shown(), ada.one_time_key()
    session = (await written(bot, "x"))["session_id"]
    given_to(shows)

    def asks(user: str, device: str, session: str) -> dict[str, Any]:
        body = {"session_id": session, "room_id": ROOM, "algorithm": MEGOLM}
        content = {"action": "request", "requesting_device_id": device, "body": body}
        return {"type": "m.room_key_request", "sender": user, "content": content}

    for stranger in (asks(EVE, "PHONE", session), asks(ADA, "STOLEN", session)):
        bot.receive(answer(stranger))
        await bot.answer()
        assert given_to(shows) == []
    bot.receive(answer(asks(ADA, "PHONE", GroupSession().session_id)))
    await bot.answer()
    assert given_to(shows) == []
    bot.receive(answer(asks(ADA, "PHONE", session)))
    await bot.answer()
    assert given_to(shows) == ["PHONE"]


# ------------------------------------------------------------------ our keys


def test_what_others_reach_us_by_is_made_up_to_the_full_number(bot: Encryption) -> None:
    first = bot.olm.wanting(0, False)
    assert (len(first["one_time_keys"]), len(first["fallback_keys"])) == (50, 1)
    assert "device_keys" in first
    assert bot.olm.wanting(0, False) == first, "the same again, as it may not have arrived"
    bot.olm.uploaded()
    assert bot.olm.wanting(50, True) == {}
    assert bot.olm.wanting(45, True) == {}, "a few are no reason"
    assert len(bot.olm.wanting(0, True)["one_time_keys"]) == 50, "emptied by claims"
    bot.olm.uploaded()
    assert bot.olm.wanting(None, True) == {}, "a homeserver that does not say"


async def test_keys_survive_a_start_and_those_of_another_device_do_not(
    bot: Encryption, shelf: Shelf
) -> None:
    ada = Device(ADA)
    bot.receive(answer(ada.gives(bot.olm)))
    await shelf.keep()
    event = ada.writes(ada.message("later"))
    fresh = Shelf(shelf._safe)
    await fresh.load()
    again = Encryption(Nowhere(), fresh, "password")
    assert again.olm.curve25519 == bot.olm.curve25519
    assert reads(again, event) == "later"
    other = Nowhere()
    other.device_id = "OTHER"  # type: ignore[misc]
    assert Encryption(other, fresh, "password").olm.curve25519 != bot.olm.curve25519
    assert list(fresh.all("olm")) == []


async def test_a_keep_that_fails_is_made_up_for_by_the_next() -> None:
    class Weak(Pocket):
        async def keep(self, secrets: Any) -> None:
            if secrets[0].value == b"1":
                raise OSError("full")
            await super().keep(secrets)

    shelf = Shelf(safe := Weak())
    shelf.put("a", b"1")
    shelf.put("b", b"2")
    with pytest.raises(OSError, match="full"):
        await shelf.keep()
    shelf.put("a", b"3")
    await shelf.keep()
    assert {name: secret.value for name, secret in safe.kept.items()} == {"a": b"3", "b": b"2"}


async def test_whoever_is_forgotten_leaves_nothing_and_can_come_back(
    bot: Encryption, shelf: Shelf
) -> None:
    ada, eve = Device(ADA), Device(EVE)
    bot.receive(answer(ada.gives(bot.olm), eve.gives(bot.olm)))
    event = ada.writes(ada.message("x"))
    bot.forget(ADA)
    assert {secret.of for secret in shelf.all("olm")} == {EVE}
    with pytest.raises(Unreadable):
        reads(bot, event)
    assert shelf.get("account")
    still_well(bot)
