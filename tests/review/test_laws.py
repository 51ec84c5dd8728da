"""Whatever people try in whatever order, the laws of review hold."""

import contextlib
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from governance.kernel import ids
from governance.kernel.database import Database
from governance.kernel.errors import GovernanceError
from governance.review import queue, separation
from governance.review.reviews import Tally
from tests.review.conftest import AGENT, ALICE, BOB, CAROL, CLAIM, NOW, REQUESTER, open_desk

people = st.sampled_from([ALICE, BOB, CAROL, REQUESTER, AGENT])
decisions = st.sampled_from(["approve", "approve", "approve", "reject", "return"])


class Review(RuleBasedStateMachine):
    """Two people must approve; three may, one asked for it, and an agent did it for them."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.desk = open_desk(self.database, ids.new_id("org"), count=2)
        self.now = NOW
        self.tallies: list[Tally] = []

    @rule(person=people)
    def claim(self, person: str) -> None:
        with contextlib.suppress(GovernanceError):
            self.desk.claim(person, at=self.now)

    @rule(person=people, decision=decisions)
    def claim_and_decide(self, person: str, decision: str) -> None:
        self.claim(person)
        self.decide(person, decision)

    @rule(person=people, decision=decisions)
    def decide(self, person: str, decision: str) -> None:
        with contextlib.suppress(GovernanceError):
            self.tallies.append(self.desk.decide(person, decision, at=self.now))

    @rule(person=people)
    def release(self, person: str) -> None:
        self.desk.release(person)

    @rule(person=people)
    def turn_out_to_be_involved(self, person: str) -> None:
        with contextlib.suppress(GovernanceError):
            self.desk.write(lambda c: separation.involve(c, self.desk.generation, [person]))

    @rule()
    def wait_until_claims_run_out(self) -> None:
        self.now += CLAIM + timedelta(seconds=1)

    @invariant()
    def nobody_involved_has_decided_and_nobody_counts_twice(self) -> None:
        with self.desk.database.read() as session:
            item = queue.get(session, self.desk.review, self.now)
        deciders = [decided.person for decided in item.decisions]
        assert not item.parties & set(deciders)
        assert len(deciders) == len(set(deciders)) == len(self.tallies)
        assert item.claimed_by not in deciders
        is_done = any(tally.is_complete or tally.is_rejected for tally in self.tallies)
        assert (item.closed_at is not None) == is_done
        assert all(tally.approvals >= 2 for tally in self.tallies if tally.is_complete)
        assert item.approvals <= 2


def test_no_order_of_claims_and_decisions_breaks_a_law(database: Database) -> None:
    Review.database = database
    run_state_machine_as_test(
        Review,
        settings=settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
