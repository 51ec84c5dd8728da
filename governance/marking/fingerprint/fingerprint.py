"""What stays recognisable of a film, a picture or a sound: a hash of 256 bits for each moment."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from governance.kernel.errors import InvalidRequest

Kind = Literal["picture", "sound"]
Hashes = NDArray[np.uint8]
Times = NDArray[np.uint32]

HASH_BYTES = 32
MAX_MOMENTS = 28_800  # eight hours, one a second
_MAGIC = b"GFP1"
_KINDS: tuple[Kind, ...] = ("picture", "sound")
_HEAD = len(_MAGIC) + 1 + 4
_MOMENT = 4 + HASH_BYTES
MAX_BYTES = _HEAD + MAX_MOMENTS * _MOMENT


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """milliseconds: (n,), in order; hashes: (n, 32). These are what is stored.

    views: (m, v, 32), for asking alone: moments at `asked` (m,) milliseconds, closer together,
    and each under v cuts, so that a copy that was cut or trimmed finds its original.
    """

    kind: Kind
    milliseconds: Times
    hashes: Hashes
    asked: Times = field(default_factory=lambda: np.zeros(0, np.uint32))
    views: Hashes = field(default_factory=lambda: np.zeros((0, 1, HASH_BYTES), np.uint8))

    def __len__(self) -> int:
        return len(self.milliseconds)

    def to_bytes(self) -> bytes:
        """At most MAX_BYTES, the same for the same hashes on every machine."""
        head = _MAGIC + bytes([_KINDS.index(self.kind)]) + len(self).to_bytes(4, "big")
        return head + self.milliseconds.astype(">u4").tobytes() + self.hashes.tobytes()

    @cached_property
    def digest(self) -> str:
        """sha256 of `to_bytes()`, hexadecimal."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @staticmethod
    def from_bytes(data: bytes) -> "Fingerprint":
        """Raises InvalidRequest (`fingerprint_invalid`)."""
        count = int.from_bytes(data[_HEAD - 4 : _HEAD], "big")
        is_ours = data[: len(_MAGIC)] == _MAGIC and len(data) == _HEAD + count * _MOMENT
        if not is_ours or count > MAX_MOMENTS or data[len(_MAGIC)] >= len(_KINDS):
            raise InvalidRequest(
                "fingerprint_invalid", "This is no fingerprint of this service's, or only a part."
            )
        hashes = np.frombuffer(data, np.uint8, offset=_HEAD + 4 * count)
        return Fingerprint(
            _KINDS[data[len(_MAGIC)]],
            np.frombuffer(data, ">u4", count, _HEAD).astype(np.uint32),
            hashes.reshape(count, HASH_BYTES),
        )
