"""Decisions that a person's passkey signs, over the programs' interface; and who must be fresh."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from governance.evidence import assertion
from governance.evidence.assertion import ED25519, ES256, Assertion
from governance.evidence.encoding import decode64url, encode64url
from governance.identity import passkeys, totp
from governance.identity.tables import PersonSession
from governance.kernel import clock
from tests.api.site import Site, refusal
from tests.api.test_reviews import QUEUE, decision
from tests.identity.authenticator import PRESENT, Authenticator

PEOPLE = "/v1/governance/people"


def proof(answer: Assertion) -> dict[str, str]:
    return {
        "credential": answer.credential,
        "authenticator_data": encode64url(answer.authenticator_data),
        "client_data_json": encode64url(answer.client_data_json),
        "signature": encode64url(answer.signature),
    }


def equip(site: Site, name: str, algorithm: str = ED25519) -> Authenticator:
    """Enrol a passkey for somebody."""
    context, person = site.service.context, site.principals[name].id
    here = passkeys.site_of(site.url)
    device = Authenticator(here.origin, here.id, algorithm)
    options = context.database.write(lambda c: passkeys.enrolment_options(c, here, person))
    answer = device.create(options)
    context.database.write(
        lambda c: passkeys.enrol(c, context.ledger, here, person, answer, "Laptop")
    )
    return device


def grow_old(site: Site, name: str) -> None:
    """As if somebody had signed in an hour ago."""
    aged = (
        update(PersonSession)
        .where(col(PersonSession.person) == site.principals[name].id)
        .values(authenticated_at=clock.now() - timedelta(hours=1))
    )
    site.service.context.database.write(lambda c: c.execute(aged))


@pytest.fixture
def anna(site: Site) -> str:
    """A reviewer of this test's own."""
    name = "anna"
    site.hire(name, "reviewer", "compliance_officer")
    return name


def claimed(site: Site, name: str, **declared: Any) -> dict[str, Any]:
    """A review that waits for one person, whose it is now."""
    made = site.create(real_person="unknown", **declared)["id"]
    review = site.wait(made, "in_review")["governance"]["review"]
    assert site[name].post(f"{QUEUE}/{review}/claim").status_code == 200
    found: dict[str, Any] = site[name].get(f"{QUEUE}/{review}").json()
    return found


