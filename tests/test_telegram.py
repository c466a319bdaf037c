"""Telegram at its worst: what the Bot API, the network and a killed process can do to messages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import telegram.request
from telegram import Bot
from telegram.error import TelegramError

from adapters.telegram import Telegram, poller, requests
from bots.menu import menu
from core.language import RLM, Languages
from core.message import (
    Down,
    Event,
    Gone,
    Inbound,
    Later,
    Left,
    Outbound,
    Refused,
    Undelivered,
    Unknown,
    Unsent,
)
from tests.platforms.bot_api import BotApi, Fault
from tests.platforms.proxy import Proxy
from tests.platforms.telegram import FILES, TelegramPhone, TelegramPlatform
from tests.safes import Pocket
from tests.test_contract import Gateway, text, to

PERSIAN = "می‌خواهم"


@pytest.fixture
async def platform() -> AsyncIterator[TelegramPlatform]:
    platform = TelegramPlatform()
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
async def gateway(platform: TelegramPlatform) -> AsyncIterator[Gateway]:
    gateway = Gateway(platform)
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
def api(platform: TelegramPlatform) -> BotApi:
    return platform.api


@pytest.fixture
async def phone(platform: TelegramPlatform) -> TelegramPhone:
    return await platform.phone()


# ------------------------------------------------------------------------------ hearing

TROUBLE = {
    "not found": Fault("getUpdates", "error", 404, "Not Found"),
    "unauthorized": Fault("getUpdates", "error", 401, "Unauthorized"),
    "conflict": Fault("getUpdates", "error", 409, "Conflict: terminated by other getUpdates"),
    "too many": Fault("getUpdates", "error", 429, "Too Many Requests", {"retry_after": 1}),
    "bad gateway": Fault("getUpdates", "error", 502, "Bad Gateway"),
    "a proxy's page": Fault("getUpdates", "page", 404),
    "a page that says all is well": Fault("getUpdates", "page", 200),
    "half an answer": Fault("getUpdates", "garbage"),
    "a reset": Fault("getUpdates", "drop before"),
    "a reset after the answer": Fault("getUpdates", "drop after"),
    "no list": Fault("getUpdates", "result", result={"not": "a list"}),
    "no id": Fault("getUpdates", "result", result=[{"message": {}}]),
    "nothing": Fault("getUpdates", "result", result=None),
}


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_after_any_trouble_the_next_message_is_heard(
    gateway: Gateway, api: BotApi, phone: TelegramPhone, trouble: str
) -> None:
    await phone.say("before")
    await gateway.until(1)
    fault = TROUBLE[trouble]
    fault.times = 2
    api.faults.append(fault)
    await phone.say("after")
    await phone.say("and on")
    assert [text(e) for e in await gateway.until(3)] == ["before", "after", "and on"]


async def test_after_trouble_sending_goes_on_before_anybody_writes(
    gateway: Gateway, api: BotApi
) -> None:
    api.faults.append(Fault("getUpdates", "page", 502, times=2))
    api.cut()
    await api.until(lambda: not api.faults[0].times)
    assert not gateway.adapter.up.is_set()
    async with asyncio.timeout(10):  # less than a long poll
        await gateway.adapter.up.wait()


async def test_an_update_that_cannot_be_read_blocks_nothing(
    gateway: Gateway, api: BotApi, phone: TelegramPhone, caplog: pytest.LogCaptureFixture
) -> None:
    await phone.say("one")
    await gateway.until(1)
    api.violations.clear()
    await api.push(message={"message_id": "?", "chat": "no chat", "text": "unreadable secret"})
    await phone.say("two")
    assert [text(e) for e in await gateway.until(2)] == ["one", "two"]
    await api.until(lambda: not api.updates)
    assert "set aside" in caplog.text
    assert "secret" not in caplog.text
    assert all("this server's answer is wrong" in v for v in api.violations)
    api.violations.clear()


async def test_nothing_is_confirmed_before_it_is_heard(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    await phone.say("before")
    await gateway.until(1)
    await api.until(lambda: not api.updates)
    gateway.refuse = 3
    await phone.say("the store was down")
    await api.until(lambda: gateway.refuse == 0 and not api.updates)
    assert text(gateway.heard[-1]) == "the store was down"


async def test_one_slow_person_holds_up_nobody_else(
    platform: TelegramPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "PATIENCE", 0.05)
    slow, quick = await platform.phone(), await platform.phone()
    heard: list[str] = []
    news, go_on = asyncio.Condition(), asyncio.Event()

    async def hear(event: Event) -> bool:
        if event.sender == slow.address:
            await go_on.wait()
        async with news:
            heard.append(text(event))
            news.notify_all()
        return False

    async def until(count: int) -> None:
        async with asyncio.timeout(10), news:
            await news.wait_for(lambda: len(heard) >= count)

    run = asyncio.create_task(platform.adapter().run(hear, None, Pocket()))
    await slow.say("slow one")
    await quick.say("quick one")
    await until(1)
    await slow.say("slow two")
    await quick.say("quick two")
    await until(2)
    assert heard == ["quick one", "quick two"]
    assert len(platform.api.updates) == 4  # none is confirmed: the first is not heard
    go_on.set()
    await until(4)
    assert heard[2:] == ["slow one", "slow two"]
    await platform.api.until(lambda: not platform.api.updates)
    await finish(run)


async def finish(run: asyncio.Task[None]) -> None:
    run.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await run


async def test_stopped_amid_a_batch_everything_is_heard_and_takes_effect_once(
    platform: TelegramPlatform, phone: TelegramPhone
) -> None:
    gateway = Gateway(platform)
    enough, taken = asyncio.Event(), 0
    original = gateway.hear

    async def five_then_stuck(event: Event) -> bool:
        nonlocal taken
        taken += 1
        if taken > 5:
            enough.set()
            await asyncio.Event().wait()
        return await original(event)

    for i in range(12):
        await phone.say(f"line {i}")
    run = asyncio.create_task(platform.adapter().run(five_then_stuck, None, Pocket()))
    await enough.wait()
    await finish(run)
    await gateway.start()
    assert [text(e) for e in await gateway.until(12)] == [f"line {i}" for i in range(12)]
    await platform.api.until(lambda: not platform.api.updates)
    await gateway.stop()


PROCESS = """
import asyncio, os, sys
from adapters.telegram import Telegram
from tests.safes import Pocket
token, api, file, stuck_after = sys.argv[1:]
heard = []
async def hear(event):
    if len(heard) == int(stuck_after):
        await asyncio.Event().wait()
    heard.append(event)
    with open(file, "a") as lines:
        lines.write(event.id + "\\n")
    print(flush=True)
    return False
