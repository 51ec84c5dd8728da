"""The visible label: its geometry and its pixels.

White capitals on a dark, half-transparent, rounded box in a corner, so that it stands out on any
background (Code of Practice on Transparency of AI-Generated Content, measure 2.1.2). Where the
law gives a height (GB 45438-2025: 5 % of the shortest side) it is the height of a capital letter.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from governance.domain import Duty
from governance.kernel.errors import ConfigurationError

Placement = Literal["top_right", "top_left", "bottom_right", "bottom_left"]
Duration = Literal["opening", "throughout"]
Bytes = NDArray[np.uint8]
Shares = NDArray[np.float32]

OPENING_SECONDS = 3  # house default; GB 45438-2025 asks for at least 2
SEPARATOR = " · "  # between wordings that policy joined
BOX_OPACITY = 0.66
SUPERSAMPLING = 4
# Of Chinese, the font beside this file has what GB 45438-2025 wants labels to say.
CHINESE = "人工智能生成合"
CHINESE_FONT = Path(__file__).parent / "fonts" / "NotoSansSC-Labels.ttf"

# Proportions, in heights of a capital letter.
PADDING_X = 0.7
PADDING_Y = 0.55
RADIUS = 0.5
TRACKING = 0.06
LEADING = 1.6
WEIGHT = 0.035  # outline that makes the built-in regular face semi-bold
MARGIN = 0.03  # of the shortest side


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
    """A label in its place: the box in pixels of a picture of `frame_width` × `frame_height`.

    text: the wording as set, in one line or several; text_height: of a capital letter.
    """

    spec: LabelSpec
    text: str
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

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What a reader needs to draw the same letters in the same place."""
        return (
            ("form", "visible"),
            ("wording", self.spec.wording),
            ("placement", self.spec.placement),
            ("duration", self.spec.duration),
            ("seconds", str(self.spec.seconds)),
            ("height_permille", str(self.spec.height)),
            ("frame", f"{self.frame_width}x{self.frame_height}"),
            ("box", f"{self.x},{self.y},{self.width},{self.height}"),
            ("text", self.text),
            ("text_height", str(self.text_height)),
        )


def spec(parameters: Mapping[str, Any]) -> LabelSpec:
    """The parameters of a duty `label.visible`; policy has filled in the defaults."""
    return LabelSpec(
        wording=parameters["wording"],
        placement=parameters["placement"],
        duration=parameters["duration"],
        seconds=int(parameters.get("seconds", OPENING_SECONDS)),
        height=int(parameters["height"]),
    )


def from_facts(facts: Mapping[str, str]) -> Label:
    """A label as `Label.facts` described it. Raises KeyError or ValueError for other facts."""
    frame_width, frame_height = map(int, facts["frame"].split("x"))
    x, y, width, height = map(int, facts["box"].split(","))
    return Label(
        spec=spec({**facts, "height": facts["height_permille"]}),
        text=facts["text"],
        frame_width=frame_width,
        frame_height=frame_height,
        x=x,
        y=y,
        width=width,
        height=height,
        text_height=int(facts["text_height"]),
    )


def due(duties: Sequence[Duty]) -> LabelSpec | None:
    """The label that is enforced; policy joins all rules about it into one duty."""
    for duty in duties:
        if duty.kind == "label.visible" and duty.mode == "enforce":
            return spec(duty.parameters)
    return None


