"""What is written into a file is read back from its bytes, by readers of their own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from governance.domain import Asset, Duty, Mark
from governance.marking.bodies import mark_from_json, mark_json
from governance.marking.duties import unmet
from governance.marking.probe import inspect
from governance.marking.read import Known, read
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.write import MarkContext, Marked, mark
from tests.marking import samples
from tests.marking.conftest import KINDS, PICTURES, RECORD, RECORD_URI, WATERMARK_ID, read_back
from tests.marking.samples import AUDIBLE_DUTY, GENERATED, METADATA_DUTY, WATERMARK_DUTY, label_duty

Make = Callable[[str], Asset]
AIGC_DUTY = Duty("metadata.aigc", {}, ("test-rule",))


def found(marks: tuple[Mark, ...], kind: str) -> Mark:
    (mark,) = [mark for mark in marks if mark.kind == kind]
    return mark


def facts(mark: Mark) -> dict[str, str]:
    return dict(mark.facts)


def all_duties(kind: str) -> list[Duty]:
    label = AUDIBLE_DUTY if kind.startswith("audio/") else label_duty()
    return [METADATA_DUTY, AIGC_DUTY, WATERMARK_DUTY, label]


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_is_found_again_in_every_format(
    large: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target, duties = large(kind), tmp_path / "target", all_duties(kind)
    marked = mark(source, target, duties, context)
    assert all(mark.state == "present" for mark in marked.marks)
    marks = read_back(target, marked, context)
    assert [(mark.kind, mark.state) for mark in marks] == [
        (kind, "present") for kind in ("c2pa", "iptc", "aigc", "label", "watermark", "fingerprint")
    ]
    manifest = facts(found(marks, "c2pa"))
    assert manifest["validation"] == "Trusted"
    assert (manifest["record_id"], manifest["source_type"]) == (RECORD, GENERATED)
    assert facts(found(marks, "iptc")) == {
        "source_type": GENERATED,
        "record_id": RECORD,
        "record_uri": RECORD_URI,
    }
    assert facts(found(marks, "watermark"))["id"] == f"{WATERMARK_ID:016x}"
    assert unmet(duties, marks) == []
    assert inspect(target).media_type == kind


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_alone_changes_no_pixel_and_no_sample(
    make: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target = make(kind), tmp_path / "target"
    marked = mark(source, target, [METADATA_DUTY], context)
    delivered = inspect(target)
    shape = (source.width, source.height, source.seconds, source.has_audio)
    assert (delivered.width, delivered.height, delivered.seconds, delivered.has_audio) == shape
    if not kind.startswith("image/"):
        payload = source.path.read_bytes()[1000:5000]
        assert payload in target.read_bytes()
    assert not list(tmp_path.glob("*.draft"))
    assert unmet([METADATA_DUTY], read_back(target, marked, context)) == []


@pytest.mark.parametrize("kind", PICTURES)
def test_a_label_is_found_where_it_was_drawn_and_only_there(
    make: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target, bare = make(kind), tmp_path / "target", tmp_path / "bare"
    duties = [METADATA_DUTY, label_duty()]
    marked = mark(source, target, duties, context)
    marks = read_back(target, marked, context, master=source.path)
    label = found(marks, "label")
    assert label.state == "present"
    assert float(facts(label)["score"]) > 0.7
    assert float(facts(label)["compared_score"]) > 0.8
    assert facts(label)["coverage"] == "throughout"
    assert unmet(duties, marks) == []

    mark(source, bare, [METADATA_DUTY], context)
    unlabelled = read_back(bare, marked, context)
    assert found(unlabelled, "label").state == "absent"
    assert float(facts(found(unlabelled, "label"))["score"]) < 0.4
    assert unmet(duties, unlabelled) == ["label.visible"]


@pytest.mark.parametrize("kind", PICTURES)
def test_a_label_in_chinese_is_found_again(
    make: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target = make(kind), tmp_path / "target"
    duties = [METADATA_DUTY, label_duty("AI生成")]
    marked = mark(source, target, duties, context)
    marks = read_back(target, marked, context)
    assert unmet(duties, marks) == []
    assert unmet([label_duty("AI合成")], marks) == ["label.visible"]


@pytest.mark.parametrize("placement", ["top_right", "top_left", "bottom_right", "bottom_left"])
def test_a_label_may_stand_in_every_corner(
    png: Asset, context: MarkContext, tmp_path: Path, placement: str
) -> None:
    target = tmp_path / "target"
    duties = [label_duty(placement=placement)]
    marked = mark(png, target, duties, context)
    assert unmet(duties, read_back(target, marked, context)) == []


def test_a_label_stands_for_as_long_and_as_often_as_is_due(
    context: MarkContext, tmp_path: Path
) -> None:
    source = inspect(samples.video(tmp_path / "source.mp4", seconds=7, rate=4))
    opening, interval = (
        label_duty(duration="opening", seconds=2),
        label_duty(duration="interval", seconds=2, every=4),
    )
    throughout = label_duty()
    marks = {}
    for duty in (opening, interval):
        duration = duty.parameters["duration"]
        marked = mark(source, tmp_path / duration, [duty], context)
        marks[duration] = read_back(tmp_path / duration, marked, context)
        assert facts(found(marks[duration], "label"))["coverage"] == duration
    assert unmet([opening], marks["opening"]) == unmet([interval], marks["interval"]) == []
    assert unmet([opening], marks["interval"]) == []
    assert unmet([interval], marks["opening"]) == ["label.visible"]
    assert unmet([throughout], marks["interval"]) == ["label.visible"]


def test_a_label_that_is_observed_only_is_not_drawn(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    marked = mark(png, tmp_path / "target", [label_duty(mode="observe")], context)
    assert {mark.kind for mark in marked.marks} == {"c2pa", "iptc", "fingerprint"}


def test_a_watermark_that_is_observed_only_is_written_all_the_same(
    large: Make, context: MarkContext, tmp_path: Path
) -> None:
    observed = replace(WATERMARK_DUTY, mode="observe")
    marked = mark(large("image/png"), tmp_path / "target", [observed], context)
    assert found(read_back(tmp_path / "target", marked, context), "watermark").state == "present"


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_that_the_medium_cannot_carry_is_absent_with_the_reason(
    make: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    duty = label_duty() if kind.startswith("audio/") else AUDIBLE_DUTY
    marked = mark(make(kind), tmp_path / "target", [duty], context)
    label = found(marked.marks, "label")
    assert label.state == "absent" and label.detail
    marks = read_back(tmp_path / "target", marked, context)
    assert found(marks, "label").detail == label.detail
    assert unmet([duty], marks) == [duty.kind]


def test_without_a_watermark_key_the_mark_is_absent_with_the_reason(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    marked = mark(png, tmp_path / "target", [WATERMARK_DUTY], replace(context, watermark_keys=None))
    assert found(marked.marks, "watermark").state == "absent"
    assert unmet([WATERMARK_DUTY], read_back(tmp_path / "target", marked, context)) == [
        "mark.watermark"
    ]


@pytest.mark.parametrize("kind", ["image/png", "audio/wav"])
def test_only_the_watermark_that_was_written_counts(
    large: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target, other = large(kind), tmp_path / "target", tmp_path / "other"
    marked = mark(source, target, [WATERMARK_DUTY], context)
    mark(source, other, [WATERMARK_DUTY], replace(context, watermark_id=77))
    assert found(read_back(other, marked, context), "watermark").state == "absent"
    stranger = replace(context, watermark_keys=WatermarkKeys(b"x" * 32))
    assert found(read_back(target, marked, stranger), "watermark").state == "absent"


def test_another_content_does_not_match_the_fingerprint(
    make: Make, context: MarkContext, tmp_path: Path
) -> None:
    marked = mark(make("image/png"), tmp_path / "target", [], context)
    samples.image(tmp_path / "other.png", picture=samples.noise)
    mark(inspect(tmp_path / "other.png"), tmp_path / "other", [], context)
    marks = read_back(tmp_path / "other", marked, context)
    assert found(marks, "fingerprint").state == "absent"


def test_what_a_reader_does_not_know_beforehand_is_not_checked_and_says_why(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    marked = mark(png, tmp_path / "target", [WATERMARK_DUTY], context)
    trust = context.authority.trust
    for expected in (marked.marks, ()):
        marks = read(tmp_path / "target", "image/png", expected, trust)
        assert found(marks, "c2pa").state == found(marks, "iptc").state == "present"
        for kind in ("label", "watermark", "fingerprint"):
            assert found(marks, kind).state == "not_checked"
            assert found(marks, kind).detail


def test_a_file_that_cannot_be_decoded_carries_no_mark_in_its_content(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    marked = mark(png, target, [WATERMARK_DUTY, label_duty()], context)
    target.write_bytes(target.read_bytes()[:-5000])
    known = Known(context.watermark_keys, context.organisation, marked.fingerprint)
    marks = read(target, "image/png", marked.marks, context.authority.trust, known)
    assert found(marks, "c2pa").state == "absent"
    for kind in ("label", "watermark", "fingerprint"):
        assert found(marks, kind).state == "absent"
    assert "cannot be decoded" in found(marks, "label").detail


def test_readers_work_from_the_marks_as_recorded(
    clip: Asset, context: MarkContext, tmp_path: Path
) -> None:
    target, duties = tmp_path / "target", [METADATA_DUTY, label_duty()]
    marked = mark(clip, target, duties, context)
    recorded = tuple(mark_from_json(mark_json(mark)) for mark in marked.marks)
    assert recorded == marked.marks
    again = Marked(recorded, marked.fingerprint)
    assert unmet(duties, read_back(target, again, context)) == []


def test_a_file_that_names_another_record_does_not_carry_our_mark(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    target, other = tmp_path / "target", tmp_path / "other"
    marked = mark(png, target, [METADATA_DUTY], context)
    mark(png, other, [METADATA_DUTY], replace(context, record_id="gen_" + "0" * 32))
    marks = read_back(other, marked, context)
    assert found(marks, "c2pa").state == found(marks, "iptc").state == "absent"
    assert "another record" in found(marks, "c2pa").detail
    assert unmet([METADATA_DUTY], marks) == ["mark.signed_metadata"]


def test_a_file_that_names_another_source_type_does_not_carry_our_mark(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    target, other = tmp_path / "target", tmp_path / "other"
    marked = mark(png, target, [METADATA_DUTY], context)
    mark(png, other, [METADATA_DUTY], replace(context, source_type="digitalCapture"))
    marks = read_back(other, marked, context)
    assert "another source type" in found(marks, "c2pa").detail
    assert "another source type" in found(marks, "iptc").detail
