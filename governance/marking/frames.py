"""What passes over the frames of a file: painters change them, watchers only look.

Every frame is decoded once, whoever wants to paint or to look. `luma` is a view of shape
(height, width), bytes, upright as displayed; in video in studio swing (16 to 235).
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


class Painter(Protocol):
    """Paints into frames in place, before they are encoded."""

    def paint(self, seconds: float, luma: Bytes, chroma: tuple[Bytes, Bytes]) -> None:
        """seconds: from the first frame; chroma: Cb and Cr at half the sides (4:2:0)."""


class Watcher(Protocol):
    """Looks at frames; skips, cheaply, those that it doesn't need."""

    def feed(self, seconds: float, luma: Bytes) -> None: ...
