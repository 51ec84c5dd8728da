"""Stories: which event may follow in which state, where it leads, and which release is a lie."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence.duties import merge_duties
from governance.evidence.errors import EvidenceError
from governance.evidence.story import ENDS, RULES, State, Story, apply, story
from tests.evidence.samples import (
    ALICE,
    BOB,
    MONEY,
    ORIGINAL,
    OTHERWISE,
    PERSON,
    Body,
    Told,
    imported,
    permit,
    record,
    released,
    told,
)

ROAD = released()
EVENTS = dict(reversed(ROAD)) | OTHERWISE  # a body for every event
JOB = {"id": "job-1", "kind": "video"}
APPROVAL = {"kind": "approval.before_spend", "parameters": {}, "rules": ["r"], "mode": "enforce"}


def changed(place: int, **changes: Any) -> Told:
    """The road with one record's body changed."""
    return [
        (event, {**body, **changes} if index == place else body)
        for index, (event, body) in enumerate(ROAD)
    ]


def then(length: int, *events: str, **changes: Any) -> Told:
    """The first records of the road, then other events; `changes` go into the last body."""
    following = [(event, EVENTS[event]) for event in events]
    following[-1] = (events[-1], {**EVENTS[events[-1]], **changes})
    return [*ROAD[:length], *following]


# One way into each state. The empty text: nothing has happened yet.
WAYS: dict[str, Told] = {
    "": [],
    "requested": ROAD[:1],
    "awaiting_approval": then(1, "policy.decided", duties=[APPROVAL]),
    "permitted": ROAD[:2],
    "routed": ROAD[:3],
    "submitting": ROAD[:4],
    "generating": ROAD[:5],
    "fetched": ROAD[:6],
    "screened": ROAD[:8],
    "marked": ROAD[:9],
    "verified": ROAD[:10],
    "in_review": ROAD[:14],
    "released": ROAD,
    "rejected": then(11, "review.decided", decision="reject"),
    "denied": then(1, "policy.decided", effect="deny"),
    "failed": then(4, "provider.failed"),
    "cancelled": then(11, "generation.ended"),
    "expired": then(11, "generation.ended", outcome="expired"),
    "withheld": then(6, "asset.withheld"),
    "recalled": then(16, "asset.recalled"),
    "unknown": then(4, "provider.unknown"),
}
ANY_END = frozenset({"released", "rejected", "denied", "failed", "cancelled", "expired",
                     "withheld", "recalled", "unknown"})  # fmt: skip
POSSIBLE: dict[str, frozenset[str]] = {
    "generation.requested": frozenset({""}),
    "asset.imported": frozenset({""}),
    "policy.decided": frozenset({"requested", "screened"}),
    "approval.decided": frozenset({"awaiting_approval"}),
    "route.chosen": frozenset({"permitted"}),
    "provider.intended": frozenset({"routed"}),
    "provider.submitted": frozenset({"submitting"}),
    "provider.failed": frozenset({"submitting", "generating"}),
    "provider.unknown": frozenset({"submitting", "generating"}),
    "provider.resolved": frozenset({"unknown"}),
    "asset.fetched": frozenset({"generating"}),
    "asset.screened": frozenset({"fetched"}),
    "asset.marked": frozenset({"screened"}),
    "marks.verified": frozenset({"marked"}),
    "asset.withheld": frozenset({"fetched", "screened", "marked", "verified"}),
    "review.opened": frozenset({"verified"}),
    "review.claimed": frozenset({"in_review"}),
    "review.decided": frozenset({"in_review"}),
    "asset.released": frozenset({"verified", "in_review"}),
    "asset.delivered": frozenset({"released"}),
    "marks.checked": frozenset({"released", "recalled"}),
    "asset.recalled": frozenset({"released"}),
    "asset.deleted": ANY_END,
    "generation.ended": frozenset({"awaiting_approval", "permitted", "routed", "generating",
                                   "fetched", "screened", "marked", "verified", "in_review"}),
}  # fmt: skip


def state_after(bodies: Told) -> str:
    return story(told(bodies)).state


def refused(bodies: Told) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        story(told(bodies))
    return caught.value


@pytest.mark.parametrize("state", [state.value for state in State])
def test_every_state_can_be_reached(state: str) -> None:
    assert state_after(WAYS[state]) == state


def test_the_ends_are_the_states_that_nothing_but_a_correction_leaves() -> None:
    assert {end.value for end in ENDS} == ANY_END


def test_every_event_of_a_story_has_its_rule() -> None:
    assert RULES.keys() == POSSIBLE.keys() == EVENTS.keys()


