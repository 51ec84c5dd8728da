"""Detectors that watch the frames of a clip go by, each small and in grey.

A detector is fed `(seconds, luma)`, luma as an array of (90, 160) bytes, and says at the end what
it saw.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from governance import __version__
from governance.domain import Finding

Luma = NDArray[np.uint8]

WIDTH, HEIGHT = 160, 90
MAX_FINDINGS = 20  # for each detector; a record has a bounded size

DARK = 32  # of 255
DARK_SHARE = 0.98
BLACK_SECONDS = 0.5
STILL_DIFFERENCE = 0.25  # mean of absolute differences, of 255: below what encoders leave
STILL_SECONDS = 2.0  # shorter is a calm shot more often than a fault


class Detector(Protocol):
    """Something that watches frames."""

    name: str

    def feed(self, seconds: float, luma: Luma) -> None: ...

    def findings(self, end: float) -> list[Finding]: ...


class _Spans:
    """Stretches of time in which something held."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._closed: list[tuple[float, float]] = []

    def feed(self, seconds: float, holds: bool, since: float) -> None:
        if holds and self._start is None:
            self._start = since
        elif not holds and self._start is not None:
            self._closed.append((self._start, seconds))
            self._start = None

    def longer_than(self, minimum: float, end: float) -> list[tuple[float, float]]:
        spans = [*self._closed] + ([] if self._start is None else [(self._start, end)])
        return [(a, b) for a, b in spans if b - a >= minimum][:MAX_FINDINGS]


class BlackFrames:
    """Black for half a second or more; black from beginning to end is a failure."""

    name = "black frames"

    def __init__(self) -> None:
        self._spans = _Spans()

    def feed(self, seconds: float, luma: Luma) -> None:
        black = float(np.mean(luma <= DARK)) >= DARK_SHARE
        self._spans.feed(seconds, black, seconds)

    def findings(self, end: float) -> list[Finding]:
        return [
            Finding(
                code="black_frames",
                severity="fail" if start == 0 and stop == end else "warn",
                detector=self.name,
                version=__version__,
                detail=f"Black for {stop - start:.3f} s.",
                at=f"{start:.3f}",
            )
            for start, stop in self._spans.longer_than(min(BLACK_SECONDS, end), end)
        ]


class FrozenFrames:
    """No movement for two seconds or more."""

    name = "frozen frames"

    def __init__(self) -> None:
        self._spans = _Spans()
        self._before: tuple[float, Luma] | None = None

    def feed(self, seconds: float, luma: Luma) -> None:
        if self._before is not None:
            since, last = self._before
            difference = np.abs(luma.astype(np.int16) - last).mean()
            self._spans.feed(seconds, bool(difference < STILL_DIFFERENCE), since)
        self._before = (seconds, luma)

    def findings(self, end: float) -> list[Finding]:
        return [
            Finding(
                code="frozen_frames",
                severity="warn",
                detector=self.name,
                version=__version__,
                detail=f"No movement for {stop - start:.3f} s.",
                at=f"{start:.3f}",
            )
            for start, stop in self._spans.longer_than(STILL_SECONDS, end)
        ]
