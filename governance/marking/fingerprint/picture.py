"""The fingerprint of what is seen: one frame a second, hashed with PDQ.

Stored is the hash of the middle of the frame, 70 % of each side: captions, logos and bars at the
edge don't touch it. A file that somebody asks about is hashed under many cuts: in a copy that was
cropped to 90 %, the same middle is 78 % of each side, and need not be in the middle.
"""

from functools import lru_cache
from itertools import product
from math import ceil

import numpy as np
from numpy.typing import NDArray

from governance.marking.fingerprint import pdq
from governance.marking.fingerprint.fingerprint import HASH_BYTES, MAX_MOMENTS, Fingerprint

ALGORITHM = "local.governance.pdq.1"
STORE_MS, ASK_MS = 1000, 250
MIN_QUALITY = 20  # flat and nearly black frames are no evidence: they resemble each other
MIN_SIDE = 32
MAX_ASKED = 128  # of longer films, every second, fourth, … moment is asked about
# Bars that somebody put around a picture: rows and columns that are flat, and like the outermost.
_FLAT, _LIKE, _MAX_BAR = 3.0, 8.0, 0.4

Cut = tuple[float, float]  # start and end along one side
_MIDDLE: Cut = (0.15, 0.85)
_SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)  # of a side, left by whoever cropped it
_STEP = 0.05  # a hash bears a shift of about half of this


def _places(share: float) -> tuple[Cut, ...]:
    """Where the stored middle may lie along a side cropped to this share, the middle first."""
    length = min(1.0, (_MIDDLE[1] - _MIDDLE[0]) / share)
    first = max(0.0, (_MIDDLE[0] - (1 - share)) / share)
    last = min(1 - length, _MIDDLE[0] / share)
    starts = np.linspace(first, last, 1 + 2 * ceil((last - first) / _STEP / 2 - 1e-9))
    ordered = sorted(starts, key=lambda start: abs(start - (1 - length) / 2))
    return tuple((round(float(start), 4), round(float(start) + length, 4)) for start in ordered)


_PLACES = {share: _places(share) for share in _SHARES}
_CUTS = tuple(cut for share in _SHARES for cut in _PLACES[share])


def _pairs() -> list[tuple[Cut, Cut]]:
    """Cuts of height and width: crops around the middle, other crops, crops of one side only."""
    around = [(_PLACES[share][0], _PLACES[share][0]) for share in _SHARES]
    anywhere = [pair for share in _SHARES for pair in product(_PLACES[share], _PLACES[share])]
    one_side = [pair for cut in _CUTS for pair in ((cut, _MIDDLE), (_MIDDLE, cut))]
    return list(dict.fromkeys([*around, *anywhere, *one_side]))


_PAIRS = _pairs()
_CHOSEN = tuple(np.array([[_CUTS.index(cut) for cut in pair] for pair in _PAIRS]).T)
VIEWS = len(_PAIRS) + 1


class PictureFingerprinter:
    """Looks at one frame a second, and for asking at four; flat frames are left out.

    asking: also take what the index is asked with, which costs ten times as much.
    """

    def __init__(self, *, asking: bool = True) -> None:
        self._asking = asking
        self._next = 0
        self._ticks = 0
        self._milliseconds: list[int] = []
        self._hashes: list[pdq.Hash] = []
        self._views: dict[int, tuple[int, pdq.Hash]] = {}
        self._stride = 1

    def feed(self, seconds: float, luma: NDArray[np.uint8]) -> None:
        now = round(seconds * 1000)
        if now < self._next or min(luma.shape) < MIN_SIDE:
            return
        self._next = now + ASK_MS
        is_due = not self._milliseconds or now >= self._milliseconds[-1] + STORE_MS
        is_due &= len(self._milliseconds) < MAX_MOMENTS
        tick, self._ticks = self._ticks, self._ticks + 1
        is_asked = self._asking and tick % self._stride == 0
        if is_due or is_asked:
            self._look(now, luma, is_due, tick if is_asked else None)

    def finish(self) -> Fingerprint:
        """Empty if every frame was flat."""
        seen = self._views.values()
        return Fingerprint(
            "picture",
            np.array(self._milliseconds, np.uint32),
            np.array(self._hashes, np.uint8).reshape(-1, HASH_BYTES),
            np.array([now for now, _ in seen], np.uint32),
            np.array([views for _, views in seen], np.uint8).reshape(-1, VIEWS, HASH_BYTES),
        )

    def _look(self, now: int, luma: NDArray[np.uint8], is_due: bool, tick: int | None) -> None:
        plane = pdq.shrink(luma)
        middle = pdq.picture64(_cut(plane, _MIDDLE))
        if pdq.quality(middle) < MIN_QUALITY:
            return
        stored = pdq.hash64(middle)
        if is_due:
            self._milliseconds.append(now)
            self._hashes.append(stored)
        if tick is not None:
            self._views[tick] = now, np.vstack([stored, views(without_bars(plane))])
        if len(self._views) > MAX_ASKED:
            self._stride *= 2
            self._views = {t: v for t, v in self._views.items() if t % self._stride == 0}


def views(plane: pdq.Plane) -> pdq.Hash:
    """(VIEWS - 1, 32): the hashes of what lies in each pair of cuts."""
    height, width = plane.shape
    waves = _frequencies(height) @ plane @ _frequencies(width).T
    grid = waves.reshape(len(_CUTS), pdq.KEPT, len(_CUTS), pdq.KEPT)
    return pdq.bits(grid[_CHOSEN[0], :, _CHOSEN[1], :].reshape(-1, pdq.BITS))


def without_bars(plane: pdq.Plane) -> pdq.Plane:
    """The picture inside of flat bars, of whatever colour."""
    top, bottom = _inside(plane)
    left, right = _inside(plane[top:bottom].T)
    inside = plane[top:bottom, left:right]
    return inside if min(inside.shape) >= MIN_SIDE else plane


def _inside(lines: pdq.Plane) -> tuple[int, int]:
    means, spread = lines.mean(axis=1), lines.std(axis=1)
    most = int(len(lines) * _MAX_BAR)
    ends = []
    for order in (slice(None, None, 1), slice(None, None, -1)):
        level = means[order]
        is_bar = (spread[order] < _FLAT) & (np.abs(level - level[0]) < _LIKE)
        ends.append(min(most, int(np.argmin(is_bar)) if not is_bar.all() else 0))
    return ends[0], len(lines) - ends[1]


def _cut(plane: pdq.Plane, part: tuple[float, float]) -> pdq.Plane:
    (top, bottom), (left, right) = (_span(side, part) for side in plane.shape)
    return plane[top:bottom, left:right]


def _span(side: int, part: tuple[float, float]) -> tuple[int, int]:
    return round(side * part[0]), round(side * part[1])


@lru_cache(maxsize=64)
def _frequencies(side: int) -> pdq.Plane:
    """(cuts · 16, side): the frequencies of what lies in each cut."""
    rows = np.zeros((len(_CUTS), pdq.KEPT, side), np.float32)
    for cut, part in enumerate(_CUTS):
        start, end = _span(side, part)
        rows[cut, :, start:end] = pdq.frequencies(end - start)
    return rows.reshape(-1, side)
