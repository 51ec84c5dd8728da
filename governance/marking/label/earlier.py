"""Labels of design 1, in files of this service's first version: centred lines, white on dark.

They were set in another face, so what is compared is drawn alike, not the same: measured ≥ 0.65
on the drawn picture.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from governance.marking.frames import Bytes
from governance.marking.label import lettering
from governance.marking.label.block import SUPERSAMPLING, Shares
from governance.marking.label.visible import Label

PADDING = 0.7  # left and right of the longest line, in heights of a capital
LEADING = 1.6  # from baseline to baseline


def correlation(region: Bytes, label: Label) -> float:
    """Normalised correlation of the letters with the luma at their place, -1 to 1."""
    one, other = _letters(label), region.astype(np.float32)
    other -= other.mean()
    energy = float(np.vdot(one, one)) * float(np.vdot(other, other))
    return float(np.vdot(one, other)) / energy**0.5 if energy else 0.0


@lru_cache(maxsize=4)
def _letters(label: Label) -> Shares:
    """The letters over their mean; shape of the box."""
    capital = label.text_height * SUPERSAMPLING
    lines = label.text.split("\n")
    room = label.width * SUPERSAMPLING - 2 * PADDING * capital
    stretch = max(lettering.width(line, capital) for line in lines) / room
    size = (round(label.width * SUPERSAMPLING * stretch), label.height * SUPERSAMPLING)
    image = Image.new("L", size)
    draw = ImageDraw.Draw(image)
    baseline = (image.height - (1 + LEADING * (len(lines) - 1)) * capital) / 2 + capital
    for line in lines:
        at = (image.width - lettering.width(line, capital)) / 2
        lettering.draw(draw, line, at, baseline, capital)
        baseline += LEADING * capital
    small = image.resize((label.width, label.height), Image.Resampling.BOX)
    shares: Shares = np.asarray(small, np.float32) / np.float32(255)
    centred: Shares = shares - shares.mean()
    return centred