asyncio.run(Telegram(token=token, api=api).run(hear, None, Pocket()))
"""


@pytest.mark.parametrize("signals", [[signal.SIGKILL], [signal.SIGTERM, signal.SIGKILL]])
async def test_a_killed_process_loses_nothing(
    api: BotApi, phone: TelegramPhone, tmp_path: Path, signals: list[signal.Signals]
) -> None:
    file = tmp_path / "heard"

    async def start(stuck_after: int) -> asyncio.subprocess.Process:
        command = [sys.executable, "-c", PROCESS, api.token, api.url, str(file), str(stuck_after)]
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*command, stdout=pipe)

    natives = [await phone.say(f"line {i}") for i in range(12)]
    first = await start(stuck_after=5)
    assert first.stdout is not None
    for _ in range(5):
        await first.stdout.readline()
    for number in signals:
        with contextlib.suppress(ProcessLookupError):
            first.send_signal(number)
    await first.communicate()
    assert len(api.updates) == 12  # nothing is confirmed, five are heard
    second = await start(stuck_after=99)
    await api.until(lambda: not api.updates)
    second.kill()
    await second.communicate()
    once = list(dict.fromkeys(file.read_text().splitlines()))
    assert once == [f"m{phone.user}.{native}" for native in natives]


async def test_ids_that_start_anew_after_a_quiet_week_drop_nothing(
    platform: TelegramPlatform, phone: TelegramPhone
) -> None:
    week = int(time.time()) - 7 * 86400
    platform.api.update_id = 1_000
    gateway = Gateway(platform)
    gateway.cursor = f"700000123@{week}"
    await gateway.start()
    await phone.say("back after a week")
    assert text((await gateway.until(1))[0]) == "back after a week"
    await platform.api.until(lambda: not platform.api.updates)
    await gateway.stop()


async def test_ids_that_start_anew_while_the_bot_runs_drop_nothing(
    gateway: Gateway, api: BotApi, phone: TelegramPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.say("before")
    await gateway.until(1)
    await api.until(lambda: not api.updates)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 7 * 86400)
    api.faults.append(Fault("getUpdates", "error", 502))  # ends the poll under way
    api.cut()
    await api.until(lambda: "offset" not in api.calls[-1][1])
    api.update_id = 1_000
    await phone.say("after")
    await gateway.until(2)
    await api.until(lambda: not api.updates)
    assert text(gateway.heard[1]) == "after"


async def test_after_a_restart_polling_goes_on_where_it_was(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    await phone.say("one")
    await gateway.until(1)
    await gateway.stop()
    api.calls.clear()
    await gateway.start()
    await api.until(lambda: any(name == "getupdates" for name, _ in api.calls))
    (offset,) = [fields["offset"] for name, fields in api.calls if name == "getupdates"]
    assert int(offset) == api.update_id + 1


async def test_silence_in_groups_for_bots_and_for_service_messages(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    group = {"id": -100123, "type": "supergroup", "title": "many"}
    person, bot = api.users[phone.user], api.me
    message = {"message_id": 9, "date": 1_790_000_000, "chat": api.chat(phone.user)}
    await api.push(message=message | {"chat": group, "from": person, "text": "/start"})
    await api.push(message=message | {"from": bot, "text": "from a bot"})
    await api.push(
        message=message
        | {"from": person, "message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}}
    )
    await api.push(
        edited_message=message
        | {
            "from": person,
            "edit_date": 1_790_000_001,
            "location": {"latitude": 1.0, "longitude": 2.0},
        }
    )
    await phone.say("to the bot")
    assert [text(e) for e in await gateway.until(1)] == ["to the bot"]
    await api.until(lambda: not api.updates)


async def test_what_comes_along_is_named_and_captions_are_text(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    for kind in FILES:
        await api.write(phone.user, **FILES[kind], caption=f"a {kind}")
    heard = await gateway.until(len(FILES))
    assert [(tuple(f.kind for f in e.files), e.text) for e in heard if isinstance(e, Inbound)] == [
        ((kind,), f"a {kind}") for kind in FILES
    ]


async def test_two_edits_in_one_second_are_both_heard(
    gateway: Gateway, phone: TelegramPhone
) -> None:
    native = await phone.say("a")
    await phone.edit(native, "b")
    await phone.edit(native, "c")
    assert [text(e) for e in await gateway.until(3)] == ["a", "b", "c"]


async def test_a_button_can_be_pressed_on_a_message_too_old_to_be_shown(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    old = {"chat": api.chat(phone.user), "message_id": 77, "date": 0}
    api.messages[phone.user, 77] = old
    await api.press(phone.user, 77, "yes")
    (event,) = await gateway.until(1)
    assert isinstance(event, Inbound)
    assert (event.pressed, event.native, event.sender) == ("yes", "77", phone.address)


async def test_a_pressed_button_stops_waiting_and_an_expired_one_does_no_harm(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    await gateway.adapter.send(to(phone, "Post it?", "k1", choices=(("yes", PERSIAN),)))
    seen = await phone.next()
    await phone.press(seen, PERSIAN)
    await api.until(lambda: list(api.queries.values()) == [True])
    api.faults.append(Fault("answerCallbackQuery", "error", 400, "Bad Request: query is too old"))
    await phone.press(seen, PERSIAN)
    await phone.say("on we go")
    assert text((await gateway.until(3))[2]) == "on we go"
    await api.until(lambda: not api.faults[0].times)


async def test_who_blocks_the_bot_has_left_and_who_comes_back_is_heard(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    await phone.leave()
    (event,) = await gateway.until(1)
    assert isinstance(event, Left)
    assert event.sender == phone.address
    await api.block(phone.user, again=True)
    await phone.say("/start")
    assert text((await gateway.until(2))[1]) == "/start"


async def test_what_is_handed_on_is_ticked_and_a_failing_tick_is_forgotten(
    platform: TelegramPlatform, phone: TelegramPhone
) -> None:
    async def hear(event: Event) -> bool:
        return text(event) != "a command"

    api = platform.api
    api.faults.append(Fault("setMessageReaction", "error", 400, "Bad Request: REACTION_INVALID"))
    run = asyncio.create_task(platform.adapter().run(hear, None, Pocket()))
    for words in ("fails", "a command"):
        await phone.say(words)
    await api.until(lambda: not api.faults[0].times)
    native = int(await phone.say("to the other"))
    await api.until(lambda: (phone.user, native) in api.reactions)
    assert list(api.reactions) == [(phone.user, native)]
    await finish(run)


async def test_a_refused_token_ends_in_one_line_that_names_the_setting(
    platform: TelegramPlatform,
) -> None:
    adapter = Telegram(token="7000000001:wrong", api=platform.api.url)

    async def hear(event: Event) -> bool:
        return False

    with pytest.raises(Down, match="refuses the token") as down:
        await adapter.run(hear, None, Pocket())
    assert down.value.key == "token_file"
    assert not adapter.up.is_set()


async def test_a_token_that_is_refused_again_and_again_while_polling_is_reported(
    platform: TelegramPlatform,
) -> None:
    platform.api.faults.append(Fault("getUpdates", "error", 401, "Unauthorized", times=3))
    with pytest.raises(Down, match="refuses the token"):
        await platform.adapter().run(Gateway(platform).hear, None, Pocket())


async def test_a_second_process_with_the_same_token_is_told_so(
    platform: TelegramPlatform, gateway: Gateway
) -> None:
    first = gateway.adapter
    await gateway.stop()
    run = asyncio.create_task(first.run(gateway.hear, None, Pocket()))
    await platform.api.until(lambda: platform.api.calls[-1][0] == "getupdates")
    other = asyncio.create_task(platform.adapter().run(gateway.hear, None, Pocket()))
    with pytest.raises(Down, match="another process polls this bot"):
        await run
    await finish(other)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"token": "7000000001:wrong"}, "token_file"),
        ({"token": "<html>"}, "token_file"),
        ({"api": "http://127.0.0.1:9"}, "api"),
        ({"proxy": "socks5://127.0.0.1:9"}, "proxy"),
        ({"proxy": "http://127.0.0.1:9"}, "proxy"),
        ({"proxy": "socks5://127.0.0.1"}, "proxy"),
        ({"proxy": "ftp://127.0.0.1:9"}, "proxy"),
    ],
)
async def test_check_names_the_setting_that_is_wrong(
    platform: TelegramPlatform, settings: dict[str, str], key: str
) -> None:
    given = {"token": platform.api.token, "api": platform.api.url} | settings
    with pytest.raises(Down) as down:
        await Telegram(**given).check()  # type: ignore[arg-type]
    assert down.value.key == key


async def test_check_gives_the_bot_s_name(platform: TelegramPlatform) -> None:
    assert await platform.adapter().check() == "@movebot"


async def test_the_menu_button_lists_the_commands_in_the_reader_s_language(
    platform: TelegramPlatform,
) -> None:
    bot = Telegram(token=platform.api.token, api=platform.api.url, menu=menu(Languages()))
    run = asyncio.create_task(bot.run(Gateway(platform).hear, None, Pocket()))
    wanted = {"", "fa", "ar", "ru", "zh", "es", "fr", "ko", "tr", "uk"}
    await platform.api.until(lambda: set(platform.api.commands) == wanted)
    await finish(run)
    assert platform.api.commands[""]["need"] == "ask for help"
    assert platform.api.commands["fa"]["need"] == f"{RLM}درخواست کمک"
    assert platform.api.commands["zh"].keys() == platform.api.commands[""].keys()


async def test_the_menu_is_in_the_language_that_somebody_chose_whatever_their_app_has(
    platform: TelegramPlatform,
) -> None:
    api, gateway = platform.api, Gateway(platform)
    bot = Telegram(token=api.token, api=api.url, menu=menu(Languages()))
    run = asyncio.create_task(bot.run(gateway.hear, None, Pocket()))
    english, persian = await platform.phone("en"), await platform.phone("fa-IR")

    async def written(phone: TelegramPhone, language: str) -> None:
        await bot.send(to(phone, "words", f"{phone.user} {language}", language=language))
        await phone.next()

    for count, phone in enumerate((english, persian), 1):
        await phone.say("hello")
        await gateway.until(count)
    await written(persian, "fa")
    await written(english, "fa")
    await api.until(lambda: english.user in api.own_commands)
    assert api.own_commands[english.user]["need"] == f"{RLM}درخواست کمک"
    assert persian.user not in api.own_commands
    await written(english, "en")
    await api.until(lambda: english.user not in api.own_commands)
    await written(persian, "tr")
    await api.until(lambda: persian.user in api.own_commands)
    assert api.own_commands[persian.user]["need"] == "yardım isteyin"
    # what is known of somebody who was forgotten goes, and what is written after makes no new one
    bot.forget(persian.address.handle)
    await api.until(lambda: persian.user not in api.own_commands)
    await written(persian, "tr")
    await written(english, "uk")
    await api.until(lambda: english.user in api.own_commands)
    assert persian.user not in api.own_commands
    await finish(run)


# ------------------------------------------------------------------------------ sending


def error(code: int, text: str, **parameters: int) -> Fault:
    return Fault("sendMessage", "error", code, text, parameters)


OUTCOMES: list[tuple[Fault, type[Undelivered]]] = [
    (error(429, "Too Many Requests: retry after 7", retry_after=7), Later),
    (error(429, "Too Many Requests"), Later),
    (error(403, "Forbidden: bot was blocked by the user"), Gone),
    (error(403, "Forbidden: user is deactivated"), Gone),
    (error(403, "Forbidden: bot can't initiate conversation with a user"), Gone),
    (error(400, "Bad Request: chat not found"), Gone),
    (error(400, "Bad Request: PEER_ID_INVALID"), Gone),
    (error(400, "Bad Request: message text is empty"), Refused),
    (error(400, "Bad Request: message is too long"), Refused),
    (error(400, "Bad Request: group upgraded", migrate_to_chat_id=-1001), Refused),
    (error(401, "Unauthorized"), Unsent),
    (error(404, "Not Found"), Unsent),
    (error(409, "Conflict"), Unsent),
    (Fault("sendMessage", "page", 403), Unsent),  # a censor's page is nobody who blocked the bot
    (Fault("sendMessage", "page", 404), Unsent),
    (Fault("sendMessage", "page", 502), Unknown),
    (Fault("sendMessage", "page", 200), Unknown),
    (error(500, "Internal Server Error"), Unknown),
    (Fault("sendMessage", "garbage"), Unknown),
    (Fault("sendMessage", "result", result=True), Unknown),
    (Fault("sendMessage", "drop before"), Unknown),
    (Fault("sendMessage", "drop after"), Unknown),
    (Fault("sendMessage", "delay", seconds=5), Unknown),
]


@pytest.mark.parametrize(("fault", "outcome"), OUTCOMES, ids=lambda x: getattr(x, "text", None))
async def test_every_answer_has_its_outcome(
    gateway: Gateway,
    api: BotApi,
    phone: TelegramPhone,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    outcome: type[Undelivered],
) -> None:
    monkeypatch.setattr(requests, "DEADLINE", 0.3)
    fault.times = 1
    api.faults.append(fault)
    with pytest.raises(outcome) as raised:
        await gateway.adapter.send(to(phone, "hello", "k1"))
    assert type(raised.value) is outcome
    if isinstance(raised.value, Later):
        assert raised.value.seconds == fault.parameters.get("retry_after", 5)
    await gateway.adapter.send(to(phone, "still here", "k2"))


async def test_messages_too_old_to_be_deleted_are_found_and_left(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    natives = [await gateway.adapter.send(to(phone, f"{n}", f"{n}")) for n in range(9)]
    for n in (0, 4, 5):
        api.messages[phone.user, int(natives[n])]["date"] -= 48 * 3600
    await gateway.adapter.unsend(phone.address, natives)
    left = [n for n in range(9) if (phone.user, int(natives[n])) in api.messages]
    assert left == [0, 4, 5]


DELETIONS: list[tuple[Fault, type[Undelivered]]] = [
    (error(429, "Too Many Requests: retry after 7", retry_after=7), Later),
    (error(403, "Forbidden: bot was blocked by the user"), Gone),
    (error(400, "Bad Request: chat not found"), Gone),
    (error(401, "Unauthorized"), Unsent),
    (error(500, "Internal Server Error"), Unknown),
    (Fault("", "drop after"), Unknown),
]


@pytest.mark.parametrize(("fault", "outcome"), DELETIONS, ids=lambda x: getattr(x, "text", None))
async def test_every_answer_to_a_deletion_has_its_outcome(
    gateway: Gateway, api: BotApi, phone: TelegramPhone, fault: Fault, outcome: type[Undelivered]
) -> None:
    natives = [await gateway.adapter.send(to(phone, f"{n}", f"{n}")) for n in range(2)]
    api.faults.append(replace(fault, method="deleteMessages", times=1))
    with pytest.raises(outcome):
        await gateway.adapter.unsend(phone.address, natives)
    await gateway.adapter.unsend(phone.address, natives)
    assert (phone.user, int(natives[0])) not in api.messages


async def test_before_it_runs_and_without_a_server_nothing_is_sent(
    platform: TelegramPlatform, phone: TelegramPhone
) -> None:
    adapter = platform.adapter()
    with pytest.raises(Unsent):
        await adapter.send(to(phone, "hello", "k1"))
    run = asyncio.create_task(adapter.run(Gateway(platform).hear, None, Pocket()))
    await adapter.up.wait()
    await platform.api.stop()
    with pytest.raises(Unsent):
        await adapter.send(to(phone, "hello", "k1"))
    await finish(run)
    await platform.api.start()


async def test_a_429_in_one_chat_is_that_chat_s_and_in_three_it_is_the_bot_s(
    gateway: Gateway, api: BotApi, platform: TelegramPlatform
) -> None:
    api.limits = (1, 30)
    several = []
    for i in range(3):
        phone = await platform.phone()
        await gateway.adapter.send(to(phone, "one", f"a{i}"))
        with pytest.raises(Later) as later:
            await gateway.adapter.send(to(phone, "two", f"b{i}"))
        several.append(later.value.everywhere)
    assert several == [False, False, True]


async def test_no_more_than_thirty_a_second_in_all(
    gateway: Gateway, api: BotApi, platform: TelegramPlatform
) -> None:
    api.limits = (1, 30)
    phones = [await platform.phone() for _ in range(31)]
    sends = [gateway.adapter.send(to(phone, "alert", str(phone.user))) for phone in phones]
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert sum(isinstance(outcome, Later) for outcome in outcomes) == 1


async def test_a_reply_to_a_deleted_message_arrives_without_it(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    await gateway.adapter.send(to(phone, "gone", "k1", answers_to="4711"))
    api.faults.append(error(400, "Bad Request: message to be replied not found"))
    native = await phone.say("hello")
    await gateway.adapter.send(to(phone, "refused", "k2", answers_to=native))
    for words in ("gone", "refused"):
        seen = await phone.next()
        assert (seen.text, seen.answers_to) == (words, None)


async def test_an_edit_that_changes_nothing_is_done(gateway: Gateway, phone: TelegramPhone) -> None:
    native = await gateway.adapter.send(to(phone, "same", "k1"))
    assert await gateway.adapter.send(to(phone, "same", "k2", replaces=native)) == native


@pytest.mark.parametrize("answer", ["message to edit not found", "message can't be edited"])
async def test_what_cannot_be_edited_is_sent_anew(
    gateway: Gateway, api: BotApi, phone: TelegramPhone, answer: str
) -> None:
    native = await gateway.adapter.send(to(phone, "old", "k1"))
    await phone.next()
    api.faults.append(Fault("editMessageText", "error", 400, f"Bad Request: {answer}"))
    again = await gateway.adapter.send(to(phone, "new", "k2", replaces=native))
    seen = await phone.next()
    assert (seen.text, seen.replaces) == ("new", None)
    assert again == seen.native != native


async def test_an_edit_takes_the_buttons_along_and_can_be_repeated(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    native = await gateway.adapter.send(to(phone, "pick", "k1", choices=(("a", "A"),)))
    await phone.next()
    ticked = to(phone, "pick", "k2", replaces=native, choices=(("a", "✓ A"), ("b", "B")))
    api.faults.append(Fault("editMessageText", "drop after"))
    with pytest.raises(Unsent):  # doing it twice changes nothing
        await gateway.adapter.send(ticked)
    assert await gateway.adapter.send(ticked) == native
    assert (await phone.next()).choices == ("✓ A", "B")
    await gateway.adapter.send(to(phone, "picked", "k3", replaces=native))
    assert (await phone.next()).choices == ()


async def test_a_button_holds_64_bytes_and_says_so_at_once(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    fits = "نیاز" * 8
    assert len(fits.encode()) == 64
    native = await gateway.adapter.send(to(phone, "pick", "k1", choices=((fits, "A"),)))
    await api.press(phone.user, int(native), fits)
    (event,) = await gateway.until(1)
    assert isinstance(event, Inbound)
    assert event.pressed == fits
    for value in (fits + "x", "", "lone \ud800"):
        with pytest.raises(Refused):
            await gateway.adapter.send(to(phone, "pick", "k2", choices=((value, "A"),)))
    assert [name for name, _ in api.calls].count("sendmessage") == 1


async def test_many_choices_stand_in_rows_that_a_small_phone_can_show(
    gateway: Gateway, api: BotApi, phone: TelegramPhone
) -> None:
    labels = ["Yes", "No", "Back", "Help", "Lawyer for arrest, court or prison", "Done"]
    choices = tuple((f"c{i}", label) for i, label in enumerate(labels))
    native = await gateway.adapter.send(to(phone, "pick", "k1", choices=choices))
    rows = api.messages[phone.user, int(native)]["reply_markup"]["inline_keyboard"]
    assert [[b["text"] for b in row] for row in rows] == [
        ["Yes", "No", "Back"],
        ["Help"],
        ["Lawyer for arrest, court or prison"],
        ["Done"],
    ]


async def test_only_people_are_written_to(gateway: Gateway, phone: TelegramPhone) -> None:
    for handle in ("@channel", "-100123", ""):
        with pytest.raises(Gone):
            await gateway.adapter.send(
                Outbound(key="k", to=type(phone.address)("telegram", handle), text="hello")
            )


# ------------------------------------------------------------------------------ proxies


MOODS = ["resets", "talks nonsense", "is silent", "refuses", "hangs in the handshake"]


@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.parametrize("kind", ["socks5", "http"])
async def test_whatever_the_proxy_does_afterwards_messages_pass_again(
    platform: TelegramPlatform,
    phone: TelegramPhone,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    mood: str,
) -> None:
    monkeypatch.setattr(requests, "CONNECT", 0.3)
    monkeypatch.setattr(requests, "DEADLINE", 0.6)
    monkeypatch.setattr("adapters.telegram.LONG_POLL", 0)
    monkeypatch.setattr("adapters.telegram.GRACE", 0.6)
    port = int(platform.api.url.rsplit(":", 1)[1])
    async with Proxy(kind, port) as proxy:
        api = "http://api.telegram.test"
        adapter = Telegram(token=platform.api.token, api=api, proxy=proxy.url)
        monkeypatch.setattr(platform, "adapter", lambda: adapter)
        gateway = Gateway(platform)
        await gateway.start()
        await phone.say("before")
        await gateway.until(1)
        assert proxy.names == {"api.telegram.test"}  # looked up by the proxy, for every call
        assert proxy.logins == {"user:pass"}
        proxy.mood = mood
        proxy.cut()
        with pytest.raises((Unsent, Unknown)):
            await adapter.send(to(phone, "lost", "k1"))
        proxy.mood = "works"
        proxy.cut()
        await phone.say("after")
        assert text((await gateway.until(2))[1]) == "after"
        async with asyncio.timeout(10):
            await adapter.up.wait()
        await adapter.send(to(phone, "answer", "k2"))
        assert (await phone.next()).text == "answer"
        await gateway.stop()


# ------------------------------------------------------------------------------ secrets


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
async def test_token_words_and_numbers_are_in_no_log_and_no_exception(
    platform: TelegramPlatform, caplog: pytest.LogCaptureFixture, level: int
) -> None:
    caplog.set_level(level)
    api = platform.api
    gateway = Gateway(platform)
    await gateway.start()
    phone = await platform.phone()
    words = "planted " + "words"
    secrets = (api.token, api.token.split(":")[1], words, str(phone.user))
    raised: list[BaseException] = []
    await phone.say(words)
    await gateway.until(1)
    api.faults += [Fault("getUpdates", kind) for kind in ("garbage", "drop after", "page")]
    api.cut()
    for fault, _ in OUTCOMES:
        if fault.kind != "delay":
            fault.times = 1
            api.faults.append(fault)
            try:
                await gateway.adapter.send(to(phone, words, "k1"))
            except Undelivered as outcome:
                raised.append(outcome)
    gateway.refuse = 1
    await phone.say(words + " again")
    await gateway.until(2)
    await gateway.stop()
    for wrong in ({"token": api.token + "x"}, {"api": "http://127.0.0.1:9"}, {"api": "nonsense"}):
        given = {"token": api.token, "api": api.url} | wrong
        adapter = Telegram(**given)  # type: ignore[arg-type]
        for attempt in (adapter.check(), adapter.run(gateway.hear, None, Pocket())):
            with pytest.raises(Down) as down:
                await attempt
            raised.append(down.value)
        assert api.token not in repr(adapter)
    assert len(raised) == len(OUTCOMES) - 1 + 6
    assert all(error.__context__ is None for error in raised)
    shown = "".join("".join(traceback.format_exception(error)) + repr(error) for error in raised)
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in shown
        assert secret not in repr(gateway.adapter)


def test_what_the_adapter_relies_on_in_the_library_is_there() -> None:
    bot = Bot("7000000001:AA", request=requests.Requests(), get_updates_request=requests.Requests())
    for method in ("GetUpdates", "SendMessage", "EditMessageText", "SetMessageReaction"):
        assert hasattr(bot, method[0].lower() + method[1:])
        assert not hasattr(bot, method)  # or `do_api_request` warns at every call
    assert isinstance(bot.request, requests.Requests)
    assert "7000000001" in repr(bot)
    assert repr(requests.QuietBot("7000000001:AA", request=requests.Requests())) == "QuietBot"
    assert telegram.request.BaseRequest.post


async def test_the_test_server_notices_what_telegram_would_not_take(api: BotApi) -> None:
    pool, user = requests.Requests(), api.user()
    bot = Bot(api.token, base_url=f"{api.url}/bot", request=pool, get_updates_request=pool)
    wrong: list[tuple[str, dict[str, object]]] = [
        ("SendMessage", {"chat_id": user, "text": "a", "tone": "kind"}),
        ("SendMessage", {"chat_id": user}),
        ("SendMessage", {"chat_id": user, "text": "a", "reply_markup": {"inline_keyboard": "b"}}),
        ("SendMessage", {"chat_id": user, "text": "a", "reply_parameters": {"message": 1}}),
        ("SendMessage", {"chat_id": user, "text": "a"}),
        ("SendMessage", {"chat_id": user, "text": "a", "parse_mode": "HTML"}),
        ("SendMessage", {"chat_id": user, "text": "a\0"}),
        ("SendPhoto", {"chat_id": user, "photo": "id"}),
        ("DeleteWebhook", {"drop_pending_updates": True}),
        ("GetUpdates", {"offset": -1}),
    ]
    async with pool:
        for method, fields in wrong:
            api.violations.clear()
            with contextlib.suppress(TelegramError):
                await bot.do_api_request(method, api_kwargs=fields)
            assert api.violations, (method, fields)
    api.violations.clear()
