"""Which duties the marks meet, and the sentence for each that they don't. Pure."""

from collections.abc import Callable

import pytest

from governance.domain import Duty, Mark, MarkKind, MarkState
from governance.marking.duties import unmet, why
from tests.marking.samples import AUDIBLE_DUTY, METADATA_DUTY, WATERMARK_DUTY, label_duty


def made(kind: MarkKind, state: MarkState = "present", detail: str = "", **facts: str) -> Mark:
    return Mark(kind, state, "reader", "1", detail, tuple(facts.items()))


def label(**changes: str) -> Mark:
    facts = {
        "form": "visible",
        "wording": "AI GENERATED",
        "placement": "top_right",
        "height_permille": "50",
        "coverage": "throughout",
        "seconds": "1.958",
    }
    return made("label", "present", **(facts | changes))


def spoken(**changes: str) -> Mark:
    return made(
        "label", "present", **({"form": "audible", "language": "en", "at": "0.10"} | changes)
    )


TRUSTED = made("c2pa", validation="Trusted")
IPTC = made("iptc")
TIME_STAMP_DUTY = Duty("mark.time_stamp", {}, ("test-rule",))
AIGC_DUTY = Duty("metadata.aigc", {}, ("test-rule",))


def test_signed_metadata_needs_both_the_manifest_and_the_plain_statement() -> None:
    assert unmet([METADATA_DUTY], [TRUSTED, IPTC]) == []
    assert unmet([METADATA_DUTY], [TRUSTED]) == ["mark.signed_metadata"]
    assert unmet([METADATA_DUTY], [IPTC]) == ["mark.signed_metadata"]
    assert unmet([METADATA_DUTY], []) == ["mark.signed_metadata"]


@pytest.mark.parametrize("validation", ["Valid", "Invalid", ""])
def test_a_manifest_under_another_root_does_not_count(validation: str) -> None:
    marks = [made("c2pa", validation=validation), IPTC]
    assert why([METADATA_DUTY], marks) == [
        "mark.signed_metadata: The signer of the manifest is not under the trust anchors of this "
        "service."
    ]


@pytest.mark.parametrize(
    ("time_stamp", "is_met"), [("RFC 3161 2026-11-22T10:00:00Z", True), ("own clock", False)]
)
def test_a_time_stamp_counts_when_an_authority_gave_it(time_stamp: str, is_met: bool) -> None:
    marks = [made("c2pa", validation="Trusted", time_stamp=time_stamp)]
    assert (unmet([TIME_STAMP_DUTY], marks) == []) == is_met
    assert "configure one" in why([TIME_STAMP_DUTY], [TRUSTED])[0]


@pytest.mark.parametrize("state", ["absent", "not_checked"])
@pytest.mark.parametrize(
    ("duty", "kind"),
    [
        (METADATA_DUTY, "c2pa"),
        (METADATA_DUTY, "iptc"),
        (TIME_STAMP_DUTY, "c2pa"),
        (WATERMARK_DUTY, "watermark"),
        (AIGC_DUTY, "aigc"),
    ],
)
def test_only_what_is_present_counts_and_the_reader_says_what_it_saw(
    duty: Duty, kind: MarkKind, state: MarkState
) -> None:
    others = [mark for mark in (TRUSTED, IPTC) if mark.kind != kind]
    marks = [made(kind, state, "It was washed off."), *others]
    assert unmet([duty], marks) == [duty.kind]
    assert why([duty], marks) == [f"{duty.kind}: It was washed off."]


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"wording": "AI MODIFIED"}, "says “AI MODIFIED”, not “AI GENERATED”"),
        ({"height_permille": "49"}, "49 ‰ of the shortest side high; 50 ‰ are due"),
        ({"placement": "top_left"}, "not at top right"),
        ({"coverage": "opening", "seconds": "60.000"}, "not stand throughout, but for 60.000 s"),
        ({"coverage": "interval", "seconds": "9.000", "every": "9"}, "not stand throughout"),
        ({"form": "audible"}, "“AI GENERATED” is not shown: Not found"),
    ],
)
def test_a_label_must_be_the_one_that_is_due(changes: dict[str, str], because: str) -> None:
    assert unmet([label_duty()], [label()]) == []
    marks = [label(**changes)]
    assert unmet([label_duty()], marks) == ["label.visible"]
    (sentence,) = why([label_duty()], marks)
    assert sentence.startswith("label.visible: ") and because in sentence


