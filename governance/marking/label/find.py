"""Looks for a label in copies found elsewhere, that may have been scaled and cropped since.

Where `read` knows the place, this tries every place and every scale from 0.4 to 2, by correlation
over Fourier transforms, on a picture of at most `SIDE` pixels. Half a second of work for a frame.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from governance.marking.frames import Bytes
from governance.marking.label.block import Shares, ink
from governance.marking.label.read import STEP, steps
from governance.marking.label.visible import Label

Spectrum = NDArray[Any]  # complex64

SIDE = 640
SCALES = np.geomspace(0.4, 2.0, 54)  # 3 % apart: an edge is then off by less than a step
FINER = np.linspace(0.98, 1.02, 9)
LEAST_CAPITAL = 5  # pixels: of smaller letters nothing is left to compare
# Over every place and scale chance reaches higher than at one place: measured ≤ 0.33, for the
# single icon AI ≤ 0.48; labelled copies at JPEG quality 50 ≥ 0.88.
THRESHOLD = 0.6
FAST = 32  # sides that are multiples transform quickly
FLOOR = 1.0  # squared steps per pixel that count as noise of the codec


@dataclass(frozen=True)
class Place:
    """The label's box in pixels of the picture; scale: of the picture against the recorded frame;
    score: -1 (black letters) to 1 (white)."""

    x: int
    y: int
    width: int
    height: int
    scale: float
    score: float


def find(picture: Bytes, label: Label) -> Place | None:
    """The place of the label in luma of any size; None if it isn't there.

    A mirrored, turned or unevenly stretched picture is not searched.
    """
    height, width = picture.shape
    reduced = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * reduced)), max(1, round(height * reduced)))
    small = Image.fromarray(np.ascontiguousarray(picture)).resize(size, Image.Resampling.BOX)
    scene = _Scene(np.asarray(small, np.float32))
    best = max(_tried(scene, label, SCALES * reduced), key=_strength, default=None)
    if best is None:
        return None
    best = max(_tried(scene, label, best.scale * FINER), key=_strength, default=best)
    if abs(best.score) < THRESHOLD:
        return None
    return Place(
        x=round(best.x / reduced),
        y=round(best.y / reduced),
        width=round(best.width / reduced),
        height=round(best.height / reduced),
        scale=best.scale / reduced,
        score=best.score,
    )


def _strength(place: Place) -> float:
    return abs(place.score)


class _Scene:
    """A picture, and what of it is worth computing once for all scales."""

    def __init__(self, luma: Shares) -> None:
        self.shape = luma.shape
        self.size = tuple(math.ceil(side / FAST) * FAST for side in luma.shape)
        self._luma = luma
        self._seen: dict[int, tuple[list[Spectrum], NDArray[np.float64]]] = {}

    def steps(self, step: int) -> tuple[list[Spectrum], NDArray[np.float64]]:
        """Spectra of the steps across and down; their squares, summed from the upper left."""
        if step not in self._seen:
            across, down = steps(self._luma, step)
            squares = np.zeros((self.shape[0] + 1, self.shape[1] + 1))
            squares[1 : across.shape[0] + 1, 1 : across.shape[1] + 1] += across**2
            squares[1 : down.shape[0] + 1, 1 : down.shape[1] + 1] += down**2
            spectra = [np.fft.rfft2(part, self.size) for part in (across, down)]
            self._seen[step] = spectra, squares.cumsum(axis=0).cumsum(axis=1)
        return self._seen[step]


def _tried(scene: _Scene, label: Label, scales: NDArray[np.float64]) -> Iterator[Place]:
    """The best place at each scale at which the label fits and can be read."""
    letters = Image.fromarray(ink(label.text, label.text_height))
    for scale in scales:
        capital = label.text_height * scale
        width, height = round(label.width * scale), round(label.height * scale)
        if capital < LEAST_CAPITAL or height >= scene.shape[0] or width >= scene.shape[1]:
            continue
        shares = np.asarray(letters.resize((width, height), Image.Resampling.BOX))
        yield _best(scene, shares, float(scale), max(2, round(capital / STEP)))


def _best(scene: _Scene, letters: Shares, scale: float, step: int) -> Place:
    """The place where the letters' steps and the picture's agree most."""
    spectra, squares = scene.steps(step)
    height, width = letters.shape
    patterns = steps(letters, step)
    product = sum(
        spectrum * np.conj(np.fft.rfft2(pattern, scene.size))
        for spectrum, pattern in zip(spectra, patterns, strict=True)
    )
    agreement = np.fft.irfft2(product, scene.size)[
        : scene.shape[0] - height, : scene.shape[1] - width
    ]
    around = (
        squares[height:-1, width:-1]
        - squares[: -height - 1, width:-1]
        - squares[height:-1, : -width - 1]
        + squares[: -height - 1, : -width - 1]
    )
    energy = (around + FLOOR * letters.size) * sum(float(np.vdot(p, p)) for p in patterns)
    scores = agreement / np.sqrt(energy)
    y, x = np.unravel_index(int(np.abs(scores).argmax()), scores.shape)
    return Place(int(x), int(y), width, height, scale, float(scores[y, x]))
