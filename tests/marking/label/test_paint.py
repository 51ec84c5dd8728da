"""Dark or light, legible on whatever lies beneath, and nothing but the box is touched."""

import numpy as np
import pytest
from PIL import Image

from governance.marking.label.paint import (
    DARK,
    LEAST_CONTRAST,
    LIGHT,
    LabelPainter,
    Variant,
    choose,
    contrast,
    draw_on_image,
)
from governance.marking.label.read import correlation
from tests.marking.label.drawn import HEIGHT, WIDTH, backgrounds, chroma, label, painted


@pytest.mark.parametrize("variant", [DARK, LIGHT], ids=["dark", "light"])
def test_the_box_guarantees_the_contrast_on_every_background(variant: Variant) -> None:
    worst = min(contrast(variant, beneath / 255) for beneath in range(256))
    assert worst >= LEAST_CONTRAST


def test_a_dark_picture_gets_the_dark_box_and_a_light_one_the_light() -> None:
    pictures = backgrounds()
    assert choose(pictures["dark"])[0] == DARK
    assert choose(pictures["light"])[0] == LIGHT


def test_the_darkest_or_brightest_spots_decide_not_the_mean() -> None:
    speckled = np.full((40, 160), 40, np.uint8)
    speckled[::8, ::4] = 235
    flat = np.full((40, 160), int(speckled.mean()), np.uint8)
    assert choose(flat)[0] == DARK
    assert choose(speckled)[0] == LIGHT


@pytest.mark.parametrize("name", list(backgrounds()))
def test_the_label_is_seen_on_every_background(name: str) -> None:
    shown = label("AI GENERATED · AI生成")
    assert abs(correlation(painted(backgrounds()[name], shown), shown)) > 0.8


def test_pixels_outside_of_the_box_stay_what_they_were() -> None:
    shown, before = label(), backgrounds()["noise"]
    after = painted(before, shown)
    after[shown.y : shown.y + shown.height, shown.x : shown.x + shown.width] = before[
        shown.y : shown.y + shown.height, shown.x : shown.x + shown.width
    ]
    assert (after == before).all()


def test_levels_stay_within_studio_swing() -> None:
    for name in ("dark", "light", "stripes"):
        after = painted(backgrounds()[name], label())
        assert after.min() >= 16 and after.max() <= 235


def test_colour_fades_beneath_the_box_and_is_gone_beneath_the_letters() -> None:
    shown = label("AI")
    planes = chroma(backgrounds()["dark"], level=200)
    LabelPainter(shown).paint(0, backgrounds()["dark"].copy(), planes)
    for plane in planes:
        inside = plane[
            shown.y // 2 : (shown.y + shown.height) // 2,
            shown.x // 2 : (shown.x + shown.width) // 2,
        ]
        assert inside.min() == 128
        assert abs(int(np.median(inside)) - 157) <= 30
        assert plane[-1, 0] == 200


def test_a_display_keeps_its_variant_when_the_scene_changes() -> None:
    shown, painter = label(), LabelPainter(label())
    for seconds, name in ((0.0, "dark"), (0.04, "light")):
        luma = backgrounds()[name].copy()
        painter.paint(seconds, luma, chroma(luma))
        assert correlation(luma, shown) > 0.8
    assert dict(painter.facts())["variant"] == "dark"


def test_each_display_of_an_interval_chooses_anew() -> None:
    asked = label(duration="interval", seconds=1, every=5)
    painter, scores = LabelPainter(asked), []
    for seconds, name in ((0.0, "dark"), (2.0, "noise"), (5.0, "light")):
        luma = backgrounds()[name].copy()
        painter.paint(seconds, luma, chroma(luma))
        scores.append(correlation(luma, asked))
    assert scores[0] > 0.8 and abs(scores[1]) < 0.3 and scores[2] < -0.8
    assert dict(painter.facts())["variant"] == "dark light"


def test_the_facts_tell_the_contrast_that_was_measured() -> None:
    painter = LabelPainter(label())
    assert "contrast" not in dict(painter.facts())
    luma = backgrounds()["stripes"].copy()
    painter.paint(0, luma, chroma(luma))
    assert LEAST_CONTRAST <= float(dict(painter.facts())["contrast"]) <= 21


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
@pytest.mark.parametrize("name", ["dark", "light", "blobs"])
def test_images_of_every_mode_are_drawn_on(mode: str, name: str) -> None:
    image, shown = Image.fromarray(backgrounds()[name]).convert(mode), label()
    facts = dict(draw_on_image(image, shown))
    assert image.mode == mode and image.size == (WIDTH, HEIGHT)
    score = correlation(np.asarray(image.convert("RGB").convert("L")), shown)
    assert (score if facts["variant"] == "dark" else -score) > 0.8


def test_a_label_is_opaque_enough_on_a_transparent_picture() -> None:
    image, shown = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 0)), label()
    draw_on_image(image, shown)
    alpha = np.asarray(image)[..., 3]
    inside = alpha[shown.y + 3 : shown.y + shown.height - 3, shown.x + 3 : shown.x + 40]
    assert inside.min() >= 0.6 * 255 - 1
    assert alpha[-1, 0] == 0
