"""The label is found in copies of another size and cut."""

import io

import numpy as np
import pytest
from PIL import Image

from governance.marking.label.find import find
from tests.marking.label.drawn import Bytes, backgrounds, label, painted


def copied(picture: Bytes, crop: tuple[int, int, int, int], size: tuple[int, int]) -> Bytes:
    """Cropped, resized and saved as a JPEG of low quality, as a platform does."""
    buffer = io.BytesIO()
    Image.fromarray(picture).crop(crop).resize(size).save(buffer, "JPEG", quality=50)
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize("scene", ["dark", "light", "blobs"])
@pytest.mark.parametrize(
    ("crop", "size"),
    [
        ((0, 0, 640, 360), (640, 360)),
        ((0, 0, 640, 360), (1280, 720)),
        ((0, 0, 640, 360), (320, 180)),
        ((160, 0, 640, 300), (640, 400)),
        ((64, 4, 636, 320), (429, 237)),
    ],
)
def test_a_scaled_and_cropped_copy_still_shows_its_label(
    scene: str, crop: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    shown = label("AI GENERATED · AI生成")
    place = find(copied(painted(backgrounds()[scene], shown), crop, size), shown)
    scale = size[0] / (crop[2] - crop[0])
    assert place is not None
    assert place.scale == pytest.approx(scale, rel=0.02)
    assert place.x == pytest.approx((shown.x - crop[0]) * scale, abs=3)
    assert place.y == pytest.approx((shown.y - crop[1]) * scale, abs=3)
    assert (place.score > 0) == (scene == "dark")


@pytest.mark.parametrize("wording", ["AI", "AI GENERATED"])
@pytest.mark.parametrize("scene", ["blobs", "noise", "tiles"])
def test_an_unlabelled_picture_shows_none(scene: str, wording: str) -> None:
    assert find(backgrounds()[scene], label(wording)) is None


def test_another_label_is_not_the_one_looked_for() -> None:
    assert find(painted(backgrounds()["dark"], label("KI-GENERIERT")), label("AI生成")) is None


def test_a_picture_too_small_for_any_label_shows_none() -> None:
    assert find(np.zeros((40, 60), np.uint8), label()) is None
