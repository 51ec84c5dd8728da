"""Proof of possession for access tokens: DPoP (RFC 9449), without the server's nonces."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from governance.evidence.encoding import encode64url
from governance.identity import jose
from governance.identity.jose import PublicKey, Token, TokenFault
from governance.identity.replay import Once
from governance.kernel import clock
from governance.kernel.errors import Unauthenticated

TYPES = frozenset({"dpop+jwt"})
ALGORITHMS = ("Ed25519", "EdDSA", "ES256")
MAX_AGE = 60
MAX_SKEW = 5
_MAX_JTI = 256


def proofs(headers: Sequence[tuple[str, str]]) -> list[str]:
    """Every `DPoP` header of a request."""
    return [value.strip() for name, value in headers if name.lower() == "dpop"]


def verify(presented: Sequence[str], method: str, address: str, access_token: str) -> Once:
    """Check the one proof of a request; its use is to be spent (`replay.spend_nonce`).

    address: the request's without query, from the service's configured public name.
    Raises Unauthenticated (`dpop_missing`, `dpop_malformed`, `dpop_invalid`, `dpop_mismatch`,
    `dpop_expired`).
    """
    if len(presented) != 1:
        raise _refused("dpop_missing", "there must be exactly one `DPoP` header")
    try:
        token = jose.read(presented[0], types=TYPES, algorithms=ALGORITHMS, further="jwk")
        key = _key(token)
    except TokenFault as fault:
        raise _refused("dpop_malformed", str(fault)) from None
    if not key.verifies(token):
        raise _refused("dpop_invalid", "its signature does not hold")
    claims = token.claims
    jti, issued = claims.get("jti"), claims.get("iat")
    is_text = isinstance(jti, str) and 0 < len(jti) <= _MAX_JTI and jti.isprintable()
    if not is_text or type(issued) is not int:
        raise _refused("dpop_malformed", "jti must be a text and iat a whole number")
    if claims.get("htm") != method or claims.get("htu") != address:
        raise _refused("dpop_mismatch", f"htm and htu must be {method} and {address}")
    if not _is_hash_of(claims.get("ath"), access_token):
        raise _refused("dpop_mismatch", "ath must be the hash of the access token")
    if not -MAX_SKEW <= clock.now().timestamp() - issued <= MAX_AGE + MAX_SKEW:
        raise _refused("dpop_expired", "it must be made anew for each request")
    nonce = f"dpop {encode64url(hashlib.sha256(str(jti).encode()).digest())}"
    until = datetime.fromtimestamp(issued + MAX_AGE + 2 * MAX_SKEW, UTC)
    return Once(key.thumbprint, nonce, until)


def _key(token: Token) -> PublicKey:
    given: Any = token.header.get("jwk")
    return jose.public_key(given if isinstance(given, dict) else {})


def _is_hash_of(stated: object, access_token: str) -> bool:
    digest = encode64url(hashlib.sha256(access_token.encode("ascii", "replace")).digest())
    given = str(stated).encode("utf-8", "replace")
    return isinstance(stated, str) and hmac.compare_digest(given, digest.encode())


def _refused(code: str, why: str) -> Unauthenticated:
    return Unauthenticated(
        code,
        f"The DPoP proof is refused: {why}.",
        server_time=clock.rfc3339(clock.now()),
    )
