"""What differs from the unlabelled master is the label."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from governance.domain import Mark
from governance.marking.decode import watch
from governance.marking.encode import encode_video
from governance.marking.label.compare import Comparison, MasterPairs, moments
from governance.marking.label.paint import LabelPainter, draw_on_image
from governance.marking.label.read import THRESHOLD, LabelReader, label_mark
from governance.marking.label.visible import Label, place
from tests.marking import samples
from tests.marking.label.drawn import Bytes, backgrounds, encoded, label, painted, wanted

Compare = Callable[[Bytes, Bytes, Label], Comparison]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Compares a delivered picture with its master."""

    def compare(delivered: Bytes, master: Bytes, shown: Label) -> Comparison:
        Image.fromarray(master).save(tmp_path / "master.png")
        pairs = MasterPairs(tmp_path / "master.png", "image/png", shown)
        pairs.feed(0.0, delivered)
        comparison = pairs.comparison()
        assert comparison is not None
        return comparison

    return compare


def of_clip(master: Path, shown: Label, *, labelled: bool = True) -> Comparison | None:
    """Encodes a clip with the label, or without, and compares it with its master."""
    target = master.with_name("target.mp4")
    painters = [LabelPainter(shown)] if labelled else []
    encode_video(master, target, "video/mp4", lambda *_: painters)
    pairs = MasterPairs(master, "video/mp4", shown)
    watch(target, "video/mp4", [pairs])
    return pairs.comparison()


def codec(picture: Bytes, crf: int = 28) -> Bytes:
    return encoded([picture], crf)[0]


@pytest.mark.parametrize("name", list(backgrounds()))
def test_the_difference_from_the_master_is_the_label(compare: Compare, name: str) -> None:
    background, shown = backgrounds()[name], label("AI GENERATED · AI生成")
    comparison = compare(codec(painted(background, shown)), background, shown)
    assert comparison.score > 0.8
    assert comparison.psnr > 20  # of noise, the hardest to encode
    assert dict(comparison.facts())["compared"] == "1"


def test_letters_that_the_masters_picture_had_already_are_no_label(compare: Compare) -> None:
    shown = label()
    lettered = painted(backgrounds()["blobs"], shown)
    reader = LabelReader(shown)
    reader.feed(0, codec(lettered))
    comparison = compare(codec(lettered), lettered, shown)
    assert comparison.score < THRESHOLD
    expected = Mark("label", "present", "writer", "1", "", shown.facts())
    assert label_mark(expected, reader.sighting()).state == "present"
    mark = label_mark(expected, reader.sighting(), comparison)
    assert mark.state == "absent"
    assert "does not differ from its master" in mark.detail


def test_another_picture_outside_of_the_label_is_told_by_its_likeness(compare: Compare) -> None:
    shown = label()
    assert (
        compare(painted(backgrounds()["stripes"], shown), backgrounds()["blobs"], shown).psnr < 15
    )


def test_a_resized_delivery_and_an_odd_master_are_compared(compare: Compare) -> None:
    background, shown = backgrounds()["blobs"], label()
    half = np.asarray(Image.fromarray(painted(background, shown)).resize((320, 180)))
    odd = np.pad(background, ((0, 1), (0, 1)), mode="edge")
    for one, master in ((half, background), (painted(background, shown), odd)):
        assert compare(one, master, shown).score > 0.8


def test_without_a_pair_of_frames_nothing_is_said(tmp_path: Path) -> None:
    master = samples.image(tmp_path / "master.png")
    assert MasterPairs(master, "image/png", label()).comparison() is None


def test_moments_are_few_and_lie_where_the_label_is_due() -> None:
    for asked in (
        label(duration="throughout"),
        label(duration="opening", seconds=2),
        label(duration="interval", seconds=2, every=30),
        label(duration="interval", seconds=5, every=5),
    ):
        for duration in (0.5, 9.0, 61.0, 7200.0):
            times = moments(asked, duration)
            assert 1 <= len(times) <= 6
            assert times == sorted(times)
            assert all(asked.display(time) is not None and time < duration for time in times)


def test_a_long_clip_is_sampled_over_all_of_its_displays() -> None:
    times = moments(label(duration="interval", seconds=2, every=30), 7200)
    assert times[0] < 2 and times[-1] > 7100 and len(times) == 6


def test_a_delivered_clip_is_compared_with_the_key_frames_of_its_master(tmp_path: Path) -> None:
    plain = samples.video(tmp_path / "plain.mp4", seconds=5, rate=8, picture=samples.noise)
    master = tmp_path / "master.mp4"
    encode_video(plain, master, "video/mp4", lambda *_: [])  # a key frame every 2 s
    shown = label(duration="throughout")
    comparison = of_clip(master, shown)
    assert comparison is not None
    assert 3 <= comparison.frames <= 6
    assert comparison.score > 0.9
    assert comparison.psnr > 35
    bare = of_clip(master, shown, labelled=False)
    assert bare is not None and bare.score < THRESHOLD


def test_key_frames_without_a_due_label_are_left_out(tmp_path: Path) -> None:
    plain = samples.video(tmp_path / "plain.mp4", seconds=5, rate=8, picture=samples.noise)
    master = tmp_path / "master.mp4"
    encode_video(plain, master, "video/mp4", lambda *_: [])
    comparison = of_clip(master, label(duration="opening", seconds=1))
    assert comparison is not None
    assert comparison.frames == 1 and comparison.score > 0.9


@pytest.mark.parametrize("stamps", [[0], [0, 30, 1200, 4200, 4260]])  # in 1/600 s
def test_the_first_frame_is_always_compared(tmp_path: Path, stamps: list[int]) -> None:
    master = samples.video(tmp_path / "master.mp4", times=stamps, picture=samples.noise)
    shown = place(wanted(duration="interval", seconds=1, every=3), 640, 360)
    comparison = of_clip(master, shown)
    assert comparison is not None and comparison.score > 0.9


def test_a_delivered_image_is_compared_with_its_master(tmp_path: Path) -> None:
    image, shown = Image.fromarray(samples.noise(0)), label()
    image.save(tmp_path / "master.png")
    draw_on_image(image, shown)
    image.save(tmp_path / "target.png")
    pairs = MasterPairs(tmp_path / "master.png", "image/png", shown)
    watch(tmp_path / "target.png", "image/png", [pairs])
    comparison = pairs.comparison()
    assert comparison is not None
    assert comparison.score > 0.95 and comparison.psnr == 99.0
