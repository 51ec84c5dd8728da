"""Bytes to text and back, one spelling each: anything but the canonical form is refused."""

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any

import orjson

from governance.evidence.errors import EvidenceError

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


def serialise(value: object) -> bytes:
    """JSON bytes with sorted keys and no spaces: RFC 8785 for values without floats.

    What is signed, stored and hashed is these bytes.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def parse_canonical(data: bytes, what: str) -> Any:
    """JSON that is byte for byte as `serialise` writes it: no repeated key, one spelling.

    Raises EvidenceError (`json_invalid`).
    """
    try:
        value = orjson.loads(data)
        is_canonical = serialise(value) == data
    except (ValueError, TypeError) as error:
        raise EvidenceError("json_invalid", f"{what} is not valid JSON: {error}.") from None
    if not is_canonical:
        raise EvidenceError("json_invalid", f"{what} is not in canonical form.")
    return value


def parse_json(data: bytes, what: str) -> Any:
    """Strict JSON: UTF-8, no repeated keys, no NaN. Raises EvidenceError (`json_invalid`)."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise EvidenceError("json_invalid", f"{what} is not valid JSON: {error}.") from None


def parse_time(text: object, what: str) -> datetime:
    """An RFC 3339 time in UTC, `2026-11-22T11:12:05Z`. Raises EvidenceError (`time_invalid`)."""
    try:
        if isinstance(text, str) and _TIME.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:  # the thirtieth of February
        pass
    raise EvidenceError("time_invalid", f"{what} is not an RFC 3339 time in UTC, ending in Z.")


def encode64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode64(text: str, what: str) -> bytes:
    """Canonical standard base64 or EvidenceError (`base64_invalid`)."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise EvidenceError("base64_invalid", f"{what} is not base64.") from None
    if encode64(data) != text:
        raise EvidenceError("base64_invalid", f"{what} is not in canonical base64.")
    return data


def encode64url(data: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode64url(text: str, what: str) -> bytes:
    """Canonical unpadded base64url or EvidenceError (`base64_invalid`)."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        data = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise EvidenceError("base64_invalid", f"{what} is not base64url.") from None
    if encode64url(data) != text:
        raise EvidenceError("base64_invalid", f"{what} is not in canonical base64url.")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is repeated")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not allowed")
