"""Real, playable media made on this machine without a model: mp4, png and wav.

The same recipe always gives the same pixels and samples.
"""

import hashlib
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from governance.domain import Media
from governance.routing import scenery, tones

if TYPE_CHECKING:
    import av

FRAMES_PER_SECOND = 24
# Larger frames are painted at this short side and enlarged: the scenes are soft, and it is six
# times cheaper at 1080p.
PAINTED_SIDE = 432
BT709 = 1  # ISO/IEC 23091-2: matrix, primaries and transfer all have this code
LIMITED_RANGE = 1


@dataclass(frozen=True)
class Recipe:
    """What to make. palette and terrain: seeds; seconds: 0 for an image; sizes: even pixels."""

    media: Media
    palette: int
    terrain: int
    seconds: int
    width: int
    height: int


def recipe(
    media: Media, prompt: str, take: str, *, seconds: int = 0, width: int = 0, height: int = 0
) -> Recipe:
    """Colours and key follow from the prompt, terrain and notes from the prompt and the take.

    Only 16 bits of the prompt's digest are used, so that nobody can tell from a stored recipe
    which prompt it was.
    """
    palette = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:2], "big")
    terrain = int.from_bytes(hashlib.sha256(take.encode()).digest()[:6], "big")
    return Recipe(media, palette, terrain, seconds, width, height)


def render(target: Path, wanted: Recipe) -> None:
    """Write the file: H.264/AAC mp4, png or wav."""
    writers = {"video": _write_video, "image": _write_image, "audio": _write_audio}
    writers[wanted.media](target, wanted)


def _write_image(target: Path, wanted: Recipe) -> None:
    scene = scenery.Scenery(wanted.palette, wanted.terrain, wanted.width, wanted.height)
    Image.fromarray(scene.frame(1.0)).save(target, format="PNG")


def _write_audio(target: Path, wanted: Recipe) -> None:
    sound = tones.melody(wanted.palette, wanted.terrain, wanted.seconds)
    with wave.open(str(target), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(tones.RATE)
        file.writeframes((sound.T * 32767).astype("<i2").tobytes())


def _write_video(target: Path, wanted: Recipe) -> None:
    import av  # 70 MB of libraries: loaded when first used

    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        picture = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        picture.width, picture.height = wanted.width, wanted.height
        picture.pix_fmt = "yuv420p"
        picture.options = {"preset": "veryfast", "crf": "21", "g": str(2 * FRAMES_PER_SECOND)}
        context = picture.codec_context
        context.colorspace, context.color_primaries, context.color_trc = BT709, BT709, BT709
        context.color_range = LIMITED_RANGE
        sound = container.add_stream("aac", rate=tones.RATE, layout="stereo")
        for frame, samples in _moments(wanted):
            container.mux(picture.encode(frame))
            container.mux(sound.encode(samples))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))


def _moments(wanted: Recipe) -> Iterator[tuple["av.VideoFrame", "av.AudioFrame"]]:
    """Each video frame with the sound that belongs to it."""
    import av

    scale = min(1.0, PAINTED_SIDE / min(wanted.width, wanted.height))
    width, height = (2 * round(side * scale / 2) for side in (wanted.width, wanted.height))
    scene = scenery.Scenery(wanted.palette, wanted.terrain, width, height)
    sound = tones.melody(wanted.palette, wanted.terrain, wanted.seconds)
    step = tones.RATE // FRAMES_PER_SECOND
    for number in range(wanted.seconds * FRAMES_PER_SECOND):
        painted = av.VideoFrame.from_ndarray(scene.frame(number / FRAMES_PER_SECOND), "rgb24")
        frame = painted.reformat(
            wanted.width, wanted.height, "yuv420p", dst_colorspace=BT709, interpolation="BICUBIC"
        )
        frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
        part = np.ascontiguousarray(sound[:, number * step : (number + 1) * step])
        samples = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        samples.sample_rate, samples.pts = tones.RATE, number * step
        samples.time_base = Fraction(1, tones.RATE)
        yield frame, samples
