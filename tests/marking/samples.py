"""Small media files, made by real codecs."""

import json
import wave
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import c2pa
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from governance.domain import Duty
from governance.marking.context import SOURCE_TYPES
from governance.marking.credentials.authority import Authority

Picture = Callable[[int], NDArray[np.uint8]]

WIDTH, HEIGHT = 320, 180
GENERATED = "trainedAlgorithmicMedia"


@lru_cache(maxsize=256)
def scene(index: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A textured picture that moves a little with every frame; RGB."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    shift = index * 3.0
    red = 128 + 60 * np.sin((columns + shift) / 17) + 40 * np.sin(rows / 9)
    green = 120 + 70 * np.sin((rows - shift) / 13)
    blue = 110 + 60 * np.cos((columns + rows + shift) / 23)
    return np.stack([red, green, blue], axis=2).clip(0, 255).astype(np.uint8)


def video(
    path: Path,
    seconds: float = 1.0,
    rate: int = 24,
    picture: Picture = scene,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    sound: NDArray[np.float32] | None = None,
    times: Sequence[int] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """An mp4 (or what the suffix says). times: pts of the frames in 1/600 s, for variable rates."""
    options = {"movflags": "use_metadata_tags"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as container:
        container.metadata.update(metadata or {})
        stream: Any = container.add_stream(codec, rate=rate, options={"crf": "20"})
        first = picture(0)
        stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], pix_fmt
        if rotation:
            stream.set_display_rotation(rotation)
        if times:
            stream.codec_context.time_base = Fraction(1, 600)
        audio = None
        if sound is not None:
            audio = container.add_stream("aac", rate=48_000)
            audio.layout = "mono"
        for index in range(len(times) if times else round(seconds * rate)):
            frame = VideoFrame.from_ndarray(picture(index), "rgb24")
            frame.pts = times[index] if times else index
            frame.time_base = Fraction(1, 600) if times else Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None and sound is not None:
            samples = av.AudioFrame.from_ndarray(sound[np.newaxis, :], "fltp", "mono")
            samples.sample_rate, samples.pts = 48_000, 0
            container.mux(audio.encode(samples))
            container.mux(audio.encode(None))
    return path


def tone(seconds: float = 1.0, level: float = 0.2, rate: int = 48_000) -> NDArray[np.float32]:
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def image(path: Path, width: int = WIDTH, height: int = HEIGHT) -> Path:
    """A png or a jpeg, by the suffix."""
    Image.fromarray(scene(0, width, height)).save(path, quality=92)
    return path


def wav(path: Path, samples: NDArray[np.float32] | None = None, rate: int = 48_000) -> Path:
    """16-bit mono PCM."""
    data = tone() if samples is None else samples
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes((data.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return path


def by_vendor(path: Path, media_type: str, vendor: Authority) -> Path:
    """Sign the file in place, as a vendor with a certificate of its own does."""
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPES + GENERATED}
    manifest = {
        "claim_generator_info": [{"name": "Vendor", "version": "3"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    signer = c2pa.Signer.from_callback(vendor.sign, c2pa.C2paSigningAlg.ED25519, vendor.chain, None)
    signed = path.with_name("signed-" + path.name)
    with path.open("rb") as reading, signed.open("w+b") as writing:
        c2pa.Builder(json.dumps(manifest)).sign(signer, media_type, reading, writing)
    return signed.replace(path)


def label_duty(
    wording: str = "AI GENERATED",
    placement: str = "top_right",
    duration: str = "throughout",
    height: int = 50,
    mode: str = "enforce",
) -> Duty:
    parameters = {
        "wording": wording,
        "placement": placement,
        "duration": duration,
        "height": height,
    }
    return Duty("label.visible", parameters, ("test-rule",), mode)  # type: ignore[arg-type]


METADATA_DUTY = Duty("mark.signed_metadata", {}, ("test-rule",))
