"""The text under a request signature: as the RFCs write it, and verifiable long afterwards."""

import base64

import pytest
from nacl.signing import SigningKey

from governance.evidence import keys
from governance.evidence.encoding import decode64url
from governance.evidence.errors import EvidenceError
from governance.evidence.signature_base import (
    HttpRequest,
    content_digest,
    covered,
    covered_fields,
    sign_request,
    signature_base,
    thumbprint,
    verify_signature_base,
)

KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key)
REQUEST = HttpRequest(
    "POST",
    "governance.example",
    "/v1/videos",
    "",
    {"content-type": "application/json", "content-digest": content_digest(b"{}")},
)


def signed() -> tuple[str, bytes]:
    """The base and the signature, as a service would store them."""
    headers = sign_request(
        REQUEST,
        lambda base: KEY.sign(base).signature,
        keyid=thumbprint(PUBLIC),
        created=1_795_345_925,
        expires=1_795_345_955,
        nonce="bm9uY2Utbm9uY2U",
    )
    parameters = headers["Signature-Input"].removeprefix("gov=")
    signature = base64.b64decode(headers["Signature"].removeprefix("gov=:").removesuffix(":"))
    return signature_base(REQUEST, covered(REQUEST), parameters), signature


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a_3() -> None:
    public = decode64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "The key")
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_digest_is_that_of_rfc_9530_appendix_b() -> None:
    expected = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert content_digest(b'{"hello": "world"}\n') == expected


def test_the_base_and_its_signature_are_those_of_rfc_9421_appendix_b_2_6() -> None:
    request = HttpRequest(
        "POST",
        "example.com",
        "/foo",
        "param=Value&Pet=dog",
        {
            "date": "Tue, 20 Apr 2021 02:07:55 GMT",
            "content-type": "application/json",
            "content-length": "18",
        },
    )
    names = ("date", "@method", "@path", "@authority", "content-type", "content-length")
    listed = " ".join(f'"{name}"' for name in names)
    base = signature_base(request, names, f'({listed});created=1618884473;keyid="test-key-ed25519"')
    signature = base64.b64decode(
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )
    public = decode64url("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs", "The key")
    assert keys.verify(public, signature, base.encode())


def test_the_base_of_the_profile_reads_like_this() -> None:
    base, _ = signed()
    assert base == (
        '"@method": POST\n'
        '"@authority": governance.example\n'
        '"@path": /v1/videos\n'
        '"@query": ?\n'
        '"content-type": application/json\n'
        '"content-digest": sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:\n'
        '"@signature-params": ("@method" "@authority" "@path" "@query" "content-type" '
        '"content-digest");created=1795345925;expires=1795345955;nonce="bm9uY2Utbm9uY2U"'
        f';keyid="{thumbprint(PUBLIC)}";tag="gov-agent-v1"'
    )


def test_a_stored_signature_verifies_with_nothing_but_the_public_key() -> None:
    base, signature = signed()
    verify_signature_base(base, signature, PUBLIC)


def test_a_changed_text_does_not_verify() -> None:
    base, signature = signed()
    with pytest.raises(EvidenceError) as refusal:
        verify_signature_base(base.replace("POST", "GET"), signature, PUBLIC)
    assert refusal.value.code == "signature_invalid"


@pytest.mark.parametrize("cut", [b"", bytes(63), bytes(65)])
def test_a_signature_of_another_length_does_not_verify(cut: bytes) -> None:
    base, _ = signed()
    with pytest.raises(EvidenceError) as refusal:
        verify_signature_base(base, cut, PUBLIC)
    assert refusal.value.code == "signature_invalid"


def test_a_text_that_names_another_key_is_refused_even_if_the_signature_fits() -> None:
    base, _ = signed()
    claim = base.replace(thumbprint(PUBLIC), "A" * 43)
    for text in (claim, "no parameters at all"):
        with pytest.raises(EvidenceError) as refusal:
            verify_signature_base(text, KEY.sign(text.encode()).signature, PUBLIC)
        assert refusal.value.code == "signature_key_mismatch"


def test_a_key_named_in_another_line_counts_for_nothing() -> None:
    base, _ = signed()
    head, _, tail = base.rpartition("\n")
    text = f"{head};{tail.partition(';')[2]}\n{tail.replace(thumbprint(PUBLIC), 'A' * 43)}"
    with pytest.raises(EvidenceError) as refusal:
        verify_signature_base(text, KEY.sign(text.encode()).signature, PUBLIC)
    assert refusal.value.code == "signature_key_mismatch"


def test_only_the_fields_of_the_profile_are_covered_and_each_once() -> None:
    headers = [
        ("Accept", "a"),
        ("accept", "b"),
        ("X-Governance-Project", "spring"),
        ("Idempotency-Key", " k\t"),
    ]
    fields = covered_fields(headers)
    assert fields == {"idempotency-key": "k", "x-governance-project": "spring"}
    assert covered(HttpRequest("GET", "h", "/", "", fields))[4:] == (
        "idempotency-key",
        "x-governance-project",
    )
    with pytest.raises(EvidenceError) as refusal:
        covered_fields([*headers, ("IDEMPOTENCY-KEY", "l")])
    assert refusal.value.code == "field_repeated"


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\tb", "ü", "\x7f"])
def test_a_value_that_could_forge_a_line_is_refused(value: str) -> None:
    request = HttpRequest("GET", "h", "/", "", {"idempotency-key": value})
    with pytest.raises(EvidenceError) as refusal:
        signature_base(request, covered(request), "()")
    assert refusal.value.code == "component_invalid"


def test_a_component_that_the_request_lacks_is_refused() -> None:
    with pytest.raises(EvidenceError) as refusal:
        signature_base(REQUEST, ["date"], "()")
    assert refusal.value.code == "component_missing"
