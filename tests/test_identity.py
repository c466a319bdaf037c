"""The gateway's own identity on Matrix, and the keys that others reach it by. Real Synapse."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.matrix.devices import key_of
from adapters.matrix.signing import vouched
from tests.platforms.matrix import API, MatrixPhone, MatrixPlatform
from tests.test_contract import Gateway
from tests.test_matrix import of, session_file, until


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    platform = MatrixPlatform()
    await platform.start()
    gateway = Gateway(platform)
    yield gateway
    await gateway.stop()
    await platform.stop()


async def shown(gateway: Gateway) -> dict[str, Any]:
    """What the homeserver shows others of the bot."""
    phone = await gateway.platform.phone()
    assert isinstance(phone, MatrixPhone)
    wanted = {"device_keys": {phone.bot: []}}
    return dict(await phone.ask("POST", f"{API}/keys/query", wanted))


async def identity(gateway: Gateway) -> tuple[str | None, bool]:
    """-> the master key, and whether every device is vouched for."""
    user, found = of(gateway).bot, await shown(gateway)
    master = key_of(found["master_keys"].get(user), user, "master")
    signing = found["self_signing_keys"].get(user)
    signer = key_of(signing, user, "self_signing") or ""
    chain = bool(master and vouched(signing, user, master, master))
    devices = found["device_keys"][user].values()
    return master, chain and all(vouched(d, user, signer, signer) for d in devices)


async def test_it_is_made_once_and_vouches_for_the_device(gateway: Gateway) -> None:
    await gateway.start()
    master, good = await identity(gateway)
    assert good
    await gateway.stop()
    await gateway.start()
    assert await identity(gateway) == (master, True)
    assert of(gateway).line.count("/device_signing/upload") == 1


async def test_the_seeds_are_kept_before_anybody_sees_the_identity(gateway: Gateway) -> None:
    kept_at_upload: list[bool] = []

    def look(request: web.Request) -> None:
        if request.path.endswith("/device_signing/upload"):
            kept_at_upload.append("seeds" in gateway.safe.kept)

    of(gateway).line.lie = look
    await gateway.start()
    assert kept_at_upload == [True]


def lying(part: str, answer: dict[str, Any]) -> Callable[[web.Request], tuple[int, object] | None]:
    return lambda request: (200, answer) if part in request.path else None


async def test_a_signature_that_is_refused_with_status_200_is_noticed(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    line, refusal = of(gateway).line, {"failures": {"@bot:x": {"BOT": {"errcode": "M_UNKNOWN"}}}}
    await gateway.start()
    found = await shown(gateway)
    await gateway.stop()
    (device,) = found["device_keys"][of(gateway).bot].values()
    mine = device["signatures"][of(gateway).bot]
    device["signatures"] = {of(gateway).bot: {f"ed25519:{device['device_id']}": mine.popitem()[1]}}

    def lie(request: web.Request) -> tuple[int, object] | None:
        for part, said in (("/keys/query", found), ("/signatures/upload", refusal)):
            if part in request.path:
                return 200, said
        return None

    line.lie = lie
    await gateway.start()
    assert line.count("/signatures/upload") == 1
    assert "refuses the signature" in caplog.text


async def test_other_keys_of_our_device_are_not_signed(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    line = of(gateway).line
    await gateway.start()
    found = await shown(gateway)
    await gateway.stop()
    (device,) = found["device_keys"][of(gateway).bot].values()
    device["keys"] = dict.fromkeys(device["keys"], "A" * 43)
    line.lie = lying("/keys/query", found)
    await gateway.start()
    assert line.count("/signatures/upload") == 0
    assert "other keys of our device" in caplog.text


async def test_another_identity_is_never_replaced_but_by_the_operator(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    await gateway.start()
    first, _ = await identity(gateway)
    await gateway.stop()
    gateway.safe.kept.clear()  # all is lost: another device, other seeds
    await gateway.start()
    assert (await identity(gateway))[0] == first
    assert "another identity than ours" in caplog.text
    await gateway.stop()
    wish = session_file(of(gateway)).parent / "replace-identity"
    wish.touch()
    await gateway.start()
    assert not wish.exists()
    second, _ = await identity(gateway)
    assert second not in (first, None)


async def test_nothing_about_people_and_no_key_lies_in_the_folder(gateway: Gateway) -> None:
    await gateway.start()
    phone = await gateway.platform.phone()
    await phone.say("hello")
    await gateway.until(1)
    folder = session_file(of(gateway)).parent
    assert {path.name for path in folder.iterdir()} == {"session.json", "lock"}
    kept = json.loads((folder / "session.json").read_text())
    assert phone.address.handle not in str(kept)
    assert kept.keys() <= {
        "homeserver", "user", "user_id", "device_id", "access_token", "beginning", "has_keys",
    }  # fmt: skip


async def test_keys_that_were_all_claimed_are_made_up_for(gateway: Gateway) -> None:
    await gateway.start()
    phone = await gateway.platform.phone()
    assert isinstance(phone, MatrixPhone)
    (device,) = (await shown(gateway))["device_keys"][phone.bot]
    wanted = {"one_time_keys": {phone.bot: {device: "signed_curve25519"}}}

    async def claim() -> dict[str, Any]:
        answer = await phone.ask("POST", f"{API}/keys/claim", wanted)
        ((_, key),) = answer["one_time_keys"][phone.bot][device].items()
        return dict(key)

    await gateway.stop()
    keys = [await claim() for _ in range(51)]
    assert [key.get("fallback", False) for key in keys] == [False] * 50 + [True]
    await gateway.start()

    async def made_up() -> bool:
        return not (await claim()).get("fallback", False)

    await until(made_up)


def test_no_file_of_the_adapter_uses_nio_s_own_machine() -> None:
    """Fifteen inputs stop it; and it would keep keys in a file of its own."""
    folder = Path(__file__).parent.parent / "adapters" / "matrix"
    for path in folder.glob("*.py"):
        text = path.read_text()
        assert "olm_machine" not in text
        assert "nio.store" not in text
