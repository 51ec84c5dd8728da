"""The watermark's secret: without it nobody finds the mark, and nobody can write one that we find.

Every draw comes from SHAKE-256 (FIPS 202), so a mark reads the same with any later version of the
libraries. A lost secret leaves every mark ever written unreadable: back it up with the other keys.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.kernel.secret_file import SECRET_BYTES, load_or_create_secret

KEY_FILE = "watermark.key"


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
    """The keys whose secret is kept in `folder`; made at the first start.

    Raises ConfigurationError (`secret_file_invalid`).
    """
    return WatermarkKeys(load_or_create_secret(folder / KEY_FILE))