@pytest.mark.parametrize("event", POSSIBLE)
@pytest.mark.parametrize("state", WAYS)
def test_an_event_happens_where_it_may_and_nowhere_else(event: str, state: str) -> None:
    before = story(told(WAYS[state]))
    following = record(event, EVENTS[event])
    if state in POSSIBLE[event]:
        if (event, state) != ("asset.released", "verified"):  # two people have not approved yet
            assert apply(before, following).records == before.records + 1
    else:
        with pytest.raises(EvidenceError, match="cannot follow in state") as caught:
            apply(before, following)
        assert caught.value.code == "story_impossible"


@pytest.mark.parametrize("event", ["key.changed", "access.denied", "no.such.event"])
def test_a_record_of_the_services_own_stream_tells_no_generation(event: str) -> None:
    stranger = told([("generation.ended", OTHERWISE["generation.ended"])])[0]
    with pytest.raises(EvidenceError, match="cannot follow"):
        apply(story(told(ROAD[:1])), type(stranger)(**{**vars(stranger), "event": event}))


@pytest.mark.parametrize(
    ("way", "state"),
    [
        (then(1, "policy.decided", duties=[{**APPROVAL, "mode": "observe"}]), "permitted"),
        ([*WAYS["awaiting_approval"], ("approval.decided", EVENTS["approval.decided"])],
         "permitted"),
        ([*WAYS["awaiting_approval"],
          ("approval.decided", {**EVENTS["approval.decided"], "decision": "refuse"})], "rejected"),
        (then(2, "route.chosen", model=None, provider=None, source_type=None, quote=None),
         "failed"),
        (then(4, "provider.failed", final=False), "routed"),
        (then(5, "provider.failed", final=False), "routed"),
        (then(5, "provider.failed"), "failed"),
        (then(5, "provider.unknown"), "unknown"),
        (then(5, "provider.failed", final=False, then="reroute"), "permitted"),
        (then(5, "provider.unknown", "provider.resolved"), "failed"),
        (then(5, "provider.unknown", "provider.resolved", outcome="found", job=JOB), "generating"),
        (imported()[:2], "fetched"),
        (then(11, "review.decided", decision="return"), "rejected"),
        (then(11, "generation.ended", outcome="failed"), "failed"),
        (then(16, "asset.deleted"), "released"),
    ],
)  # fmt: skip
def test_an_event_leads_where_its_body_says(way: Told, state: str) -> None:
    assert state_after(way) == state


def test_a_story_says_what_its_records_say() -> None:
    whole = story(told(ROAD))
    assert (whole.records, whole.attempts, whole.deliveries, whole.approvals) == (16, 1, 1, 2)
    assert whole.request == ROAD[0][1]
    assert whole.requested_at == whole.released_at == whole.changed_at
    assert (whole.cost, whole.held) == (MONEY, None)
    assert [decision["stage"] for decision in whole.decisions] == ["request", "output"]
    assert whole.review is not None and whole.review["claimed_by"] == ALICE
    assert not whole.is_import and story(told(imported())).is_import


def test_money_is_held_while_the_outcome_is_unknown_and_freed_by_a_failure() -> None:
    assert story(told(WAYS["submitting"])).held == MONEY
    assert story(told(WAYS["unknown"])).held == MONEY
    assert story(told(WAYS["failed"])).held is None


WITHDRAWN = then(5, "generation.ended")


def test_money_stays_held_for_what_was_withdrawn_while_its_vendor_went_on() -> None:
    withdrawn = story(told(WITHDRAWN))
    assert (withdrawn.state, withdrawn.held, withdrawn.is_unresolved) == ("cancelled", MONEY, True)
    assert not story(told(WAYS["cancelled"])).is_unresolved


def test_what_it_cost_is_told_later_and_it_stays_withdrawn() -> None:
    lost = story(told([*WITHDRAWN, ("provider.resolved", EVENTS["provider.resolved"])]))
    assert (lost.state, lost.held, lost.cost) == ("cancelled", None, MONEY)
    assert not lost.is_unresolved


def test_nobody_goes_on_with_what_was_withdrawn() -> None:
    found = {**EVENTS["provider.resolved"], "outcome": "found", "job": JOB}
    assert refused([*WITHDRAWN, ("provider.resolved", found)]).code == "story_impossible"


def test_what_failed_attempts_cost_is_added_to_what_the_last_one_cost() -> None:
    again = [*then(4, "provider.failed", final=False, cost=MONEY), *ROAD[3:6]]
    assert story(told(again)).cost == {"amount": "0.8000", "currency": "EUR"}


