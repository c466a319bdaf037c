"""Sealing: what people write lies on disk only under a key of their own, and destroying that key
forgets it, in the database, in its WAL and in every copy of them.

Envelope: base64 of version | nonce (96 random bits) | AES-256-GCM of the padded text. The place it
lies at (`needs.text`) and the row's own name are its associated data: a sealed text that is moved
elsewhere, or changed, does not open. Lengths show only as a class: 64, 256, 1024, 4096, 16384.

From the master key HKDF-SHA256 (RFC 5869) derives the key that wraps all others. Look-ups go by
HMAC-SHA256 under an index key, which is wrapped like the rest, so that a rotation changes no index.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.keys import KEY_BYTES, KeyStore, Locked, MasterFile

_VERSION = b"\x01"
_NONCE = 12
_SIZES = (64, 256, 1024, 4096, 16384)
_INDEX = "index"
"""The id of the index key in the key store; people's and conversations' ids are 32 characters."""
_REMEMBERED = 20_000


class Forgotten(Exception):
    """There is no key for what was to be sealed: its owner was forgotten."""


class Damaged(Exception):
    """A sealed text was changed, or moved to another row."""


class Vault:
    """Seals, opens, forgets. Any thread may use it; several processes may share a key store."""

    def __init__(self, keys_url: str, master_key_file: Path) -> None:
        """Raises Locked, SQLAlchemyError, OSError."""
        self.keys = KeyStore(keys_url)
        self.file = MasterFile(master_key_file)
        self.lock = threading.RLock()
        self.ciphers: OrderedDict[str, AESGCM] = OrderedDict()
        self.fresh: dict[str, bytes] = {}
        """Made, and not yet in the key store."""
        self.wrappers: dict[int, AESGCM] = {}
        self.index_key = self._first_key()

    def close(self) -> None:
        self.keys.close()

    # ------------------------------------------------------------------ sealing

    def seal(self, owner: str, place: str, row: str, text: str, *, pads: bool = True) -> str:
        """An empty text stays empty. pads=False: its length tells nothing, it is padded inside.
        Raises Forgotten."""
        if not text:
            return ""
        cipher = self._cipher(owner)
        if cipher is None:
            raise Forgotten
        nonce = os.urandom(_NONCE)
        sealed = cipher.encrypt(nonce, _padded(text, pads), f"{place}|{row}".encode())
        return base64.b64encode(_VERSION + nonce + sealed).decode()

    def unseal(self, owner: str, place: str, row: str, sealed: str) -> str:
        """-> "" where the owner was forgotten. Raises Damaged."""
        if not sealed or (cipher := self._cipher(owner)) is None:
            return ""
        try:
            raw = base64.b64decode(sealed, validate=True)
            if raw[:1] != _VERSION:
                raise Damaged(place)
            nonce, body = raw[1 : 1 + _NONCE], raw[1 + _NONCE :]
            return _unpadded(cipher.decrypt(nonce, body, f"{place}|{row}".encode()))
        except (InvalidTag, ValueError):
            raise Damaged(place) from None

    def index(self, place: str, value: str) -> str:
        """A fingerprint to look a value up by: 64 hex digits, nothing without the index key."""
        said = f"{place}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.index_key, said, "sha256").hex()

    def fingerprint(self, *parts: str) -> str:
        """The same for the same parts."""
        said = "\0".join(parts).encode("utf-8", "surrogatepass")
        return self.index("", hashlib.blake2b(said, digest_size=16).hexdigest())

    # ------------------------------------------------------------------ keys

    def create(self, id: str) -> None:
        """A key for a new person or conversation; `flush` before what it seals is committed."""
        key = secrets.token_bytes(KEY_BYTES)
        with self.lock:
            self.fresh[id] = key
            self._remember(id, AESGCM(key))

    def flush(self) -> None:
        """Puts the new keys on disk, all in one commit. A key that nothing uses harms nothing."""
        with self.lock:
            if not self.fresh:
                return
            with self.keys.writing() as connection:
                generation = self.keys.generation(connection)
                assert generation is not None
                rows = [(id, self._wrap(id, key, generation), generation)
                        for id, key in self.fresh.items()]  # fmt: skip
                self.keys.put(connection, rows)
            self.fresh.clear()

    def destroy(self, ids: Collection[str]) -> None:
        """Forgets for good, before it returns; once or more often. Works on a full disk."""
        with self.lock:
            for id in ids:
                self.fresh.pop(id, None)
                self.ciphers.pop(id, None)
            self.keys.destroy(ids)

    def knows(self, id: str) -> bool:
        """Whether anything can be sealed for them."""
        return self._cipher(id) is not None

    def missing(self, ids: Collection[str]) -> set[str]:
        """-> those that were forgotten."""
        with self.lock:
            return self.keys.missing([id for id in ids if id not in self.fresh])

    def expect(self, ids: Collection[str]) -> None:
        """Reads many keys at once that will be needed one by one."""
        with self.lock:
            new = [id for id in ids if id not in self.ciphers and id not in self.fresh]
            for id, row in self.keys.several(new[:_REMEMBERED]).items():
                with contextlib.suppress(KeyError):  # wrapped anew just now: later, by itself
                    self._remember(id, AESGCM(self._unwrap(id, *row)))

    def _cipher(self, id: str) -> AESGCM | None:
        with self.lock:
            found = self.ciphers.get(id)
            if found is not None:
                self.ciphers.move_to_end(id)
            elif (key := self._stored(id)) is not None:
                self._remember(id, found := AESGCM(key))
            return found

    def _remember(self, id: str, cipher: AESGCM) -> None:
        self.ciphers[id] = cipher
        if len(self.ciphers) > _REMEMBERED + len(self.fresh):
            self.ciphers.popitem(last=False)

    def _stored(self, id: str) -> bytes | None:
        for _ in range(3):  # it may be wrapped anew between the look at the row and at the file
            row = self.keys.get(id)
            if row is None:
                return None
            with contextlib.suppress(KeyError):
                return self._unwrap(id, *row)
        raise Locked(f"{self.file.path}: this is not the master key of this key store")

    # ------------------------------------------------------------------ the master key

    def _first_key(self) -> bytes:
        """Opens the key store with the master key; on the very first run makes both."""
        with self.keys.writing() as connection:
            generation = self.keys.generation(connection)
            if generation is None:
                with contextlib.suppress(FileNotFoundError):
                    self.file.read()
                if not self.file.path.exists():
                    self.file.make()
                generation = max(self.file.read())
                key = secrets.token_bytes(KEY_BYTES)
                self.keys.put(
                    connection, [(_INDEX, self._wrap(_INDEX, key, generation), generation)]
                )
                self.keys.set_generation(connection, generation)
        try:
            key = self._stored(_INDEX) or b""
        except FileNotFoundError:
            raise Locked(
                f"{self.file.path}: the master key is gone; put it back, nothing opens without it"
            ) from None
        return key

    def _wrapper(self, generation: int) -> AESGCM:
        """Raises KeyError: the master file does not have this generation (any more)."""
        if generation not in self.wrappers:
            self.wrappers = {n: _wrapping(key) for n, key in self.file.read().items()}
        return self.wrappers[generation]

    def _wrap(self, id: str, key: bytes, generation: int) -> str:
        nonce = os.urandom(_NONCE)
        wrapped = self._wrapper(generation).encrypt(nonce, key, f"{id}|{generation}".encode())
        return base64.b64encode(nonce + wrapped).decode()

    def _unwrap(self, id: str, wrapped: str, generation: int) -> bytes:
        raw, data = base64.b64decode(wrapped), f"{id}|{generation}".encode()
        try:
            return self._wrapper(generation).decrypt(raw[:_NONCE], raw[_NONCE:], data)
        except InvalidTag:
            raise Locked(
                f"{self.file.path}: this is not the master key of this key store;"
                " put the right file back"
            ) from None

    def rotate(self) -> Iterator[int]:
        """A new master key, and all keys wrapped by it, while others go on. Yields after each
        step, with how many keys were wrapped anew in it; cut at any point, and run again, it goes
        on where it was. Raises Locked.

        The order: both generations in the file; new keys are wrapped by the new one; the old ones
        are, some at a time; the old generation leaves the file. Two at once share one rotation: the
        file is read and written while nobody else has the key store.
        """
        with self.keys.writing(alone=True):
            master = self.file.read()
            if len(master) == 1:
                newest = max(master)
                if self.file.handed_over:
                    raise Locked(
                        f"{self.file.path}: systemd hands it over; add a line “{newest + 1} KEY” to"
                        " it (KEY: openssl rand -base64 32), restart, and run this again"
                    )
                master[newest + 1] = secrets.token_bytes(KEY_BYTES)
                self.file.write(master)
        newest = max(master)
        yield 0
        with self.keys.writing(alone=True) as connection:
            if (self.keys.generation(connection) or 1) < newest:
                self.keys.set_generation(connection, newest)
        yield 0
        while True:
            with self.keys.writing() as connection:
                rows = self.keys.older(connection, newest)
                anew = [(id, self._wrap(id, self._unwrap(id, wrapped, g), newest), newest)
                        for id, wrapped, g in rows if wrapped.strip("0")]  # fmt: skip
                self.keys.rewrap(connection, anew)
                blank = [id for id, wrapped, _ in rows if not wrapped.strip("0")]
            self.keys.destroy(blank)
            if not rows:
                break
            yield len(rows)
        if not self.file.handed_over:
            with self.keys.writing(alone=True):
                left = {n: key for n, key in self.file.read().items() if n >= newest}
                self.file.write(left)
        self.wrappers = {}
        yield 0


def stretched(secret: str, salt: str) -> str:
    """Argon2id (RFC 9106) with the least that OWASP asks for: 19 MiB, two passes, some 50 ms.
    cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html"""
    slow = Argon2id(
        salt=bytes.fromhex(salt), length=32, iterations=2, lanes=1, memory_cost=19 * 1024
    )
    return slow.derive(secret.encode()).hex()


def _wrapping(master: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=b"movements wrap").derive(master))


def _padded(text: str, pads: bool = True) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")  # in names that platforms give, all may stand
    raw = len(raw).to_bytes(4, "big") + raw
    if not pads:
        return raw
    size = next((size for size in _SIZES if len(raw) <= size), None)
    if size is None:
        size = -(-len(raw) // _SIZES[-1]) * _SIZES[-1]
    return raw.ljust(size, b"\0")


def _unpadded(raw: bytes) -> str:
    return raw[4 : 4 + int.from_bytes(raw[:4], "big")].decode("utf-8", "surrogatepass")
