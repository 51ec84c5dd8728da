"""Secrets of others that the service must use itself: kept under a key that isn't in the database.

XSalsa20-Poly1305 (libsodium's secretbox). What was sealed for one purpose opens for no other.
"""

from dataclasses import dataclass, field
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from governance.kernel import ids
from governance.kernel.errors import ConfigurationError
from governance.kernel.secret_file import load_or_create_secret

KEY_FILE = "sealing.key"


@dataclass(frozen=True)
class Sealer:
    """Seals and opens with one secret of 32 bytes."""

    secret: bytes = field(repr=False)

    def seal(self, content: bytes, purpose: str) -> bytes:
        """Nonce and ciphertext. purpose: whose secret it is, such as the primary key of its row."""
        framed = _frame(purpose) + content
        return bytes(SecretBox(self.secret).encrypt(framed, ids.random_bytes(SecretBox.NONCE_SIZE)))

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """What was sealed. Raises ConfigurationError (`sealed_unreadable`)."""
        try:
            framed = SecretBox(self.secret).decrypt(sealed)
        except (CryptoError, ValueError):
            framed = b""
        if not framed.startswith(_frame(purpose)):
            raise ConfigurationError(
                "sealed_unreadable",
                f"A secret in the database does not open: {KEY_FILE} is not the one it was sealed "
                "with. Restore that file from a backup, or set the secret again.",
            )
        return framed[len(_frame(purpose)) :]


def load_or_create(folder: Path) -> Sealer:
    """The sealer whose secret is kept in `folder`; made at the first start.

    Raises ConfigurationError (`secret_file_invalid`).
    """
    return Sealer(load_or_create_secret(folder / KEY_FILE))


def _frame(purpose: str) -> bytes:
    return purpose.encode() + b"\0"
