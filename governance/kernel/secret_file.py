"""A secret of 32 bytes in a file of its own, made once."""

import os
from pathlib import Path

from governance.kernel import ids
from governance.kernel.errors import ConfigurationError

SECRET_BYTES = 32


def load_or_create_secret(path: Path) -> bytes:
    """The secret in a file of 64 hexadecimal digits; made, with mode 0600, where there is none.

    Raises ConfigurationError (`secret_file_invalid`).
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, ids.random_bytes(SECRET_BYTES))
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise ConfigurationError(
            "secret_file_invalid",
            f"{path} does not hold the 64 hexadecimal digits of a secret. Restore it from a "
            "backup: what was made with the old one cannot be read with a new one.",
        )
    return secret


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
