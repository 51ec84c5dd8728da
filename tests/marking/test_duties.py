"""Which duties the marks meet. Pure."""

import pytest

from governance.domain import Duty, Mark, MarkKind, MarkState
from governance.marking.duties import unmet
from tests.marking.samples import METADATA_DUTY, label_duty


def made(kind: MarkKind, state: MarkState = "present", **facts: str) -> Mark:
    return Mark(kind, state, "reader", "1", "", tuple(facts.items()))


def label(**changes: str) -> Mark:
    facts = {
        "form": "visible",
        "wording": "AI GENERATED",
        "height_permille": "50",
        "coverage": "throughout",
        "seconds": "1.958",
    }
    return Mark("label", "present", "reader", "1", "", tuple((facts | changes).items()))


TRUSTED = made("c2pa", validation="Trusted")
IPTC = made("iptc")


def test_signed_metadata_needs_both_the_manifest_and_the_plain_statement() -> None:
    assert unmet([METADATA_DUTY], [TRUSTED, IPTC]) == []
    assert unmet([METADATA_DUTY], [TRUSTED]) == ["mark.signed_metadata"]
    assert unmet([METADATA_DUTY], [IPTC]) == ["mark.signed_metadata"]
    assert unmet([METADATA_DUTY], []) == ["mark.signed_metadata"]


@pytest.mark.parametrize("validation", ["Valid", "Invalid", ""])
def test_a_manifest_under_another_root_does_not_count(validation: str) -> None:
    marks = [made("c2pa", validation=validation), IPTC]
    assert unmet([METADATA_DUTY], marks) == ["mark.signed_metadata"]


@pytest.mark.parametrize("state", ["absent", "not_checked"])
def test_only_what_is_present_counts(state: MarkState) -> None:
    marks = [TRUSTED, made("iptc", state)]
    assert unmet([METADATA_DUTY], marks) == ["mark.signed_metadata"]


@pytest.mark.parametrize(
    "changes",
    [
        {"wording": "AI MODIFIED"},
        {"height_permille": "49"},
        {"coverage": "opening", "seconds": "60.000"},
        {"form": "audible"},
    ],
)
def test_a_label_must_be_the_one_that_is_due(changes: dict[str, str]) -> None:
    assert unmet([label_duty()], [label()]) == []
    assert unmet([label_duty()], [label(**changes)]) == ["label.visible"]


def test_an_opening_label_must_last_three_seconds_or_the_whole_clip() -> None:
    duties = [label_duty(duration="opening")]
    assert unmet(duties, [label(coverage="opening", seconds="3.000")]) == []
    assert unmet(duties, [label(coverage="throughout", seconds="0.900")]) == []
    assert unmet(duties, [label(coverage="opening", seconds="2.900")]) == ["label.visible"]


@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        ("mark.watermark", made("watermark")),
        ("metadata.aigc", made("aigc")),
        ("label.audible", made("label", form="audible")),
    ],
)
def test_other_duties_need_their_own_mark(kind: str, mark: Mark) -> None:
    duty = Duty(kind, {}, ("test-rule",))
    assert unmet([duty], [mark]) == []
    assert unmet([duty], [TRUSTED, IPTC, label()]) == [kind]


def test_observed_duties_and_those_of_others_never_block() -> None:
    duties = [
        Duty("mark.watermark", {}, ("test-rule",), "observe"),
        Duty("review.people", {"count": 2, "role": "reviewer"}, ("test-rule",)),
        Duty("retain.records", {"months": 6}, ("test-rule",)),
    ]
    assert unmet(duties, []) == []


def test_each_unmet_kind_is_named_once_in_order() -> None:
    duties = [label_duty("AI"), label_duty("AI MODIFIED"), METADATA_DUTY]
    assert unmet(duties, []) == ["label.visible", "mark.signed_metadata"]
