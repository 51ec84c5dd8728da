"""What people decide over a file, and before money is spent."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select
from sqlmodel import col

from governance.kernel.errors import Conflict, Denied, InvalidRequest
from governance.review import queue, separation
from governance.review.reviews import Tally
from governance.review.tables import Decision
from tests.review.conftest import ALICE, BOB, CAROL, CLAIM, NOW, REQUESTER, Desk


def test_one_approval_completes_a_review_that_needs_one(desk: Desk) -> None:
    assert desk.claim_and_decide(ALICE) == Tally(1, 1, is_complete=True, is_rejected=False)


def test_two_different_people_complete_a_review_that_needs_two(two_person_desk: Desk) -> None:
    first = two_person_desk.claim_and_decide(ALICE)
    assert first == Tally(1, 2, is_complete=False, is_rejected=False)
    second = two_person_desk.claim_and_decide(BOB)
    assert second == Tally(2, 2, is_complete=True, is_rejected=False)


def test_the_first_of_two_cannot_claim_again(two_person_desk: Desk) -> None:
    two_person_desk.claim_and_decide(ALICE)
    with pytest.raises(Conflict) as refused:
        two_person_desk.claim(ALICE)
    assert refused.value.code == "already_decided"


@pytest.mark.parametrize("decision", ["reject", "return"])
def test_a_single_objection_ends_the_review(two_person_desk: Desk, decision: str) -> None:
    two_person_desk.claim_and_decide(ALICE)
    tally = two_person_desk.claim_and_decide(BOB, decision)
    assert tally == Tally(1, 2, is_complete=False, is_rejected=True)
    with pytest.raises(Conflict) as refused:
        two_person_desk.claim(CAROL)
    assert refused.value.code == "review_closed"


def test_a_decision_needs_a_claim(desk: Desk) -> None:
    with pytest.raises(Conflict) as refused:
        desk.decide(ALICE)
    assert refused.value.code == "claim_missing"


def test_a_decision_needs_ones_own_claim(desk: Desk) -> None:
    desk.claim(ALICE)
    with pytest.raises(Conflict) as refused:
        desk.decide(BOB)
    assert refused.value.code == "claim_missing"


def test_a_decision_needs_a_claim_that_has_not_run_out(desk: Desk) -> None:
    desk.claim(ALICE)
    with pytest.raises(Conflict) as refused:
        desk.decide(ALICE, at=NOW + CLAIM)
    assert refused.value.code == "claim_missing"


def test_a_decision_over_another_file_does_not_count(desk: Desk) -> None:
    desk.claim(ALICE)
    with pytest.raises(Conflict) as refused:
        desk.decide(ALICE, digest="b" * 64)
    assert refused.value.code == "media_changed"


def test_a_decision_after_the_reviews_expiry_does_not_count(desk: Desk) -> None:
    late = NOW + timedelta(days=7)
    desk.claim(ALICE, at=late - timedelta(minutes=1))
    with pytest.raises(Conflict) as refused:
        desk.decide(ALICE, at=late)
    assert refused.value.code == "review_expired"


def test_a_decision_outside_the_vocabulary_does_not_count(desk: Desk) -> None:
    desk.claim(ALICE)
    with pytest.raises(InvalidRequest) as refused:
        desk.decide(ALICE, "refuse")
    assert refused.value.code == "decision_unknown"


def test_somebody_who_turns_out_to_be_involved_cannot_use_an_earlier_claim(desk: Desk) -> None:
    desk.claim(ALICE)
    desk.write(lambda c: separation.involve(c, desk.generation, [ALICE]))
    with pytest.raises(Denied) as refused:
        desk.decide(ALICE)
    assert refused.value.code == "separation_of_duties"


def test_somebody_who_has_decided_cannot_become_involved(desk: Desk) -> None:
    desk.claim_and_decide(ALICE)
    with pytest.raises(Denied) as refused:
        desk.write(lambda c: separation.involve(c, desk.generation, [ALICE]))
    assert refused.value.code == "separation_of_duties"


def test_naming_the_involved_again_changes_nothing(desk: Desk) -> None:
    desk.write(lambda c: separation.involve(c, desk.generation, [REQUESTER, REQUESTER]))
    with desk.database.read() as session:
        assert REQUESTER in queue.get(session, desk.review, NOW).parties


def test_spend_is_approved_before_generation_and_the_file_by_the_same_person_after(
    desk: Desk,
) -> None:
    desk.approve_spend(ALICE)
    assert desk.claim_and_decide(ALICE).is_complete


def test_an_approval_of_spend_does_not_count_as_an_approval_of_the_file(
    two_person_desk: Desk,
) -> None:
    two_person_desk.approve_spend(BOB)
    assert two_person_desk.claim_and_decide(ALICE).approvals == 1


def test_the_requester_cannot_approve_the_spend(desk: Desk) -> None:
    with pytest.raises(Denied) as refused:
        desk.approve_spend(REQUESTER)
    assert refused.value.code == "separation_of_duties"


def test_a_program_cannot_approve_the_spend(desk: Desk) -> None:
    with pytest.raises(Denied) as refused:
        desk.approve_spend("agt_" + "7" * 32)
    assert refused.value.code == "people_only"


def test_nobody_decides_on_the_spend_twice(desk: Desk) -> None:
    desk.approve_spend(ALICE)
    with pytest.raises(Conflict) as refused:
        desk.approve_spend(ALICE, "refuse")
    assert refused.value.code == "already_decided"


def test_a_file_cannot_be_refused_as_if_it_were_spend(desk: Desk) -> None:
    with pytest.raises(InvalidRequest) as refused:
        desk.approve_spend(ALICE, "reject")
    assert refused.value.code == "decision_unknown"


def test_a_refusal_leaves_the_transaction_around_it_usable(desk: Desk) -> None:
    def refuse_then_count(connection: Connection) -> int:
        with pytest.raises(Denied):
            separation.involve(connection, desk.generation, [ALICE])
        return connection.scalars(
            select(func.count()).where(col(Decision.generation) == desk.generation)
        ).one()

    desk.claim_and_decide(ALICE)
    assert desk.database.write(refuse_then_count) == 1


def test_closing_twice_keeps_the_first_time(desk: Desk) -> None:
    desk.claim_and_decide(ALICE)
    desk.close()
    with desk.database.read() as session:
        assert queue.get(session, desk.review, NOW).closed_at == NOW
