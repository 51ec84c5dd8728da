"""Finds a visible label again in the delivered file, by its letters.

The letters that should be there are drawn once more and compared with the picture by normalised
correlation: about 0.95 where the label is, under 0.2 where it isn't, measured down to x264 CRF 40.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from governance import __version__
from governance.domain import Mark, MarkState
from governance.marking.label.visible import Bytes, Label, Shares, from_facts, glyphs

THRESHOLD = 0.5
TOOL = "governance label reader"


@dataclass(frozen=True)
class Sighting:
    """frames: looked at; score: the lowest of those with the label, or that of the first frame;
    seconds: time of the first frame without it, or of the last; whole: it stands to the end."""

    frames: int
    score: float
    seconds: float
    whole: bool


def read_label(path: Path, media_type: str, expected: Mark) -> Mark:
    """The mark `label` of the file, at the place where `expected` (the writer's mark) puts it."""
    if expected.state != "present":
        return _answer(expected, "absent", "No label was written.")
    label = from_facts(dict(expected.facts))
    try:
        sighting = look(_pictures(path, media_type), label)
    except (av.error.FFmpegError, OSError) as error:
        return _answer(expected, "absent", f"The picture cannot be decoded: {error}"[:200])
    wanted = label.spec
    found = sighting.whole or (wanted.duration == "opening" and sighting.seconds >= wanted.seconds)
    if found:
        return _answer(expected, "present", "Found on every frame where it is due.", sighting)
    if sighting.seconds:
        detail = f"Found until {sighting.seconds:.3f} s only."
    else:
        detail = "Not found on the first frame."
    return _answer(expected, "absent", detail, sighting)


def look(pictures: Iterator[tuple[float, Bytes]], label: Label) -> Sighting:
    """Compare frame by frame, from the first to the end or to the first without the label."""
    frames, lowest, seconds = 0, 1.0, 0.0
    for seconds, picture in pictures:
        frames += 1
        score = correlation(picture, label)
        if score < THRESHOLD:
            return Sighting(frames, score if frames == 1 else lowest, seconds, False)
        lowest = min(lowest, score)
    return Sighting(frames, lowest, seconds, frames > 0)


def correlation(picture: Bytes, label: Label) -> float:
    """Normalised correlation of the label's letters with the luma at its place, -1 to 1."""
    if picture.shape != (label.frame_height, label.frame_width):
        size = (label.frame_width, label.frame_height)
        picture = np.asarray(Image.fromarray(picture).resize(size))
    letters = glyphs(label.text, label.text_height, label.width, label.height)
    region = picture[label.y : label.y + label.height, label.x : label.x + label.width]
    one, other = _centred(letters), _centred(region.astype(np.float32))
    scale = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / scale if scale else 0.0


def _centred(values: Shares) -> Shares:
    centred: Shares = values - values.mean()
    return centred


def _pictures(path: Path, media_type: str) -> Iterator[tuple[float, Bytes]]:
    """Seconds from the start and luma (height, width) of every picture, as it is displayed."""
    if media_type != "video/mp4":
        with Image.open(path) as image:
            yield 0.0, np.asarray(image.convert("RGB").convert("L"))
        return
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        start = None
        for frame in container.decode(video=0):
            start = frame.time if start is None else start
            luma = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
            yield frame.time - start, np.rot90(luma, frame.rotation // 90)


def _answer(
    expected: Mark, state: MarkState, detail: str, sighting: Sighting | None = None
) -> Mark:
    written = dict(expected.facts)
    facts: dict[str, str] = {name: written[name] for name in ("form", "wording") if name in written}
    if sighting:
        label = from_facts(written)
        shortest = min(label.frame_width, label.frame_height)
        facts |= {
            "height_permille": str(label.text_height * 1000 // shortest),
            "coverage": "throughout" if sighting.whole else "opening",
            "seconds": f"{sighting.seconds:.3f}",
            "frames": str(sighting.frames),
            "score": f"{sighting.score:.3f}",
        }
    return Mark("label", state, TOOL, __version__, detail, tuple(facts.items()))
