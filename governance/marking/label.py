"""The visible label: its geometry and its pixels.

White capitals on a dark, half-transparent, rounded box in a corner, so that it stands out on any
background (Code of Practice on Transparency of AI-Generated Content, measure 2.1.2). Where the
law gives a height (GB 45438-2025: 5 % of the shortest side) it is the height of a capital letter.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from governance.domain import Duty
from governance.kernel.errors import ConfigurationError

Placement = Literal["top-right", "top-left", "bottom-right", "bottom-left"]
Duration = Literal["opening", "throughout"]
Bytes = NDArray[np.uint8]
Shares = NDArray[np.float32]

DEFAULT_HEIGHT = 50  # permille of the shortest side
DEFAULT_SECONDS = 3  # house default; GB 45438-2025 asks for at least 2
BOX_OPACITY = 0.66
SUPERSAMPLING = 4

# Proportions, in heights of a capital letter.
PADDING_X = 0.7
PADDING_Y = 0.55
RADIUS = 0.5
TRACKING = 0.06
WEIGHT = 0.035  # outline that makes the built-in regular face semi-bold
MARGIN = 0.03  # of the shortest side
GAP = 0.4


@dataclass(frozen=True)
class LabelSpec:
    """What a duty asks for. height: permille of the shortest side; seconds: for `opening`."""

    wording: str
    placement: Placement
    duration: Duration
    seconds: int
    height: int


@dataclass(frozen=True)
class Label:
    """A label in its place: the box in pixels of a picture of `frame_width` × `frame_height`."""

    spec: LabelSpec
    frame_width: int
    frame_height: int
    x: int
    y: int
    width: int
    height: int
    text_height: int

    def covers(self, seconds: float) -> bool:
        """Whether the label is due at this time from the start."""
        return self.spec.duration == "throughout" or seconds < self.spec.seconds


def spec(parameters: dict[str, Any]) -> LabelSpec:
    """The parameters of a duty `label.visible`, defaults filled in."""
    return LabelSpec(
        wording=parameters["wording"],
        placement=parameters.get("placement", "top-right"),
        duration=parameters.get("duration", "throughout"),
        seconds=int(parameters.get("seconds", DEFAULT_SECONDS)),
        height=int(parameters.get("height", DEFAULT_HEIGHT)),
    )


def due(duties: Sequence[Duty]) -> tuple[LabelSpec, ...]:
    """The labels that enforced duties ask for; the same wording is drawn once, as the strictest."""
    by_wording: dict[str, LabelSpec] = {}
    for duty in duties:
        if duty.kind == "label.visible" and duty.mode == "enforce":
            wanted = spec(duty.parameters)
            known = by_wording.get(wanted.wording)
            by_wording[wanted.wording] = _strictest(known, wanted) if known else wanted
    return tuple(by_wording[wording] for wording in sorted(by_wording))


def place(specs: Sequence[LabelSpec], width: int, height: int) -> tuple[Label, ...]:
    """Put the labels into a picture of this size; those in the same corner are stacked.

    Raises ConfigurationError: `label_glyph_missing` for a character that the built-in font can't
    draw, `label_too_large` for a label that doesn't fit.
    """
    taken: dict[str, int] = {}
    labels = []
    for wanted in specs:
        label = _placed(wanted, width, height, taken.get(wanted.placement, 0))
        taken[wanted.placement] = (
            taken.get(wanted.placement, 0) + label.height + _even(GAP * label.text_height)
        )
        labels.append(label)
    return tuple(labels)


@lru_cache(maxsize=32)
def glyphs(wording: str, text_height: int, width: int, height: int) -> Shares:
    """How much of each pixel of the box the letters cover, 0 to 1; shape (height, width)."""
    scale = SUPERSAMPLING
    font = _font(text_height * scale)
    image = Image.new("L", (width * scale, height * scale))
    draw = ImageDraw.Draw(image)
    at = (image.width - _text_width(wording, text_height)) / 2
    baseline = (height + text_height) * scale / 2
    for character in wording:
        draw.text(
            (round(at), round(baseline)),
            character,
            fill=255,
            font=font,
            anchor="ls",
            stroke_width=round(WEIGHT * text_height * scale),
        )
        at += font.getlength(character) + TRACKING * text_height * scale
    return _share(image, width, height)


@lru_cache(maxsize=32)
def box(width: int, height: int, text_height: int) -> Shares:
    """How much of each pixel the rounded box covers, 0 to its opacity; shape (height, width)."""
    scale = SUPERSAMPLING
    image = Image.new("L", (width * scale, height * scale))
    ImageDraw.Draw(image).rounded_rectangle(
        (0, 0, image.width - 1, image.height - 1),
        radius=round(RADIUS * text_height * scale),
        fill=255,
    )
    return _share(image, width, height) * np.float32(BOX_OPACITY)


def _strictest(one: LabelSpec, other: LabelSpec) -> LabelSpec:
    durations = (one.duration, other.duration)
    return LabelSpec(
        wording=one.wording,
        placement=one.placement,
        duration="throughout" if "throughout" in durations else "opening",
        seconds=max(one.seconds, other.seconds),
        height=max(one.height, other.height),
    )


def _placed(wanted: LabelSpec, width: int, height: int, offset: int) -> Label:
    shortest = min(width, height)
    text_height = math.ceil(wanted.height * shortest / 1000)
    _check_glyphs(wanted.wording)
    text_width = _text_width(wanted.wording, text_height) / SUPERSAMPLING
    box_width = _even(text_width + 2 * PADDING_X * text_height)
    box_height = _even(text_height + 2 * PADDING_Y * text_height)
    margin = _even(MARGIN * shortest)
    if box_width + 2 * margin > width or box_height + 2 * margin + offset > height:
        raise ConfigurationError(
            "label_too_large",
            f"The label “{wanted.wording}” does not fit into a picture of {width}×{height} "
            "pixels; shorten its wording or lower its height in the policy.",
        )
    right = wanted.placement.endswith("right")
    bottom = wanted.placement.startswith("bottom")
    return Label(
        spec=wanted,
        frame_width=width,
        frame_height=height,
        x=(width - margin - box_width) // 2 * 2 if right else margin,
        y=(height - margin - offset - box_height) // 2 * 2 if bottom else margin + offset,
        width=box_width,
        height=box_height,
        text_height=text_height,
    )


def _check_glyphs(wording: str) -> None:
    font = _font(32)
    nothing = font.getmask("\uffff")
    missing = [
        character
        for character in wording
        if font.getmask(character).size == nothing.size
        and bytes(font.getmask(character)) == bytes(nothing)
    ]
    if missing:
        raise ConfigurationError(
            "label_glyph_missing",
            f"The built-in font has no glyph for {', '.join(sorted(set(missing)))}; word the "
            "label in basic Latin letters.",
        )


@lru_cache(maxsize=16)
def _font(capital_height: int) -> ImageFont.FreeTypeFont:
    """Pillow's built-in face at the smallest size whose capitals are at least this high."""
    size = capital_height
    while True:
        font = ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise ConfigurationError(
                "label_font_missing", "Pillow was built without FreeType; install its wheel."
            )
        reached = -font.getbbox("I", anchor="ls")[1]
        if reached >= capital_height:
            return font
        size += max(1, int(capital_height - reached))


def _text_width(wording: str, text_height: int) -> float:
    """In supersampled pixels."""
    font = _font(text_height * SUPERSAMPLING)
    tracking = TRACKING * text_height * SUPERSAMPLING
    return sum(font.getlength(character) + tracking for character in wording) - tracking


def _share(image: Image.Image, width: int, height: int) -> Shares:
    small = image.resize((width, height), Image.Resampling.BOX)
    share: Shares = np.asarray(small, np.float32) / np.float32(255)
    share.setflags(write=False)  # cached
    return share


def _even(value: float) -> int:
    """Chroma planes hold one sample for 2×2 pixels."""
    return math.ceil(value / 2) * 2
