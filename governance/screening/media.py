"""Looks at every frame and every sample of a file; says what it saw and what nothing looked for."""

import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import av
import numpy as np
from PIL import Image

from governance import __version__
from governance.domain import Asset, Finding
from governance.screening.flashes import Flashes
from governance.screening.frames import HEIGHT, WIDTH, BlackFrames, Detector, FrozenFrames
from governance.screening.report import Coverage, Screening
from governance.screening.sound import LEVELS, LOUDNESS, Sound
from governance.screening.technical import (
    CONFORMITY,
    Ordered,
    Technical,
    Watcher,
    conformity,
    sharpness,
    technical,
)

CONTAINER = ("container and codec", __version__)
UNIFORM = ("uniform image", __version__)

DEMUXER = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
}
CODECS = {"h264", "hevc", "av1", "vp9", "aac", "mp3", "mp3float", "opus", "prores"}
DURATION_TOLERANCE = 0.3  # seconds; sound is padded to whole packets
MAX_FRAME_RATE = 240
UNIFORM_DEVIATION = 1.5  # of 255

Severity = Literal["info", "warn", "fail"]
# What Pillow and PyAV raise for broken files; PyAV's own errors are ValueError or OSError.
BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error)

UNCONFIGURED = "No detector is configured."
# What Art. 5 of the AI Act prohibits to generate from 2 December 2026 on.
PROHIBITED = (("child sexual abuse", UNCONFIGURED), ("intimate imagery", UNCONFIGURED))
NOT_CHECKED = {
    "video": (
        *PROHIBITED,
        ("faces", UNCONFIGURED),
        ("nudity", UNCONFIGURED),
        ("speech", UNCONFIGURED),
        ("red flashes", "Frames are examined by luminance only."),
    ),
    "image": (*PROHIBITED, ("faces", UNCONFIGURED), ("nudity", UNCONFIGURED)),
    "audio": (("speech", UNCONFIGURED),),
}


@dataclass
class _Seen:
    """What was seen so far."""

    detectors: list[tuple[str, str]]
    findings: list[Finding] = field(default_factory=list)
    frames: int = 0
    sound: Sound | None = None
    figures: dict[str, float] = field(default_factory=dict)

    def note(self, code: str, severity: Severity, detail: str) -> None:
        self.findings.append(Finding(code, severity, *CONTAINER, detail))


def screen(asset: Asset, ordered: Ordered | None = None) -> Screening:
    """Decode the whole file and run every detector that fits it; faults of the file are findings.

    The file is one that `marking.probe` accepted. ordered: what it was to be; None for a file from
    outside.
    """
    medium = asset.media_type.partition("/")[0]
    seen = _Seen(detectors=[CONTAINER])
    figures = None
    try:
        {"video": _video, "image": _image, "audio": _audio}[medium](asset, seen)
        figures = _technical(asset, ordered, seen)
    except BROKEN as error:
        seen.note("decode_failed", "fail", f"The file cannot be decoded to its end: {error}"[:200])
    heard = seen.sound.seconds if seen.sound else 0.0
    coverage = Coverage(seen.frames, heard, tuple(seen.detectors), NOT_CHECKED[medium])
    findings = sorted(seen.findings, key=lambda finding: float(finding.at or 0))
    return Screening(tuple(findings), coverage, figures)


def _technical(asset: Asset, ordered: Ordered | None, seen: _Seen) -> Technical:
    broken = conformity(asset, ordered, seen.sound)
    seen.findings.extend(broken)
    if ordered is not None:
        seen.detectors.append(CONFORMITY)
    return technical(seen.figures, seen.sound, broken, ordered)


def _video(asset: Asset, seen: _Seen) -> None:
    _watch(asset, seen)
    if asset.has_audio:
        _listen(asset, seen)


def _audio(asset: Asset, seen: _Seen) -> None:
    _listen(asset, seen)


def _image(asset: Asset, seen: _Seen) -> None:
    seen.detectors.append(UNIFORM)
    with Image.open(asset.path) as image:
        deviation = float(np.asarray(image.convert("RGB"), np.float32).std(axis=(0, 1)).max())
        seen.figures = {"sharpness": sharpness(np.asarray(image.convert("L"), np.uint8))}
    seen.frames = 1
    if deviation < UNIFORM_DEVIATION:
        detail = "The whole picture has one colour."
        seen.findings.append(Finding("uniform_image", "warn", *UNIFORM, detail))


def _watch(asset: Asset, seen: _Seen) -> None:
    detectors: tuple[Detector, ...] = (BlackFrames(), FrozenFrames(), Flashes())
    seen.detectors.extend((detector.name, __version__) for detector in detectors)
    watcher = Watcher()
    end = 0.0
    with av.open(str(asset.path), format=DEMUXER[asset.media_type]) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        _check_codec(stream.codec_context.name, seen)
        expected = _seconds(stream.duration, stream.time_base) or asset.seconds
        start = None
        for frame in container.decode(stream):
            start = frame.time if start is None else start
            at = frame.time - start
            end = at + _seconds(frame.duration, frame.time_base)
            small = frame.reformat(WIDTH, HEIGHT, "gray", interpolation="AREA")
            luma = np.asarray(small.to_ndarray(), np.uint8)
            for detector in detectors:
                detector.feed(at, luma)
            watcher.feed(at, frame, luma)
            seen.frames += 1
            if seen.frames > MAX_FRAME_RATE * (asset.seconds + 1):
                seen.note("too_many_frames", "fail", "More frames than its duration allows.")
                break
    seen.figures = watcher.figures(end)
    for detector in detectors:
        seen.findings.extend(detector.findings(end))
    if abs(end - expected) > DURATION_TOLERANCE:
        seen.note(
            "duration_mismatch", "fail", f"Lasts {end:.3f} s; its header says {expected:.3f} s."
        )


def _listen(asset: Asset, seen: _Seen) -> None:
    seen.detectors.extend((LEVELS, LOUDNESS))
    with av.open(str(asset.path), format=DEMUXER[asset.media_type]) as container:
        stream = container.streams.audio[0]
        _check_codec(stream.codec_context.name, seen)
        sound = Sound(stream.rate, stream.channels)
        for frame in container.decode(stream):
            sound.feed(frame)
        sound.feed(None)
    seen.sound = sound
    seen.findings.extend(sound.findings())


def _check_codec(name: str, seen: _Seen) -> None:
    if name not in CODECS and not name.startswith("pcm_"):
        seen.note("codec_unusual", "warn", f"Coded as {name}; not every player shows it.")


def _seconds(duration: int | None, time_base: Fraction | None) -> float:
    return float(duration * time_base) if duration and time_base else 0.0
