"""Reason codes: what the file may say, and which reason fits which decision."""

import shutil
from pathlib import Path

import pytest

from governance.kernel.errors import ConfigurationError, InvalidRequest
from governance.kernel.settings import packaged
from governance.review import reasons
from governance.review.decisions import DECISIONS
from governance.review.reasons import Reasons

SHIPPED = packaged("policies")


@pytest.fixture(scope="module")
def shipped() -> Reasons:
    return reasons.load(SHIPPED)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A copy to spoil."""
    (tmp_path / "schemas").mkdir()
    shutil.copy(SHIPPED / reasons.SCHEMA, tmp_path / reasons.SCHEMA)
    shutil.copy(SHIPPED / reasons.FILE, tmp_path / reasons.FILE)
    return tmp_path


def spoil(policies: Path, old: str, new: str) -> list[str]:
    path = policies / reasons.FILE
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return [str(fault) for fault in reasons.check(policies)]


def test_the_shipped_reasons_are_without_fault() -> None:
    assert reasons.check(SHIPPED) == []


def test_every_decision_has_reasons(shipped: Reasons) -> None:
    for stage, decisions in DECISIONS.items():
        assert {reason.decision for reason in shipped.at(stage)} == set(decisions)


def test_a_fitting_reason_is_accepted(shipped: Reasons) -> None:
    reason = shipped.require("review", "approve", "fit_for_release", "")
    assert reason.title == "Fit for release"


@pytest.mark.parametrize(
    ("stage", "decision", "code", "comment", "fault"),
    [
        ("review", "refuse", "fit_for_release", "", "decision_unknown"),
        ("review", "approve", "no_such_code", "", "reason_unknown"),
        ("review", "approve", "", "", "reason_unknown"),
        ("review", "reject", "fit_for_release", "", "reason_unfitting"),
        ("approval", "approve", "fit_for_release", "", "reason_unfitting"),
        ("review", "reject", "misleading_content", "  \n", "comment_required"),
    ],
)
def test_a_reason_that_does_not_fit_is_refused(
    shipped: Reasons, stage: str, decision: str, code: str, comment: str, fault: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        shipped.require(stage, decision, code, comment)  # type: ignore[arg-type]
    assert refused.value.code == fault
    assert refused.value.param in ("decision", "reason", "comment")


def test_a_fault_names_file_and_line(policies: Path) -> None:
    (fault,) = spoil(policies, "decision: refuse", "decision: maybe")
    assert fault == 'reasons.yaml:20: "maybe" is not one of "approve" or "refuse"'


def test_a_decision_of_the_other_stage_is_a_fault(policies: Path) -> None:
    (fault,) = spoil(policies, "decision: refuse", "decision: reject")
    assert fault.startswith("reasons.yaml:20:")


def test_an_unknown_field_is_a_fault(policies: Path) -> None:
    (fault,) = spoil(policies, "comment_required: false", "comment_required: false\n    x: 1")
    assert "'x' was unexpected" in fault


def test_a_code_used_twice_is_a_fault(policies: Path) -> None:
    (fault,) = spoil(policies, "code: consent_seen", "code: spend_justified")
    assert fault == "reasons.yaml:12: the code spend_justified is used before"


def test_a_decision_without_any_reason_is_a_fault(policies: Path) -> None:
    path = policies / reasons.FILE
    text = path.read_text("utf-8").replace("decision: return", "decision: reject")
    path.write_text(text, "utf-8")
    (fault,) = reasons.check(policies)
    assert str(fault) == "reasons.yaml:4: no reason to return at the stage review"


def test_a_missing_file_is_a_fault(policies: Path) -> None:
    (policies / reasons.FILE).unlink()
    (fault,) = reasons.check(policies)
    assert str(fault).startswith("reasons.yaml:1: the file cannot be read")


def test_reasons_with_a_fault_are_not_loaded(policies: Path) -> None:
    spoil(policies, "code: consent_seen", "code: Consent")
    with pytest.raises(ConfigurationError) as refused:
        reasons.load(policies)
    assert refused.value.code == "reasons_invalid"
