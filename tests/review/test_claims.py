"""One person at a time works on a review."""

from datetime import timedelta

import pytest

from governance.kernel.database import Database
from governance.kernel.errors import Conflict, Denied, NotFound
from governance.review import queue, reviews
from tests.review.conftest import AGENT, ALICE, BOB, CLAIM, NOW, REQUESTER, Desk


def claimant(desk: Desk) -> str | None:
    with desk.database.read() as session:
        return queue.get(session, desk.review, NOW).claimed_by


def test_a_claim_holds_the_review_for_one_person(desk: Desk) -> None:
    desk.claim(ALICE)
    assert claimant(desk) == ALICE


def test_a_second_person_is_told_until_when_the_first_holds_it(desk: Desk) -> None:
    desk.claim(ALICE)
    with pytest.raises(Conflict, match=r"until 2026-11-22T09:30:00") as refused:
        desk.claim(BOB)
    assert refused.value.code == "review_claimed"
    assert refused.value.details == {"until": "2026-11-22T09:30:00.000000Z"}
    assert claimant(desk) == ALICE


def test_ones_own_claim_is_renewed(desk: Desk) -> None:
    desk.claim(ALICE)
    desk.claim(ALICE, at=NOW + timedelta(minutes=20))
    with pytest.raises(Conflict):
        desk.claim(BOB, at=NOW + timedelta(minutes=45))


def test_an_expired_claim_is_taken_over(desk: Desk) -> None:
    desk.claim(ALICE)
    desk.claim(BOB, at=NOW + CLAIM)
    with pytest.raises(Conflict) as refused:
        desk.decide(ALICE, at=NOW + CLAIM)
    assert refused.value.code == "claim_missing"


def test_a_released_claim_is_free_for_others(desk: Desk) -> None:
    desk.claim(ALICE)
    desk.release(ALICE)
    desk.claim(BOB)
    assert claimant(desk) == BOB


def test_nobody_releases_the_claim_of_another(desk: Desk) -> None:
    desk.claim(ALICE)
    desk.release(BOB)
    assert claimant(desk) == ALICE


@pytest.mark.parametrize("involved", [REQUESTER, AGENT])
def test_whoever_is_involved_cannot_claim(desk: Desk, involved: str) -> None:
    with pytest.raises(Denied) as refused:
        desk.claim(involved)
    assert refused.value.code in ("separation_of_duties", "people_only")
    assert claimant(desk) is None


def test_a_program_cannot_claim(desk: Desk) -> None:
    with pytest.raises(Denied) as refused:
        desk.claim("svc_" + "9" * 32)
    assert refused.value.code == "people_only"


def test_a_closed_review_cannot_be_claimed(desk: Desk) -> None:
    desk.close()
    with pytest.raises(Conflict) as refused:
        desk.claim(ALICE)
    assert refused.value.code == "review_closed"


def test_an_expired_review_cannot_be_claimed(desk: Desk) -> None:
    with pytest.raises(Conflict) as refused:
        desk.claim(ALICE, at=NOW + timedelta(days=7))
    assert refused.value.code == "review_expired"


def test_a_review_that_does_not_exist_cannot_be_claimed(database: Database) -> None:
    with pytest.raises(NotFound) as refused:
        database.write(lambda c: reviews.claim(c, "rev_none", ALICE, NOW, NOW + CLAIM))
    assert refused.value.code == "review_unknown"
