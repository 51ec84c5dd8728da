"""Finds a visible label again in delivered frames, by its letters at their recorded place.

The letters are drawn once more, and the steps from pixel to pixel within them are compared with
those of the picture by normalised correlation. Steps, not levels: a bright corner is no letter.
Measured: labelled ≥ 0.84 at x264 CRF 35 and ≥ 0.74 at CRF 40, unlabelled ≤ 0.33.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from governance import __version__
from governance.domain import Mark, MarkState
from governance.marking.frames import Bytes
from governance.marking.label import earlier
from governance.marking.label.block import Shares, fitted, ink
from governance.marking.label.compare import Comparison
from governance.marking.label.visible import Label, from_facts

THRESHOLD = 0.5
TOOL = "governance label reader"
# Letters of this height show all that matters: larger ones are read in every second, third … pixel.
CAPITAL = 18
STEP = 4.5  # how many steps high a capital is


@dataclass(frozen=True)
class Sighting:
    """frames: looked at; score: the lowest of those with the label, or that of the first frame;
    displays: how many were seen; seconds: time of the first frame without it, or of the last;
    whole: it stands to the end; missed: time of the first frame that should have it and hasn't."""

    frames: int
    score: float
    displays: int
    seconds: float
    whole: bool
    missed: float | None


class LabelReader:
    """Watches every frame: the due ones must have the label, in one variant for each display."""

    def __init__(self, label: Label) -> None:
        self._label = label
        self._display: int | None = None
        self._sign = 1.0
        self._displays = 0
        self._frames = 0
        self._lowest: float | None = None
        self._first: float | None = None
        self._seconds = 0.0
        self._standing = True
        self._missed: float | None = None

    def feed(self, seconds: float, luma: Bytes) -> None:
        display = self._label.display(seconds)
        if display is None and not self._standing:
            return
        score = self._score(display, luma)
        self._frames += 1
        self._first = score if self._first is None else self._first
        if self._standing:
            self._seconds = seconds
        if score >= THRESHOLD:
            self._lowest = score if self._lowest is None else min(score, self._lowest)
            return
        self._standing = False
        if display is not None and self._missed is None:
            self._missed = seconds

    def sighting(self) -> Sighting:
        score = self._first if self._lowest is None else self._lowest
        return Sighting(
            frames=self._frames,
            score=score or 0.0,
            displays=self._displays,
            seconds=self._seconds,
            whole=self._standing and self._frames > 0,
            missed=self._missed,
        )

    def _score(self, display: int | None, luma: Bytes) -> float:
        score = correlation(luma, self._label)
        if display is not None and display != self._display:
            self._display = display
            self._sign = 1.0 if score > 0 else -1.0
            self._displays += score * self._sign >= THRESHOLD
        return score * self._sign


def label_mark(expected: Mark, sighting: Sighting, comparison: Comparison | None = None) -> Mark:
    """The mark as read back. expected: the writer's mark, whose facts say where to look."""
    found = sighting.frames > 0 and sighting.missed is None
    if found and comparison and comparison.score < THRESHOLD:
        detail = "Found, but the file does not differ from its master as a label would make it."
        return _answer(expected, "absent", detail, sighting, comparison)
    if found:
        detail = "Found on every frame where it is due."
        return _answer(expected, "present", detail, sighting, comparison)
    if not sighting.frames:
        detail = "No picture could be decoded."
    elif not sighting.seconds:
        detail = "Not found on the first frame."
    elif sighting.displays > 1 or sighting.missed != sighting.seconds:
        detail = f"Not found at {sighting.missed:.3f} s, where it is due."
    else:
        detail = f"Found until {sighting.seconds:.3f} s only."
    return _answer(expected, "absent", detail, sighting, comparison)


def correlation(picture: Bytes, label: Label) -> float:
    """Normalised correlation of the steps of letters and luma, -1 (black letters) to 1 (white)."""
    region = _region(picture, label)
    if label.design == 1:
        return earlier.correlation(region, label)
    every = max(1, label.text_height // CAPITAL)
    across, down = steps(region[::every, ::every].astype(np.float32), _step(label, every))
    letters = _letters(label, every)
    energy = (np.vdot(across, across) + np.vdot(down, down)) * letters.energy
    product = np.vdot(across, letters.across) + np.vdot(down, letters.down)
    return float(product / np.sqrt(energy)) if energy > 0 else 0.0


def _region(picture: Bytes, label: Label) -> Bytes:
    """The pixels of the label's box, of a picture that may have been resized since."""
    height, width = picture.shape
    left, top, right, bottom = label.x, label.y, label.x + label.width, label.y + label.height
    if (height, width) == (label.frame_height, label.frame_width):
        return picture[top:bottom, left:right]
    x, y = width / label.frame_width, height / label.frame_height
    whole = Image.fromarray(np.ascontiguousarray(picture))
    within = (left * x, top * y, right * x, bottom * y)
    small = whole.resize((label.width, label.height), Image.Resampling.BILINEAR, box=within)
    return np.asarray(small)


@dataclass(frozen=True)
class _Letters:
    across: Shares
    down: Shares
    energy: float


@lru_cache(maxsize=8)
def _letters(label: Label, every: int) -> _Letters:
    shares = fitted(ink(label.text, label.text_height), label.height, label.width)
    across, down = steps(shares[::every, ::every], _step(label, every))
    return _Letters(across, down, float(np.vdot(across, across) + np.vdot(down, down)))


def _step(label: Label, every: int) -> int:
    return max(2, round(label.text_height / every / STEP))


def steps(values: Shares, step: int) -> tuple[Shares, Shares]:
    """Differences of pixels that lie `step` apart, sideways and downwards."""
    return values[:, step:] - values[:, :-step], values[step:] - values[:-step]


def _answer(
    expected: Mark,
    state: MarkState,
    detail: str,
    sighting: Sighting,
    comparison: Comparison | None,
) -> Mark:
    written = dict(expected.facts)
    label = from_facts(written)
    if sighting.whole:
        coverage = "throughout"
    else:
        coverage = "interval" if label.spec.duration == "interval" else "opening"
    shortest = min(label.frame_width, label.frame_height)
    facts = {
        "form": "visible",
        "wording": label.spec.wording,
        "placement": _corner(label),
        "height_permille": str(label.text_height * 1000 // shortest),
        "coverage": coverage,
        "seconds": f"{sighting.seconds:.3f}",
        "displays": str(sighting.displays),
        "frames": str(sighting.frames),
        "score": f"{sighting.score:.3f}",
    }
    if coverage == "interval":
        facts["every"] = str(label.spec.every)
    compared = comparison.facts() if comparison else ()
    return Mark("label", state, TOOL, __version__, detail, (*facts.items(), *compared))


def _corner(label: Label) -> str:
    """Where the box lies, not where it was meant to."""
    below = 2 * label.y + label.height > label.frame_height
    right = 2 * label.x + label.width > label.frame_width
    return f"{'bottom' if below else 'top'}_{'right' if right else 'left'}"
