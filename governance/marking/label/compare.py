"""Compares delivered frames with those of the unlabelled master: what differs must be the label.

A scene that happens to look like letters, or letters that the vendor's picture had already, pass
for a label in the delivered file alone; not in the difference.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from governance.marking.decode import pictures
from governance.marking.frames import Bytes, open_video, picture_of, upright_luma
from governance.marking.label.block import fitted
from governance.marking.label.paint import BLACK, DARK, LIGHT, WHITE, overlay
from governance.marking.label.visible import Label

FRAMES = 6  # at most
SAME_TIME = 1e-3  # seconds: time stamps that lie nearer are the same
ALIKE = 99.0  # decibels, for pictures that agree in every pixel


@dataclass(frozen=True)
class Comparison:
    """frames: pairs compared; score: lowest correlation of their difference with the one that the
    label makes; psnr: lowest likeness outside of the label's box, in decibels."""

    frames: int
    score: float
    psnr: float

    def facts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("compared", str(self.frames)),
            ("compared_score", f"{self.score:.3f}"),
            ("compared_psnr", f"{self.psnr:.1f}"),
        )


class MasterPairs:
    """Watches the delivered frames, and compares those that are key frames in the master.

    Only key frames, six at most and where the label is due, of which the first frame is always
    one: to decode more would cost as much as the whole pass.
    """

    def __init__(self, master: Path, media_type: str, label: Label) -> None:
        """Raises what decoding raises."""
        self._label = label
        self._scores: list[float] = []
        self._likeness: list[float] = []
        if media_type.startswith("image/"):
            self._black, self._white = 0, 255
            self._masters = list(pictures(master, media_type))
        else:
            self._black, self._white = BLACK, WHITE
            self._masters = _key_frames(master, label)

    def feed(self, seconds: float, luma: Bytes) -> None:
        for at, master in self._masters:
            if abs(seconds - at) < SAME_TIME:
                before = _alike(master, luma.shape)
                score = _difference(luma, before, self._label, self._black, self._white)
                self._scores.append(score)
                self._likeness.append(_outside(luma, before, self._label))

    def comparison(self) -> Comparison | None:
        """None if no two frames met."""
        if not self._scores:
            return None
        return Comparison(len(self._scores), min(self._scores), min(self._likeness))


def moments(label: Label, duration: float) -> list[float]:
    """Up to six times, spread over the displays within `duration` seconds; ascending."""
    asked = label.spec
    every = asked.every if asked.duration == "interval" else math.inf
    lasting = duration if asked.duration == "throughout" else min(asked.seconds, duration)
    displays = 1 if math.isinf(every) else max(1, math.ceil(duration / every))
    chosen = sorted({round(n) for n in np.linspace(0, displays - 1, min(displays, FRAMES))})
    parts = FRAMES // len(chosen)
    times = [
        (number * every if number else 0.0) + lasting * part / parts
        for number in chosen
        for part in range(parts)
    ]
    return sorted(time for time in times if time < duration)


def _difference(delivered: Bytes, master: Bytes, label: Label, black: int, white: int) -> float:
    """The better correlation of what changed within the box with what either variant changes."""
    rows, columns = _box(label, delivered.shape)
    before = master[rows, columns].astype(np.float32)
    changed = delivered[rows, columns].astype(np.float32) - before
    best = -1.0
    for variant in (DARK, LIGHT):
        kept, added = (fitted(part, *before.shape) for part in overlay(label, variant))
        expected = before * kept + black * (1 - kept) + added * (white - black) - before
        energy = float(np.vdot(changed, changed)) * float(np.vdot(expected, expected))
        if energy:
            best = max(best, float(np.vdot(changed, expected)) / energy**0.5)
    return best


def _outside(delivered: Bytes, master: Bytes, label: Label) -> float:
    """Peak signal-to-noise ratio outside of the box, in decibels."""
    squares = (delivered.astype(np.float32) - master) ** 2
    rows, columns = _box(label, delivered.shape)
    total = float(squares.sum()) - float(squares[rows, columns].sum())
    count = squares.size - squares[rows, columns].size
    return min(ALIKE, 10 * math.log10(255**2 * count / total)) if total > 0 else ALIKE


def _box(label: Label, shape: Sequence[int]) -> tuple[slice, slice]:
    """Rows and columns of the box in a picture that may have been resized."""
    y, x = shape[0] / label.frame_height, shape[1] / label.frame_width
    return (
        slice(round(label.y * y), round((label.y + label.height) * y)),
        slice(round(label.x * x), round((label.x + label.width) * x)),
    )


def _alike(master: Bytes, shape: Sequence[int]) -> Bytes:
    """The master in the delivered size: an odd last row or column is cut off, else it is scaled."""
    height, width = shape
    if 0 <= master.shape[0] - height <= 1 and 0 <= master.shape[1] - width <= 1:
        return master[:height, :width]
    return np.asarray(Image.fromarray(np.ascontiguousarray(master)).resize((width, height)))


def _key_frames(path: Path, label: Label) -> list[tuple[float, Bytes]]:
    """The master's key frames in which the label is due, with their times from the first frame."""
    with open_video(path) as container:
        stream = picture_of(container)
        stream.codec_context.skip_frame = "NONKEY"
        duration = float(container.duration or 0) / av.time_base
        first = next(container.decode(stream))
        found = {0.0: first}
        for moment in moments(label, duration):
            container.seek(round((first.time + moment) * av.time_base))
            frame = next(container.decode(stream))
            at = frame.time - first.time
            if at >= 0 and label.display(at) is not None:
                found[at] = frame
        return [(at, upright_luma(frame).copy()) for at, frame in sorted(found.items())]
