"""The watermark's secret: without it nobody finds the mark, and nobody can write one that we find.

Every draw comes from SHAKE-256 (FIPS 202), so a mark reads the same with any later version of the
libraries. A lost secret leaves every mark ever written unreadable: back it up with the other keys.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.kernel import ids
from governance.kernel.errors import ConfigurationError

KEY_FILE = "watermark.key"
SECRET_BYTES = 32


@dataclass(frozen=True)
class WatermarkKeys:
    """Everything is derived from one secret of 32 bytes (HKDF-SHA256, RFC 5869)."""

    secret: bytes = field(repr=False)

    def pattern(self) -> bytes:
        """32 bytes: where and how the energy lies; the same for all organisations."""
        return self._derive(b"watermark pattern")

    def scramble(self, organisation: str) -> bytes:
        """32 bytes: the signs of the code bits of one organisation."""
        return self._derive(b"watermark scramble " + organisation.encode())

    def _derive(self, purpose: bytes) -> bytes:
        return HKDF(hashes.SHA256(), SECRET_BYTES, salt=None, info=purpose).derive(self.secret)


def stream(seed: bytes, purpose: str, count: int) -> bytes:
    """`count` bytes that nobody without `seed` can tell from noise."""
    return hashlib.shake_256(seed + purpose.encode()).digest(count)


def load_or_create(folder: Path) -> WatermarkKeys:
    """Load the secret kept in `folder`, 64 hexadecimal digits; make it at the first start.

    Written whole, with mode 0600. Raises ConfigurationError (`watermark_key_invalid`).
    """
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, ids.random_bytes(SECRET_BYTES))
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise ConfigurationError(
            "watermark_key_invalid",
            f"{path} does not hold the 64 hexadecimal digits of a watermark secret. Restore it "
            "from a backup: with a new secret, marks written so far cannot be read.",
        )
    return WatermarkKeys(secret)


def _write(path: Path, secret: bytes) -> None:
    """A crash leaves no half-written secret behind; of two first starts, one secret wins."""
    draft = path.with_name(f"{path.name}.{ids.random_bytes(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as writing:
            writing.write(secret.hex() + "\n")
            writing.flush()
            os.fsync(writing.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