@pytest.mark.parametrize(
    ("coverage", "seconds", "every", "because"),
    [
        ("throughout", "0.900", "", ""),
        ("opening", "3.000", "", ""),
        ("interval", "3.000", "30", ""),
        ("opening", "2.900", "", "stands for 2.900 s at a time; 3 s are due"),
        ("interval", "2.000", "5", "stands for 2.000 s at a time; 3 s are due"),
    ],
)
def test_an_opening_label_must_last_long_enough_or_the_whole_clip(
    coverage: str, seconds: str, every: str, because: str
) -> None:
    marks = [label(coverage=coverage, seconds=seconds, every=every)]
    sentences = why([label_duty(duration="opening", seconds=3)], marks)
    assert because in "".join(sentences) if because else sentences == []


@pytest.mark.parametrize(
    ("coverage", "seconds", "every", "because"),
    [
        ("throughout", "0.900", "", ""),
        ("interval", "3.000", "10", ""),
        ("interval", "4.000", "8", ""),
        ("interval", "3.000", "11", "comes back every 11 s; every 10 s is due"),
        ("interval", "2.000", "10", "stands for 2.000 s at a time; 3 s are due"),
        ("opening", "9.000", "", "stands at the beginning only"),
    ],
)
def test_a_repeated_label_must_come_back_often_enough_and_stay_long_enough(
    coverage: str, seconds: str, every: str, because: str
) -> None:
    marks = [label(coverage=coverage, seconds=seconds, every=every)]
    sentences = why([label_duty(duration="interval", seconds=3, every=10)], marks)
    assert because in "".join(sentences) if because else sentences == []


def test_one_of_several_labels_is_enough() -> None:
    assert unmet([label_duty()], [label(wording="KI"), label()]) == []


@pytest.mark.parametrize(
    ("languages", "marks", "because"),
    [
        ("en", [spoken()], ""),
        ("en-GB", [spoken()], ""),
        ("en zh", [spoken(), spoken(language="zh", at="4.20")], ""),
        ("en zh", [spoken()], "not spoken in zh"),
        ("zh", [spoken()], "not spoken in zh"),
        ("en", [spoken(at="9.00")], "spoken at 9.00 s only, not at the start"),
        ("en", [label()], "not spoken in en"),
        ("en", [], "not spoken in en"),
    ],
)
def test_a_spoken_notice_is_due_in_every_language_and_at_the_start(
    languages: str, marks: list[Mark], because: str
) -> None:
    duty = Duty("label.audible", {"language": languages}, ("test-rule",))
    sentences = why([duty], marks)
    assert because in "".join(sentences) if because else sentences == []
    assert unmet([duty], marks) == (["label.audible"] if because else [])


def test_a_medium_that_cannot_carry_a_label_says_so() -> None:
    no_sound = made("label", "absent", "A picture has no sound.", form="audible")
    no_picture = made("label", "absent", "A sound has no picture.", form="visible")
    assert why([AUDIBLE_DUTY, label_duty()], [no_sound, no_picture]) == [
        "label.audible: The notice is not spoken in en: A picture has no sound.",
        "label.visible: “AI GENERATED” is not shown: A sound has no picture.",
    ]


@pytest.mark.parametrize("judge", [unmet, why])
def test_observed_duties_and_those_of_others_never_block(
    judge: Callable[..., list[str]],
) -> None:
    duties = [
        Duty("mark.watermark", {}, ("test-rule",), "observe"),
        Duty("review.people", {"count": 2, "role": "reviewer"}, ("test-rule",)),
        Duty("retain.records", {"months": 6}, ("test-rule",)),
    ]
    assert judge(duties, []) == []


def test_each_unmet_kind_is_named_once_in_order_and_each_fault_has_its_sentence() -> None:
    duties = [label_duty("AI"), label_duty("AI MODIFIED"), METADATA_DUTY]
    assert unmet(duties, []) == ["label.visible", "mark.signed_metadata"]
    assert [sentence.partition(":")[0] for sentence in why(duties, [])] == [
        "label.visible",
        "label.visible",
        "mark.signed_metadata",
    ]
