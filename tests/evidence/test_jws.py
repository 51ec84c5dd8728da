"""Compact JWS: one spelling, one algorithm, and what foreign libraries make of it."""

import json
from typing import Any

import pytest
from joserfc import jws as foreign
from joserfc.jwk import OKPKey
from nacl.signing import SigningKey

from governance.evidence import jws
from governance.evidence.encoding import encode64url, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.signature_base import thumbprint

KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(range(1, 33)))
PUBLIC = bytes(KEY.verify_key)
KID = thumbprint(PUBLIC)
TYPE = "test"
PAYLOAD = {"amount": "5.00", "to": ["a", "b"]}
JWK: dict[str, Any] = {"kty": "OKP", "crv": "Ed25519", "x": encode64url(PUBLIC)}
HEADER = {"alg": "Ed25519", "kid": KID, "typ": TYPE}


def sealed(payload: dict[str, Any] = PAYLOAD, typ: str = TYPE) -> str:
    return jws.seal(payload, typ, lambda text: KEY.sign(text).signature, KID)


def spelt(header: bytes, payload: bytes = serialise(PAYLOAD)) -> str:
    """A JWS with exactly these bytes, honestly signed."""
    signed = f"{encode64url(header)}.{encode64url(payload)}"
    return f"{signed}.{encode64url(KEY.sign(signed.encode()).signature)}"


def refused(compact: str, key: bytes = PUBLIC) -> str:
    with pytest.raises(EvidenceError) as caught:
        jws.verify(jws.read(compact, TYPE), key)
    return caught.value.code


def test_what_was_sealed_is_read_back_and_verified() -> None:
    opened = jws.read(sealed(), TYPE)
    jws.verify(opened, PUBLIC)
    assert (opened.payload, opened.kid) == (PAYLOAD, KID)


def test_a_foreign_library_verifies_ours() -> None:
    key = OKPKey.import_key(JWK)
    found = foreign.deserialize_compact(sealed(), key, algorithms=["Ed25519"])
    assert json.loads(found.payload) == PAYLOAD
    assert key.thumbprint() == KID


def test_ours_verifies_that_of_a_foreign_library() -> None:
    key = OKPKey.import_key({**JWK, "d": encode64url(bytes(KEY))})
    theirs = foreign.serialize_compact(HEADER, serialise(PAYLOAD), key, algorithms=["Ed25519"])
    assert theirs == sealed()
    jws.verify(jws.read(theirs, TYPE), PUBLIC)


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "HS256"},
        {**HEADER, "alg": "EdDSA"},
        {**HEADER, "alg": "ed25519"},
        {**HEADER, "crit": ["exp"]},
        {**HEADER, "jwk": JWK},
        {**HEADER, "b64": False},
        {**HEADER, "typ": "other"},
        {**HEADER, "kid": 1},
        {"alg": "Ed25519", "kid": KID},
        [],
    ],
    ids=str,
)
def test_any_other_header_is_refused(header: Any) -> None:
    assert refused(spelt(serialise(header))) == "jws_header"


def test_there_is_one_spelling_of_header_and_payload() -> None:
    assert refused(spelt(json.dumps(HEADER).encode())) == "json_invalid"
    reordered = json.dumps({"typ": TYPE, **HEADER}, separators=(",", ":")).encode()
    assert refused(spelt(reordered)) == "json_invalid"
    repeated = serialise(HEADER)[:-1] + b',"typ":"test"}'
    assert refused(spelt(repeated)) == "json_invalid"
    assert refused(spelt(serialise(HEADER), b'{"a": 1}')) == "json_invalid"
    assert refused(spelt(serialise(HEADER), b"[1]")) == "jws_malformed"


def test_base64url_is_canonical() -> None:
    compact = sealed()
    assert refused(compact + "=") == "base64_invalid"
    head, _, signature = compact.rpartition(".")
    # The last letter of 64 bytes has bits that mean nothing; they must be zero.
    loose = signature[:-1] + chr(ord(signature[-1]) + 1)
    assert refused(f"{head}.{loose}") == "base64_invalid"
    assert refused(compact.replace(".", " .", 1)) == "base64_invalid"
    assert refused(f"{head}.ü") == "base64_invalid"


def test_a_jws_has_three_parts_and_a_size() -> None:
    assert refused(sealed().rpartition(".")[0]) == "jws_malformed"
    assert refused(sealed() + ".x") == "jws_malformed"
    assert refused(sealed({"a": "x" * jws.MAX_BYTES})) == "jws_too_large"


def test_the_signature_must_be_that_key_s_over_these_bytes() -> None:
    compact = sealed()
    assert refused(compact, bytes(OTHER.verify_key)) == "jws_key_mismatch"
    header, _, signature = compact.split(".")
    other = encode64url(serialise({**PAYLOAD, "amount": "500"}))
    assert refused(f"{header}.{other}.{signature}") == "jws_signature_invalid"
    assert refused(f"{header}.{other}.") == "jws_signature_invalid"
    foreign_sign = jws.seal(PAYLOAD, TYPE, lambda text: OTHER.sign(text).signature, KID)
    assert refused(foreign_sign) == "jws_signature_invalid"


def test_nothing_verifies_under_a_key_of_small_order() -> None:
    weak = b"\x01" + bytes(31)
    forged = jws.seal(PAYLOAD, TYPE, lambda _: weak + bytes(32), thumbprint(weak))
    assert refused(forged, weak) == "jws_signature_invalid"
