"""A test card as a real mp4: bars whose colours follow from the prompt, a moving line, a tone.

Or as a picture, without line and tone.
"""

import hashlib
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FRAMES_PER_SECOND = 12
RATE = 48_000


def encode(prompt: str, seconds: int, width: int, height: int) -> bytes:
    """H.264 and AAC in an mp4 of that length and size (even pixels)."""
    digest = hashlib.sha256(prompt.encode()).digest()
    card = _card(digest, width, height)
    step = RATE // FRAMES_PER_SECOND
    pitch = 220 + digest[31]
    memory = BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        picture = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        picture.options = {"preset": "ultrafast", "crf": "28"}
        sound = container.add_stream("aac", rate=RATE, layout="stereo")
        for number in range(seconds * FRAMES_PER_SECOND):
            frame = av.VideoFrame.from_ndarray(_with_line(card, number), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            container.mux(picture.encode(frame))
            container.mux(sound.encode(_tone(pitch, number * step, step)))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    return memory.getvalue()


def still(prompt: str, width: int, height: int) -> bytes:
    """The card as a PNG."""
    memory = BytesIO()
    card = _card(hashlib.sha256(prompt.encode()).digest(), width, height)
    Image.fromarray(card).save(memory, "PNG", compress_level=1)
    return memory.getvalue()


def _card(digest: bytes, width: int, height: int) -> NDArray[np.uint8]:
    bars = np.frombuffer(digest[:24], np.uint8).reshape(8, 3) // 2 + 64
    row = bars[np.arange(width) * 8 // width]
    shade = np.linspace(1.2, 0.6, height)[:, None, None]
    return np.clip(row[None] * shade, 0, 255).astype(np.uint8)


def _with_line(card: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    height, width, _ = card.shape
    picture = card.copy()
    left = number * width // (2 * FRAMES_PER_SECOND) % width  # across in two seconds
    picture[height // 3 : 2 * height // 3, left : left + max(width // 24, 2)] = 235
    return picture


def _tone(pitch: int, start: int, count: int) -> av.AudioFrame:
    moments = np.arange(start, start + count) / RATE
    wave = (0.2 * np.sin(2 * np.pi * pitch * moments)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
    return frame
