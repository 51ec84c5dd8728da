"""Decisions that people signed: who enrolled what when, and what exactly was signed."""

import builtins
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import webauthn
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import assertion, statements, verify
from governance.evidence.assertion import ED25519, ES256, Enrolment
from governance.evidence.encoding import decode64url, encode64url
from governance.evidence.errors import EvidenceError
from governance.evidence.record import Record
from tests.evidence import samples
from tests.evidence.samples import ALICE, BOB, GENERATION, ROOT, Body
from tests.identity.authenticator import PRESENT, VERIFIED, Authenticator

ORIGIN, SITE = "https://gov.example", "gov.example"
SERVICE = "service.acme"


def device(algorithm: str = ED25519) -> Authenticator:
    return Authenticator(ORIGIN, SITE, algorithm, seed=b"\7" * 32, credential=b"\5" * 32)


def changed(key: Authenticator, person: str, action: str = "enrolled", **other: Any) -> Body:
    return {
        "action": action,
        "kind": "webauthn",
        "person": person,
        "organisation": "acme",
        "credential": key.id,
        "public_key": encode64url(key.public_key),
        "algorithm": key.algorithm,
        "rp_id": "gov.example",
        "by": person,
        **other,
    }


def signed(body: Body, key: Authenticator, **bent: Any) -> Body:
    """A decision's body with the person's signature; bent: what the authenticator does wrong."""
    policy = samples.released()[1][1]["policy"]
    statement = {**body, "assurance": "A", "generation": GENERATION, "policy": policy}
    answer = key.sign(assertion.challenge(statement), **bent)
    return {**statement, "proof": assertion.proof(answer, key.algorithm)}


def history(
    key: Authenticator,
    changes: list[Body] | None = None,
    edit: Callable[[Body], Body] = lambda body: body,
    **bent: Any,
) -> list[Record]:
    """Enrolments, then a generation of which Alice signed her decision; the log in order.

    edit: what happens to her decision's record after it was signed.
    """
    enrolments = [changed(key, ALICE)] if changes is None else changes
    story = samples.released()
    for place, (event, body) in enumerate(story):
        if event == "review.decided" and body["person"] == ALICE:
            story[place] = (event, edit(signed(body, key, **bent)))
    service = [("authenticator.changed", body) for body in enrolments]
    return samples.told(service, SERVICE) + samples.told(story)


def check(records: list[Record]) -> str:
    return statements.check(list(enumerate(records)))


def refusal(records: list[Record]) -> EvidenceError:
    with pytest.raises(EvidenceError) as error:
        check(records)
    return error.value


@pytest.mark.parametrize("algorithm", [ED25519, ES256])
def test_a_signed_decision_is_verified_from_the_bundle_alone(algorithm: str) -> None:
    files = samples.bundle_of(history(device(algorithm)))
    verdict = verify.verify_files(files, ROOT.keyid)
    assert verdict.failure is None
    step = next(step for step in verdict.steps if step.name == "statements")
    assert step.result == (
        "1 decision signed by the authenticator that this service enrolled for the person; "
        "1 without an authenticator's signature (assurance C)"
    )


def test_without_decisions_there_is_nothing_to_verify() -> None:
    assert check(samples.told(samples.imported())) == "no person decided anything"


def test_a_signed_approval_of_a_spend_is_verified_too() -> None:
    key = device()
    story = samples.released()[:2]
    body = samples.OTHERWISE["approval.decided"]
    records = samples.told([("authenticator.changed", changed(key, ALICE))], SERVICE)
    records += samples.told([*story, ("approval.decided", signed(body, key))])
    assert check(records).startswith("1 decision signed")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digest", "f" * 64),
        ("decision", "reject"),
        ("reason", "another_reason"),
        ("review", "rev_" + "f" * 32),
        ("played", {"seconds": "9.000", "share": "1.0000", "muted": False, "blurred": False}),
        ("deep_fake", "no"),
    ],
)
@pytest.mark.parametrize("algorithm", [ED25519, ES256])
def test_nothing_that_was_signed_can_be_swapped(algorithm: str, name: str, value: Any) -> None:
    error = refusal(history(device(algorithm), edit=lambda body: {**body, name: value}))
    assert error.code == "statement_unproven"
    assert "signs another statement" in error.message


def test_a_swapped_digest_fails_the_whole_bundle() -> None:
    """Even where the operator signs the swap and everything else with the service's own keys."""
    other = "f" * 64
    story = samples.released()
    swapped: list[tuple[str, Body]] = []
    for event, body in story:
        text = deepcopy(body)
        if event == "review.decided" and body["person"] == ALICE:
            text = signed(body, device())
        swapped.append((event, _replaced(text, samples.DELIVERED, other)))
    records = samples.told([("authenticator.changed", changed(device(), ALICE))], SERVICE)
    files = samples.bundle_of(records + samples.told(swapped))
    verdict = verify.verify_files(files, ROOT.keyid)
    assert verdict.failed_step == "statements"


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(inner, old, new) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, old, new) for inner in value]
    return new if value == old else value


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([], "was not enrolled"),
        ([changed(device(), BOB)], "another person"),
        ([changed(device(), ALICE), changed(device(), ALICE, "revoked")], "was not enrolled"),
        ([changed(Authenticator(ORIGIN, SITE), ALICE)], "was not enrolled"),
        ([changed(device(), ALICE, rp_id="other.example")], "another site"),
        (
            [changed(device(), ALICE, public_key=encode64url(Authenticator().public_key))],
            "not that of the enrolled key",
        ),
        ([changed(device(), ALICE, algorithm=ES256)], "another person or algorithm"),
    ],
)
def test_a_signature_counts_only_for_whom_the_key_was_enrolled_before(
    changes: list[Body], why: str
) -> None:
    error = refusal(history(device(), changes))
    assert error.code == "statement_unproven"
    assert why in error.message


