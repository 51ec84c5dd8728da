"""Signed JSON in one line: JWS in compact form (RFC 7515), narrowed to one shape.

The header is exactly `alg`, `kid` and `typ`; the algorithm is always Ed25519 (RFC 9864), so a
header can choose nothing. Header and payload are canonical JSON (RFC 8785): what is read has one
spelling, and its digest names it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from governance.evidence import keys
from governance.evidence.encoding import decode64url, encode64url, parse_canonical, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.signature_base import thumbprint

ALGORITHM = "Ed25519"
MAX_BYTES = 8192


@dataclass(frozen=True)
class Jws:
    """What a JWS says; nothing of it is verified yet.

    kid: RFC 7638 thumbprint of the key that is said to have signed; signed: the bytes under the
    signature.
    """

    kid: str
    payload: dict[str, Any]
    signed: bytes
    signature: bytes


def seal(payload: dict[str, Any], typ: str, sign: Callable[[bytes], bytes], kid: str) -> str:
    """The compact form. sign: gives the 64-byte Ed25519 signature; kid: its key's thumbprint."""
    header = {"alg": ALGORITHM, "kid": kid, "typ": typ}
    signed = f"{encode64url(serialise(header))}.{encode64url(serialise(payload))}"
    return f"{signed}.{encode64url(sign(signed.encode('ascii')))}"


def read(compact: str, typ: str) -> Jws:
    """Take a JWS of type `typ` apart.

    Raises EvidenceError: `jws_too_large`, `jws_malformed`, `jws_header` for any header but ours,
    `base64_invalid`, `json_invalid` for a spelling that is not canonical.
    """
    if len(compact) > MAX_BYTES:
        raise EvidenceError("jws_too_large", f"A JWS may have {MAX_BYTES} bytes at most.")
    parts = compact.split(".")
    if len(parts) != 3:
        raise EvidenceError("jws_malformed", "A compact JWS has three parts, joined by dots.")
    header = parse_canonical(decode64url(parts[0], "The JWS header"), "The JWS header")
    kid = header.get("kid") if isinstance(header, dict) else None
    if not isinstance(kid, str) or header != {"alg": ALGORITHM, "kid": kid, "typ": typ}:
        raise EvidenceError(
            "jws_header",
            f"The JWS header must be alg {ALGORITHM}, the key's thumbprint as kid, and typ {typ}; "
            "nothing else.",
        )
    payload = parse_canonical(decode64url(parts[1], "The JWS payload"), "The JWS payload")
    if not isinstance(payload, dict):
        raise EvidenceError("jws_malformed", "The JWS payload is not a JSON object.")
    signature = decode64url(parts[2], "The JWS signature")
    return Jws(kid, payload, compact[: compact.rindex(".")].encode("ascii"), signature)


def verify(opened: Jws, public_key: bytes) -> None:
    """Check the signature under a raw 32-byte key.

    Raises EvidenceError: `jws_key_mismatch` when the header names another key,
    `jws_signature_invalid`; nothing verifies under a key of small order.
    """
    if opened.kid != thumbprint(public_key):
        raise EvidenceError("jws_key_mismatch", "The JWS names another key than the one expected.")
    if not keys.verify(public_key, opened.signature, opened.signed):
        raise EvidenceError("jws_signature_invalid", "The signature of the JWS does not hold.")
