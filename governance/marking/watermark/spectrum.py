"""What a picture looks like to the search: every place and every frequency equally loud.

The change was made strong where the picture is lively, so lively places are turned down and quiet
ones up; likewise frequencies. What then remains of the picture is noise of even strength.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import fft, ndimage

from governance.marking.frames import Bytes
from governance.marking.watermark.tile import Complexes, Floats

SIDE = 320  # pixels of the shorter side of a picture that is analysed
BLUR = 3.5  # pixels; what is coarser goes
NEIGHBOURHOOD = 13  # pixels that share a level of contrast
QUIETEST = 0.4  # steps of luma: the least contrast that is raised to the common level
LOUDEST = 2.5  # times the common level
WHITENING = (13, 21)  # frequencies that share a level, down and across
STRONGEST_LINE = 5.0  # times that level: a periodic texture counts no more than this
TAPER = 10  # pixels along the edges
LONGEST = 4  # shorter sides; of a longer picture, only the middle is looked at


@dataclass(frozen=True)
class Spectrum:
    """values: the transform of the centred picture, mean square about 1, frequencies of numpy's
    fft2 over a padded area twice the picture's sides; side: its shorter side in pixels."""

    values: Complexes
    side: int


def flattened(luma: Bytes, shape: tuple[int, int] | None = None) -> Floats:
    """Detail at an even level of contrast; SIDE pixels on the shorter side, or of that `shape`."""
    if shape is None:
        luma = _middle(luma)
        scale = SIDE / min(luma.shape)
        shape = round(luma.shape[0] * scale), round(luma.shape[1] * scale)
    scaled = Image.fromarray(luma).resize(shape[::-1], Image.Resampling.BICUBIC)
    picture = np.asarray(scaled, np.float32)
    detail = picture - ndimage.gaussian_filter(picture, BLUR, truncate=3)
    power = np.maximum(ndimage.uniform_filter(detail * detail, NEIGHBOURHOOD), 0)
    even: Floats = np.clip(detail / np.sqrt(power + QUIETEST**2), -LOUDEST, LOUDEST)
    return even


def spectrum(picture: Floats) -> Spectrum:
    """Of a flattened picture, or of a sum of such; so fine that the nearest value will do."""
    height, width = picture.shape
    padded = fft.next_fast_len(2 * height), fft.next_fast_len(2 * width)
    canvas = np.zeros(padded, np.float32)
    canvas[:height, :width] = picture * _taper(height)[:, None] * _taper(width)
    values = fft.fft2(np.roll(canvas, (-(height // 2), -(width // 2)), (0, 1)))
    power = values.real**2 + values.imag**2
    level = np.sqrt(np.maximum(ndimage.uniform_filter(power, WHITENING, mode="wrap"), 0))
    level += np.finfo(np.float32).tiny + level.max() * np.float32(1e-6)
    values /= np.maximum(level, np.sqrt(power) / STRONGEST_LINE)
    return Spectrum(values.astype(np.complex64), min(height, width))


def _middle(luma: Bytes) -> Bytes:
    longest = LONGEST * min(luma.shape)
    top, left = (max(0, (size - longest) // 2) for size in luma.shape)
    return np.ascontiguousarray(luma[top : top + longest, left : left + longest])


def _taper(length: int) -> Floats:
    ends = np.minimum(np.arange(length), np.arange(length)[::-1])
    return np.clip((ends + 0.5) / TAPER, 0, 1).astype(np.float32)
