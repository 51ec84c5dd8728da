"""Claiming and deciding by plain forms, without any script."""

from decimal import Decimal

import pytest

from governance.web.backend import Played
from tests.web.backend import IMAGE, VIDEO, MemoryBackend
from tests.web.serving import Browser


def form(backend: MemoryBackend, review: str = VIDEO, **changes: str) -> dict[str, str]:
    return {
        "digest": backend.cases[review].page.asset.digest,
        "decision": "approve",
        "reason": "fit_for_release",
        "comment": "",
        **changes,
    }


@pytest.fixture
def reviewer(browser: Browser) -> Browser:
    """Ana, who has claimed the clip."""
    browser.sign_in("ana")
    assert browser.post(f"/queue/{VIDEO}/claim").headers["location"] == f"/queue/{VIDEO}"
    return browser


def test_a_decision_is_handed_over_as_the_form_says(
    reviewer: Browser, backend: MemoryBackend
) -> None:
    played = {"played_seconds": "2.91", "played_muted": "yes", "played_blurred": "no"}
    fields = form(backend, comment=" Looks right. ", **played)
    response = reviewer.post(f"/queue/{VIDEO}/decision", fields)
    assert (response.status_code, response.headers["location"]) == (303, f"/queue?done={VIDEO}")
    (verdict,) = backend.verdicts
    assert (verdict.decision, verdict.reason) == ("approve", "fit_for_release")
    assert verdict.comment == "Looks right."
    assert verdict.played == Played(Decimal("2.9"), muted=True, blurred=False)
    assert "Your decision is recorded." in reviewer.get(response.headers["location"]).text


@pytest.mark.parametrize("sent", ["", "much", "-1", "NaN", "Infinity", "1e400"])
def test_without_a_measurement_nothing_counts_as_played(
    reviewer: Browser, backend: MemoryBackend, sent: str
) -> None:
    reviewer.post(f"/queue/{VIDEO}/decision", form(backend, played_seconds=sent))
    assert backend.verdicts[0].played.seconds == 0


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"decision": ""}, 422, "Decide approve, reject or return."),
        ({"reason": ""}, 422, "choose one of these reasons: fit_for_release"),
        ({"decision": "reject"}, 422, "“Fit for release” is no reason to reject"),
        ({"decision": "reject", "reason": "harmful_content"}, 422, "Add a comment"),
        ({"comment": "x" * 2001}, 422, "Shorten the comment to 2000 characters."),
        ({"digest": "0" * 64}, 409, "This is not the file under review"),
    ],
)
def test_a_decision_that_is_refused_keeps_what_was_filled_in(
    reviewer: Browser,
    backend: MemoryBackend,
    changes: dict[str, str],
    status: int,
    message: str,
) -> None:
    fields = form(backend, **{"comment": "Written with care", **changes})
    if "Add" in message:
        fields["comment"] = "  "
    response = reviewer.post(f"/queue/{VIDEO}/decision", fields)
    assert response.status_code == status
    assert message in response.text
    assert fields["comment"].strip() in response.text
    assert backend.verdicts == []


def test_a_review_that_somebody_else_works_on_cannot_be_claimed(
    browser: Browser, backend: MemoryBackend
) -> None:
    backend.claim(backend.principal("ben"), VIDEO)
    browser.sign_in("ana")
    response = browser.post(f"/queue/{VIDEO}/claim")
    assert response.status_code == 409
    assert "Somebody else is at work on this until" in response.text
    assert 'name="decision"' not in response.text


def test_whoever_had_a_part_in_the_request_is_offered_no_decision(browser: Browser) -> None:
    browser.sign_in("mira")
    assert "You had a part in it" in browser.get("/queue").text
    page = browser.get(f"/queue/{VIDEO}").text
    assert "somebody else decides on it" in page
    assert 'name="decision"' not in page
    assert browser.post(f"/queue/{VIDEO}/claim").status_code == 403


def test_two_people_are_seen_to_decide_one_after_the_other(
    reviewer: Browser, backend: MemoryBackend
) -> None:
    reviewer.post(f"/queue/{VIDEO}/decision", form(backend))
    assert "You have decided; it waits for another person" in reviewer.get("/queue").text
    reviewer.sign_in("ben")
    page = reviewer.get(f"/queue/{VIDEO}").text
    assert "1 of 2 people have approved" in page
    assert "<strong>Ana Ruiz</strong> approved: Fit for release" in page
    reviewer.post(f"/queue/{VIDEO}/claim")
    reviewer.post(f"/queue/{VIDEO}/decision", form(backend))
    assert "This review is closed." in reviewer.get(f"/queue/{VIDEO}").text
    assert "2 of 2 people have approved" in reviewer.get(f"/queue/{VIDEO}").text


def test_a_claim_is_given_back(reviewer: Browser, backend: MemoryBackend) -> None:
    response = reviewer.post(f"/queue/{VIDEO}/release", form(backend))
    assert response.headers["location"] == "/queue"
    assert backend.cases[VIDEO].claimed_by == ""


def test_a_decision_needs_a_claim(browser: Browser, backend: MemoryBackend) -> None:
    browser.sign_in()
    response = browser.post(f"/queue/{IMAGE}/decision", form(backend, IMAGE))
    assert response.status_code == 409
    assert "Claim this review" in response.text


@pytest.mark.parametrize(
    ("seconds", "duration", "share"),
    [("0", 8.0, "0"), ("4", 8.0, "0.5"), ("9", 8.0, "1"), ("1", 3.0, "0.333"), ("2", 0, "1")],
)
def test_the_share_played_is_of_the_files_duration(
    seconds: str, duration: float, share: str
) -> None:
    played = Played(Decimal(seconds), muted=False, blurred=False)
    assert played.share(duration) == Decimal(share)
