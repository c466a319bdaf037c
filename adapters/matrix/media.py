"""Pictures, to and from the homeserver's content repository (Client-Server API, "Content
repository"; downloads are authenticated since v1.11)."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import aiohttp
from nio import AsyncClient, EncryptionError  # type: ignore[import-untyped]
from nio.crypto.attachments import (  # type: ignore[import-untyped]
    decrypt_attachment,
    encrypt_attachment,
)

from adapters.matrix.session import NETWORK
from core.message import LARGEST_FILE, File, Later, Refused, Unsent

MXC = re.compile(r"mxc://([A-Za-z0-9.:\[\]-]+)/([A-Za-z0-9_-]+)")
TIMEOUT = aiohttp.ClientTimeout(total=120)


async def fetch(client: AsyncClient, file: File) -> bytes:
    """Raises Unsent, Refused. Other homeservers' media come through our own, which fetches them;
    where that would send us elsewhere we don't go."""
    url, *opening = json.loads(file.ref) if file.ref.startswith("[") else [file.ref]
    mxc = MXC.fullmatch(url)
    if mxc is None or file.size > LARGEST_FILE:
        raise Refused
    body = bytearray()
    try:
        async with client.client_session.get(
            f"{client.homeserver}/_matrix/client/v1/media/download/{mxc[1]}/{mxc[2]}",
            headers={"Authorization": f"Bearer {client.access_token}"},
            allow_redirects=False,
            timeout=TIMEOUT,
        ) as answer:
            if answer.status in (401, 429) or answer.status >= 500:
                raise Unsent
            if answer.status != 200:
                raise Refused
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > LARGEST_FILE:
                    raise Refused
    except NETWORK:
        raise Unsent from None
    return _opened(bytes(body), *opening) if opening else bytes(body)


def _opened(body: bytes, key: str, iv: str, digest: str) -> bytes:
    try:
        return bytes(decrypt_attachment(body, key, digest, iv))
    except (EncryptionError, ValueError, TypeError):
        raise Refused from None


async def upload(client: AsyncClient, picture: bytes, *, sealed: bool) -> dict[str, Any]:
    """-> what stands for it in a message: {"url": ...}, or {"file": ...} of one that nobody who
    keeps it can open. Raises Later, Unsent, Refused."""
    if not sealed:
        return {"url": await _upload(client, picture, "image/jpeg")}
    body, opening = encrypt_attachment(picture)
    return {"file": opening | {"url": await _upload(client, body, "application/octet-stream")}}


async def _upload(client: AsyncClient, body: bytes, type: str) -> str:
    try:
        async with client.client_session.post(
            f"{client.homeserver}/_matrix/media/v3/upload",
            data=io.BytesIO(body),
            headers={
                "Authorization": f"Bearer {client.access_token}",
                "Content-Type": type,
            },
            allow_redirects=False,
            timeout=TIMEOUT,
        ) as answer:
            said = await answer.json(content_type=None) if answer.status == 200 else {}
            if answer.status == 429:
                raise Later(5.0, everywhere=True)
            if answer.status in (400, 403, 413):
                raise Refused
    except (*NETWORK, ValueError):
        raise Unsent from None
    url = said.get("content_uri") if isinstance(said, dict) else None
    if not isinstance(url, str) or not MXC.fullmatch(url):
        raise Unsent
    return url
