"""The fingerprint of a sound: which way its spectrum tilts, 32 bits every eighth of a second.

After Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002): a bit says
whether the difference between two neighbouring bands grew since the moment before. Loudness,
equalisers and codecs hardly touch it. Eight such words, one second, make one hash of 256 bits.
"""

import numpy as np
from numpy.typing import NDArray

from governance.marking.fingerprint.fingerprint import HASH_BYTES, MAX_MOMENTS, Fingerprint
from governance.marking.mono import Mono

ALGORITHM = "local.governance.bands.1"

RATE = 8000
WINDOW = 2960  # 0.37 s
TRANSFORM = 4096
HOP = RATE // 16
LOWEST, HIGHEST, BANDS = 300.0, 2000.0, 33
STEP = 2  # frames from one word to the next: an eighth of a second
WORDS = HASH_BYTES * 8 // (BANDS - 1)
SPAN = STEP * WORDS  # frames before a moment that its hash looks back on
STORED = 8  # frames from one stored moment to the next: half a second
MAX_ASKED = 1024
LEAST_LEVEL_DB = -60.0  # of a frame; all silences look alike

Floats = NDArray[np.float32]


class SoundFingerprinter:
    """Takes samples in pieces of any size; keeps 2 kB for each second."""

    def __init__(self) -> None:
        self._mono = Mono(RATE)
        self._window = np.hanning(WINDOW).astype(np.float32)
        self._edges = _edges()
        self._held = np.zeros(0, np.float32)
        self._energies: list[Floats] = []
        self._levels: list[Floats] = []

    def feed(self, samples: Floats, rate: int) -> None:
        """Samples of shape (channels, n) in -1…1; `rate` in hertz, the same in every call."""
        self._take(self._mono.feed(samples, rate))

    def finish(self) -> Fingerprint:
        """Empty when the sound is shorter than 1.5 s or silent; call once, at the end."""
        self._take(self._mono.finish())
        bits = _bits(np.concatenate([np.zeros((0, BANDS), np.float32), *self._energies]))
        levels = np.concatenate([np.zeros(0, np.float32), *self._levels])
        moments = np.arange(SPAN, SPAN + max(0, len(bits) - SPAN + STEP))
        moments = moments[moments < len(levels)]
        loud = np.flatnonzero(levels > 10 ** (LEAST_LEVEL_DB / 10))
        moments = np.intersect1d(moments, loud, assume_unique=True)
        stored = moments[moments % STORED == 0][:MAX_MOMENTS]
        asked = _spread(moments)
        return Fingerprint(
            "sound",
            _milliseconds(stored),
            _hashes(bits, stored),
            _milliseconds(asked),
            _hashes(bits, asked)[:, None],
        )

    def _take(self, samples: Floats) -> None:
        self._held = np.concatenate([self._held, samples])
        if len(self._held) < WINDOW:
            return
        framed = np.lib.stride_tricks.sliding_window_view(self._held, WINDOW)[::HOP]
        power = np.square(np.abs(np.fft.rfft(framed * self._window, TRANSFORM, axis=1)))
        self._energies.append(
            np.add.reduceat(power, self._edges, axis=1)[:, :-1].astype(np.float32)
        )
        self._levels.append(np.square(framed).mean(axis=1))
        self._held = self._held[len(framed) * HOP :]


def _edges() -> NDArray[np.int64]:
    """First bins of the bands, equally wide on a logarithmic scale, and of what lies above."""
    frequencies = np.geomspace(LOWEST, HIGHEST, BANDS + 1)
    return np.round(frequencies * TRANSFORM / RATE).astype(np.int64)


def _bits(energies: Floats) -> NDArray[np.bool_]:
    """(n, BANDS) to (n - STEP, 32): is the step between two bands larger than it was?"""
    tilt = energies[:, :-1] - energies[:, 1:]
    turned: NDArray[np.bool_] = tilt[STEP:] > tilt[:-STEP]
    return turned


def _hashes(bits: NDArray[np.bool_], moments: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(n, 32): the WORDS words that end at each moment."""
    back = np.arange(WORDS - 1, -1, -1) * STEP + STEP
    words: NDArray[np.uint8] = np.packbits(bits, axis=1)[moments[:, None] - back]
    return words.reshape(len(moments), HASH_BYTES)


def _spread(moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most MAX_ASKED moments from all over the sound, in runs that hold every offset."""
    runs = [moments[start : start + STORED] for start in range(0, len(moments), STORED)]
    share = max(1, -(-len(moments) // MAX_ASKED))
    return np.concatenate([np.zeros(0, np.int64), *runs[::share]])


def _milliseconds(moments: NDArray[np.int64]) -> NDArray[np.uint32]:
    return (moments * HOP * 1000 // RATE).astype(np.uint32)