def test_an_enrolment_after_the_decision_proves_nothing() -> None:
    records = history(device())
    assert "was not enrolled" in refusal([*records[1:], records[0]]).message


def test_a_revocation_after_the_decision_takes_nothing_back() -> None:
    records = history(device())
    revoked = samples.record(
        "authenticator.changed",
        changed(device(), ALICE, "revoked"),
        stream=SERVICE,
        seq=1,
        prev=records[0].leaf,
    )
    assert check([*records, revoked]).startswith("1 decision signed")


@pytest.mark.parametrize(
    ("bent", "why"),
    [
        ({"origin": "https://evil.example"}, "another site"),
        ({"origin": "https://gov.example.evil.example"}, "another site"),
        ({"origin": "https://notgov.example"}, "another site"),
        ({"origin": "http://gov.example"}, "another site"),
        ({"origin": "https://["}, "another site"),
        ({"rp_id": "evil.example"}, "another site"),
        ({"flags": PRESENT}, "did not verify"),
        ({"flags": VERIFIED}, "did not verify"),
        ({"kind": "webauthn.create"}, "not an answer"),
        ({"cross_origin": True}, "another origin"),
        ({"seed": b"\1" * 32}, "not that of the enrolled key"),
    ],
)
@pytest.mark.parametrize("algorithm", [ED25519, ES256])
def test_an_assertion_that_is_not_quite_right_proves_nothing(
    algorithm: str, bent: dict[str, Any], why: str
) -> None:
    error = refusal(history(device(algorithm), **bent))
    assert error.code == "statement_unproven"
    assert why in error.message


def test_a_page_below_the_site_may_use_its_passkeys() -> None:
    assert check(history(device(), origin="https://desk.gov.example:8443")).startswith("1 ")


@pytest.mark.parametrize(
    ("name", "value"),
    [("generation", "gen_" + "f" * 32), ("policy", "f" * 64), ("assurance", "C")],
)
def test_the_signed_words_are_about_this_generation_and_its_policy(name: str, value: str) -> None:
    key = device()

    def sign_again(body: Body) -> Body:
        other = {**body, name: value}
        answer = key.sign(assertion.challenge(other))
        return {**other, "proof": assertion.proof(answer, key.algorithm)}

    assert refusal(history(key, edit=sign_again)).code == "statement_wrong"


def test_assurance_a_needs_a_signature() -> None:
    def stripped(body: Body) -> Body:
        return {name: value for name, value in body.items() if name != "proof"}

    error = refusal(history(device(), edit=stripped))
    assert "claims assurance A and carries no signature" in error.message


def test_where_es256_cannot_be_checked_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *rest)

    records = history(device(ES256))
    monkeypatch.setattr(builtins, "__import__", without)
    assert "1 not checked: ES256 needs the package `cryptography`" in check(records)
    monkeypatch.undo()
    assert "not checked" not in check(records)


def test_one_time_codes_prove_nothing_and_disturb_nothing() -> None:
    code = changed(
        device(),
        ALICE,
        kind="totp",
        credential=None,
        public_key=None,
        algorithm=None,
        rp_id=None,
    )
    assert check(history(device(), [changed(device(), ALICE), code])).startswith("1 ")
    assert "was not enrolled" in refusal(history(device(), [code])).message


@pytest.mark.parametrize("algorithm", [ED25519, ES256])
def test_a_library_that_we_did_not_write_agrees(algorithm: str) -> None:
    key, body = device(algorithm), {"person": ALICE, "digest": "0" * 64}
    answer = key.sign(assertion.challenge(body))
    response = {
        "clientDataJSON": encode64url(answer.client_data_json),
        "authenticatorData": encode64url(answer.authenticator_data),
        "signature": encode64url(answer.signature),
    }
    verified = webauthn.verify_authentication_response(
        credential={"id": key.id, "rawId": key.id, "type": "public-key", "response": response},
        expected_challenge=assertion.challenge(body),
        expected_rp_id="gov.example",
        expected_origin="https://gov.example",
        credential_public_key=key.public_key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    assert verified.user_verified
    enrolment = Enrolment(key.id, ALICE, key.public_key, algorithm, "gov.example")
    assert assertion.verify({**body, "proof": assertion.proof(answer, algorithm)}, enrolment)


PARTS = ("authenticator_data", "client_data_json", "signature")


@given(
    st.sampled_from([ED25519, ES256]), st.sampled_from(PARTS), st.integers(0, 4000), st.integers(0)
)
def test_every_bit_of_a_proof_matters(algorithm: str, part: str, place: int, bit: int) -> None:
    key, statement = device(algorithm), {"person": ALICE, "digest": "0" * 64}
    proof = assertion.proof(key.sign(assertion.challenge(statement)), algorithm)
    data = bytearray(decode64url(proof[part], part))
    data[place % len(data)] ^= 1 << bit % 8
    enrolment = Enrolment(key.id, ALICE, key.public_key, algorithm, "gov.example")
    with pytest.raises(EvidenceError):
        assertion.verify(
            {**statement, "proof": {**proof, part: encode64url(bytes(data))}}, enrolment
        )
