"""A request counts as signed only if every rule of the profile holds."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from freezegun import freeze_time

from governance.evidence.signature_base import content_digest, verify_signature_base
from governance.identity.request_signature import ReceivedRequest
from governance.kernel import clock
from governance.kernel.errors import Unauthenticated
from tests.identity.forging import (
    AGENT,
    BODY,
    JSON,
    NONCE,
    STRANGER,
    Draft,
    body_digest,
    check,
    keyid,
    received,
)

NOW = 1_795_345_925  # 2026-11-22T11:12:05Z


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    with freeze_time("2026-11-22T11:12:05Z"):
        yield


def covering(*names: str) -> list[str]:
    return [f'"{name}"' for name in names]


def with_headers(request: ReceivedRequest, **changed: str | None) -> ReceivedRequest:
    """Replace headers after signing; None removes."""
    names = {name.replace("_", "-"): value for name, value in changed.items()}
    kept = [(name, value) for name, value in request.headers if name.lower() not in names]
    added = [(name, value) for name, value in names.items() if value is not None]
    return replace(request, headers=(*kept, *added))


def adding(request: ReceivedRequest, *headers: tuple[str, str]) -> ReceivedRequest:
    return replace(request, headers=(*request.headers, *headers))


def header(request: ReceivedRequest, name: str) -> str:
    return next(value for key, value in request.headers if key.lower() == name)


HONEST = {
    "a request with a body": Draft(),
    "a request without body or query": Draft(
        method="GET", path="/v1/videos/gen_1", query="", headers=(), body=b""
    ),
    "a request without a body that still names a content type": Draft(method="DELETE", body=b""),
    "the declared algorithm": Draft(parameters={"alg": '"ed25519"'}),
    "the longest lifetime": Draft(parameters={"expires": str(NOW + 60)}),
    "a clock that is 5 s fast": Draft(
        parameters={"created": str(NOW + 5), "expires": str(NOW + 30)}
    ),
    "a signature that expired 5 s ago": Draft(
        parameters={"created": str(NOW - 35), "expires": str(NOW - 5)}
    ),
    "every field that must be covered": Draft(
        headers=(
            JSON,
            ("Idempotency-Key", "k-1"),
            ("Gov-Delegation", "eyJ"),
            ("Content-Encoding", "gzip"),
            ("X-Governance-Project", "spring"),
            ("X-Governance-Deep-Fake", "no"),
        )
    ),
    "components in another order": Draft(
        components=covering(
            "content-digest", "@query", "@path", "content-type", "@authority", "@method"
        )
    ),
    "percent-encoded paths as sent": Draft(path="/v1/videos/a%2Fb", query="q=%20+&q="),
}


@pytest.mark.parametrize("case", HONEST)
def test_it_accepts(case: str) -> None:
    signed = check(HONEST[case].sign())
    assert signed is not None
    assert (signed.keyid, signed.nonce) == (keyid(), NONCE)


def test_what_it_accepts_verifies_again_offline() -> None:
    signed = check(Draft().sign())
    assert signed is not None
    verify_signature_base(signed.base, signed.signature, bytes(AGENT.verify_key))


def test_signatures_of_others_may_travel_along() -> None:
    request = adding(
        Draft().sign(),
        ("Signature-Input", 'proxy=("@method");tag="edge"'),
        ("Signature", "proxy=:AA==:"),
    )
    assert check(request) is not None


def test_a_request_without_our_tag_carries_no_signature_of_ours() -> None:
    assert check(received(Draft(), [])) is None
    assert check(Draft(parameters={"tag": '"web-bot-auth"'}).sign()) is None
    assert check(Draft(parameters={"tag": None}).sign()) is None


MALFORMED, COVERAGE = "signature_malformed", "signature_coverage"
INVALID, DIGEST = "signature_invalid", "signature_digest"


def two_signatures() -> ReceivedRequest:
    second = Draft(label="again").sign()
    return adding(
        Draft().sign(),
        ("Signature-Input", header(second, "signature-input")),
        ("Signature", header(second, "signature")),
    )


def repeated_label() -> ReceivedRequest:
    request = Draft().sign()
    return adding(request, ("Signature-Input", header(request, "signature-input")))


def wrongly_signed(signature: str) -> ReceivedRequest:
    return with_headers(Draft().sign(), signature=signature)


def uncovered(name: str, value: str) -> ReceivedRequest:
    return adding(Draft().sign(), (name, value))


def covers(*names: str) -> ReceivedRequest:
    return Draft(components=covering("@method", "@authority", "@path", *names)).sign()


def says(**parameters: str | None) -> ReceivedRequest:
    return Draft(parameters=parameters).sign()


FORGED_LINE = 'k\n"@path": /v1/governance/agents'

ATTACKS: dict[str, tuple[Callable[[], ReceivedRequest], str]] = {
    # the parameters
    "no nonce": (lambda: says(nonce=None), MALFORMED),
    "a nonce of fewer than 96 bits": (lambda: says(nonce='"c2hvcnQ"'), MALFORMED),
    "a nonce of another alphabet": (lambda: says(nonce='"!!!!!!!!!!!!!!!!!!!!"'), MALFORMED),
    "a nonce that would fill the table": (lambda: says(nonce=f'"{"A" * 87}"'), MALFORMED),
    "a nonce that is no string": (lambda: says(nonce="1234567890123"), MALFORMED),
    "no creation time": (lambda: says(created=None), MALFORMED),
    "a creation time with a fraction": (lambda: says(created=f"{NOW}.5"), MALFORMED),
    "a creation time as a date": (lambda: says(created=f"@{NOW}"), MALFORMED),
    "no expiry": (lambda: says(expires=None), MALFORMED),
    "no key": (lambda: says(keyid=None), MALFORMED),
    "a key that is no thumbprint": (lambda: says(keyid='"agent-1"'), MALFORMED),
    "another algorithm": (lambda: says(alg='"hmac-sha256"'), MALFORMED),
    "an algorithm as a token": (lambda: says(alg="ed25519"), MALFORMED),
    "an unknown parameter": (lambda: says(context='"x"'), MALFORMED),
    "our tag as a token": (lambda: says(tag="gov-agent-v1"), MALFORMED),
    # time
    "a lifetime of 61 s": (lambda: says(expires=str(NOW + 61)), "signature_lifetime"),
    "a lifetime of a year": (lambda: says(expires=str(NOW + 31_536_000)), "signature_lifetime"),
    "an expiry before the creation": (lambda: says(expires=str(NOW - 1)), "signature_lifetime"),
    "an expired signature": (
        lambda: says(created=str(NOW - 36), expires=str(NOW - 6)),
        "signature_expired",
    ),
    "a signature from the future": (
        lambda: says(created=str(NOW + 6), expires=str(NOW + 36)),
        "signature_not_yet_valid",
    ),
    # the signature
    "an unknown key": (lambda: Draft(key=STRANGER).sign(), "signature_key_unknown"),
    "another's key": (
        lambda: Draft(key=STRANGER, parameters={"keyid": f'"{keyid()}"'}).sign(),
        INVALID,
    ),
    "a truncated signature": (lambda: wrongly_signed(f"gov=:{'A' * 84}:"), INVALID),
    "an empty signature": (lambda: wrongly_signed("gov=::"), INVALID),
    "a signature of zeros": (lambda: wrongly_signed(f"gov=:{'A' * 86}==:"), INVALID),
    "a signature that is a string": (lambda: wrongly_signed('gov="c2ln"'), MALFORMED),
    "a signature that is a list": (lambda: wrongly_signed("gov=(:AA==:)"), MALFORMED),
    "a signature under another label": (lambda: wrongly_signed("other=:AA==:"), MALFORMED),
    "no signature": (lambda: with_headers(Draft().sign(), signature=None), MALFORMED),
    "two signatures with our tag": (two_signatures, MALFORMED),
    "one label twice": (repeated_label, MALFORMED),
    "a parameter twice": (lambda: says(created=f"{NOW};created={NOW}"), MALFORMED),
    "parameters without components": (
        lambda: with_headers(Draft().sign(), signature_input='gov=1;tag="gov-agent-v1"'),
        MALFORMED,
    ),
    "a header that is no dictionary": (
        lambda: with_headers(Draft().sign(), signature_input='gov=("@method'),
        MALFORMED,
    ),
    "a header beyond ASCII": (
        lambda: with_headers(Draft().sign(), signature_input='gov=("ü");tag="gov-agent-v1"'),
        MALFORMED,
    ),
    "a header without end": (
        lambda: with_headers(Draft().sign(), signature_input="a=1, " * 2000 + "b"),
        MALFORMED,
    ),
    # coverage
    "an uncovered method": (
        lambda: Draft(components=covering("@authority", "@path", "@query")).sign(),
        COVERAGE,
    ),
    "an uncovered query": (lambda: covers("content-type", "content-digest"), COVERAGE),
    "an uncovered content type": (lambda: covers("@query", "content-digest"), COVERAGE),
    "an uncovered body": (lambda: covers("@query", "content-type"), COVERAGE),
    "an uncovered delegation": (lambda: uncovered("Gov-Delegation", "eyJ"), COVERAGE),
    "an uncovered authorization": (lambda: uncovered("Authorization", "Bearer x"), COVERAGE),
    "an uncovered idempotency key": (lambda: uncovered("Idempotency-Key", "k"), COVERAGE),
    "an uncovered content encoding": (lambda: uncovered("Content-Encoding", "gzip"), COVERAGE),
    "an uncovered statement to policy": (
        lambda: uncovered("X-Governance-Deep-Fake", "no"),
        COVERAGE,
    ),
    "another statement to policy": (
        lambda: with_headers(
            Draft(headers=(JSON, ("X-Governance-Deep-Fake", "yes"))).sign(),
            x_governance_deep_fake="no",
        ),
        INVALID,
    ),
    "a component twice": (
        lambda: covers("@query", "content-type", "content-digest", "@path"),
        COVERAGE,
    ),
    "a component that we don't check": (
        lambda: covers("@query", "content-type", "content-digest", "@target-uri"),
        COVERAGE,
    ),
    "a component with a parameter": (
        lambda: Draft(
            components=[
                *covering("@method", "@authority", "@path", "@query", "content-type"),
                '"content-digest";key="sha-256"',
            ]
        ).sign(),
        MALFORMED,
    ),
    "a component as a token": (
        lambda: Draft(components=["method", *covering("@authority", "@path", "@query")]).sign(),
        MALFORMED,
    ),
    "a component that the request lacks": (
        lambda: with_headers(Draft().sign(), content_type=None),
        MALFORMED,
    ),
    # the message
    "another method": (lambda: replace(Draft().sign(), method="DELETE"), INVALID),
    "another path": (lambda: replace(Draft().sign(), path="/v1/videos/gen_1"), INVALID),
    "another spelling of the path": (lambda: replace(Draft().sign(), path="/v1/%76ideos"), INVALID),
    "another query": (lambda: replace(Draft().sign(), query="dry_run=true"), INVALID),
    "a dropped query": (lambda: replace(Draft().sign(), query=""), INVALID),
    "a request to another service": (lambda: Draft(authority="other.example").sign(), INVALID),
    "another content type": (
        lambda: with_headers(Draft().sign(), content_type="text/plain"),
        INVALID,
    ),
    "another idempotency key": (
        lambda: with_headers(
            Draft(headers=(JSON, ("Idempotency-Key", "a"))).sign(), idempotency_key="b"
        ),
        INVALID,
    ),
    "a dropped idempotency key": (
        lambda: with_headers(
            Draft(headers=(JSON, ("Idempotency-Key", "a"))).sign(), idempotency_key=None
        ),
        COVERAGE,
    ),
    "an idempotency key twice": (
        lambda: adding(
            Draft(headers=(JSON, ("Idempotency-Key", "a"))).sign(), ("idempotency-key", "b")
        ),
        MALFORMED,
    ),
    "a line smuggled into a header": (
        lambda: Draft(headers=(JSON, ("Idempotency-Key", FORGED_LINE))).sign(),
        MALFORMED,
    ),
    # the body
    "another body": (
        lambda: replace(Draft().sign(), body_sha256=body_digest(BODY + b" ")),
        DIGEST,
    ),
    "a body taken away": (lambda: replace(Draft().sign(), body_sha256=None), DIGEST),
    "a body slipped in": (
        lambda: replace(Draft(method="GET", body=b"").sign(), body_sha256=body_digest(BODY)),
        COVERAGE,
    ),
    "a removed digest": (lambda: with_headers(Draft().sign(), content_digest=None), DIGEST),
    "a digest by sha-512": (lambda: Draft(digest=f"sha-512=:{'A' * 86}==:").sign(), DIGEST),
    "two digests": (
        lambda: Draft(digest=f"{content_digest(BODY)}, sha-512=:{'A' * 86}==:").sign(),
        DIGEST,
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_refuses(attack: str) -> None:
    forge, code = ATTACKS[attack]
    with pytest.raises(Unauthenticated) as refusal:
        check(forge())
    assert refusal.value.code == code
    assert refusal.value.details["server_time"] == clock.rfc3339(clock.now())


def test_it_refuses_a_key_of_small_order_that_fits_two_messages() -> None:
    """With the neutral element as key, R = neutral element and S = 0 solve every equation."""
    weak = bytes([1]) + bytes(31)
    signature = bytes([1]) + bytes(63)
    for message in (b"pay 1 EUR", b"pay 1000000 EUR"):
        Ed25519PublicKey.from_public_bytes(weak).verify(signature, message)

    class WeakKey:
        verify_key = weak

    request = Draft(parameters={"keyid": f'"{keyid(WeakKey())}"'}).sign()  # type: ignore[arg-type]
    encoded = "AQ" + "A" * 84 + "=="
    forged = with_headers(request, signature=f"gov=:{encoded}:")
    with pytest.raises(Unauthenticated) as refusal:
        check(forged, lambda _: weak)
    assert refusal.value.code == INVALID
