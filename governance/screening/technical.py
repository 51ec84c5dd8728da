"""How good a file is technically, and whether it is what was ordered.

Figures, each from 0 to 1 unless said otherwise:

sharpness: 1 − the blur effect of Crété, Dolmière, Ladret and Nicolas (2007), in the middle of the
picture at full size, of a video twice a second. flicker: how far the mean brightness of a frame
strays from that of its neighbours; cuts do not count. motion: mean change of brightness from frame
to frame. frame_rate: frames per second. loudness: LUFS, integrated (ITU-R BS.1770). conformity: the
share of what was ordered (size, length, sound) that was kept.

The score is the mean of how sharp, how steady and how well audible the file is, times conformity.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from governance import __version__
from governance.domain import Asset, Finding
from governance.screening.frames import Luma
from governance.screening.sound import GATE_SECONDS, LOUDEST, QUIETEST, SILENT, Sound

CONFORMITY = ("conformity", __version__)
SAMPLE_SECONDS = 0.5
SHARP = 0.6  # from here on nobody would call it blurred
FLICKERS = 0.02  # of full brightness: visible pumping
CUT = 0.1  # a change of mean brightness that is a cut rather than a flicker
TAPS = 9  # of the blur that a picture is compared with
RATIO_TOLERANCE, SIZE_TOLERANCE = 0.03, 0.05
SECONDS_TOLERANCE = 0.5


@dataclass(frozen=True)
class Ordered:
    """What was asked for. seconds: 0 for images; width, height: 0 for sound; audio: promised."""

    seconds: int
    width: int
    height: int
    audio: bool


@dataclass(frozen=True)
class Technical:
    """The figures; None where the medium has none."""

    score: float
    conformity: float
    sharpness: float | None = None
    flicker: float | None = None
    motion: float | None = None
    frame_rate: float | None = None
    loudness: float | None = None

    def as_body(self) -> dict[str, Any]:
        """Decimal strings, as records hold them."""
        figures = {name: value for name, value in vars(self).items() if value is not None}
        places = {"loudness": 1, "frame_rate": 3}
        return {name: f"{value:.{places.get(name, 4)}f}" for name, value in figures.items()}


class Watcher:
    """Is fed the frames of a video on the way, once with the small picture that others look at."""

    def __init__(self) -> None:
        self._sharp: list[float] = []
        self._levels: list[float] = []
        self._moved = 0.0
        self._last: NDArray[np.int16] | None = None
        self._next_sample = 0.0

    def feed(self, seconds: float, frame: VideoFrame, luma: Luma) -> None:
        small = luma.astype(np.int16)
        self._levels.append(float(small.mean()) / 255)
        if self._last is not None:
            self._moved += float(np.abs(small - self._last).mean()) / 255
        self._last = small
        if seconds >= self._next_sample:
            self._next_sample = seconds + SAMPLE_SECONDS
            grey = frame.reformat(format="gray").to_ndarray()
            self._sharp.append(sharpness(np.asarray(grey, np.uint8)))

    def figures(self, end: float) -> dict[str, float]:
        frames = len(self._levels)
        if not frames or end <= 0:
            return {}
        return {
            "sharpness": float(np.mean(self._sharp)),
            "flicker": _flicker(np.asarray(self._levels)),
            "motion": self._moved / max(1, frames - 1),
            "frame_rate": frames / end,
        }


def sharpness(luma: NDArray[np.uint8]) -> float:
    """0 for a picture without any edge or entirely blurred, towards 1 the crisper it is."""
    height, width = luma.shape
    middle = luma[height // 4 : height - height // 4, width // 4 : width - width // 4]
    picture = middle.astype(np.float32)
    return 1 - max(_blur(picture), _blur(picture.T))


def conformity(asset: Asset, ordered: Ordered | None, sound: Sound | None) -> list[Finding]:
    """What was not kept of the order; a missing or inaudible sound is worth a person's look."""
    return list(_broken(asset, ordered, sound)) if ordered else []


def technical(
    figures: dict[str, float],
    sound: Sound | None,
    broken: list[Finding],
    ordered: Ordered | None,
) -> Technical:
    """All figures of a file; `broken` as `conformity` says."""
    loudness = sound.loudness if sound is not None and sound.seconds >= GATE_SECONDS else None
    parts = []
    if "sharpness" in figures:
        parts.append(min(1.0, figures["sharpness"] / SHARP))
    if "flicker" in figures:
        parts.append(max(0.0, 1 - figures["flicker"] / FLICKERS))
    if sound is not None:
        parts.append(_audibility(sound, loudness))
    kept = 1 - len(broken) / _promises(ordered)
    score = kept * (sum(parts) / len(parts) if parts else 0.0)
    return Technical(score, kept, loudness=loudness, **figures)


def _broken(asset: Asset, ordered: Ordered | None, sound: Sound | None) -> Iterator[Finding]:
    if ordered is None:
        return
    if ordered.width and not _fits(asset, ordered):
        told = f"{asset.width}x{asset.height}, ordered {ordered.width}x{ordered.height}."
        yield Finding("size_differs", "info", *CONFORMITY, told)
    if ordered.seconds and abs(asset.seconds - ordered.seconds) > SECONDS_TOLERANCE:
        told = f"{asset.seconds:.3f} s, ordered {ordered.seconds} s."
        yield Finding("length_differs", "info", *CONFORMITY, told)
    if ordered.audio and sound is None:
        yield Finding("sound_missing", "warn", *CONFORMITY, "Sound was promised; there is none.")
    elif ordered.audio and sound is not None and sound.peak < SILENT:
        told = "Sound was promised; nothing can be heard."
        yield Finding("sound_inaudible", "warn", *CONFORMITY, told)


def _promises(ordered: Ordered | None) -> int:
    if ordered is None:
        return 1
    return max(1, bool(ordered.width) + bool(ordered.seconds) + ordered.audio)


def _fits(asset: Asset, ordered: Ordered) -> bool:
    """The ratio as ordered, and not smaller by more than an encoder's blocks."""
    if not asset.height:
        return False
    ratio = (asset.width / asset.height) / (ordered.width / ordered.height)
    share = min(asset.width, asset.height) / min(ordered.width, ordered.height)
    return abs(ratio - 1) <= RATIO_TOLERANCE and share >= 1 - SIZE_TOLERANCE


def _audibility(sound: Sound, loudness: float | None) -> float:
    if sound.peak < SILENT:
        return 0.0
    is_usual = loudness is None or QUIETEST <= loudness <= LOUDEST
    return 1.0 if is_usual and not sound.is_clipped else 0.5


def _flicker(levels: NDArray[np.float64]) -> float:
    if len(levels) < 3:
        return 0.0
    strays = np.abs(levels[1:-1] - (levels[:-2] + levels[2:]) / 2)
    calm = strays[strays < CUT]
    return float(calm.mean()) if len(calm) else 0.0


def _blur(picture: NDArray[np.float32]) -> float:
    """0 to 1 along the first axis: how little is lost when the picture is blurred once more."""
    if picture.shape[0] <= TAPS:
        return 1.0
    sums = np.cumsum(picture, axis=0, dtype=np.float64)
    blurred = (sums[TAPS:] - sums[:-TAPS]) / TAPS
    original = picture[TAPS // 2 + 1 : TAPS // 2 + 1 + len(blurred)]
    edges = np.abs(np.diff(original, axis=0))
    total = float(edges.sum())
    if total < 1:
        return 1.0
    lost = np.maximum(0, edges - np.abs(np.diff(blurred, axis=0)))
    return (total - float(lost.sum())) / total
