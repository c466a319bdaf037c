"""The gateway's own identity: three keys that vouch for its device, so that clients which exclude
insecure devices talk to it (section "Cross-signing"; nio has none: matrix-nio#229).

The seeds outlive the device. They are never replaced by themselves: whoever knew the old identity
is warned of a new one, and must be, for this is what somebody who takes over the account would do.
"""

from __future__ import annotations

import json
import os
from typing import Any

from nio import AsyncClient  # type: ignore[import-untyped]

from adapters.matrix.asking import Denied, ask
from adapters.matrix.devices import key_of
from adapters.matrix.olm import Olm
from adapters.matrix.shelf import Shelf
from adapters.matrix.signing import SigningKey, decoded, encoded, part, vouched

USES = ("master", "self_signing", "user_signing")


class Estranged(Exception):
    """The homeserver shows another identity, or other keys of our device, than we have; or it
    refuses ours. The text is one safe line for the operator."""


def device_keys(shelf: Shelf, olm: Olm) -> dict[str, Any]:
    """-> our device's keys with our identity's signature: whoever sees the device first sees that
    it is ours. To be kept on disk before it is sent."""
    return _keys(shelf)["self_signing"].sign(olm.device_keys(), olm.user)


async def introduce(
    client: AsyncClient, shelf: Shelf, olm: Olm, password: str, *, replace: bool = False
) -> str:
    """Makes the identity known, and our device as its own; again if need be. After our device keys
    were uploaded. replace: an operator's decision. -> the public master key.

    Raises Estranged, Unsent."""
    keys = _keys(shelf)
    await shelf.keep()  # before the upload: what is known to others must not be lost by a crash
    user, device = olm.user, olm.device
    shown = await _asked(client, "/keys/query", {"device_keys": {user: []}})
    master = key_of(part(shown, "master_keys", user), user, "master")
    if master != keys["master"].public:
        if master and not replace:
            raise Estranged("the homeserver shows another identity than ours")
        await _upload(client, keys, olm, password)
    ours = part(shown, "device_keys", user, device)
    expected = olm.device_keys()
    if any(part(ours, name) != expected[name] for name in ("user_id", "device_id", "keys")):
        raise Estranged("the homeserver shows other keys of our device than ours")
    signer = keys["self_signing"]
    if not vouched(ours, user, signer.public, signer.public):
        # what we made is signed, never what the homeserver shows
        body = {user: {device: device_keys(shelf, olm)}}
        answer = await _asked(client, "/keys/signatures/upload", body)
        if answer.get("failures"):  # with status 200
            raise Estranged("the homeserver refuses the signature of our device")
    return keys["master"].public


def _keys(shelf: Shelf) -> dict[str, SigningKey]:
    kept = shelf.get("seeds")
    if kept is None:
        kept = json.dumps({use: encoded(os.urandom(32)) for use in USES}).encode()
        shelf.put("seeds", kept)
    return {use: SigningKey(decoded(seed)) for use, seed in json.loads(kept).items()}


async def _upload(
    client: AsyncClient, keys: dict[str, SigningKey], olm: Olm, password: str
) -> None:
    user = olm.user
    objects: dict[str, dict[str, Any]] = {
        use: {"user_id": user, "usage": [use], "keys": {f"ed25519:{key.public}": key.public}}
        for use, key in keys.items()
    }
    body = {f"{use}_key": keys["master"].sign(objects[use], user) for use in USES[1:]}
    body["master_key"] = olm.sign(objects["master"])
    path = "/keys/device_signing/upload"
    try:
        await ask(client, "POST", path, body)
    except Denied as denied:
        if denied.status != 401 or "session" not in denied.answer:
            raise Estranged("the homeserver refuses our identity") from None
        # the first needs no password (MSC3967), another instead of it does
        proof = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}}
        proof |= {"password": password, "session": denied.answer["session"]}
        await _asked(client, path, body | {"auth": proof})


async def _asked(client: AsyncClient, path: str, body: object) -> dict[str, Any]:
    try:
        return await ask(client, "POST", path, body)
    except Denied:
        raise Estranged(f"the homeserver refuses {path}") from None