def stated(site: Site, name: str, review: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = site[name].post(f"{QUEUE}/{review['id']}/statement", json=decision(review, **changes))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("algorithm", [ED25519, ES256])
def test_a_statement_is_asked_for_signed_and_recorded(
    site: Site, anna: str, algorithm: str
) -> None:
    device = equip(site, anna, algorithm)
    review = claimed(site, anna)
    with site.recorded():
        asked = stated(site, anna, review)
    challenge = assertion.challenge(asked["statement"])
    assert decode64url(asked["challenge"], "challenge") == challenge
    assert [one["id"] for one in asked["options"]["allowCredentials"]] == [device.id]
    body = decision(review, proof=proof(device.sign(challenge)))
    with site.recorded("review.decided", "asset.released"):
        after = site[anna].post(f"{QUEUE}/{review['id']}/decision", json=body)
    assert after.json()["state"] == "released", after.text
    records = site.service.records(review["generation"])
    (made,) = [record.body for record in records if record.event == "review.decided"]
    assert made["assurance"] == "A"
    assert {name: value for name, value in made.items() if name != "proof"} == asked["statement"]


@pytest.mark.parametrize("bent", [{"flags": PRESENT}, {"origin": "https://evil.example"}])
def test_a_proof_that_is_not_quite_right_decides_nothing(
    site: Site, anna: str, bent: dict[str, Any]
) -> None:
    device, review = equip(site, anna), claimed(site, anna)
    challenge = assertion.challenge(stated(site, anna, review)["statement"])
    body = decision(review, proof=proof(device.sign(challenge, **bent)))
    with site.recorded():
        refusal(
            site[anna].post(f"{QUEUE}/{review['id']}/decision", json=body), 401, "passkey_refused"
        )


def test_a_proof_of_another_decision_decides_nothing(site: Site, anna: str) -> None:
    device, review = equip(site, anna), claimed(site, anna)
    challenge = assertion.challenge(stated(site, anna, review)["statement"])
    given = proof(device.sign(challenge))
    path = f"{QUEUE}/{review['id']}/decision"
    for changes in (
        {"reason": "finding_explained", "comment": "A statue."},
        {"played": {"seconds": "9"}},
        {"deep_fake": "no"},
    ):
        with site.recorded():
            body = decision(review, proof=given, **changes)
            refusal(site[anna].post(path, json=body), 401, "passkey_refused")


def test_the_passkey_of_somebody_else_decides_nothing(site: Site, anna: str) -> None:
    site.hire("otto", "reviewer")
    foreign, review = equip(site, "otto"), claimed(site, anna)
    equip(site, anna)
    challenge = assertion.challenge(stated(site, anna, review)["statement"])
    body = decision(review, proof=proof(foreign.sign(challenge)))
    with site.recorded():
        refusal(
            site[anna].post(f"{QUEUE}/{review['id']}/decision", json=body), 401, "passkey_refused"
        )


def test_without_a_passkey_there_is_nothing_to_sign_with(site: Site, anna: str) -> None:
    review = claimed(site, anna)
    answer = site[anna].post(f"{QUEUE}/{review['id']}/statement", json=decision(review))
    refusal(answer, 404, "passkey_unknown")


class TestDeepFakes:
    def test_an_approval_says_what_the_request_left_open(self, site: Site, anna: str) -> None:
        review = claimed(site, anna, deep_fake="unknown")
        path = f"{QUEUE}/{review['id']}/decision"
        with site.recorded():
            refusal(site[anna].post(path, json=decision(review)), 400, "deep_fake_unconfirmed")
        after = site[anna].post(path, json=decision(review, deep_fake="no"))
        assert after.json()["state"] == "released"

    def test_a_deep_fake_that_was_asked_for_as_none_does_not_go_out(
        self, site: Site, anna: str
    ) -> None:
        review = claimed(site, anna, deep_fake="no")
        path = f"{QUEUE}/{review['id']}/decision"
        with site.recorded():
            answer = site[anna].post(path, json=decision(review, deep_fake="yes"))
            refusal(answer, 409, "deep_fake_unlabelled")
        body = decision(
            review,
            decision="reject",
            reason="misleading_content",
            comment="It looks like the mayor.",
            deep_fake="yes",
        )
        assert site[anna].post(path, json=body).json()["state"] == "rejected"

    def test_one_that_bears_its_label_may(self, site: Site, anna: str) -> None:
        review = claimed(site, anna, deep_fake="unknown")
        story = site.service.story(review["generation"])
        path = f"{QUEUE}/{review['id']}/decision"
        answer = site[anna].post(path, json=decision(review, deep_fake="yes"))
        if "label.visible" in story.enforced:
            assert answer.json()["state"] == "released"
        else:
            refusal(answer, 409, "deep_fake_unlabelled")


class TestFreshness:
    def test_an_unsigned_approval_long_after_signing_in_is_refused(
        self, site: Site, anna: str
    ) -> None:
        review = claimed(site, anna)
        grow_old(site, anna)
        path = f"{QUEUE}/{review['id']}/decision"
        with site.recorded():
            refusal(site[anna].post(path, json=decision(review)), 403, "step_up_required")
        device = equip(site, anna)
        challenge = assertion.challenge(stated(site, anna, review)["statement"])
        body = decision(review, proof=proof(device.sign(challenge)))
        assert site[anna].post(path, json=body).json()["state"] == "released"

    def test_a_rejection_is_not(self, site: Site, anna: str) -> None:
        review = claimed(site, anna)
        grow_old(site, anna)
        body = decision(review, decision="reject", reason="misleading_content", comment="No.")
        answer = site[anna].post(f"{QUEUE}/{review['id']}/decision", json=body)
        assert answer.json()["state"] == "rejected"

    def test_administration_is_refused_and_looking_is_not(self, site: Site) -> None:
        site.hire("chief", "administrator")
        grow_old(site, "chief")
        with site.recorded():
            body = {"username": "late", "name": "Too Late"}
            refusal(site["chief"].post(PEOPLE, json=body), 403, "step_up_required")
            assert site["chief"].get(PEOPLE).status_code == 200

    def test_stopping_never_waits_and_lifting_does(self, site: Site) -> None:
        site.hire("guard", "administrator")
        grow_old(site, "guard")
        body = {"scope": f"agent:{site.principals['intern'].id}", "reason": "misuse"}
        path = "/v1/governance/switches"
        answer = site["guard"].post(path, json=body)
        assert answer.status_code == 201, answer.text
        refusal(site["guard"].post(f"{path}/lift", json=body), 403, "step_up_required")
        assert site["admin"].post(f"{path}/lift", json=body).status_code == 200


class TestAdministration:
    def test_an_administrator_sees_and_takes_back_what_somebody_signs_in_with(
        self, site: Site, anna: str
    ) -> None:
        device, person = equip(site, anna), site.principals[anna].id
        context = site.service.context
        listed = site["admin"].get(f"{PEOPLE}/{person}/authenticators").json()
        assert [one["id"] for one in listed["data"]] == [device.id]
        assert listed["totp"] is False
        with site.recorded("authenticator.changed"):
            path = f"{PEOPLE}/{person}/passkeys/{device.id}/revoke"
            assert site["admin"].post(path).status_code == 200
        refusal(site[anna].get(QUEUE), 401, "session_expired")
        refusal(site["admin"].post(path), 404, "passkey_unknown")

        reset = f"{PEOPLE}/{person}/totp/reset"
        refusal(site["admin"].post(reset), 404, "totp_missing")
        assert context.database.write(lambda c: totp.begin(c, context.ledger, person))
        refusal(site["admin"].post(reset), 404, "totp_missing")

    def test_nobody_else_may(self, site: Site, anna: str) -> None:
        person = site.principals[anna].id
        for caller in (anna, "reviewer"):
            refusal(site[caller].get(f"{PEOPLE}/{person}/authenticators"), 403, "access_denied")
        stranger = site.principals["stranger"].id
        refusal(site["admin"].get(f"{PEOPLE}/{stranger}/authenticators"), 404, "person_not_found")
        refusal(site["admin"].post(f"{PEOPLE}/{stranger}/totp/reset"), 404, "person_not_found")


def test_a_signed_approval_of_a_spend(site: Site, anna: str) -> None:
    device = equip(site, anna)
    body = {
        "media": "video",
        "model": "self/wan2.2-a14b",
        "prompt": "a calm sea",
        "seconds": 1,
        "size": "496x496",
        "governance": {
            "project": "launch",
            "territories": ["EU"],
            "audience": "internal",
            "deep_fake": "no",
            "real_person": "no",
        },
    }
    made = site["agent"].post("/v1/governance/generations", json=body).json()["id"]
    site.wait(made, "awaiting_approval")
    path = f"/v1/governance/generations/{made}/approval"
    choice = {"decision": "refuse", "reason": "budget_not_justified"}
    asked = site[anna].post(f"{path}/statement", json=choice).json()
    given = proof(device.sign(assertion.challenge(asked["statement"])))
    refusal(
        site[anna].post(
            path, json={"decision": "approve", "reason": "spend_justified", "proof": given}
        ),
        401,
        "passkey_refused",
    )
    assert site[anna].post(path, json={**choice, "proof": given}).status_code == 200
    records = site.service.records(made)
    (decided,) = [one.body for one in records if one.event == "approval.decided"]
    assert (decided["assurance"], decided["generation"]) == ("A", made)
