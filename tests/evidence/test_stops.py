"""Step 6: what a kill switch stopped was neither ordered nor released, in the order of the log."""

from typing import Any

import pytest

from governance.evidence.record import Record
from governance.evidence.verify import Verdict, verify_files
from tests.evidence.samples import AGENT, PERSON, ROOT, bundle_of, released, told

ORDERED, RELEASED = ([event for event, _ in released()].index(event)
                     for event in ("provider.intended", "asset.released"))  # fmt: skip
OVER = ("*", "organisation:acme", f"agent:{AGENT}", "model:veo-3.1", "provider:vendor")
BESIDE = ("organisation:beta", "agent:agt_" + "9" * 32, "model:ray-3", "provider:another")


def switches(*changes: tuple[str, str, str]) -> list[Record]:
    """(action, scope, holder) of each change."""
    bodies: list[tuple[str, dict[str, Any]]] = [
        (
            "switch.changed",
            {
                "scope": scope,
                "action": action,
                "organisation": None,
                "holder": holder,
                "reason": "incident",
                "by": PERSON,
            },
        )
        for action, scope, holder in changes
    ]
    return told(bodies, "service")


def verify(story: list[Record], *changes: tuple[int, Record]) -> Verdict:
    """changes: each before the record of that place in the story."""
    log = list(story)
    for place, change in reversed(changes):
        log.insert(place, change)
    return verify_files(bundle_of(log), ROOT.keyid)


def is_believed(*changes: tuple[int, Record]) -> bool:
    verdict = verify(told(released()), *changes)
    assert verdict.failure is None or verdict.failure.code == "released_while_stopped"
    assert verdict.failed_step == ("stories" if verdict.failure else "")
    return verdict.failure is None


@pytest.mark.parametrize("place", [ORDERED, RELEASED])
@pytest.mark.parametrize("scope", OVER)
def test_nothing_goes_on_while_a_switch_over_it_is_thrown(scope: str, place: int) -> None:
    (thrown,) = switches(("thrown", scope, "acme"))
    assert not is_believed((place, thrown))


@pytest.mark.parametrize("scope", BESIDE)
def test_a_switch_over_something_else_stops_nothing(scope: str) -> None:
    (thrown,) = switches(("thrown", scope, "acme"))
    assert is_believed((0, thrown))


def test_what_was_released_before_stays_released() -> None:
    (thrown,) = switches(("thrown", "*", "acme"))
    assert is_believed((RELEASED + 1, thrown))


def test_a_job_under_way_is_polled_and_its_file_kept_until_the_switch_is_lifted() -> None:
    thrown, lifted = switches(("thrown", "*", "acme"), ("lifted", "*", "acme"))
    assert is_believed((ORDERED + 1, thrown), (RELEASED, lifted))
    assert not is_believed((ORDERED + 1, thrown), (RELEASED + 1, lifted))


def test_each_organisation_lifts_its_own_switch_only() -> None:
    mine, theirs, lifted = switches(
        ("thrown", "organisation:acme", "acme"),
        ("thrown", "organisation:acme", "operator"),
        ("lifted", "organisation:acme", "acme"),
    )
    assert not is_believed((0, mine), (0, theirs), (ORDERED, lifted))
