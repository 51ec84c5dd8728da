"""General flashes that can trigger photosensitive seizures (WCAG 2.2, success criterion 2.3.1).

A flash is a pair of opposing changes of relative luminance by 10 % of its maximum or more, where
the darker picture is below 0.80. More than three in any second are a failure once they cover a
quarter of any 10° of the visual field, about a third of the picture's width and height.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from governance import __version__
from governance.domain import Finding
from governance.screening.frames import MAX_FINDINGS, Luma

CHANGE = 0.1
DARKER_BELOW = 0.8
FLASHES_A_SECOND = 3
AREA = 0.25
BLOCK = 5  # pixels of the reduced picture
ROUNDING = 1e-6

_CODES = np.arange(256) / 255
# sRGB transfer function: code value to relative luminance.
RELATIVE = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)

Blocks = NDArray[np.float32]


class Flashes:
    """Counts opposing changes that happen in the same frame over a large enough area."""

    name = "flashes"

    def __init__(self) -> None:
        self._lowest: Blocks | None = None
        self._highest: Blocks | None = None
        self._rising: NDArray[np.int8] | None = None
        self._last = 0
        self._changes: deque[float] = deque()
        self._starts: list[float] = []

    def feed(self, seconds: float, luma: Luma) -> None:
        now = _blocks(luma)
        if self._lowest is None or self._highest is None or self._rising is None:
            self._lowest, self._highest = now.copy(), now.copy()
            self._rising = np.zeros(now.shape, np.int8)
            return
        np.minimum(self._lowest, now, out=self._lowest)
        np.maximum(self._highest, now, out=self._highest)
        up = (now - self._lowest >= CHANGE) & (self._lowest < DARKER_BELOW) & (self._rising != 1)
        down = (self._highest - now >= CHANGE) & (now < DARKER_BELOW) & (self._rising != -1)
        for direction, changed in ((1, up), (-1, down)):
            self._rising[changed] = direction
            self._lowest[changed] = self._highest[changed] = now[changed]
            if direction != self._last and _largest_share(changed) >= AREA:
                self._last = direction
                self._count(seconds)

    def findings(self, end: float) -> list[Finding]:
        return [
            Finding(
                code="flashing",
                severity="fail",
                detector=self.name,
                version=__version__,
                detail=f"More than {FLASHES_A_SECOND} flashes within one second.",
                at=f"{start:.3f}",
            )
            for start in self._starts[:MAX_FINDINGS]
        ]

    def _count(self, seconds: float) -> None:
        self._changes.append(seconds)
        while seconds - self._changes[0] > 1 - ROUNDING:  # a second holds its first moment only
            self._changes.popleft()
        if len(self._changes) > 2 * FLASHES_A_SECOND:
            self._starts.append(self._changes[0])
            self._changes.clear()


def _blocks(luma: Luma) -> Blocks:
    height, width = luma.shape
    cells = RELATIVE[luma].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    means: Blocks = cells.mean(axis=(1, 3), dtype=np.float32)
    return means


def _largest_share(changed: NDArray[np.bool_]) -> float:
    """The most of any window, a third of the picture each way, that changed; 0 to 1."""
    if not changed.any():
        return 0.0
    rows, columns = changed.shape
    height, width = rows // 3, columns // 3
    sums = np.zeros((rows + 1, columns + 1))
    sums[1:, 1:] = changed.cumsum(axis=0).cumsum(axis=1)
    windows = sums[height:, width:] - sums[:-height, width:]
    windows -= sums[height:, :-width] - sums[:-height, :-width]
    share: float = windows.max() / (height * width)
    return share