def place(wanted: LabelSpec, width: int, height: int) -> Label:
    """Put the label into a picture of this size.

    Raises ConfigurationError: `label_glyph_missing` for a character that the built-in font can't
    draw, `label_too_large` for a label that doesn't fit.
    """
    _check_glyphs(wanted.wording)
    shortest = min(width, height)
    text_height = math.ceil(wanted.height * shortest / 1000)
    margin = _even(MARGIN * shortest)
    text = _set(wanted.wording, text_height, width - 2 * margin)
    box_width, box_height = _box_size(text, text_height)
    if box_width + 2 * margin > width or box_height + 2 * margin > height:
        raise ConfigurationError(
            "label_too_large",
            f"The label “{wanted.wording}” does not fit into a picture of {width}×{height} "
            "pixels; shorten its wording or lower its height in the policy.",
        )
    bottom, right = wanted.placement.startswith("bottom"), wanted.placement.endswith("right")
    return Label(
        spec=wanted,
        text=text,
        frame_width=width,
        frame_height=height,
        x=(width - margin - box_width) // 2 * 2 if right else margin,
        y=(height - margin - box_height) // 2 * 2 if bottom else margin,
        width=box_width,
        height=box_height,
        text_height=text_height,
    )


@lru_cache(maxsize=32)
def glyphs(text: str, text_height: int, width: int, height: int) -> Shares:
    """How much of each pixel of the box the letters cover, 0 to 1; shape (height, width)."""
    capital = text_height * SUPERSAMPLING
    image = Image.new("L", (width * SUPERSAMPLING, height * SUPERSAMPLING))
    draw = ImageDraw.Draw(image)
    lines = text.split("\n")
    baseline = (image.height - (1 + LEADING * (len(lines) - 1)) * capital) / 2 + capital
    for line in lines:
        at = (image.width - _line_width(line, text_height)) / 2
        for character in line:
            font = _face(character, capital)
            draw.text(
                (round(at), round(baseline)),
                character,
                fill=255,
                font=font,
                anchor="ls",
                stroke_width=0 if character in CHINESE else round(WEIGHT * capital),
            )
            at += font.getlength(character) + TRACKING * capital
        baseline += LEADING * capital
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


def _check_glyphs(wording: str) -> None:
    font = _font(32)
    nothing = font.getmask("\uffff")
    missing = [
        character
        for character in wording
        if character not in CHINESE
        and font.getmask(character).size == nothing.size
        and bytes(font.getmask(character)) == bytes(nothing)
    ]
    if missing:
        raise ConfigurationError(
            "label_glyph_missing",
            f"The built-in font has no glyph for {', '.join(sorted(set(missing)))}; word the "
            f"label in basic Latin letters and {CHINESE}.",
        )


def _face(character: str, capital_height: int) -> ImageFont.FreeTypeFont:
    """The font that draws a character; Chinese ones stand a little higher than capitals."""
    latin = _font(capital_height)
    return _chinese(latin.size) if character in CHINESE else latin


@lru_cache(maxsize=16)
def _chinese(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(CHINESE_FONT, size)


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


def _set(wording: str, text_height: int, room: int) -> str:
    """In one line if the box then fits into `room` pixels, else broken between wordings, words."""
    if _box_size(wording, text_height)[0] <= room:
        return wording
    lines = []
    for part in wording.split(SEPARATOR):
        line = ""
        for word in part.split():
            longer = f"{line} {word}".strip()
            if line and _box_size(longer, text_height)[0] > room:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return "\n".join(lines)


def _box_size(text: str, text_height: int) -> tuple[int, int]:
    lines = text.split("\n")
    width = max(_line_width(line, text_height) for line in lines) / SUPERSAMPLING
    height = (1 + LEADING * (len(lines) - 1)) * text_height
    return _even(width + 2 * PADDING_X * text_height), _even(height + 2 * PADDING_Y * text_height)


def _line_width(line: str, text_height: int) -> float:
    """In supersampled pixels."""
    capital = text_height * SUPERSAMPLING
    tracking = TRACKING * capital
    lengths = [_face(character, capital).getlength(character) for character in line]
    return sum(lengths) + tracking * (len(line) - 1)


def _share(image: Image.Image, width: int, height: int) -> Shares:
    small = image.resize((width, height), Image.Resampling.BOX)
    share: Shares = np.asarray(small, np.float32) / np.float32(255)
    share.setflags(write=False)  # cached
    return share


def _even(value: float) -> int:
    """Chroma planes hold one sample for 2×2 pixels."""
    return math.ceil(value / 2) * 2
