"""The watermark in video frames and images: written into the luma, read from a sample of frames."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from governance.marking.frames import Bytes
from governance.marking.watermark import tile
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.reading import Reading, word
from governance.marking.watermark.search import search
from governance.marking.watermark.spectrum import flattened, spectrum

# The change's variance over the picture's: SSIM falls by the same small share everywhere, as if
# there were always some texture; less on quite flat areas, where the eye sees what SSIM doesn't and
# where little is enough to be read.
SHARE = 0.11
SOME_TEXTURE = 12.0
FLAT = 8.0
STRONGEST = 3.6
LARGEST = 15  # of any pixel's change: the pattern stays below 127 / 32
MEAN_CHANGE = 2.48  # root mean square over a picture, in steps of luma: PSNR 40.1 dB and more
CELL = 8  # pixels that share a variance
REFRESH_SECONDS = 0.25
CUT = 30  # mean change of the luma between two pictures that have nothing to do with each other
PRECISION = 16  # of the amplitude: 1/16 step
ROWS = 64  # worked on at a time, so that they stay in the processor's cache

# Reading: a frame every so often, twice as seldom after every SAMPLES frames. The first frame is a
# key frame, where hard compression leaves the most, so it counts more.
EVERY_SECONDS = 0.3
SAMPLES = 16
OPENING = 4.0


class PictureWatermark:
    """Writes one id into the frames of a clip of (width, height), or into images of that size."""

    def __init__(
        self, keys: WatermarkKeys, organisation: str, watermark_id: int, width: int, height: int
    ) -> None:
        self._tile = tile.tile(keys.pattern())
        self._word = word(keys, organisation, watermark_id)
        self._size = (width, height)
        self._patterns: dict[tile.Profile, NDArray[np.int8]] = {}
        self._delta = np.zeros((height, width), np.int8)
        self._until = -1.0
        self._seen = np.zeros(0, np.int16)

    def paint(self, seconds: float, luma: Bytes, chroma: tuple[Bytes, Bytes]) -> None:
        """Add the mark in place; how strong, is looked at anew where the picture changes."""
        glance = luma[::CELL, ::CELL].astype(np.int16)
        if seconds >= self._until or np.abs(glance - self._seen).mean() > CUT:
            self._delta = self._change(luma, tile.VIDEO)
            self._until = seconds + REFRESH_SECONDS
            self._seen = glance
        # What leaves room for the change cannot wrap around: bytes add three times as fast as wider
        # numbers. Studio swing (16 to 235) has that room.
        for top in range(0, luma.shape[0], ROWS):
            rows = luma[top : top + ROWS]
            np.clip(rows, LARGEST, 255 - LARGEST, out=rows)
            np.add(rows, self._delta[top : top + ROWS].view(np.uint8), out=rows)

    def delta(self, luma: Bytes) -> NDArray[np.int16]:
        """What to add to R, G and B of an image with this luma; clip the sum to bytes."""
        return self._change(luma, tile.IMAGE).astype(np.int16)

    def _pattern(self, profile: tile.Profile) -> NDArray[np.int8]:
        """In 1/32 steps; times an amplitude of 1/16 steps, the product is in 1/512 steps."""
        if profile not in self._patterns:
            drawn = tile.render(self._tile, self._word, *self._size, profile)
            self._patterns[profile] = np.clip(np.rint(drawn * 32), -127, 127).astype(np.int8)
        return self._patterns[profile]

    def _change(self, luma: Bytes, profile: tile.Profile) -> NDArray[np.int8]:
        amplitude, pattern = _amplitude(luma), self._pattern(profile)
        change = np.empty(luma.shape, np.int8)
        for top in range(0, luma.shape[0], ROWS):
            rows = slice(top, top + ROWS)
            product = np.multiply(pattern[rows], amplitude[rows], dtype=np.int16)
            product += 256
            product >>= 9
            change[rows] = product
        return change


def _amplitude(luma: Bytes) -> Bytes:
    """The change's strength at every pixel in 1/PRECISION steps: more where there is texture."""
    height, width = luma.shape
    coarse = luma[::2, ::2].astype(np.float32)
    coarse = np.pad(coarse, [(0, -size % (CELL // 2)) for size in coarse.shape], mode="edge")
    variance = _means(coarse * coarse) - _means(coarse) ** 2
    # The median keeps a single outline from making a halo on the flat ground beside it.
    variance = ndimage.uniform_filter(ndimage.median_filter(variance, 3), 3)
    strength = np.sqrt(SHARE * (np.minimum(FLAT + variance, SOME_TEXTURE) + variance))
    np.minimum(strength, STRONGEST, out=strength)
    strength *= min(1.0, MEAN_CHANGE / float(np.sqrt(np.mean(strength**2))))
    small = Image.fromarray(np.rint(strength * PRECISION).astype(np.uint8))
    box = (0, 0, width / CELL, height / CELL)
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR, box=box))


def _means(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of every cell of CELL // 2 squared; sums of slices are ten times as fast as `mean`."""
    side = CELL // 2
    across = sum((values[:, at::side] for at in range(1, side)), values[:, ::side])
    down = sum((across[at::side] for at in range(1, side)), across[::side])
    means: NDArray[np.float32] = down / np.float32(side * side)
    return means


class PictureReader:
    """Watches frames of a clip, or one image; memory doesn't grow with the length."""

    def __init__(self, keys: WatermarkKeys) -> None:
        self._tile = tile.tile(keys.pattern())
        self._sum: tile.Floats | None = None
        self._taken = 0
        self._due = 0.0
        self._every = EVERY_SECONDS

    def feed(self, seconds: float, luma: Bytes) -> None:
        if self._sum is None:
            self._sum = OPENING * flattened(luma)
        elif seconds >= self._due:
            self._sum += flattened(luma, (self._sum.shape[0], self._sum.shape[1]))
        else:
            return
        self._taken += 1
        self._due = seconds + self._every
        if self._taken % SAMPLES == 0:
            self._every *= 2

    def reading(self) -> Reading:
        """Takes a third of a second of one processor; empty before any frame."""
        if self._sum is None:
            return Reading()
        return Reading(search(spectrum(self._sum), self._tile))
