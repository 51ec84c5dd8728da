"""People decide: over exactly one file, one at a time, never on their own request."""

from typing import Any

import pytest

from tests.api.site import Site, refusal

QUEUE = "/v1/governance/reviews"


@pytest.fixture
def review(site: Site) -> dict[str, Any]:
    """A review that waits for two people, as the queue shows it."""
    made = site.create(real_person="yes", consent=site.consent())["id"]
    video = site.wait(made, "in_review")
    answer = site["reviewer"].get(f"{QUEUE}/{video['governance']['review']}")
    found: dict[str, Any] = answer.json()
    assert found["generation"] == made
    return found


def decision(review: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {
        "decision": "approve",
        "reason": "fit_for_release",
        "digest": review["digest"],
        "played": {"seconds": "1.5", "share": 1, "muted": True},
    }
    return {**body, **changes}


def test_two_people_release_what_two_people_must_see(site: Site, review: dict[str, Any]) -> None:
    path = f"{QUEUE}/{review['id']}"
    assert (review["count"], review["approvals"]) == (2, 0)
    listed = site["second"].get(QUEUE, params={"project": "launch"}).json()["data"]
    assert review["id"] in {item["id"] for item in listed}
    with site.recorded("review.claimed", "review.decided"):
        assert site["reviewer"].post(f"{path}/claim").status_code == 200
        after = site["reviewer"].post(f"{path}/decision", json=decision(review)).json()
    assert (after["state"], after["approvals"]) == ("in_review", 1)
    with site.recorded("review.claimed", "review.decided", "asset.released"):
        site["second"].post(f"{path}/claim")
        after = site["second"].post(f"{path}/decision", json=decision(review)).json()
    assert after["state"] == "released"
    refusal(site["second"].post(f"{path}/claim"), 409, "not_in_review")


def test_nobody_decides_twice(site: Site, review: dict[str, Any]) -> None:
    path = f"{QUEUE}/{review['id']}"
    site["reviewer"].post(f"{path}/claim")
    site["reviewer"].post(f"{path}/decision", json=decision(review))
    with site.recorded():
        refusal(site["reviewer"].post(f"{path}/claim"), 409, "already_decided")


def test_a_rejection_ends_it(site: Site, review: dict[str, Any]) -> None:
    path = f"{QUEUE}/{review['id']}"
    site["reviewer"].post(f"{path}/claim")
    body = decision(review, decision="reject", reason="misleading_content", comment="Not us.")
    after = site["reviewer"].post(f"{path}/decision", json=body)
    assert after.json()["state"] == "rejected"
    video = site["agent"].get(f"/v1/videos/{review['generation']}").json()
    assert (video["status"], video["error"]["code"]) == ("failed", "review_denied")
    assert (
        "Not us."
        not in site["auditor"].get(f"/v1/governance/records?generation={review['generation']}").text
    )


def test_who_asked_or_is_no_person_cannot_decide(site: Site, review: dict[str, Any]) -> None:
    path = f"{QUEUE}/{review['id']}/decision"
    scopes = ["review:decide", "review:claim"]
    site.employ("machine", scopes, "reviewer", by="reviewer")
    for caller in ("agent", "producer", "machine", "auditor"):
        with site.recorded("access.denied"):
            refusal(site[caller].post(path, json=decision(review)), 403, "access_denied")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"decision": "maybe"}, 400, "request_invalid"),
        ({"reason": "because"}, 400, "reason_unknown"),
        ({"reason": "spend_justified"}, 400, "reason_unfitting"),
        ({"digest": "0" * 64}, 409, "media_changed"),
        ({"digest": "abc"}, 400, "request_invalid"),
        ({"played": {"share": 2}}, 400, "request_invalid"),
        ({"played": {"seconds": "NaN"}}, 400, "request_invalid"),
        ({"played": {"speed": 2}}, 400, "request_invalid"),
        ({"verdict": "approve"}, 400, "request_invalid"),
        ({"comment": "x" * 2001}, 400, "request_invalid"),
    ],
)
def test_a_decision_with_a_fault_decides_nothing(
    site: Site, review: dict[str, Any], changes: dict[str, Any], status: int, code: str
) -> None:
    path = f"{QUEUE}/{review['id']}"
    site["reviewer"].post(f"{path}/claim")
    with site.recorded():
        refusal(
            site["reviewer"].post(f"{path}/decision", json=decision(review, **changes)),
            status,
            code,
        )


def test_a_decision_needs_a_claim_of_ones_own(site: Site, review: dict[str, Any]) -> None:
    path = f"{QUEUE}/{review['id']}"
    with site.recorded():
        answer = site["reviewer"].post(f"{path}/decision", json=decision(review))
        refusal(answer, 409, "claim_missing")
    site["second"].post(f"{path}/claim")
    with site.recorded():
        refusal(site["reviewer"].post(f"{path}/claim"), 409, "review_claimed")
        answer = site["reviewer"].post(f"{path}/decision", json=decision(review))
        refusal(answer, 409, "claim_missing")


def test_another_organisations_review_does_not_exist(site: Site, review: dict[str, Any]) -> None:
    with site.recorded():
        for path in (review["id"], "rev_00000000000000000000000000000000"):
            error = refusal(site["stranger"].get(f"{QUEUE}/{path}"), 404, "review_unknown")
            assert review["generation"] not in error["message"]
        refusal(site["stranger"].post(f"{QUEUE}/{review['id']}/claim"), 404, "review_unknown")
    assert site["stranger"].get(QUEUE).json()["data"] == []
