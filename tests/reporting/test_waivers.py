"""Waivers in a report: what was lifted, on whose word, and what came of it."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from pypdf import PdfReader

from governance.evidence.record import Record
from governance.reporting import render
from governance.reporting.waivers import ReportedWaiver, waivers
from tests.reporting.history import History
from tests.reporting.inputs import report, reported
from tests.reporting.samples import (
    DEEP_FAKE,
    END,
    ORGANISATION,
    PEOPLE,
    PROJECTS,
    SIGNED_METADATA,
    START,
    identifier,
)

RULE = "house-review-public-video"
WAIVED = {**DEEP_FAKE, "id": RULE, "pack": "house", "level": "house", "mode": "waived"}


def waiver(name: str = "one") -> str:
    return identifier("wvr", name)


@pytest.fixture
def history() -> History:
    return History(step=timedelta(minutes=5))


def tell(history: History, *actions: str, name: str = "one", **changes: object) -> Record:
    """Append what happened to a waiver, by turns of two people."""
    for number, action in enumerate(actions):
        body = {
            "action": action,
            "waiver": waiver(name),
            "organisation": ORGANISATION,
            "project": None,
            "rule": RULE,
            "reason": "reviewed_by_agency",
            "from": "2026-10-05",
            "until": "2026-10-20",
            "requested_by": PEOPLE[0],
            "by": PEOPLE[number % 2],
        }
        last = history.append("service", "waiver.changed", {**body, **changes})
    return last


def told(history: History, project: str | None = None) -> tuple[ReportedWaiver, ...]:
    stories = [item.story for item in reported(history)]
    return waivers(history.records, stories, START, END, project)


def lifted(history: History, name: str = "one") -> None:
    """A generation for which a waiver has lifted the rule."""
    stream = history.request()
    rules = [SIGNED_METADATA, {**WAIVED, "waiver": waiver(name)}]
    history.decide(stream, "permit", rules)


def test_a_waiver_names_both_people_and_how_often_it_lifted_its_rule(history: History) -> None:
    tell(history, "proposed", "approved")
    lifted(history)
    lifted(history)
    (found,) = told(history)
    assert (found.requested_by, found.decided_by, found.revoked_by) == (PEOPLE[0], PEOPLE[1], "")
    assert (found.state, found.lifted) == ("approved", 2)


def test_a_waiver_that_somebody_refused_or_revoked_is_told_too(history: History) -> None:
    tell(history, "proposed", "refused", name="one")
    tell(history, "proposed", "approved", "revoked", name="two")
    assert {found.state for found in told(history)} == {"refused", "revoked"}
    assert {found.revoked_by for found in told(history)} == {"", PEOPLE[0]}


def test_a_waiver_for_one_project_is_no_matter_of_another(history: History) -> None:
    tell(history, "proposed", "approved", project=PROJECTS[0])
    assert len(told(history)) == len(told(history, PROJECTS[0])) == 1
    assert told(history, PROJECTS[1]) == ()


@pytest.mark.parametrize(
    ("first", "last", "is_told"),
    [
        ("2026-09-01", "2026-09-30", False),
        ("2026-09-01", "2026-10-01", True),
        ("2026-10-31", "2026-12-01", True),
        ("2026-11-01", "2026-12-01", False),
    ],
)
def test_a_waiver_of_before_is_told_while_it_is_valid(
    history: History, first: str, last: str, is_told: bool
) -> None:
    history.moment = datetime(2026, 8, 30, tzinfo=UTC)
    tell(history, "proposed", "approved", **{"from": first, "until": last})
    assert bool(told(history)) is is_told


def test_the_report_prints_them_beside_the_policy(history: History) -> None:
    history.policy_loaded()
    tell(history, "proposed", "approved", project=PROJECTS[0])
    tell(history, "proposed", "approved", "revoked", name="two")
    lifted(history)
    pages = PdfReader(io.BytesIO(render(report(history)))).pages
    text = " ".join(page.extract_text() for page in pages)
    assert RULE in text
    assert "reviewed by agency" in text
    assert "whole organisation" in text
