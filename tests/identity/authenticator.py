"""An authenticator in software (CTAP2): makes a passkey, and signs what a page asks for."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from nacl.signing import SigningKey

from governance.evidence.assertion import ED25519, ES256, Assertion
from governance.evidence.encoding import decode64url, encode64url
from governance.kernel import ids

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One device with one passkey. Every field may be bent, to see what is noticed."""

    origin: str = "http://localhost:8000"
    rp_id: str = "localhost"
    algorithm: str = ED25519
    flags: int = PRESENT | VERIFIED
    counts: bool = True
    count: int = 0
    cross_origin: bool = False
    credential: bytes = field(default_factory=lambda: ids.random_bytes(32))
    seed: bytes = field(default_factory=lambda: ids.random_bytes(32))

    @property
    def id(self) -> str:
        return encode64url(self.credential)

    @property
    def public_key(self) -> bytes:
        """COSE_Key."""
        if self.algorithm == ED25519:
            raw = bytes(SigningKey(self.seed).verify_key)
            return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: raw}, canonical=True)
        point = self._es256().public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (point.x, point.y))
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y}, canonical=True)

    def create(self, options: str, **changes: Any) -> str:
        """Answer `navigator.credentials.create`; changes: of what the authenticator is."""
        bent = replace(self, **changes)
        challenge = json.loads(options)["challenge"]
        attested = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential
        data = bent._authenticator_data(ATTESTED) + attested + bent.public_key
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": encode64url(bent._client_data("webauthn.create", challenge)),
            "attestationObject": encode64url(attestation),
        }
        return self._credential(response)

    def get(self, options: str, **changes: Any) -> str:
        """Answer `navigator.credentials.get`."""
        signed = self.sign(decode64url(json.loads(options)["challenge"], "challenge"), **changes)
        response = {
            "clientDataJSON": encode64url(signed.client_data_json),
            "authenticatorData": encode64url(signed.authenticator_data),
            "signature": encode64url(signed.signature),
        }
        return self._credential(response)

    def sign(self, challenge: bytes, **changes: Any) -> Assertion:
        """An assertion over any challenge. kind: of the client data."""
        kind = changes.pop("kind", "webauthn.get")
        self.count += self.counts
        bent = replace(self, **changes)
        client = bent._client_data(kind, encode64url(challenge))
        data = bent._authenticator_data(0)
        signature = bent._signature(data + hashlib.sha256(client).digest())
        return Assertion(self.id, data, client, signature)

    def _credential(self, response: dict[str, str]) -> str:
        return json.dumps(
            {"id": self.id, "rawId": self.id, "type": "public-key", "response": response}
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        client = {
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        }
        return json.dumps(client).encode()

    def _authenticator_data(self, more: int) -> bytes:
        site = hashlib.sha256(self.rp_id.encode()).digest()
        return site + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _signature(self, message: bytes) -> bytes:
        if self.algorithm == ES256:
            return self._es256().sign(message, ec.ECDSA(SHA256()))
        return SigningKey(self.seed).sign(message).signature

    def _es256(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self.seed, "big") >> 1 | 1, ec.SECP256R1())
