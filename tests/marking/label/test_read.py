"""The label is found again where it is due, and nothing else is taken for it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from governance.domain import Mark
from governance.marking.label.paint import LabelPainter
from governance.marking.label.read import (
    THRESHOLD,
    LabelReader,
    Sighting,
    correlation,
    label_mark,
)
from governance.marking.label.visible import Label, from_facts
from tests.marking.label.drawn import (
    HEIGHT,
    WIDTH,
    Bytes,
    backgrounds,
    chroma,
    encoded,
    label,
    painted,
)
from tests.marking.label.test_place import FIRST_VERSION

WORDINGS = ["AI", "AI GENERATED", "AI GENERATED · AI生成", "SYNTHETIC PERFORMER", "AI로 생성됨"]
RATE = 5  # frames per second of the clips below


def clip(shown: Label, seconds: float, scene: str = "blobs") -> list[tuple[float, Bytes]]:
    """A labelled clip."""
    painter, frames = LabelPainter(shown), []
    for number in range(round(seconds * RATE)):
        luma = np.roll(backgrounds()[scene], 2 * number, axis=1)
        painter.paint(number / RATE, luma, chroma(luma))
        frames.append((number / RATE, luma))
    return frames


def looked(shown: Label, frames: Sequence[tuple[float, Bytes]]) -> Sighting:
    reader = LabelReader(shown)
    for seconds, luma in frames:
        reader.feed(seconds, luma)
    return reader.sighting()


def read_back(written: Label, frames: Sequence[tuple[float, Bytes]]) -> Mark:
    expected = Mark("label", "present", "writer", "1", "", written.facts())
    return label_mark(expected, looked(written, frames))


def facts(mark: Mark) -> dict[str, str]:
    return dict(mark.facts)


@pytest.mark.parametrize("crf", [23, 35])
@pytest.mark.parametrize("wording", WORDINGS)
def test_the_label_is_found_after_compression_on_every_background(wording: str, crf: int) -> None:
    shown = label(wording)
    for name, background in backgrounds().items():
        frames = [painted(np.roll(background, 3 * n, axis=1), shown) for n in range(3)]
        scores = [abs(correlation(frame, shown)) for frame in encoded(frames, crf)]
        assert min(scores) >= 0.75, name


@pytest.mark.parametrize("wording", WORDINGS)
def test_no_background_is_taken_for_a_label(wording: str) -> None:
    shown = label(wording)
    for background in backgrounds().values():
        shifted = [np.roll(background, 7 * n, axis=1) for n in range(40)]
        assert max(abs(correlation(picture, shown)) for picture in shifted) < THRESHOLD - 0.1


def test_another_wording_is_not_taken_for_the_one_that_is_due() -> None:
    picture = painted(backgrounds()["blobs"], label("AI-GENERERAD"))
    assert abs(correlation(picture, label("KI-GENERIERT"))) < THRESHOLD


def test_a_flat_picture_has_no_label() -> None:
    assert correlation(np.full((HEIGHT, WIDTH), 90, np.uint8), label()) == 0


@pytest.mark.parametrize("size", [(320, 180), (480, 270), (1280, 720), (854, 480)])
def test_the_label_is_found_after_the_picture_was_resized(size: tuple[int, int]) -> None:
    shown = label("AI GENERATED · AI生成")
    resized = Image.fromarray(painted(backgrounds()["blobs"], shown)).resize(size)
    assert abs(correlation(np.asarray(resized), shown)) > 0.7


def test_letters_that_a_font_library_sets_a_little_narrower_are_found() -> None:
    shown = label("AI GENERATED · AI生成")
    recorded = replace(shown, x=shown.x + 2, width=shown.width - 2)
    assert abs(correlation(painted(backgrounds()["blobs"], shown), recorded)) > THRESHOLD


def test_a_turned_frame_need_not_lie_in_one_piece_of_memory() -> None:
    shown = label()
    picture = painted(backgrounds()["blobs"], shown)
    turned = np.rot90(np.ascontiguousarray(np.rot90(picture, 3)))
    assert not turned.flags.c_contiguous
    assert abs(correlation(turned[::2, ::2], shown)) > 0.7


@pytest.mark.parametrize("scene", ["dark", "light"])
def test_a_label_throughout_is_found_to_the_end(scene: str) -> None:
    shown = label(duration="throughout")
    mark = read_back(shown, clip(shown, 4, scene))
    assert mark.state == "present"
    assert facts(mark)["coverage"] == "throughout"
    assert facts(mark)["frames"] == "20"
    assert facts(mark)["placement"] == "top_right"
    assert facts(mark)["height_permille"] == "50"


def test_an_opening_label_ends_and_is_whole_all_the_same() -> None:
    shown = label(duration="opening", seconds=2)
    mark = read_back(shown, clip(shown, 4))
    assert (mark.state, facts(mark)["coverage"]) == ("present", "opening")
    assert facts(mark)["seconds"] == "2.000"


def test_a_label_that_ends_too_early_is_reported_with_the_time() -> None:
    mark = read_back(label(duration="throughout"), clip(label(duration="opening", seconds=2), 4))
    assert mark.state == "absent"
    assert mark.detail == "Found until 2.000 s only."


def test_each_display_of_an_interval_is_looked_for() -> None:
    shown = label(duration="interval", seconds=1, every=3)
    mark = read_back(shown, clip(shown, 8))
    assert mark.state == "present"
    assert (facts(mark)["coverage"], facts(mark)["every"]) == ("interval", "3")
    assert (facts(mark)["displays"], facts(mark)["seconds"]) == ("3", "1.000")


def test_a_display_that_is_missing_is_reported_with_its_time() -> None:
    shown = label(duration="interval", seconds=1, every=3)
    frames = [
        (seconds, backgrounds()["blobs"] if 3 <= seconds < 5 else luma)
        for seconds, luma in clip(shown, 8)
    ]
    mark = read_back(shown, frames)
    assert mark.state == "absent"
    assert mark.detail == "Not found at 3.000 s, where it is due."


def test_an_opening_alone_is_no_interval() -> None:
    mark = read_back(
        label(duration="interval", seconds=1, every=3),
        clip(label(duration="opening", seconds=1), 8),
    )
    assert mark.state == "absent"


def test_a_display_that_begins_late_is_reported() -> None:
    shown = label(duration="interval", seconds=1, every=3)
    frames = [
        (seconds, backgrounds()["blobs"] if 3 <= seconds < 3.3 else luma)
        for seconds, luma in clip(shown, 5)
    ]
    assert read_back(shown, frames).state == "absent"


def test_displays_may_differ_in_variant_but_none_may_change_it() -> None:
    shown = label(duration="interval", seconds=1, every=3)
    dark, light = clip(shown, 6, "dark"), clip(shown, 6, "light")
    assert read_back(shown, dark[:15] + light[15:]).state == "present"
    assert read_back(shown, dark[:2] + light[2:]).state == "absent"


def test_a_file_without_the_label_and_one_without_pictures_have_none() -> None:
    shown = label()
    bare = [(0.0, backgrounds()["blobs"]), (0.2, backgrounds()["blobs"])]
    assert read_back(shown, bare).detail == "Not found on the first frame."
    assert read_back(shown, []).state == "absent"


def first_version(background: Bytes, shown: Label) -> Bytes:
    """A label as the first version of this service drew it."""
    letters = Image.new("L", (shown.width, shown.height))
    draw = ImageDraw.Draw(letters)
    font = ImageFont.load_default(26)
    assert isinstance(font, ImageFont.FreeTypeFont)
    tracking, stroke = 0.06 * shown.text_height, 0.035 * shown.text_height
    width = sum(font.getlength(sign) + tracking for sign in shown.text) - tracking
    at = (shown.width - width) / 2
    for sign in shown.text:
        draw.text((at, 28), sign, fill=255, font=font, anchor="ls", stroke_width=stroke)
        at += font.getlength(sign) + tracking
    share = np.asarray(letters, np.float32) / 255
    picture = background.copy()
    region = picture[shown.y : shown.y + shown.height, shown.x : shown.x + shown.width]
    region[:] = (region * 0.34 + 16 * 0.66) * (1 - share) + 235 * share
    return picture


def test_a_label_that_the_first_version_drew_is_found() -> None:
    old = from_facts(FIRST_VERSION)
    for name, background in backgrounds().items():
        assert correlation(first_version(background, old), old) > THRESHOLD, name
        assert correlation(background, old) < THRESHOLD, name
