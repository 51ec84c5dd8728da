"""An agent's key: a PEM file that only its owner can read."""

import os
from pathlib import Path

from nacl.signing import SigningKey

from governance.evidence.keys import private_pem, seed_from_pem


def create_key(path: Path) -> bytes:
    """Make a key and write it (PKCS #8 PEM, mode 0600); returns its 32-byte seed.

    Raises FileExistsError: an existing key is never overwritten.
    """
    seed = bytes(SigningKey.generate())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(private_pem(seed))
    return seed


def load_key(path: Path) -> bytes:
    """The 32-byte seed in a PEM file. Raises EvidenceError (`key_invalid`)."""
    return seed_from_pem(path.read_text(encoding="ascii"))
