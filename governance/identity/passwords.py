"""Passwords: argon2id, a few at a time."""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from governance.kernel import ids
from governance.kernel.errors import InvalidRequest, Throttled

# OWASP Password Storage Cheat Sheet, argon2id minimum: 19 MiB, 2 iterations, 1 lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# The hash of a random secret that nobody kept: checking against it takes as long as a real one.
NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$"
    "VsLmMsbgA1NVidmFq49qEg$vCf5fQZVkfrq0ekT3ObO2UPn7sUII6sosU7TDCyeja8"
)
MIN_LENGTH = 15  # NIST SP 800-63B-4 section 3.1.1.2, where the password is the only factor
MAX_LENGTH = 256
_SLOTS = threading.BoundedSemaphore(2)
_WAIT = 2.0  # seconds; a thread that waits here is one that serves nobody else


def hash_password(password: str) -> str:
    """The PHC string to store; 30 ms and 19 MiB. Raises Throttled (`login_busy`)."""
    with _slot():
        return _HASHER.hash(_normal(password))


def one_time_password() -> tuple[str, str]:
    """A random password and its hash.

    Takes no turn with the people who sign in: whatever write needs it must not wait for them.
    """
    password = ids.secret_text()
    return password, _HASHER.hash(_normal(password))


def password_matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the stored one; as slow for None, a person who does not exist.

    Raises Throttled (`login_busy`) when too many wait to be checked.
    """
    with _slot():
        try:
            return _HASHER.verify(stored or NOBODY, _normal(password)) and stored is not None
        except VerificationError:
            return False


def check_strength(password: str) -> None:
    """Raises InvalidRequest (`password_weak`)."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidRequest(
            "password_weak",
            f"Choose a password of {MIN_LENGTH} to {MAX_LENGTH} characters.",
            param="password",
        )


def _normal(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@contextmanager
def _slot() -> Iterator[None]:
    if not _SLOTS.acquire(timeout=_WAIT):
        raise Throttled("login_busy", "Too many people sign in; try again soon.", retry_after=2)
    try:
        yield
    finally:
        _SLOTS.release()
