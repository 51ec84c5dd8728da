"""A person's decision signed by their authenticator, checked without a WebAuthn library.

The statement is the record's body without its `proof`, as canonical JSON (RFC 8785); the challenge
that the authenticator signed is its SHA-256. What is checked is W3C Web Authentication Level 3,
section 7.2, as far as it needs no server: type, challenge, origin, relying party, presence and
verification of the user, signature.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from governance.evidence import keys
from governance.evidence.encoding import decode64url, encode64url, parse_json, serialise
from governance.evidence.errors import EvidenceError

ED25519, ES256 = "Ed25519", "ES256"
# COSE_Key (RFC 9052) in the one encoding that authenticators may use (CTAP2 canonical CBOR).
_ED25519_KEY = bytes.fromhex("a4010103272006215820")
_ES256_KEY, _ES256_Y = bytes.fromhex("a5010203262001215820"), bytes.fromhex("225820")
_RP_HASH, _HEADER = 32, 37  # bytes: hash of the relying party's id; with flags and counter
_PRESENT, _VERIFIED = 0x01, 0x04


@dataclass(frozen=True)
class Assertion:
    """What an authenticator answered; credential: its id, base64url; the rest as received."""

    credential: str
    authenticator_data: bytes
    client_data_json: bytes
    signature: bytes


@dataclass(frozen=True)
class Enrolment:
    """A credential that the service enrolled for a person; public_key: COSE_Key."""

    credential: str
    person: str
    public_key: bytes
    algorithm: str
    rp_id: str


def challenge(body: dict[str, Any]) -> bytes:
    """The 32 bytes that an authenticator signs for the statement in a record's body."""
    statement = {name: value for name, value in body.items() if name != "proof"}
    return hashlib.sha256(serialise(statement)).digest()


def proof(assertion: Assertion, algorithm: str) -> dict[str, str]:
    """The assertion as a record's `proof`."""
    return {
        "kind": "webauthn",
        "credential": assertion.credential,
        "algorithm": algorithm,
        "authenticator_data": encode64url(assertion.authenticator_data),
        "client_data_json": encode64url(assertion.client_data_json),
        "signature": encode64url(assertion.signature),
    }


def verify(body: dict[str, Any], enrolment: Enrolment) -> bool:
    """Check the `proof` in a record's body against the enrolment of its credential.

    False when it could not be checked: an ES256 signature where `cryptography` is not installed.
    Raises EvidenceError (`statement_unproven`, or `base64_invalid`, `json_invalid`).
    """
    given = body["proof"]
    if given["algorithm"] != enrolment.algorithm or body["person"] != enrolment.person:
        raise _unproven("the credential was enrolled for another person or algorithm")
    authenticator_data = decode64url(given["authenticator_data"], "authenticator_data")
    client_data_json = decode64url(given["client_data_json"], "client_data_json")
    signature = decode64url(given["signature"], "signature")
    _check_client_data(client_data_json, challenge(body), enrolment.rp_id)
    _check_authenticator_data(authenticator_data, enrolment.rp_id)
    message = authenticator_data + hashlib.sha256(client_data_json).digest()
    if enrolment.algorithm == ES256:
        return _verify_es256(enrolment.public_key, signature, message)
    if not keys.verify(ed25519_key(enrolment.public_key), signature, message):
        raise _unproven("the signature is not that of the enrolled key")
    return True


def ed25519_key(cose: bytes) -> bytes:
    """The 32 bytes of an Ed25519 key. Raises EvidenceError (`statement_unproven`)."""
    if len(cose) != len(_ED25519_KEY) + 32 or not cose.startswith(_ED25519_KEY):
        raise _unproven("the enrolled key is not an Ed25519 COSE_Key")
    return cose[len(_ED25519_KEY) :]


def es256_key(cose: bytes) -> tuple[int, int]:
    """The point of a P-256 key. Raises EvidenceError (`statement_unproven`)."""
    start = len(_ES256_KEY)
    x, y = cose[start : start + 32], cose[-32:]
    if cose != _ES256_KEY + x + _ES256_Y + y or len(x + y) != 64:
        raise _unproven("the enrolled key is not an ES256 COSE_Key")
    return int.from_bytes(x, "big"), int.from_bytes(y, "big")


def _check_client_data(data: bytes, expected: bytes, rp_id: str) -> None:
    client = parse_json(data, "client_data_json")
    if not isinstance(client, dict) or client.get("type") != "webauthn.get":
        raise _unproven("it is not an answer to a request for a signature")
    if client.get("crossOrigin", False) is not False:
        raise _unproven("it was given inside a page of another origin")
    signed = decode64url(str(client.get("challenge")), "challenge")
    if not hmac.compare_digest(signed, expected):
        raise _unproven("it signs another statement than the record makes")
    if not _is_of(str(client.get("origin")), rp_id):
        raise _unproven(f"it was given to another site than {rp_id}")


def _is_of(origin: str, rp_id: str) -> bool:
    """Whether an origin may use credentials of this relying party."""
    try:
        url = urlsplit(origin)
    except ValueError:
        return False
    host = url.hostname or ""
    is_secure = url.scheme == "https" or (url.scheme == "http" and rp_id == "localhost")
    return is_secure and (host == rp_id or host.endswith(f".{rp_id}"))


def _check_authenticator_data(data: bytes, rp_id: str) -> None:
    if len(data) < _HEADER or data[:_RP_HASH] != hashlib.sha256(rp_id.encode()).digest():
        raise _unproven(f"the authenticator signed for another site than {rp_id}")
    if data[_RP_HASH] & (_PRESENT | _VERIFIED) != _PRESENT | _VERIFIED:
        raise _unproven("the authenticator did not verify who was there")


def _verify_es256(cose: bytes, signature: bytes, message: bytes) -> bool:
    x, y = es256_key(cose)
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256
    except ImportError:
        return False
    try:
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        key.verify(signature, message, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise _unproven("the signature is not that of the enrolled key") from None
    return True


def _unproven(why: str) -> EvidenceError:
    return EvidenceError("statement_unproven", f"A decision's signature does not hold: {why}.")
