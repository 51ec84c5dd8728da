"""Step 8: a house rule is lifted by what somebody else had approved, there and then; no law is."""

from datetime import date, timedelta
from typing import Any

import pytest

from governance.evidence.record import ZERO, Record
from governance.evidence.verify import Verdict, verify_files
from tests.evidence.samples import (
    ALICE,
    BOB,
    ROOT,
    Body,
    bundle_of,
    imported,
    record,
)

TODAY = date(2026, 11, 22)
WAIVER, RULE = "wvr_" + "7" * 32, "two-people"
NOON = "2026-11-22T12:00:00.000000Z"


def changed(action: str, by: str, **terms: Any) -> Body:
    return {
        "action": action,
        "waiver": WAIVER,
        "organisation": "acme",
        "project": None,
        "rule": RULE,
        "reason": "deadline",
        "from": "2026-11-22",
        "until": "2026-11-30",
        "requested_by": ALICE,
        "by": by,
        **terms,
    }


def waiver(*changes: Body, at: str = NOON) -> list[Record]:
    records: list[Record] = []
    for body in changes:
        prev = records[-1].leaf if records else ZERO
        place: Body = {"stream": "service.acme", "seq": len(records), "prev": prev}
        records.append(record("waiver.changed", body, at=at, **place))
    return records


def approved(**terms: Any) -> list[Record]:
    return waiver(changed("proposed", ALICE, **terms), changed("approved", BOB, **terms))


def story(day: str = "2026-11-22", at: str = NOON, **changes: Any) -> list[Record]:
    """A generation whose first decision a waived rule was part of. changes: to that rule."""
    bodies = imported()
    decided = bodies[1][1]
    rule = {
        "id": RULE,
        "pack": "house-rules",
        "cites": "House rules, section 2",
        "level": "house",
        "binds": [],
        "mode": "waived",
        "effect": "review",
        "because": "Two people look at every advertisement.",
        "waiver": WAIVER,
        **changes,
    }
    decided["rules"] = [{name: value for name, value in rule.items() if value is not None}]
    decided["input"] = {**decided["input"], "date": day}
    records: list[Record] = []
    for seq, (event, body) in enumerate(bodies):
        prev = records[-1].leaf if records else ZERO
        records.append(record(event, body, seq=seq, prev=prev, at=at))
    return records


def verify(*parts: list[Record]) -> Verdict:
    return verify_files(bundle_of([item for part in parts for item in part]), ROOT.keyid)


def is_believed(*parts: list[Record]) -> bool:
    verdict = verify(*parts)
    if verdict.failure is not None:
        assert (verdict.failed_step, verdict.failure.code) == ("policies", "waiver_wrong")
    return verdict.failure is None


def test_a_house_rule_is_lifted_by_an_approved_waiver() -> None:
    verdict = verify(approved(), story())
    assert verdict.failure is None, verdict.failure
    assert verdict.steps[7].result.endswith("1 waivers used")


@pytest.mark.parametrize("level", ["law", "code"])
def test_laws_and_codes_are_never_lifted(level: str) -> None:
    assert not is_believed(approved(), story(level=level))


@pytest.mark.parametrize("waived", [None, "wvr_" + "8" * 32])
def test_a_rule_is_not_lifted_by_nothing(waived: str | None) -> None:
    assert not is_believed(approved(), story(waiver=waived))


def test_nor_by_what_is_approved_later_or_never() -> None:
    assert not is_believed(story(), approved())
    assert not is_believed(waiver(changed("proposed", ALICE)), story())
    refused = waiver(changed("proposed", ALICE), changed("refused", BOB))
    assert not is_believed(refused, story())


@pytest.mark.parametrize(
    "terms", [{"organisation": "beta"}, {"project": "another"}, {"rule": "another"}], ids=str
)
def test_nor_by_what_was_approved_elsewhere(terms: Body) -> None:
    assert not is_believed(approved(**terms), story())


def test_a_waiver_of_the_project_lifts_it_there() -> None:
    assert is_believed(approved(project="launch"), story())


@pytest.mark.parametrize(
    ("first", "last", "is_lifted"),
    [
        ("2026-11-22", "2026-11-22", True),
        ("2026-11-23", "2026-11-24", False),
        ("2026-11-20", "2026-11-21", False),
    ],
)
def test_it_lifts_on_its_days_both_included(first: str, last: str, is_lifted: bool) -> None:
    assert is_believed(approved(**{"from": first, "until": last}), story()) == is_lifted


def test_a_decision_is_as_of_the_day_on_which_it_is_recorded() -> None:
    """Or of the day before, where midnight came between."""
    late, night = "2026-12-01T12:00:00.000000Z", "2026-12-01T00:00:01.000000Z"
    assert not is_believed(approved(), story("2026-11-30", late))
    assert is_believed(approved(), story("2026-11-30", night))


def test_what_was_under_way_when_it_was_revoked_still_counts_and_nothing_later() -> None:
    revoked = waiver(changed("proposed", ALICE), changed("approved", BOB), changed("revoked", BOB))
    assert is_believed(revoked, story())
    assert not is_believed(revoked, story(at="2026-11-22T13:00:01.000000Z"))


@pytest.mark.parametrize("action", ["approved", "refused"])
def test_nobody_decides_on_their_own_proposal(action: str) -> None:
    assert not is_believed(waiver(changed("proposed", ALICE), changed(action, ALICE)))


def test_nobody_proposes_in_anothers_name() -> None:
    assert not is_believed(waiver(changed("proposed", BOB)))


@pytest.mark.parametrize("terms", [{"rule": "another"}, {"until": "2026-12-01"}], ids=str)
def test_what_is_approved_is_what_was_proposed(terms: Body) -> None:
    records = waiver(changed("proposed", ALICE), changed("approved", BOB, **terms))
    assert not is_believed(records)


@pytest.mark.parametrize(
    "actions", [("approved",), ("proposed", "revoked"), ("proposed", "refused", "approved")]
)
def test_the_steps_of_a_waiver_follow_each_other(actions: tuple[str, ...]) -> None:
    bodies = [changed(name, ALICE if name == "proposed" else BOB) for name in actions]
    assert not is_believed(waiver(*bodies))


@pytest.mark.parametrize(("days", "is_allowed"), [(90, True), (91, False), (-1, False)])
def test_it_lasts_ninety_days_at_most(days: int, is_allowed: bool) -> None:
    until = (TODAY + timedelta(days=days)).isoformat()
    assert is_believed(approved(until=until)) == is_allowed


def test_it_cannot_begin_later_and_last_longer() -> None:
    assert not is_believed(approved(**{"from": "2027-02-01", "until": "2027-03-01"}))


def test_a_day_that_there_is_not_is_named() -> None:
    verdict = verify(approved(until="2026-11-31"))
    assert verdict.failure is not None and "2026-11-31" in verdict.failure.message


def test_whoever_changes_a_waiver_is_a_person() -> None:
    """The records' schema sees to that."""
    with pytest.raises(Exception, match="by"):
        approved_by = "agt_" + "0" * 32
        waiver(changed("approved", approved_by))
