"""Where the visible label stands, and when it is due."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain import Duty
from governance.kernel.errors import ConfigurationError
from governance.marking.label.block import block
from governance.marking.label.visible import Label, due, from_facts, place, spec
from tests.marking.label.drawn import PLACEMENTS, label, wanted
from tests.marking.samples import label_duty

WORLD = "AI GENERATED · AI生成 · AI로 생성됨 · SYNTHETIC PERFORMER"
# What marks of the first version say; signed records hold such.
FIRST_VERSION = {
    "form": "visible",
    "wording": "AI GENERATED",
    "placement": "top_right",
    "duration": "opening",
    "seconds": "3",
    "height_permille": "50",
    "frame": "640x360",
    "box": "412,12,216,38",
    "text": "AI GENERATED",
    "text_height": "18",
}


def overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


@given(
    width=st.integers(160, 4096),
    height=st.integers(160, 4096),
    placement=st.sampled_from(PLACEMENTS),
    permille=st.integers(10, 100),
)
def test_a_label_lies_inside_the_picture_on_even_pixels(
    width: int, height: int, placement: str, permille: int
) -> None:
    placed = place(wanted("AI", placement=placement, height=permille), width, height)
    assert placed.x > 0 and placed.x + placed.width < width
    assert placed.y > 0 and placed.y + placed.height < height
    assert not any(value % 2 for value in (placed.x, placed.y, placed.width, placed.height))
    assert placed.text_height * 1000 >= permille * min(width, height)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_label_keeps_the_same_margin_from_both_sides_of_its_corner(placement: str) -> None:
    placed = place(wanted(placement=placement), 1920, 1080)
    left, right = placed.x, 1920 - placed.x - placed.width
    top, bottom = placed.y, 1080 - placed.y - placed.height
    corner = ("top" if top < bottom else "bottom", "left" if left < right else "right")
    assert corner == tuple(placement.split("_"))
    assert abs(min(left, right) - min(top, bottom)) <= 2


def test_letters_are_never_smaller_than_a_codec_keeps() -> None:
    assert place(wanted("AI", height=10), 320, 180).text_height == 9


@pytest.mark.parametrize(
    "size", [(640, 360), (1920, 1080), (1080, 1920), (512, 512), (256, 256), (720, 1280)]
)
@pytest.mark.parametrize("wording", ["AI GENERATED", "AI GENERATED · AI生成", WORLD])
def test_the_wordings_of_several_jurisdictions_stand_in_one_block_without_overlap(
    wording: str, size: tuple[int, int]
) -> None:
    placed = place(wanted(wording), *size)
    lines = block(placed.text, placed.text_height).lines
    assert set(placed.text.replace("\n", " ").split()) == set(wording.replace(" · ", " ").split())
    spans = [(line.top, line.top + placed.text_height) for line in lines]
    assert not any(overlap(one, other) for one, other in pairwise(spans))
    assert all(line.x > 0 and line.x + line.width < placed.width for line in lines)
    assert spans[-1][1] < placed.height <= size[1]
    assert placed.text_height * 1000 >= 50 * min(size)


def test_the_icon_stands_first_then_other_scripts_then_latin_letters() -> None:
    lines = block(label("SYNTHETIC · 인공지능 생성 · AI MODIFIED").text, 18).lines
    assert [line.text for line in lines] == ["AI MODIFIED", "인공지능 생성", "SYNTHETIC"]
    assert [line.is_icon for line in lines] == [True, False, False]


def test_a_long_wording_breaks_rather_than_cover_more_than_half_of_the_width() -> None:
    assert place(wanted("SYNTHETIC PERFORMER"), 1920, 1080).text == "SYNTHETIC\nPERFORMER"
    assert place(wanted("SYNTHETIC PERFORMER", height=20), 1920, 1080).text.count("\n") == 0


def test_an_icon_never_breaks() -> None:
    assert place(wanted("AI GENERATED", height=80), 256, 512).text == "AI GENERATED"


def test_the_margin_shrinks_before_a_label_is_refused() -> None:
    roomy, tight = place(wanted(height=50), 640, 640), place(wanted(height=106), 640, 640)
    assert 0 < 640 - tight.x - tight.width < 640 - roomy.x - roomy.width


def test_a_label_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        place(wanted(height=200), 320, 320)
    assert caught.value.code == "label_too_large"


def test_a_character_without_glyph_is_refused_rather_than_drawn_as_a_box() -> None:
    with pytest.raises(ConfigurationError) as caught:
        place(wanted("AI 鑑黌 AI"), 1280, 720)
    assert caught.value.code == "label_glyph_missing"
    assert "鑑, 黌" in caught.value.message


def test_a_letter_and_its_accent_are_drawn_as_one() -> None:
    assert place(wanted("GE\u0301NE\u0301RE\u0301"), 1280, 720).text == "GÉNÉRÉ"


@given(
    placement=st.sampled_from(PLACEMENTS),
    duration=st.sampled_from(["opening", "interval", "throughout"]),
    every=st.integers(2, 600),
)
def test_a_label_is_rebuilt_from_its_facts(placement: str, duration: str, every: int) -> None:
    asked = wanted(WORLD, placement=placement, duration=duration, every=every)
    placed = place(asked, 720, 1280)
    assert from_facts(dict(placed.facts())) == placed


def test_a_mark_of_the_first_version_is_still_read() -> None:
    old = from_facts(FIRST_VERSION)
    assert (old.x, old.width, old.text, old.design) == (412, 216, "AI GENERATED", 1)


def displays(shown: Label, *times: float) -> list[int | None]:
    return [shown.display(time) for time in times]


def test_an_opening_label_is_due_in_the_first_seconds() -> None:
    shown = label(duration="opening", seconds=3)
    assert displays(shown, 0, 2.999, 3, 60) == [0, 0, None, None]


def test_an_interval_label_is_due_at_the_beginning_and_again_and_again() -> None:
    shown = label(duration="interval", seconds=3, every=10)
    assert displays(shown, 0, 2.9, 3, 9.9, 10, 12.9, 13, 20.1) == [0, 0, None, None, 1, 1, None, 2]


def test_a_label_throughout_is_one_display() -> None:
    assert displays(label(duration="throughout"), 0, 100) == [0, 0]


def test_displays_that_follow_without_a_gap_are_one() -> None:
    assert displays(label(duration="interval", seconds=5, every=5), 0, 5, 12) == [0, 0, 0]


def test_a_time_stamp_off_by_its_last_digit_changes_nothing() -> None:
    shown = label(duration="interval", seconds=3, every=10)
    assert displays(shown, 2.9999999999, 9.9999999999, 12.9999999999) == [None, 1, None]


def test_only_an_enforced_duty_asks_for_a_label() -> None:
    assert due([label_duty(mode="observe"), Duty("mark.watermark", {}, ("rule",))]) is None
    assert due([label_duty(mode="observe"), label_duty("AI")]) == spec(label_duty("AI").parameters)
