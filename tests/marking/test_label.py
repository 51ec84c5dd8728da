"""The visible label's size, place and letters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import ConfigurationError
from governance.marking.label.visible import box, from_facts, glyphs, place, spec
from tests.marking.samples import label_duty

PLACEMENTS = ("top_right", "top_left", "bottom_right", "bottom_left")


@given(
    width=st.integers(160, 4096),
    height=st.integers(160, 4096),
    placement=st.sampled_from(PLACEMENTS),
    permille=st.integers(10, 100),
)
def test_a_label_lies_inside_the_picture_on_even_pixels(
    width: int, height: int, placement: str, permille: int
) -> None:
    wanted = spec(label_duty("AI", placement=placement, height=permille).parameters)
    label = place(wanted, width, height)
    assert label.x > 0 and label.x + label.width < width
    assert label.y > 0 and label.y + label.height < height
    assert not any(value % 2 for value in (label.x, label.y, label.width, label.height))
    assert label.text_height * 1000 >= permille * min(width, height)


@pytest.mark.parametrize("letter", ["I", "生"])
@pytest.mark.parametrize("text_height", [9, 18, 36, 54, 108])
def test_letters_are_as_high_as_the_duty_says(text_height: int, letter: str) -> None:
    letters = glyphs(letter, text_height, 4 * text_height, 4 * text_height)
    rows = np.flatnonzero(letters.max(axis=1) > 0.5)
    assert rows[-1] - rows[0] + 1 >= text_height


def test_letters_stand_in_the_middle_of_their_box() -> None:
    label = place(spec(label_duty().parameters), 1280, 720)
    letters = glyphs(label.text, label.text_height, label.width, label.height)
    rows, columns = np.nonzero(letters > 0.5)
    assert abs(rows.min() - (label.height - 1 - rows.max())) <= 2
    assert abs(columns.min() - (label.width - 1 - columns.max())) <= 4


def test_the_box_has_round_corners_and_lets_the_picture_shine_through() -> None:
    shape = box(200, 60, 28)
    assert shape[0, 0] == 0
    assert shape[30, 100] == pytest.approx(0.66)


def test_white_letters_on_the_box_over_white_have_enough_contrast() -> None:
    code = 1 - float(box(200, 60, 28)[30, 100])
    luminance = ((code + 0.055) / 1.055) ** 2.4
    assert 1.05 / (luminance + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def test_joined_wordings_break_into_lines_where_one_is_too_long() -> None:
    wanted = spec(label_duty("AI GENERATED · SYNTHETIC PERFORMER").parameters)
    assert place(wanted, 1280, 720).text == "AI GENERATED · SYNTHETIC PERFORMER"
    assert place(wanted, 540, 960).text == "AI GENERATED\nSYNTHETIC\nPERFORMER"


def test_a_character_without_glyph_is_refused_rather_than_drawn_as_a_box() -> None:
    with pytest.raises(ConfigurationError) as caught:
        place(spec(label_duty("AI 視頻").parameters), 1280, 720)
    assert caught.value.code == "label_glyph_missing"
    assert "視, 頻" in caught.value.message


@pytest.mark.parametrize("wording", ["AI生成", "AI合成", "人工智能生成", "AI GENERATED · AI生成"])
def test_the_words_that_china_asks_for_have_letters(wording: str) -> None:
    label = place(spec(label_duty(wording).parameters), 1280, 720)
    letters = glyphs(label.text, label.text_height, label.width, label.height)
    rows = np.flatnonzero(letters.max(axis=1) > 0.5)
    assert rows[0] > 0 and rows[-1] < label.height - 1
    drawn = {character: glyphs(character, 36, 72, 72).tobytes() for character in wording}
    assert len(set(drawn.values())) == len(drawn)


def test_a_label_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        place(spec(label_duty("AI GENERATED", height=200).parameters), 320, 320)
    assert caught.value.code == "label_too_large"


@given(placement=st.sampled_from(PLACEMENTS), duration=st.sampled_from(["opening", "throughout"]))
def test_a_label_is_rebuilt_from_its_facts(placement: str, duration: str) -> None:
    wanted = spec(label_duty(placement=placement, duration=duration).parameters)
    label = place(wanted, 720, 1280)
    assert from_facts(dict(label.facts())) == label


def test_an_opening_label_covers_the_first_three_seconds() -> None:
    label = place(spec(label_duty(duration="opening").parameters), 320, 180)
    assert label.covers(0) and label.covers(2.999)
    assert not label.covers(3)
