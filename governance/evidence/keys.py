"""Ed25519 keys: fingerprints, PEM files, signing.

The `keyid` of a key is its OpenSSH SHA-256 fingerprint (`ssh-keygen -lf` prints the same):
other DSSE verifiers derive exactly this and skip signatures that are named differently.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from governance.evidence.encoding import decode64, encode64
from governance.evidence.errors import EvidenceError

# RFC 8410: the DER before a raw 32-byte seed (PKCS #8) and before a raw public key (SPKI).
PRIVATE_PREFIX = bytes.fromhex("302e020100300506032b657004220420")
PUBLIC_PREFIX = bytes.fromhex("302a300506032b6570032100")


class Signer(Protocol):
    """Something that signs: a key in memory, a token, a key service."""

    @property
    def public(self) -> bytes: ...

    @property
    def keyid(self) -> str: ...

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature of `message`."""
        ...


@dataclass(frozen=True)
class SeedSigner:
    """Signs with a 32-byte seed held in memory."""

    _key: SigningKey
    keyid: str

    @classmethod
    def from_seed(cls, seed: bytes) -> "SeedSigner":
        key = SigningKey(seed)
        return cls(key, fingerprint(bytes(key.verify_key)))

    @property
    def public(self) -> bytes:
        return bytes(self._key.verify_key)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message).signature


def fingerprint(public: bytes) -> str:
    """`SHA256:…` of the OpenSSH wire form of a 32-byte Ed25519 public key (RFC 8709)."""
    name = b"ssh-ed25519"
    wire = len(name).to_bytes(4, "big") + name + len(public).to_bytes(4, "big") + public
    return "SHA256:" + encode64(hashlib.sha256(wire).digest()).rstrip("=")


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is a valid Ed25519 signature (RFC 8032) of `message` under `public`."""
    try:
        VerifyKey(public).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def private_pem(seed: bytes) -> str:
    return _pem("PRIVATE KEY", PRIVATE_PREFIX + seed)


def public_pem(public: bytes) -> str:
    return _pem("PUBLIC KEY", PUBLIC_PREFIX + public)


def seed_from_pem(text: str) -> bytes:
    """The 32-byte seed in a PKCS #8 PEM file. Raises EvidenceError (`key_invalid`)."""
    lines = text.strip().splitlines()
    framed = len(lines) >= 3 and lines[0] == "-----BEGIN PRIVATE KEY-----"
    if not framed or lines[-1] != "-----END PRIVATE KEY-----":
        raise EvidenceError("key_invalid", "This is not a PEM file with an Ed25519 private key.")
    der = decode64("".join(lines[1:-1]), "The key")
    if len(der) != len(PRIVATE_PREFIX) + 32 or not der.startswith(PRIVATE_PREFIX):
        raise EvidenceError("key_invalid", "The key is not an Ed25519 key.")
    return der[len(PRIVATE_PREFIX) :]


def _pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{encode64(der)}\n-----END {label}-----\n"
