"""Where the watermark lies in a sound: a grid of cells in time and pitch that repeats every 4 s.

A cell is 40 ms long and 50 Hz wide. Each has a secret sign; three in ten are known beforehand
(they tell where a block begins), the others spell the code word, 32 cells for each of its bits.
All lengths are in seconds and hertz, so the grid is the same at every sample rate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from governance.marking.watermark import code
from governance.marking.watermark.keys import WatermarkKeys, stream

FRAMES_PER_SECOND = 50  # a frame lasts twice as long: neighbours overlap by half
WINDOWS_PER_SECOND = 25  # so that a bin of the spectrum is 25 Hz wide
FRAMES = 2  # of a cell
BINS = 2
SLOTS = 100
BANDS = 112
FIRST_BIN = 12  # 300 Hz to 5,900 Hz: what every codec and most telephones keep
LAST_BIN = FIRST_BIN + BANDS * BINS
SYNC_CELLS = SLOTS * BANDS * 3 // 10

# The least sound in which all bits stand out, and the least level that 16-bit samples resolve.
LEAST_SECONDS = 4
LEAST_LEVEL_DB = -66.0

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """signs: (SLOTS, BANDS) of ±1; owner: the bit that a cell spells, -1 for a known one."""

    signs: Floats
    owner: NDArray[np.int64]

    def spell(self, word: NDArray[np.int8]) -> Floats:
        """The signs to write for BITS signs, shape (SLOTS, BANDS)."""
        known = np.append(word, np.int8(1))  # -1 takes the last
        return self.signs * known[self.owner]

    def known(self) -> Floats:
        """The signs of the known cells, 0 elsewhere."""
        return np.where(self.owner < 0, self.signs, np.float32(0))

    def soft(self, cells: Floats) -> Floats:
        """The BITS sums that the measured cells (SLOTS, BANDS) spell."""
        spelled = self.owner >= 0
        weights = (cells * self.signs)[spelled]
        return np.bincount(self.owner[spelled], weights, code.BITS).astype(np.float32)


def grid(keys: WatermarkKeys) -> Grid:
    """The grid that a secret draws."""
    cells = SLOTS * BANDS
    ranks = np.frombuffer(stream(keys.pattern(), "sound cells", cells * 8), "<u8")
    order = np.argsort(ranks, kind="stable")
    owner = np.full(cells, -1)
    spelled = order[SYNC_CELLS:]
    owner[spelled] = np.arange(len(spelled)) % code.BITS
    octets = np.frombuffer(stream(keys.pattern(), "sound signs", cells // 8), np.uint8)
    signs = 1 - 2 * np.unpackbits(octets).astype(np.float32)
    return Grid(signs.reshape(SLOTS, BANDS), owner.reshape(SLOTS, BANDS))


def window(length: int) -> Floats:
    """Square root of the Hann window: applied twice, half-overlapping frames add up to 1."""
    places = np.arange(length) / length
    root: Floats = np.sin(np.pi * places).astype(np.float32)
    return root
