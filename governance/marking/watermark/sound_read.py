"""Finds the watermark in a copy of a sound, cut, re-encoded or played at another speed.

The copy is heard as levels of cells, a cell is compared with what its neighbours predict, and
what is left is folded at the block's length: the mark adds up, everything else averages out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from governance.marking.mono import Mono
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.reading import Candidate, Reading
from governance.marking.watermark.sound_cells import (
    BANDS,
    BINS,
    FIRST_BIN,
    FRAMES,
    FRAMES_PER_SECOND,
    LAST_BIN,
    LEAST_LEVEL_DB,
    SLOTS,
    WINDOWS_PER_SECOND,
    Floats,
    Grid,
    grid,
    window,
)

RATE = 16_000
WINDOW = RATE // WINDOWS_PER_SECOND
HOP = RATE // 200  # a block may begin anywhere: looked for in steps of 5 ms
HOPS_PER_FRAME = RATE // FRAMES_PER_SECOND // HOP
HOPS_PER_SLOT = HOPS_PER_FRAME * FRAMES
PERIOD = HOPS_PER_SLOT * SLOTS
SEGMENT = 60 * RATE  # looked at in one go
EXCERPT = 6 * RATE  # enough to tell which speed is worth a closer look
SHORTEST = 2 * RATE  # of sound, half of it loud, that is worth a look

KEPT = 6  # candidates of a reading
SEARCHED = 5  # segments at other speeds: a copy is not slowed down from its sixth minute on
CLOSER = 2  # speeds looked at closely
SURE = 8.0  # sync that no unmarked sound shows: no need to try other speeds
DRIFTS = tuple(step / 2000 for step in range(-10, 11))  # between two speeds
NEIGHBOURS = [(t, b) for t in (-2, -1, 0, 1, 2) for b in (-2, -1, 0, 1, 2) if (t, b) != (0, 0)]
STEADY = 0.95  # what a drifting clock must beat a right one by
FLOOR_DB = -50.0  # below a band's mean level nothing but the codec's leftovers is found
OUTLIER_DB = 15.0
AT_ONCE = 2000  # frames: 10 MB of spectrum


@dataclass(frozen=True)
class Speed:
    """How much faster the copy plays, and whether its pitch rose with it."""

    factor: float
    pitch: bool

    def facts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("speed", f"{self.factor:.4g}"),
            ("pitch", "changed" if self.pitch else "kept"),
        )


UNCHANGED = Speed(1.0, False)
PERCENTS = (75, 80, 85, *range(90, 100), *range(101, 111), 115, 120, 125, 150)
SPEEDS = [Speed(percent / 100, pitch) for percent in PERCENTS for pitch in (False, True)]


class SoundReader:
    """Takes samples in pieces of any size; holds at most a minute of them.

    Speeds from 0.9 to 1.1 and some usual ones beyond are found, with the pitch kept or changed.
    """

    def __init__(self, keys: WatermarkKeys) -> None:
        self._grid = grid(keys)
        self._known = _spectrum_of_known(self._grid)
        self._mono = Mono(RATE)
        self._held: list[Floats] = []
        self._count = 0
        self._heard = 0
        self._loud = 0
        self._segments = 0
        self._candidates: list[Candidate] = []

    def feed(self, samples: Floats, rate: int) -> None:
        """Samples of shape (channels, n) in -1…1; `rate` in hertz, the same in every call."""
        self._take(self._mono.feed(samples, rate))

    def reading(self) -> Reading:
        """The best candidates in all that was fed; call once, at the end."""
        self._take(self._mono.finish())
        rest = self._joined()
        if len(rest) >= SHORTEST and not self.shortfall():
            self._look(rest)
        return Reading(tuple(self._candidates))

    def shortfall(self) -> str:
        """Why the sound can't be read: a sentence; empty when there is enough of it."""
        if self._heard < SHORTEST:
            return "The sound is shorter than 2 s: too short to read a watermark."
        if self._loud < SHORTEST / 2:
            return "The sound is silent or nearly so: too quiet to read a watermark."
        return ""

    def _take(self, samples: Floats) -> None:
        self._heard += len(samples)
        frames = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
        loud = np.square(frames).mean(axis=1) > 10 ** (LEAST_LEVEL_DB / 10)
        self._loud += HOP * int(np.count_nonzero(loud))
        self._held.append(samples)
        self._count += len(samples)
        while self._count >= SEGMENT:
            joined = self._joined()
            self._look(joined[:SEGMENT])
            self._held = [joined[SEGMENT:]]
            self._count = len(joined) - SEGMENT

    def _joined(self) -> Floats:
        return np.concatenate([np.zeros(0, np.float32), *self._held])

    def _look(self, sound: Floats) -> None:
        guesses = [*self._candidates, *self._guesses(sound)]
        self._candidates = sorted(guesses, key=lambda guess: -guess.sync)[:KEPT]

    def _guesses(self, sound: Floats) -> Iterator[Candidate]:
        unchanged = self._closely(sound, UNCHANGED)
        yield unchanged
        self._segments += 1
        if unchanged.sync >= SURE or self._segments > SEARCHED:
            return
        excerpt = _loudest(sound, EXCERPT)
        ranked = sorted(SPEEDS, key=lambda speed: -self._glance(excerpt, speed))
        for speed in ranked[:CLOSER]:
            yield self._closely(sound, speed)

    def _glance(self, sound: Floats, speed: Speed) -> float:
        left = _plainly(_levels(sound, speed))
        return float(self._sync(_fold(left, 0.0)).max())

    def _closely(self, sound: Floats, speed: Speed) -> Candidate:
        left = _predicted(_levels(sound, speed))
        folds = [_fold(left, drift) for drift in DRIFTS]
        syncs = [self._sync(fold) for fold in folds]
        # Drifts that differ little fit alike: the clock is right unless another fits far better.
        doubt = [1.0 if drift == 0 else STEADY for drift in DRIFTS]
        best = max(range(len(DRIFTS)), key=lambda place: syncs[place].max() * doubt[place])
        place = int(syncs[best].argmax())
        cells = np.roll(folds[best], -place, axis=0)[::HOPS_PER_SLOT]
        exact = replace(speed, factor=speed.factor / (1 + DRIFTS[best]))
        return Candidate(self._grid.soft(cells), float(syncs[best][place]), exact.facts())

    def _sync(self, fold: Floats) -> NDArray[np.float64]:
        """For each place at which a block may begin, how far the known cells stand out."""
        spectrum = np.fft.rfft(fold, axis=0)
        fit = np.fft.irfft((spectrum * self._known).sum(axis=1), PERIOD)
        spread = np.sqrt(np.square(fold).mean() * np.count_nonzero(self._grid.owner < 0))
        standing: NDArray[np.float64] = fit / max(float(spread), 1e-9)
        return standing


