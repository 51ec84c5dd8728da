"""Draws the label: white on a dark box or black on a light one, whichever stands out more.

The box lets the picture shine through, and still the letters keep a contrast of `LEAST_CONTRAST`
on whatever lies beneath: Code of Practice, Section 2, sub-measure 1.2.1 (visible on any
background), measure 1.1 (high contrast); the number is that of WCAG 2.2, 1.4.3.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from governance.marking.frames import Bytes
from governance.marking.label.block import Shares, box, ink
from governance.marking.label.visible import Label

Words = NDArray[np.uint16]
Facts = tuple[tuple[str, str], ...]

LEAST_CONTRAST = 4.5
# 0.54 is where a dark box on white, the worst case, just reaches it.
BOX_OPACITY = 0.6
BLACK, WHITE, NEUTRAL = 16, 235, 128  # studio swing, ITU-R BT.709
ADVERSE = 1  # percent of the pixels beneath that may be worse than the measured contrast
SAMPLED = 4  # every so many rows and columns are enough to measure


@dataclass(frozen=True)
class Variant:
    """box, ink: 0 for black, 1 for white."""

    name: str
    box: int
    ink: int


DARK = Variant("dark", box=0, ink=1)
LIGHT = Variant("light", box=1, ink=0)


def contrast(variant: Variant, beneath: float) -> float:
    """Of the letters against the box over a grey of this code, 0 to 1. WCAG 2.2 contrast ratio."""
    shown = beneath * (1 - BOX_OPACITY) + variant.box * BOX_OPACITY
    one, other = _luminance(shown) + 0.05, _luminance(variant.ink) + 0.05
    return max(one, other) / min(one, other)


def choose(beneath: Bytes, black: int = BLACK, white: int = WHITE) -> tuple[Variant, float]:
    """The variant with the higher contrast against what lies beneath, and that contrast."""
    codes = (beneath[::SAMPLED, ::SAMPLED].astype(np.float32) - black) / (white - black)
    low, high = np.percentile(codes, [ADVERSE, 100 - ADVERSE]).clip(0, 1)
    ranked = ((contrast(DARK, float(high)), DARK), (contrast(LIGHT, float(low)), LIGHT))
    best, variant = max(ranked, key=lambda pair: pair[0])
    return variant, best


class LabelPainter:
    """Paints a label into the frames where it is due; each display keeps its variant."""

    def __init__(self, label: Label) -> None:
        self._label = label
        self._display: int | None = None
        self._variant = DARK
        self._used: set[str] = set()
        self._contrast = float("inf")

    def paint(self, seconds: float, luma: Bytes, chroma: tuple[Bytes, Bytes]) -> None:
        label = self._label
        display = label.display(seconds)
        if display is None:
            return
        bottom, right = label.y + label.height, label.x + label.width
        region = luma[label.y : bottom, label.x : right]
        if display != self._display:
            self._display = display
            self._begin(region)
        layers = _layers(label, self._variant)
        _blend(region, layers.kept, layers.luma)
        for plane in chroma:
            quarter = plane[label.y // 2 : bottom // 2, label.x // 2 : right // 2]
            _blend(quarter, layers.halved, layers.chroma)

    def facts(self) -> Facts:
        """What the mark says, once all frames are painted. variant: of the box; contrast: the
        lowest that was measured in the first frame of a display."""
        return self._label.facts() + _seen(self._used, self._contrast)

    def _begin(self, region: Bytes) -> None:
        self._variant, measured = choose(region)
        self._used.add(self._variant.name)
        self._contrast = min(self._contrast, measured)


def draw_on_image(image: Image.Image, label: Label) -> Facts:
    """Draw into an image of mode RGB, RGBA, L or LA, in place; returns the facts of the mark."""
    corner = (label.x, label.y)
    below = image.crop((*corner, label.x + label.width, label.y + label.height))
    beneath = np.asarray(below.convert("RGB").convert("L"))
    variant, measured = choose(beneath, black=0, white=255)
    drawn = below.convert("RGBA")
    for shares, level in (
        (box(label.text, label.text_height) * np.float32(BOX_OPACITY), variant.box),
        (ink(label.text, label.text_height), variant.ink),
    ):
        layer = Image.new("RGBA", drawn.size, "white" if level else "black")
        layer.putalpha(Image.fromarray(np.rint(shares * 255).astype(np.uint8)))
        drawn = Image.alpha_composite(drawn, layer)
    image.paste(drawn.convert(image.mode), corner)
    return label.facts() + _seen({variant.name}, measured)


def overlay(label: Label, variant: Variant) -> tuple[Shares, Shares]:
    """Share of the picture that stays, and the code, 0 to 1, that is added; shape of the box."""
    behind = box(label.text, label.text_height) * np.float32(BOX_OPACITY)
    letters = ink(label.text, label.text_height)
    kept = (1 - behind) * (1 - letters)
    return kept, variant.box * behind * (1 - letters) + variant.ink * letters


@dataclass(frozen=True)
class _Layers:
    """What stays of a sample in 1/256, and what is added to it in 1/256, with half for rounding."""

    kept: Words
    luma: Words
    halved: Words
    chroma: Words


@lru_cache(maxsize=4)
def _layers(label: Label, variant: Variant) -> _Layers:
    kept, added = overlay(label, variant)
    halved = kept.reshape(label.height // 2, 2, label.width // 2, 2).mean(axis=(1, 3))
    luma = added * (WHITE - BLACK) + (1 - kept) * BLACK
    return _Layers(
        _words(kept, 0), _words(luma, 0.5), _words(halved, 0), _words((1 - halved) * NEUTRAL, 0.5)
    )


def _words(values: Shares, half: float) -> Words:
    words: Words = np.rint((values + half) * 256).astype(np.uint16)
    return words


def _blend(region: Bytes, kept: Words, added: Words) -> None:
    mixed = np.multiply(region, kept, dtype=np.uint16)
    mixed += added
    mixed >>= 8
    region[:] = mixed


def _luminance(code: float) -> float:
    """Relative luminance of a grey, WCAG 2.2."""
    return code / 12.92 if code <= 0.04045 else float(((code + 0.055) / 1.055) ** 2.4)


def _seen(variants: set[str], measured: float) -> Facts:
    if not variants:
        return ()
    return ("variant", " ".join(sorted(variants))), ("contrast", f"{measured:.1f}")