def test_folding_leaves_the_story_before_as_it_was() -> None:
    records = told(ROAD)
    before = Story()
    for item in records:
        kept = before.as_dict()
        after = apply(before, item)
        assert before.as_dict() == kept
        before = after


# --- Releases that are not believed, whoever signed them ---------------------------------------


def test_a_release_that_two_people_cleared_is_believed() -> None:
    assert state_after(ROAD[:15]) == "released"


def test_a_file_from_outside_that_nobody_has_to_look_at_is_released() -> None:
    assert state_after(imported()) == "released"


@pytest.mark.parametrize(
    ("road", "why"),
    [
        (changed(9, unmet=["mark.signed_metadata"]), "a mark that is due is missing"),
        ([*ROAD[:12], *ROAD[13:]], "2 people must approve, 1 did"),
        ([*ROAD[:10], *ROAD[14:]], "2 people must approve, 0 did"),
        (changed(13, person=ALICE), "2 people must approve, 1 did"),
        (changed(13, digest=ORIGINAL), "2 people must approve, 1 did"),
        (changed(12, person=PERSON), "approved their own request"),
        (changed(14, digest=ORIGINAL), "it is another file"),
        (changed(7, effect="deny"), "policy denied it"),
    ],
)
def test_a_release_that_must_not_be_is_not_believed(road: Told, why: str) -> None:
    fault = refused(road)
    assert (fault.code, why in fault.message) == ("release_forbidden", True), fault.message


def test_whoever_allowed_the_spend_of_their_own_request_taints_its_release() -> None:
    asked = ("policy.decided", {**ROAD[1][1], "duties": [*ROAD[1][1]["duties"], APPROVAL]})
    allowed = {**EVENTS["approval.decided"], "person": BOB}
    own = {**allowed, "person": PERSON}
    road = [ROAD[0], asked, ("approval.decided", allowed), *ROAD[2:]]
    assert state_after(road) == "released"
    fault = refused([ROAD[0], asked, ("approval.decided", own), *ROAD[2:]])
    assert (fault.code, "their own request" in fault.message) == ("release_forbidden", True)


def test_where_policy_asks_for_a_review_without_a_number_one_person_must_approve() -> None:
    asked = ("policy.decided", permit(ROAD[1][1], effect="review"))
    again = ("policy.decided", permit(ROAD[7][1], effect="permit"))
    without = [ROAD[0], asked, *ROAD[2:7], again, *ROAD[8:10], ROAD[14]]
    assert "1 people must approve, 0 did" in refused(without).message
    assert state_after([*without[:-1], *ROAD[10:13], ROAD[14]]) == "released"


def test_an_observed_duty_does_not_stop_a_release() -> None:
    watched = [{**duty, "mode": "observe"} for duty in ROAD[1][1]["duties"]]
    road = [ROAD[0], ("policy.decided", permit(ROAD[1][1], duties=watched)), *ROAD[2:7],
            ("policy.decided", permit(ROAD[7][1])), *ROAD[8:10], ROAD[14]]  # fmt: skip
    assert state_after(road) == "released"


# --- Duties ------------------------------------------------------------------------------------

duty = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["review.people", "label.visible", "mark.watermark"]),
        "mode": st.sampled_from(["enforce", "observe"]),
        "rules": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
        "parameters": st.fixed_dictionaries(
            {}, optional={"count": st.integers(1, 9), "height": st.integers(0, 9)}
        ),
    }
)
duties = st.lists(duty, max_size=4, unique_by=lambda d: (d["kind"], d["mode"]))


@given(duties, duties)
def test_no_decision_weakens_a_duty_of_an_earlier_one(
    first: list[Body], second: list[Body]
) -> None:
    merged = {(d["kind"], d["mode"]): d for d in merge_duties(first, second)}
    assert merged.keys() == {(d["kind"], d["mode"]) for d in first + second}
    for before in first + second:
        after = merged[(before["kind"], before["mode"])]
        assert set(before["rules"]) <= set(after["rules"])
        assert all(after["parameters"][name] >= n for name, n in before["parameters"].items())


@given(duties)
def test_deciding_the_same_again_changes_nothing(once: list[Body]) -> None:
    def normal(many: list[Body]) -> list[Body]:
        return [{**d, "rules": sorted(d["rules"])} for d in many]

    assert normal(merge_duties(once, once)) == normal(merge_duties(once, []))


def test_later_wording_replaces_earlier_wording() -> None:
    old, new = ({**APPROVAL, "parameters": {"wording": word}} for word in ("AI", "AI generated"))
    assert merge_duties([old], [new])[0]["parameters"] == {"wording": "AI generated"}
