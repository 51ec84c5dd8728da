"""Small media files, made by real codecs."""

import json
import wave
from collections.abc import Callable, Mapping, Sequence
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
    sounds: Mapping[str, float] | None = None,
    sound_codec: str = "aac",
    times: Sequence[int] | None = None,
    metadata: dict[str, str] | None = None,
    options: Mapping[str, str] | None = None,
    transfer: int | None = None,
) -> Path:
    """An mp4 (or what the suffix says). times: pts of the frames in 1/600 s, for variable rates;
    sounds: level of a tone by language, for several tracks; options: of the encoder; transfer:
    code of the transfer characteristics (ITU-T H.273)."""
    flags = {"movflags": "use_metadata_tags"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=flags) as container:
        container.metadata.update(metadata or {})
        stream: Any = container.add_stream(
            codec, rate=rate, options={"crf": "20", **(options or {})}
        )
        first = picture(0)
        stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], pix_fmt
        if rotation:
            stream.set_display_rotation(rotation)
        if transfer:
            stream.codec_context.color_trc = transfer
        if times:
            stream.codec_context.time_base = Fraction(1, 600)
        tracks = {language: tone(seconds, level) for language, level in (sounds or {}).items()}
        if sound is not None:
            tracks["und"] = sound
        listed = [
            (_sound_track(container, sound_codec, tongue), tracks[tongue]) for tongue in tracks
        ]
        for index in range(len(times) if times else round(seconds * rate)):
            frame = VideoFrame.from_ndarray(picture(index), "rgb24")
            frame.pts = times[index] if times else index
            frame.time_base = Fraction(1, 600) if times else Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for track, heard in listed:
            _encode_sound(container, track, heard)
    return path


def _sound_track(container: Any, codec: str, language: str) -> Any:
    track = container.add_stream(codec, rate=48_000, layout="mono")
    track.metadata["language"] = language
    return track


def _encode_sound(container: Any, track: Any, heard: NDArray[np.float32]) -> None:
    frame = av.AudioFrame.from_ndarray(heard[np.newaxis, :], "fltp", "mono")
    frame.sample_rate, frame.pts = 48_000, 0
    resampler = av.AudioResampler(track.codec_context.format.name, "mono", 48_000)
    for ready in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(track.encode(ready))
    container.mux(track.encode(None))


def tone(seconds: float = 1.0, level: float = 0.2, rate: int = 48_000) -> NDArray[np.float32]:
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def voice(seconds: float, rate: int = 48_000) -> NDArray[np.float32]:
    """Syllables of many partials over soft noise: a sound with detail at every pitch."""
    random = np.random.default_rng(3)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 110 + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    partials = sum(np.sin(phase * n) / n for n in range(1, 40))
    syllables = 0.15 + 0.85 * np.abs(np.sin(2 * np.pi * 1.9 * time)) ** 2
    sound = 0.12 * partials * syllables + 0.01 * random.standard_normal(len(time))
    return np.asarray(sound, np.float32)


def image(
    path: Path, width: int = WIDTH, height: int = HEIGHT, picture: Picture | None = None
) -> Path:
    """A png, jpeg or webp, by the suffix."""
    pixels = picture(0) if picture else scene(0, width, height)
    Image.fromarray(pixels).save(path, quality=92)
    return path


@lru_cache(maxsize=64)
def noise(index: int, width: int = 640, height: int = 360) -> NDArray[np.uint8]:
    """A picture with detail at every scale, like that of a camera; RGB."""
    random = np.random.default_rng(7)
    grey = np.zeros((height, width), np.float32)
    for cell in (4, 8, 16, 32, 64, 128):
        coarse = random.integers(0, 256, (height // cell + 2, width // cell + 2), np.uint8)
        layer = Image.fromarray(coarse).resize(
            (width + cell, height + cell), Image.Resampling.BICUBIC
        )
        shift = index * 2 % cell
        grey += np.asarray(layer, np.float32)[:height, shift : shift + width] * cell
    grey = (grey - grey.min()) / (grey.max() - grey.min()) * 200 + 25
    return np.stack([grey, grey * 0.9, grey * 0.8], axis=2).astype(np.uint8)


def wav(path: Path, samples: NDArray[np.float32] | None = None, rate: int = 48_000) -> Path:
    """16-bit mono PCM."""
    data = tone() if samples is None else samples
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes((data.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return path


def sound(path: Path, samples: NDArray[np.float32] | None = None) -> Path:
    """Mono, 48 kHz, encoded as the suffix says."""
    codec = {".mp3": "libmp3lame", ".flac": "flac"}.get(path.suffix, "aac")
    with av.open(str(path), "w") as container:
        track = _sound_track(container, codec, "und")
        _encode_sound(container, track, tone() if samples is None else samples)
    return path


def with_cover(path: Path) -> Path:
    """An mp4 with a cover image before its picture, which players show in their lists."""
    target = path.with_name("covered-" + path.name)
    with av.open(str(path)) as reading, av.open(str(target), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream_from_template(reading.streams.video[0])
        for packet in reading.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
        container.mux(cover.encode(VideoFrame.from_ndarray(scene(0, 64, 64), "rgb24")))
        container.mux(cover.encode(None))
    return target


def joined(path: Path, first: Path, second: Path) -> Path:
    """The frames of one mp4 and then those of another, in one track, each with its own headers."""
    with av.open(str(path), "w") as container:
        stream, end = None, 0
        for source in (first, second):
            with av.open(str(source)) as reading:
                if stream is None:
                    stream = container.add_stream_from_template(reading.streams.video[0])
                annexed = av.BitStreamFilterContext("h264_mp4toannexb", reading.streams.video[0])
                for packet in reading.demux(video=0):
                    if packet.dts is None:
                        continue
                    for whole in annexed.filter(packet):
                        whole.pts, whole.dts = (whole.pts or 0) + end, (whole.dts or 0) + end
                        whole.stream = stream
                        container.mux(whole)
                end += (reading.streams.video[0].duration or 0) + 1
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
    **more: int,
) -> Duty:
    """more: `seconds`, `every`."""
    parameters = {
        "wording": wording,
        "placement": placement,
        "duration": duration,
        "height": height,
        **more,
    }
    return Duty("label.visible", parameters, ("test-rule",), mode)  # type: ignore[arg-type]


METADATA_DUTY = Duty("mark.signed_metadata", {}, ("test-rule",))
WATERMARK_DUTY = Duty("mark.watermark", {}, ("test-rule",))
AUDIBLE_DUTY = Duty("label.audible", {"language": "en"}, ("test-rule",))
