"""One request to the homeserver that nio has no method for: a JSON object there, one back."""

from __future__ import annotations

import json
from typing import Any

from nio import AsyncClient  # type: ignore[import-untyped]

from adapters.matrix.session import LOGGED_OUT, NETWORK
from core.message import Unsent

API = "/_matrix/client/v3"


class LoggedOut(Unsent):
    """The homeserver no longer knows `token`."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token


class Limited(Unsent):
    """The homeserver did nothing, for we ask too often."""


class Denied(Exception):
    """The homeserver will not do it: asking again is useless."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        super().__init__()
        self.status, self.answer = status, answer


async def ask(client: AsyncClient, method: str, path: str, body: object) -> dict[str, Any]:
    """-> the answer. Raises LoggedOut, Limited, Unsent (network, 5xx), Denied."""
    token = client.access_token
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        response = await client.send(method, API + path, json.dumps(body), headers)
        answer = json.loads(await response.read())
    except NETWORK:
        raise Unsent from None
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    if response.status == 200:
        return answer
    if answer.get("errcode") in LOGGED_OUT:
        raise LoggedOut(token)
    if response.status == 429:
        raise Limited
    if response.status >= 500:
        raise Unsent
    raise Denied(response.status, answer)
