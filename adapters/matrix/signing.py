"""Signed JSON (Matrix specification, appendices, "Signing JSON"): who vouches for which keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def encoded(raw: bytes) -> str:
    """Unpadded Base64."""
    return base64.b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """Padded or not. Raises ValueError."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)


def canonical(signed: Mapping[str, Any]) -> bytes:
    """The bytes that are signed. Raises ValueError, TypeError on what is no JSON."""
    body = {k: v for k, v in signed.items() if k not in ("signatures", "unsigned")}
    text = json.dumps(
        body, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
    )
    return text.encode()


def part(value: object, *names: str) -> Any:
    """-> what lies at value[name][name]...; None if there is no such thing."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def vouched(signed: object, user: str, key_id: str, public: str) -> bool:
    """Whether `signed` bears this user's signature by the key `public`. Everything here comes from
    others: what is malformed is not signed."""
    signature = part(signed, "signatures", user, f"ed25519:{key_id}")
    if not isinstance(signed, Mapping) or not isinstance(signature, str):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(decoded(public))
        key.verify(decoded(signature), canonical(signed))
    except (InvalidSignature, ValueError, TypeError, RecursionError):
        return False
    return True


class SigningKey:
    """A key of our own. seed: 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = encoded(self._private.public_key().public_bytes_raw())

    def sign(self, signed: dict[str, Any], user: str) -> dict[str, Any]:
        """-> the same object with this key's signature among its own."""
        signature = encoded(self._private.sign(canonical(signed)))
        mine = part(signed, "signatures", user) or {}
        signatures = (part(signed, "signatures") or {}) | {
            user: mine | {f"ed25519:{self.public}": signature}
        }
        return signed | {"signatures": signatures}
