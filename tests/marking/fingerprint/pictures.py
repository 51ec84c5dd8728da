"""Pictures with much to see, drawn from a number; the same on every machine."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.picture import PictureFingerprinter

Luma = NDArray[np.uint8]


def waves(width: int, height: int) -> Luma:
    """Folded planes, in whole numbers."""
    y, x = np.mgrid[0:height, 0:width]
    folds = [
        np.abs((x * a + y * b + x * y // c) % p - p // 2)
        for a, b, c, p in ((3, 5, 97, 173), (-7, 2, 61, 251), (1, -4, 211, 127), (2, 9, 83, 389))
    ]
    return np.asarray(np.sum(folds, axis=0) * 255 // 470 % 256, np.uint8)


@cache
def scene(seed: int, width: int = 320, height: int = 180) -> Luma:
    """Bright and dark boxes on boxes, under a soft light."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width), 110.0)
    for _ in range(60):
        wide, high = (int(side * rng.uniform(0.05, 0.4)) for side in (width, height))
        x, y = int(rng.uniform(-wide / 2, width)), int(rng.uniform(-high / 2, height))
        picture[max(0, y) : y + high, max(0, x) : x + wide] = rng.uniform(20, 235)
    light = np.linspace(0.85, 1.1, width)[None, :]
    return np.asarray(np.clip(picture * light, 16, 235), np.uint8)


def film(seed: int, index: int) -> Luma:
    """Frame `index`, of 24 a second, of a slow pan over one scene, with a box that crosses it."""
    frame = scene(seed, 520, 220)[10:190, 2 * index : 2 * index + 320].copy()
    at = 4 * index % 280
    frame[60:110, at : at + 40] = 210
    return frame


def draft(seed: int, index: int) -> Luma:
    """The same film made once more, with something else in it."""
    frame = film(seed, index)
    frame[70:120, 130:175] = 40
    return frame


def still(luma: Luma) -> Fingerprint:
    fingerprinter = PictureFingerprinter()
    fingerprinter.feed(0.0, luma)
    return fingerprinter.finish()


def shown(*frames: tuple[float, Luma]) -> Fingerprint:
    fingerprinter = PictureFingerprinter()
    for seconds, luma in frames:
        fingerprinter.feed(seconds, luma)
    return fingerprinter.finish()


@cache
def pan(
    seed: int,
    seconds: float = 4.0,
    start: float = 0.0,
    rate: float = 24.0,
    picture: Callable[[int, int], Luma] = film,
) -> Fingerprint:
    """Of the film from `start` on, every third frame; rate: of all frames, as it is played."""
    first = round(start * 24)
    frames = range(0, round(seconds * 24), 3)
    return shown(*((n / rate, picture(seed, first + n)) for n in frames))


def file(path: Path) -> Fingerprint:
    fingerprinter = PictureFingerprinter()
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            luma = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
            fingerprinter.feed(float(frame.time or 0), luma)
    return fingerprinter.finish()


def image(luma: Luma) -> Image.Image:
    return Image.fromarray(luma)
