"""Writes the watermark into sound, in a stream: louder here, softer there, by less than is heard.

Every cell of the grid is raised or lowered by 0.6 dB, or by what its neighbourhood masks where
that is more (ISO/IEC 11172-3, annex D, describes such spreading). Only what is there is scaled:
silence stays silence.
"""

import numpy as np
from numpy.typing import NDArray

from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.reading import word
from governance.marking.watermark.sound_cells import (
    BINS,
    FIRST_BIN,
    FRAMES,
    FRAMES_PER_SECOND,
    LAST_BIN,
    LEAST_LEVEL_DB,
    LEAST_SECONDS,
    SLOTS,
    WINDOWS_PER_SECOND,
    Floats,
    grid,
    window,
)

ALGORITHM = "local.governance.watermark.1"  # the same code as in pictures

STRENGTH = 10 ** (0.6 / 20) - 1
# Noise stays unheard 33 dB below the power around it, which spreads by so much per Bark.
MASKED_DB = -33.0
UPWARDS_DB = 12.0
DOWNWARDS_DB = 25.0
LEAST_KEPT = 0.1  # of an amplitude that is lowered

TINY = np.finfo(np.float32).tiny

Complex = NDArray[np.complex64]


class SoundWatermark:
    """The watermark that says one id of one organisation."""

    def __init__(self, keys: WatermarkKeys, organisation: str, watermark_id: int) -> None:
        self._cells = grid(keys).spell(word(keys, organisation, watermark_id))

    def writer(self, rate: int, channels: int) -> "SoundWriter":
        """A writer for one stream of samples; `rate` is 8,000 hertz or more."""
        return SoundWriter(self._cells, rate, channels)

    def apply(self, samples: Floats, rate: int) -> Floats:
        """Samples of shape (channels, n) in -1…1 with the watermark; the same shape."""
        writer = self.writer(rate, len(samples))
        blocks = [
            writer.feed(samples[:, start : start + rate])
            for start in range(0, samples.shape[1], rate)
        ]
        return np.concatenate([*blocks, writer.finish()], axis=1)


class SoundWriter:
    """Takes and gives samples (channels, n); what comes out lags by at most 40 ms."""

    def __init__(self, cells: Floats, rate: int, channels: int) -> None:
        self._rate = rate
        self._length = round(rate / WINDOWS_PER_SECOND)
        self._last = min(LAST_BIN, self._length // 2)
        signs = np.repeat(cells, BINS, axis=1)
        self._signs = signs[:, : self._last - FIRST_BIN]
        self._window = window(self._length)
        self._masking = _masking(self._last)
        # The first frame's centre is the first sample, so it starts in silence.
        lead = self._length // 2
        self._begin = -lead  # position of the first sample held
        self._sound = np.zeros((channels, lead), np.float32)
        self._change = np.zeros_like(self._sound)
        self._frame = 0
        self._carrying = 0

    def feed(self, samples: Floats) -> Floats:
        """The samples that are finished, with the mark."""
        self._append(samples)
        return self._finished(self._weave())

    def finish(self) -> Floats:
        """The samples still held."""
        end = self._begin + self._sound.shape[1]
        self._append(np.zeros((len(self._sound), self._length), np.float32))
        self._weave()
        return self._finished(end)

    def shortfall(self) -> str:
        """Why the sound so far is no carrier: a sentence; empty when it is one."""
        if self._carrying >= LEAST_SECONDS * FRAMES_PER_SECOND:
            return ""
        if self._frame < LEAST_SECONDS * FRAMES_PER_SECOND:
            return f"The sound is shorter than {LEAST_SECONDS} s: too short to carry a watermark."
        return (
            f"The sound is silent but for less than {LEAST_SECONDS} s: "
            "too quiet to carry a watermark."
        )

    def _append(self, samples: Floats) -> None:
        self._sound = np.concatenate([self._sound, samples], axis=1)
        self._change = np.concatenate([self._change, np.zeros_like(samples)], axis=1)

    def _weave(self) -> int:
        """Change all whole frames; returns the position up to which nothing changes any more."""
        count = self._whole_frames()
        if count:
            numbers = self._frame + np.arange(count)
            starts = self._start(numbers) - self._begin
            views = np.lib.stride_tricks.sliding_window_view(self._sound, self._length, axis=1)
            frames = views[:, starts] * self._window
            self._count(frames)
            changes = self._changes(frames, self._signs[numbers // FRAMES % SLOTS])
            for start, change in zip(starts, changes.swapaxes(0, 1), strict=True):
                self._change[:, start : start + self._length] += change
            self._frame += count
        return int(self._start(np.array(self._frame)))

    def _whole_frames(self) -> int:
        last_start = self._begin + self._sound.shape[1] - self._length
        ahead = (last_start - self._begin) * FRAMES_PER_SECOND // self._rate + 2
        numbers = self._frame + np.arange(max(ahead, 0))
        return int(np.count_nonzero(self._start(numbers) <= last_start))

    def _start(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Position of a frame's first sample; rounded one by one, so that no drift adds up."""
        return (frames * self._rate) // FRAMES_PER_SECOND - self._length // 2

    def _count(self, frames: Floats) -> None:
        levels = np.mean(np.square(frames), axis=(0, 2)) * 2  # the window halves the power
        self._carrying += int(np.count_nonzero(levels > 10 ** (LEAST_LEVEL_DB / 10)))

    def _changes(self, frames: Floats, signs: Floats) -> Floats:
        """What to add to frames (channels, n, length) for signs (n, bins)."""
        spectrum: Complex = np.fft.rfft(frames, axis=2).astype(np.complex64)
        part = spectrum[:, :, FIRST_BIN : self._last]
        amplitude = np.abs(part)
        masked = np.sqrt(np.square(amplitude) @ self._masking)
        amount = np.maximum(amplitude * np.float32(STRENGTH), masked)
        amount = np.where(signs > 0, amount, np.minimum(amount, amplitude * (1 - LEAST_KEPT)))
        ratio = amount / np.maximum(amplitude, TINY)
        change = np.zeros_like(spectrum)
        change[:, :, FIRST_BIN : self._last] = part * (signs * ratio)
        return np.fft.irfft(change, self._length, axis=2).astype(np.float32) * self._window

    def _finished(self, end: int) -> Floats:
        count = end - self._begin
        skipped = max(0, -self._begin)
        ready = (self._sound[:, skipped:count] + self._change[:, skipped:count]).copy()
        self._sound, self._change = self._sound[:, count:], self._change[:, count:]
        self._begin = end
        return ready


def _masking(last: int) -> Floats:
    """(bins, bins): power of noise at a column that the power at a row hides.

    Bark scale after Zwicker and Terhardt, 1980.
    """
    frequency = np.arange(FIRST_BIN, last) * float(WINDOWS_PER_SECOND)
    bark = 13 * np.arctan(0.00076 * frequency) + 3.5 * np.arctan((frequency / 7500) ** 2)
    apart = bark[None, :] - bark[:, None]
    decibels = MASKED_DB - np.where(apart >= 0, UPWARDS_DB * apart, -DOWNWARDS_DB * apart)
    matrix: Floats = (10 ** (decibels / 10)).astype(np.float32)
    return matrix
