"""Signed tokens of others: compact JWS (RFC 7515) and the public keys that verify them (RFC 7517).

A header chooses nothing here: which algorithms count is the caller's, which key verifies which
algorithm is the key's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwk, jws
from joserfc.errors import JoseError
from nacl.bindings import crypto_core_ed25519_is_valid_point

from governance.evidence import keys
from governance.evidence.encoding import decode64url, parse_json
from governance.evidence.errors import EvidenceError

MAX_BYTES = 8192
# The two names of one algorithm: RFC 9864, and RFC 8037 before it.
ED25519 = frozenset({"Ed25519", "EdDSA"})
ALGORITHMS = (*sorted(ED25519), "ES256", "RS256")
RSA_BITS = range(2048, 8193)
_RSA_EXPONENT = "AQAB"
# By kty and crv: the members that make the key, and the algorithms that it verifies.
_SHAPES = {
    "OKP Ed25519": (("kty", "crv", "x"), ED25519),
    "EC P-256": (("kty", "crv", "x", "y"), frozenset({"ES256"})),
    "RSA": (("kty", "n", "e"), frozenset({"RS256"})),
}
_SECRET = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Hints that some issuers add; they are not looked at. All others are refused.
_HINTS = frozenset({"x5t", "x5t#S256"})


class TokenFault(Exception):
    """What is wrong with a token or a key, as the end of a sentence."""


@dataclass(frozen=True)
class PublicKey:
    """A key that may verify: its own algorithms, and its RFC 7638 thumbprint."""

    kid: str | None
    algorithms: frozenset[str]
    thumbprint: str
    _key: jwk.Key

    def verifies(self, token: "Token") -> bool:
        """Whether this key has signed exactly this token, by the algorithm that it names."""
        if token.algorithm not in self.algorithms:
            return False
        if token.algorithm in ED25519:  # libsodium, which knows keys of small order
            public = decode64url(str(self._key["x"]), "The key")
            signature = decode64url(token.compact.rpartition(".")[2], "The signature")
            return keys.verify(public, signature, token.compact.rpartition(".")[0].encode("ascii"))
        try:
            jws.deserialize_compact(token.compact, self._key, algorithms=[token.algorithm])
        except (JoseError, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Token:
    """A token taken apart; nothing of it is verified yet."""

    compact: str
    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def algorithm(self) -> str:
        return str(self.header["alg"])


def read(
    compact: str, *, types: Collection[str], algorithms: Collection[str], further: str = ""
) -> Token:
    """Take a compact JWS apart whose payload is a JSON object. Raises TokenFault.

    types: `typ` must be one of them, in any case (RFC 7515 section 4.1.9); empty where there may be
    none; further: the one header parameter that counts besides `alg`, `typ` and `kid`.
    """
    if len(compact) > MAX_BYTES:
        raise TokenFault(f"it has more than {MAX_BYTES} bytes")
    parts = compact.split(".")
    if len(parts) != 3 or not all(parts):
        raise TokenFault("it has not three parts, joined by dots")
    try:
        header, claims = (parse_json(decode64url(part, "It"), "It") for part in parts[:2])
        decode64url(parts[2], "It")
    except EvidenceError:
        raise TokenFault("it is not canonical base64url and strict JSON") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenFault("header and claims must be JSON objects")
    _require_header(header, types, algorithms, further)
    return Token(compact, header, claims)


def public_key(given: Mapping[str, Any]) -> PublicKey:
    """A key from its JWK. Raises TokenFault for secrets, weak keys and those of other kinds."""
    if _SECRET & given.keys():
        raise TokenFault("the key is secret: publish the public part alone")
    shape = _SHAPES.get(f"{given.get('kty')} {given.get('crv', '')}".strip())
    if shape is None:
        raise TokenFault("the key is neither Ed25519, nor P-256, nor RSA")
    members, algorithms = shape
    if given.get("use", "sig") != "sig" or given.get("key_ops", ["verify"]) != ["verify"]:
        raise TokenFault("the key is not for verifying signatures")
    kid, alg = given.get("kid"), given.get("alg")
    if alg is not None and str(alg) not in algorithms:
        raise TokenFault("the key is for another algorithm")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= 256):
        raise TokenFault("the key's `kid` is no text of 1 to 256 letters")
    values: Any = {name: given.get(name) for name in members}
    try:
        _require_strong(values)
        key = jwk.import_key(values)
    except (JoseError, ValueError, TypeError, AttributeError, EvidenceError):
        raise TokenFault("the key is malformed") from None
    return PublicKey(kid, algorithms, key.thumbprint(), key)


def _require_header(
    header: dict[str, Any], types: Collection[str], algorithms: Collection[str], further: str
) -> None:
    known = {"alg", "typ", "kid", *_HINTS, *([further] if further else [])}
    unknown = header.keys() - known
    if unknown:  # jwk, jku, x5u, x5c, crit, b64, zip among them
        raise TokenFault(f"its header has parameters that are not accepted: {sorted(unknown)[0]}")
    typ = header.get("typ", "")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise TokenFault(f"its `typ` must be {max(types)}")
    if header.get("alg") not in algorithms:
        raise TokenFault(f"its `alg` must be one of {', '.join(sorted(algorithms))}")
    if not isinstance(header.get("kid", ""), str):
        raise TokenFault("its `kid` must be text")


def _require_strong(values: dict[str, str]) -> None:
    if values["kty"] == "RSA":
        modulus = int.from_bytes(decode64url(values["n"], "The key"), "big")
        if modulus.bit_length() not in RSA_BITS:
            raise TokenFault(f"the RSA key must have {RSA_BITS[0]} to {RSA_BITS[-1]} bits")
        if values["e"] != _RSA_EXPONENT:
            raise TokenFault("the RSA key's exponent must be 65537")
    if values["kty"] == "OKP":
        public = decode64url(values["x"], "The key")
        if len(public) != 32 or not crypto_core_ed25519_is_valid_point(public):
            raise TokenFault("the key is no valid Ed25519 key")
