"""What is written into a file is read back from its bytes, by readers of their own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from governance.domain import Asset, Duty, Mark
from governance.marking.bodies import mark_from_json, mark_json
from governance.marking.duties import unmet
from governance.marking.probe import inspect
from governance.marking.read import read
from governance.marking.write import MarkContext, mark
from tests.marking.conftest import KINDS, PICTURES, RECORD, RECORD_URI
from tests.marking.samples import GENERATED, METADATA_DUTY, label_duty

Make = Callable[[str], Asset]


def found(marks: tuple[Mark, ...], kind: str) -> Mark:
    (mark,) = [mark for mark in marks if mark.kind == kind]
    return mark


def facts(mark: Mark) -> dict[str, str]:
    return dict(mark.facts)


@pytest.mark.parametrize("kind", KINDS)
def test_signed_metadata_is_found_again_in_every_format(
    make: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target = make(kind), tmp_path / "target"
    written = mark(source, target, [METADATA_DUTY], context)
    marks = read(target, kind, written, context.authority.ca_pem)
    manifest = facts(found(marks, "c2pa"))
    assert found(marks, "c2pa").state == "present"
    assert manifest["validation"] == "Trusted"
    assert (manifest["record_id"], manifest["source_type"]) == (RECORD, GENERATED)
    assert found(marks, "iptc").state == "present"
    assert facts(found(marks, "iptc")) == {
        "source_type": GENERATED,
        "record_id": RECORD,
        "record_uri": RECORD_URI,
    }
    assert unmet([METADATA_DUTY], marks) == []


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_alone_changes_no_pixel_and_no_sample(
    make: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target = make(kind), tmp_path / "target"
    mark(source, target, [METADATA_DUTY], context)
    delivered = inspect(target)
    shape = (source.width, source.height, source.seconds, source.has_audio)
    assert (delivered.width, delivered.height, delivered.seconds, delivered.has_audio) == shape
    payload = source.path.read_bytes()[100:-100]
    if kind in ("video/mp4", "audio/wav"):
        payload = payload[:20_000]
        assert payload in target.read_bytes()
    assert not list(tmp_path.glob("*.draft"))


@pytest.mark.parametrize("kind", PICTURES)
def test_a_label_is_found_where_it_was_drawn_and_only_there(
    make: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target, bare = make(kind), tmp_path / "target", tmp_path / "bare"
    duties = [METADATA_DUTY, label_duty()]
    written = mark(source, target, duties, context)
    marks = read(target, kind, written, context.authority.ca_pem)
    label = found(marks, "label")
    assert label.state == "present"
    assert float(facts(label)["score"]) > 0.9
    assert facts(label)["coverage"] == "throughout"
    assert unmet(duties, marks) == []

    mark(source, bare, [METADATA_DUTY], context)
    unlabelled = read(bare, kind, written, context.authority.ca_pem)
    assert found(unlabelled, "label").state == "absent"
    assert float(facts(found(unlabelled, "label"))["score"]) < 0.3
    assert unmet(duties, unlabelled) == ["label.visible"]


@pytest.mark.parametrize("kind", PICTURES)
def test_a_label_in_chinese_is_found_again(
    make: Make, context: MarkContext, tmp_path: Path, kind: str
) -> None:
    source, target = make(kind), tmp_path / "target"
    duties = [METADATA_DUTY, label_duty("AI生成")]
    written = mark(source, target, duties, context)
    marks = read(target, kind, written, context.authority.ca_pem)
    assert unmet(duties, marks) == []
    assert unmet([label_duty("AI合成")], marks) == ["label.visible"]


@pytest.mark.parametrize("placement", ["top_right", "top_left", "bottom_right", "bottom_left"])
def test_a_label_may_stand_in_every_corner(
    png: Asset, context: MarkContext, tmp_path: Path, placement: str
) -> None:
    target = tmp_path / "target"
    duties = [label_duty(placement=placement)]
    written = mark(png, target, duties, context)
    assert unmet(duties, read(target, "image/png", written, context.authority.ca_pem)) == []


def test_a_label_that_is_observed_only_is_not_drawn(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    written = mark(png, tmp_path / "target", [label_duty(mode="observe")], context)
    assert {mark.kind for mark in written} == {"c2pa", "iptc"}


def test_a_sound_can_carry_no_visible_label_and_says_so(
    make: Make, context: MarkContext, tmp_path: Path
) -> None:
    target, duties = tmp_path / "target", [label_duty()]
    written = mark(make("audio/wav"), target, duties, context)
    assert found(written, "label").state == "absent"
    marks = read(target, "audio/wav", written, context.authority.ca_pem)
    assert unmet(duties, marks) == ["label.visible"]


def test_duties_without_a_writer_are_reported_absent_and_not_checked(
    make: Make, context: MarkContext, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    kinds = ("mark.watermark", "label.audible", "metadata.aigc")
    duties = [Duty(kind, {}, ("test-rule",)) for kind in kinds]
    written = mark(make("audio/wav"), target, duties, context)
    assert found(written, "watermark").state == found(written, "aigc").state == "absent"
    assert facts(found(written, "label")) == {"form": "audible"}
    marks = read(target, "audio/wav", written, context.authority.ca_pem)
    assert found(marks, "watermark").state == found(marks, "aigc").state == "not_checked"
    assert unmet(duties, marks) == sorted(kinds)


def test_readers_work_from_the_marks_as_recorded(
    clip: Asset, context: MarkContext, tmp_path: Path
) -> None:
    target, duties = tmp_path / "target", [METADATA_DUTY, label_duty()]
    written = mark(clip, target, duties, context)
    recorded = [mark_from_json(mark_json(mark)) for mark in written]
    assert tuple(recorded) == written
    assert unmet(duties, read(target, "video/mp4", recorded, context.authority.ca_pem)) == []


def test_a_file_that_names_another_record_does_not_carry_our_mark(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    target, other = tmp_path / "target", tmp_path / "other"
    written = mark(png, target, [METADATA_DUTY], context)
    mark(png, other, [METADATA_DUTY], replace(context, record_id="gen_" + "0" * 32))
    marks = read(other, "image/png", written, context.authority.ca_pem)
    assert found(marks, "c2pa").state == found(marks, "iptc").state == "absent"
    assert "another record" in found(marks, "c2pa").detail
    assert unmet([METADATA_DUTY], marks) == ["mark.signed_metadata"]


def test_a_file_that_names_another_source_type_does_not_carry_our_mark(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    target, other = tmp_path / "target", tmp_path / "other"
    written = mark(png, target, [METADATA_DUTY], context)
    mark(png, other, [METADATA_DUTY], replace(context, source_type="digitalCapture"))
    marks = read(other, "image/png", written, context.authority.ca_pem)
    assert "another source type" in found(marks, "c2pa").detail
    assert "another source type" in found(marks, "iptc").detail
