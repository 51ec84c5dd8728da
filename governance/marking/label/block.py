"""The block of a label: one line for each wording, on a rounded box.

Sizes are in pixels of the picture. Capitals begin and end on whole pixels, which keeps them crisp.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from governance.marking.label import icon, lettering

Shares = NDArray[np.float32]

SUPERSAMPLING = 4

# Proportions, in heights of a capital letter.
PADDING = 0.5  # around lines of text
PADDING_SIDE = 0.62
PADDING_BADGE = 0.24  # around an icon: its badge brings its own space
LEADING = 0.62  # from a line to the next
RADIUS = 0.5


@dataclass(frozen=True)
class Line:
    """top: of the capitals, or of the badge; x, top: from the corner of the box."""

    text: str
    is_icon: bool
    x: int
    top: int
    width: float


@dataclass(frozen=True)
class Block:
    """width, height: of the box, in even pixels."""

    lines: tuple[Line, ...]
    capital: int
    width: int
    height: int


@lru_cache(maxsize=64)
def block(text: str, capital: int) -> Block:
    """Set a text, its lines parted by newlines; capital: height of a capital letter."""
    texts = text.split("\n")
    has_icon = texts[0] in icon.ICONS
    side = math.ceil((PADDING_BADGE if has_icon else PADDING_SIDE) * capital)
    indent = side + (round((icon.BADGE_X - 0.1) * capital) if has_icon else 0)
    lines, y = [], side if has_icon else math.ceil(PADDING * capital)
    for line in texts:
        if line in icon.ICONS:
            lines.append(Line(line, True, side, y, icon.width(line, capital)))
            y += icon.badge_height(capital)
        else:
            lines.append(Line(line, False, indent, y, lettering.width(line, capital)))
            y += capital
        y += math.ceil(LEADING * capital)
    bottom = PADDING_BADGE if lines[-1].is_icon else PADDING
    y += math.ceil(bottom * capital) - math.ceil(LEADING * capital)
    right = max(line.x + line.width + _side(line, capital) for line in lines)
    return Block(tuple(lines), capital, even(right), even(y))


@lru_cache(maxsize=8)
def ink(text: str, capital: int) -> Shares:
    """How much of each pixel of the block its letters and badges cover, 0 to 1."""
    set_ = block(text, capital)
    scale = SUPERSAMPLING
    image = Image.new("L", (set_.width * scale, set_.height * scale))
    draw = ImageDraw.Draw(image)
    for line in set_.lines:
        x, top = line.x * scale, line.top * scale
        if line.is_icon:
            icon.draw(draw, line.text, x, top, capital, scale)
        else:
            lettering.draw(draw, line.text, x, top + capital * scale, capital * scale)
    return _shares(image, set_)


@lru_cache(maxsize=8)
def box(text: str, capital: int) -> Shares:
    """How much of each pixel of the block its rounded box covers, 0 to 1."""
    set_ = block(text, capital)
    scale = SUPERSAMPLING
    image = Image.new("L", (set_.width * scale, set_.height * scale))
    ImageDraw.Draw(image).rounded_rectangle(
        (0, 0, image.width - 1, image.height - 1), round(RADIUS * capital * scale), fill=255
    )
    return _shares(image, set_)


def fitted(shares: Shares, height: int, width: int) -> Shares:
    """In the shape of a recorded box: another version of the font library may set letters a pixel
    wider or narrower."""
    if shares.shape == (height, width):
        return shares
    return np.asarray(Image.fromarray(shares).resize((width, height)), np.float32)


def _side(line: Line, capital: int) -> int:
    """The space to the right of a line."""
    is_badge_only = line.text == icon.ICONS[0]
    return math.ceil((PADDING_BADGE if is_badge_only else PADDING_SIDE) * capital)


def _shares(image: Image.Image, set_: Block) -> Shares:
    small = image.resize((set_.width, set_.height), Image.Resampling.BOX)
    shares: Shares = np.asarray(small, np.float32) / np.float32(255)
    shares.setflags(write=False)  # cached
    return shares


def even(value: float) -> int:
    """The next even number: chroma planes hold one sample for 2×2 pixels."""
    return math.ceil(value / 2) * 2