def _spectrum_of_known(cells: Grid) -> NDArray[np.complex64]:
    spaced = np.zeros((PERIOD, BANDS), np.float32)
    spaced[::HOPS_PER_SLOT] = cells.known()
    return np.conj(np.fft.rfft(spaced, axis=0))


def _loudest(sound: Floats, length: int) -> Floats:
    """The stretch of `length` samples with the most sound in it, to the second."""
    if len(sound) <= length:
        return sound
    seconds = np.square(sound[: len(sound) // RATE * RATE]).reshape(-1, RATE).mean(axis=1)
    audible = np.convolve(np.log1p(seconds * 1e6), np.ones(length // RATE), "valid")
    start = int(audible.argmax()) * RATE
    return sound[start : start + length]


def _levels(sound: Floats, speed: Speed) -> Floats:
    """Decibels of the cells that begin at each hop: (hops, BANDS)."""
    hop = HOP / speed.factor
    if speed.pitch:
        places = np.arange(0, len(sound) - 1, 1 / speed.factor)
        sound = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
        hop = HOP
    count = int((len(sound) - WINDOW) / hop) + 1
    starts = np.round(np.arange(count) * hop).astype(np.int64)
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)
    parts = np.array_split(starts, count // AT_ONCE + 1)
    power = np.concatenate([_power(frames[part]) for part in parts])
    cells = power[:-HOPS_PER_FRAME] + power[HOPS_PER_FRAME:]
    floor = cells.mean(axis=0) * 10 ** (FLOOR_DB / 10) + 1e-12
    levels = 10 * np.log10(cells + floor)
    level: Floats = (levels - levels.mean(axis=0)).astype(np.float32)
    return level


def _power(frames: Floats) -> Floats:
    spectrum = np.fft.rfft(frames * window(WINDOW), axis=1)[:, FIRST_BIN:LAST_BIN]
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    cells: Floats = power.reshape(len(power), BANDS, BINS).sum(axis=2).astype(np.float32)
    return cells


def _shifted(levels: Floats, slots: int, bands: int) -> Floats:
    return np.roll(levels, (slots * HOPS_PER_SLOT, bands), axis=(0, 1))


def _plainly(levels: Floats) -> Floats:
    """What is left of the levels when their neighbours' mean is taken away."""
    left = levels - sum(_shifted(levels, slots, 0) for slots in (-2, -1, 1, 2)) / 4
    left = left - sum(np.roll(left, bands, axis=1) for bands in (-2, -1, 1, 2)) / 4
    return _even(left)


def _predicted(levels: Floats) -> Floats:
    """What is left when their neighbours' best linear prediction is taken away."""
    some = slice(None, None, HOPS_PER_SLOT // 2)
    around = np.stack([_shifted(levels, *place)[some].ravel() for place in NEIGHBOURS])
    wanted = levels[some].ravel()
    weights = np.ones_like(wanted)
    for _ in range(2):  # once more without the outliers
        square = (around * weights) @ around.T
        ridge = np.eye(len(NEIGHBOURS)) * (1e-3 * np.trace(square) / len(NEIGHBOURS) + 1e-9)
        shares = np.linalg.solve(square + ridge, (around * weights) @ wanted)
        errors = np.square(wanted - shares @ around)
        weights = (1 / (errors + 2 * np.median(errors) + 1e-9)).astype(np.float32)
    left = levels.copy()
    for place, share in zip(NEIGHBOURS, shares.astype(np.float32), strict=True):
        left -= share * _shifted(levels, *place)
    return _even(left)


def _even(left: Floats) -> Floats:
    """Weigh each value by the inverse of the variance around it."""
    left = np.clip(left, -OUTLIER_DB, OUTLIER_DB)
    around = _box(_box(np.square(left), 2 * HOPS_PER_SLOT + 1, 0), 5, 1)
    spread = np.sqrt(around + np.float32(0.1) * around.mean() + np.float32(1e-9))
    evened: Floats = np.clip(left / spread, -2, 2) / spread
    return evened


def _box(values: Floats, width: int, axis: int) -> Floats:
    """Mean over `width` (odd) neighbours along an axis, around the ends."""
    half = width // 2
    ends = [(half + 1, half) if place == axis else (0, 0) for place in (0, 1)]
    sums = np.cumsum(np.pad(values, ends, "wrap"), axis=axis, dtype=np.float64)
    after = np.take(sums, np.arange(width, sums.shape[axis]), axis=axis)
    before = np.take(sums, np.arange(sums.shape[axis] - width), axis=axis)
    mean: Floats = ((after - before) / width).astype(np.float32)
    return mean


def _fold(left: Floats, drift: float) -> Floats:
    """The sum of all blocks, (PERIOD, BANDS), if the copy's clock is off by `drift`."""
    rows = np.round(np.arange(int(len(left) / (1 + drift))) * (1 + drift)).astype(np.int64)
    rows = rows[rows < len(left)]
    whole = -(-len(rows) // PERIOD) * PERIOD
    padded = np.zeros((whole, BANDS), np.float32)
    padded[: len(rows)] = left[rows]
    folded: Floats = padded.reshape(-1, PERIOD, BANDS).sum(axis=0)
    return folded
