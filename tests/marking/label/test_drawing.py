"""The icon, the letters and the box."""

import numpy as np
import pytest

from governance.marking.label import icon, lettering
from governance.marking.label.block import block, box, ink
from tests.marking.label.drawn import Bytes

HEIGHTS = [9, 18, 36, 54]


def extent(picture: object, axis: int) -> tuple[int, int]:
    """First and last row (axis 1) or column (axis 0) in which something is drawn."""
    found = np.flatnonzero(np.asarray(picture).max(axis=axis) > 0.5)
    return int(found[0]), int(found[-1])


def badge(height: int) -> Bytes:
    """The badge of the icon, cut out of its block: 1 where letters are cut out."""
    only = block("AI", height).lines[0]
    rows = slice(only.top, only.top + icon.badge_height(height))
    columns = slice(only.x + 2, only.x + int(only.width) - 2)
    middle = np.asarray(ink("AI", height) < 0.5)[rows, columns]
    inset = round(icon.RADIUS * height)  # without the round corners
    middle[:, :inset][: inset // 2] = middle[:, :inset][-(inset // 2) :] = False
    middle[:, -inset:][: inset // 2] = middle[:, -inset:][-(inset // 2) :] = False
    return middle.astype(np.uint8)


@pytest.mark.parametrize("height", HEIGHTS)
def test_both_letters_of_the_icon_have_the_same_height(height: int) -> None:
    letters = badge(height)
    gap = max(2, round(0.05 * height))
    columns = np.flatnonzero(letters.sum(axis=0) > height * 0.9)  # the stem of the I
    i, a = letters[:, columns[0] - 1 :], letters[:, : columns[0] - gap]
    assert extent(i, 1) == extent(a, 1)
    assert extent(i, 1)[1] - extent(i, 1)[0] + 1 == height


def test_the_icon_keeps_its_proportions() -> None:
    small, large = icon.width("AI", 20), icon.width("AI", 60)
    assert large == pytest.approx(3 * small)
    assert icon.badge_height(60) == pytest.approx(3 * icon.badge_height(20), abs=1)


@pytest.mark.parametrize("word", ["AI GENERATED", "AI MODIFIED"])
def test_what_was_done_stands_beside_the_acronym_and_is_smaller(word: str) -> None:
    whole, only = block(word, 40), block("AI", 40)
    assert whole.height == only.height
    beside = ink(word, 40)[:, only.lines[0].x + int(only.lines[0].width) + 4 :]
    top, bottom = extent(beside, 1)
    assert 0.6 * 40 <= bottom - top + 1 <= 0.75 * 40
    assert abs(top - (whole.height - 1 - bottom)) <= 1


def test_the_smallest_icon_has_a_word_that_can_be_read() -> None:
    beside = ink("AI GENERATED", 9)[:, 26:]
    assert extent(beside, 1)[1] - extent(beside, 1)[0] + 1 >= icon.LEAST_WORD


def test_other_wordings_are_no_icon() -> None:
    assert not block("AI-GENERERET", 18).lines[0].is_icon
    assert not block("AI生成", 18).lines[0].is_icon


@pytest.mark.parametrize("text", ["I", "Ä", "Ж", "Ω", "生", "成", "생", "る"])
@pytest.mark.parametrize("height", HEIGHTS)
def test_letters_of_every_script_are_as_high_as_the_duty_says(height: int, text: str) -> None:
    top, bottom = extent(ink(text, height), 1)
    least = height if text != "る" else 0.95 * height  # of a syllable without a full square
    assert bottom - top + 1 >= least


@pytest.mark.parametrize("text", ["ÀÉÎ GJQY", "gjpqy ßẞ", "AI로 생성됨", "人工智能生成合成", "ŐŰ"])
def test_no_letter_reaches_out_of_its_box(text: str) -> None:
    letters = ink(text, 36)
    top, bottom = extent(letters, 1)
    left, right = extent(letters, 0)
    assert top > 0 and left > 0
    assert bottom < letters.shape[0] - 1 and right < letters.shape[1] - 1


def test_every_character_has_its_own_glyph() -> None:
    characters = "AÄBΓДЖ人工智能生成合로됨により"
    drawn = {character: ink(character, 36).tobytes() for character in characters}
    assert len(set(drawn.values())) == len(characters)


@pytest.mark.parametrize(
    "text", ["The quick brown fox", "ÇĞŁŽßðþœ", "Ελληνικά ΆΈΉ", "Українська Ґґ Її", "Tiếng Việt"]
)
def test_wordings_of_operators_in_latin_greek_and_cyrillic_can_be_drawn(text: str) -> None:
    assert lettering.missing(text) == []


@pytest.mark.parametrize("text", ["हिन्दी", "العربية", "עברית", "ไทย", "😀", "\x07"])
def test_what_cannot_be_drawn_is_known(text: str) -> None:
    assert lettering.missing(text)


def test_the_box_has_round_corners() -> None:
    shape = box("AI GENERATED", 36)
    assert shape[0, 0] == shape[-1, -1] == 0
    assert shape[shape.shape[0] // 2, shape.shape[1] // 2] == 1
