"""The one source of randomness and of identifiers."""

import secrets

from governance.kernel import clock


def random_bytes(count: int) -> bytes:
    return secrets.token_bytes(count)


def secret_text(count: int = 32) -> str:
    """URL-safe text with `count` random bytes in it: passwords, session tokens, API keys."""
    return secrets.token_urlsafe(count)


def new_id(prefix: str) -> str:
    """`gen_` + 32 hexadecimal digits of a UUIDv7 (RFC 9562 section 5.7): sorts by time."""
    milliseconds = int(clock.now().timestamp() * 1000)
    value = milliseconds << 80 | int.from_bytes(secrets.token_bytes(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{prefix}_{value:032x}"
