"""Keys for the databases of tests."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from core.privacy import Vault

_HERE = "MOVEMENTS_TEST_KEYS"
if _HERE not in os.environ:  # a process that a test starts uses its parent's
    _made = tempfile.TemporaryDirectory(prefix="movements-keys-")
    os.environ[_HERE] = _made.name
FOLDER = Path(os.environ[_HERE])


def vault_of(url: str) -> Vault:
    """The same keys for the same database, however often it is opened; not for one in memory."""
    name = hashlib.sha256(url.encode()).hexdigest()[:20]
    keys = "sqlite://" if url == "sqlite://" else f"sqlite:///{FOLDER}/{name}.db"
    return Vault(keys, FOLDER / "master.key")
