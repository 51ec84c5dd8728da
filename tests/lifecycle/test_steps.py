"""The table of steps and the fold of the records tell one story."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from governance.evidence.record import ZERO, Record
from governance.evidence.story import CANCELLABLE, ENDS, RULES, START, State, Story, apply
from governance.kernel import clock
from governance.kernel.settings import Settings
from governance.lifecycle.steps import STEPS, WIRE, Step, step_of, wake_at

FIRST = {"generation.requested", "asset.imported", "policy.decided"}
DIGEST = "d" * 64
STEP = pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.leaves}-{step.name}")

# For each event, bodies that lead to every state to which it can lead.
BODIES: dict[str, list[dict[str, Any]]] = {
    "policy.decided": [
        {
            "stage": "output",
            "effect": "permit",
            "policy": "",
            "rules": [],
            "duties": [],
            "not_assessed": [],
            "input": {"quote": None, "model": {"id": None}},
        }
    ],
    "approval.decided": [{"decision": "approve"}, {"decision": "refuse"}],
    "route.chosen": [{"model": "m"}, {"model": None}],
    "provider.intended": [{"attempt": 1, "quote": None}],
    "provider.submitted": [{"job": {}, "provider": "p", "model": "m"}],
    "provider.failed": [
        {"final": True, "cost": None},
        {"final": False, "cost": None},
        {"final": False, "cost": None, "fault": "exhausted", "then": "reroute"},
    ],
    "provider.unknown": [{"held": None}],
    "provider.resolved": [
        {"outcome": "found", "job": {}, "model": "m"},
        {"outcome": "lost", "cost": None},
    ],
    "asset.fetched": [{"asset": {}, "vendor_marks": [], "cost": None}],
    "asset.screened": [{"findings": [], "coverage": {}}],
    "asset.marked": [{"media": {}, "marks": []}],
    "marks.verified": [{"marks": [], "unmet": []}],
    "asset.withheld": [{}],
    "review.opened": [{}],
    "review.claimed": [{"person": "usr_1"}],
    "review.decided": [{"decision": "approve"}, {"decision": "reject"}, {"decision": "return"}],
    "asset.released": [{"digest": DIGEST}],
    "asset.delivered": [{}],
    "marks.checked": [{"lost": [], "by": None}],
    "asset.recalled": [{}],
    "asset.deleted": [{}],
}
OUTCOMES = {"cancel": "cancelled", "expire": "expired"}  # any other step ends by failing


@STEP
def test_a_step_appends_only_what_may_happen_where_it_stands(step: Step) -> None:
    reached = {step.leaves, *step.to}
    for event in step.appends:
        assert RULES[event].allowed_in & reached, event


@STEP
def test_a_step_leads_where_the_fold_of_its_records_leads(step: Step) -> None:
    assert set(step.to) <= folded(step)


@STEP
def test_what_a_step_writes_on_giving_up_is_among_its_events(step: Step) -> None:
    if step.gives_up is None:
        assert step.by != "engine"
        return
    entry = step.gives_up(standing(step.leaves))
    after = apply(standing(step.leaves), record(entry.event, entry.body))
    assert entry.event in step.appends
    assert after.state in step.to
    assert after.state in ENDS


@STEP
def test_every_step_says_what_a_crash_in_it_means(step: Step) -> None:
    assert step.crash.endswith(".")


def test_every_event_that_the_fold_knows_is_written_by_a_step_or_comes_first() -> None:
    written = {event for step in STEPS for event in step.appends}
    assert written | FIRST == set(RULES)


def test_wherever_the_fold_allows_an_event_a_step_writes_it() -> None:
    for event, rule in RULES.items():
        if rule.allowed_in == START:
            continue
        writers = {
            state for step in STEPS if event in step.appends for state in (step.leaves, *step.to)
        }
        first = {State.REQUESTED} if event in FIRST else set()
        assert rule.allowed_in <= writers | first, event


def test_a_requester_may_withdraw_exactly_where_the_fold_allows_it() -> None:
    assert set(CANCELLABLE) == RULES["generation.ended"].allowed_in
    cancelled = {step.leaves for step in STEPS if step.name == "cancel"}
    assert cancelled == set(CANCELLABLE)
    assert not cancelled & ENDS


def test_every_state_has_a_word_on_the_wire() -> None:
    assert set(WIRE) == set(State)


def test_the_wire_says_completed_for_released_and_failed_for_every_other_end() -> None:
    assert {state for state in State if WIRE[state] == "completed"} == {State.RELEASED}
    assert {state for state in State if WIRE[state] == "failed"} == ENDS - {State.RELEASED}


@pytest.mark.parametrize("state", sorted(ENDS - {State.RELEASED}))
def test_the_engine_has_nothing_to_do_at_an_end(state: State) -> None:
    assert step_of(standing(state)) is None
    assert wake_at(standing(state), Settings()) is None


class TestTheSampleOfReleasedFiles:
    RELEASED = replace(Story(), state="released", released_at="2026-11-01T00:00:00.000Z")
    DAY = 86400.0

    def next_check(self, story: Story, percent: int) -> datetime | None:
        settings = Settings(recheck_percent=percent, recheck_interval=self.DAY)
        return wake_at(story, settings)

    def test_nothing_is_checked_again_where_the_sample_is_empty(self) -> None:
        assert self.next_check(self.RELEASED, 0) is None

    def test_a_file_in_the_sample_is_checked_a_while_after_its_release(self) -> None:
        assert self.next_check(self.RELEASED, 100) == datetime(2026, 11, 2, tzinfo=UTC)

    def test_and_again_a_while_after_its_last_check_whatever_happened_in_between(self) -> None:
        again = replace(self.RELEASED, rechecked_at="2026-12-01T00:00:00.000Z", deliveries=7)
        assert self.next_check(again, 100) == datetime(2026, 12, 2, tzinfo=UTC)

    def test_a_deleted_file_is_not_looked_for(self) -> None:
        assert self.next_check(replace(self.RELEASED, deleted=True), 100) is None

    def test_about_as_many_are_drawn_as_the_setting_says(self) -> None:
        stories = [replace(self.RELEASED, id=f"gen_{n:032x}") for n in range(2000)]
        drawn = sum(self.next_check(story, 5) is not None for story in stories)
        assert 60 <= drawn <= 140


@pytest.mark.parametrize("state", sorted(set(State) - ENDS - {State.REQUESTED}))
def test_a_generation_that_has_not_ended_is_woken_some_time(state: State) -> None:
    assert isinstance(wake_at(standing(state), Settings()), datetime)


def test_no_state_has_two_ways_out_by_the_engine() -> None:
    acting = [step.leaves for step in STEPS if step.act is not None]
    assert len(acting) == len(set(acting))


def folded(step: Step) -> set[str]:
    """The states to which a step's records can lead, in whichever order the fold allows them."""
    reached: set[str] = set()
    fresh: set[str] = {step.leaves}
    while fresh:
        found = {state for start in fresh for state in following(step, State(start))}
        fresh = found - reached - {step.leaves}
        reached |= found
    return reached


def following(step: Step, state: State) -> set[str]:
    ended = [{"outcome": OUTCOMES.get(step.name, "failed")}]
    return {
        apply(standing(state), record(event, body)).state
        for event in step.appends
        if state in RULES[event].allowed_in
        for body in (ended if event == "generation.ended" else BODIES[event])
        if (state, body.get("outcome")) != (State.CANCELLED, "found")  # its file is not wanted
    }


def standing(state: State) -> Story:
    """A story as far as that state."""
    request = {
        "organisation": "acme",
        "project": "film",
        "principal": {"chain": [], "accountable": "usr_1"},
    }
    now = clock.rfc3339(clock.now())
    story = Story(id="gen_1", state=state, request=request, changed_at=now)
    route = {"provider": "p", "model": "m", "quote": None}
    held = {"amount": "1", "currency": "USD"}
    return replace(story, delivered_file={"digest": DIGEST}, route=route, held=held)


def record(event: str, body: dict[str, Any]) -> Record:
    now = clock.rfc3339(clock.now())
    return Record("rec_1", event, now, "gen_1", 1, ZERO, body, (), (), "", b"", ZERO)
