"""Sounds of every sort, made from nothing, and what happens to them on their way."""

import io
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
RATE = 44_100
LONGEST = 8  # seconds


def _time(seconds: float, rate: int) -> NDArray[np.float64]:
    return np.arange(round(seconds * rate)) / rate


def music(seconds: float = LONGEST) -> Floats:
    """Plucked chords over a beat, stereo."""
    return _music()[:, : round(seconds * RATE)]


def speech(seconds: float = LONGEST) -> Floats:
    """Syllables: pulses at a wandering pitch through moving formants, with pauses; mono."""
    return _speech()[:, : round(seconds * RATE)]


@cache
def _music() -> Floats:
    generator = np.random.default_rng(1)
    track = np.zeros((2, LONGEST * RATE))
    for beat in range(LONGEST * 4):
        start = round(beat * RATE / 4)
        time = _time(min(1.0, LONGEST - beat / 4), RATE)
        for note in (110, 220, 329.6, 554.4):
            pitch = note * 2 ** (int(generator.integers(0, 8)) / 12)
            partials = (np.sin(2 * np.pi * pitch * k * time) / k**1.5 for k in range(1, 7))
            tone = sum(partials) * np.exp(-4 * time) * 0.06
            track[:, start : start + len(time)] += tone * generator.uniform(0.4, 1, (2, 1))
        snare = generator.standard_normal(len(time)) * np.exp(-40 * time) * 0.12
        track[:, start : start + len(time)] += snare
    result: Floats = track.clip(-1, 1).astype(np.float32)
    return result


@cache
def _speech() -> Floats:
    generator = np.random.default_rng(2)
    time = _time(LONGEST, RATE)
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * time) + 6 * np.sin(2 * np.pi * 3.1 * time)
    phase = np.cumsum(pitch) / RATE
    voice = np.zeros(len(time))
    formants = [500 + 200 * np.sin(2 * np.pi * 2.3 * time), 1500 + 500 * np.sin(9 * time), 2500]
    for partial in range(1, 30):
        near = sum(np.exp(-(((partial * pitch - f) / 250) ** 2)) for f in formants) + 0.02
        voice += near * np.sin(2 * np.pi * partial * phase)
    syllables = np.clip(np.sin(2 * np.pi * 4 * time) + 0.6, 0, 1) * (np.sin(2 * time) > -0.8)
    breath = generator.standard_normal(len(time)) * 0.003
    result: Floats = (0.1 * voice * syllables + breath)[None].astype(np.float32)
    return result


@cache
def noise(seconds: float = LONGEST, rate: int = RATE) -> Floats:
    """Pink noise like rain, mono."""
    spectrum = np.fft.rfft(np.random.default_rng(3).standard_normal(round(seconds * rate)))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 20))
    rain = np.fft.irfft(spectrum, round(seconds * rate))
    result: Floats = (0.1 * rain / rain.std())[None].astype(np.float32)
    return result


@cache
def tones(seconds: float = LONGEST) -> Floats:
    """A steady chord and nothing else, mono."""
    chord = sum(
        np.sin(2 * np.pi * pitch * _time(seconds, RATE)) for pitch in (220, 277.2, 440, 880)
    )
    return (0.1 * np.asarray(chord))[None].astype(np.float32)


KINDS: dict[str, Callable[..., Floats]] = {
    "music": music,
    "speech": speech,
    "noise": noise,
    "tones": tones,
}


def through(codec: str, container: str, bit_rate: int) -> Callable[[Floats, int], Floats]:
    """Encodes and decodes again."""

    def changed(samples: Floats, rate: int) -> Floats:
        buffer = io.BytesIO()
        layout = "mono" if len(samples) == 1 else "stereo"
        with av.open(buffer, "w", format=container) as output:
            stream: Any = output.add_stream(codec, rate=48_000 if codec == "libopus" else rate)
            stream.layout, stream.bit_rate = layout, bit_rate
            output.mux(stream.encode(_frame(samples, rate)))
            output.mux(stream.encode(None))
        buffer.seek(0)
        with av.open(buffer, "r") as opened:
            resampler = av.AudioResampler("fltp", layout, rate)
            frames = [out for each in opened.decode(audio=0) for out in resampler.resample(each)]
            frames += resampler.resample(None)
        return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)

    return changed


def filtered(*filters: tuple[str, str]) -> Callable[[Floats, int], Floats]:
    """Through FFmpeg's filters, then back at the rate from before."""

    def changed(samples: Floats, rate: int) -> Floats:
        graph: Any = av.filter.Graph()
        layout = "mono" if len(samples) == 1 else "stereo"
        nodes = [graph.add_abuffer(sample_rate=rate, format="fltp", layout=layout)]
        nodes += [graph.add(name, argument) for name, argument in filters]
        form = f"sample_fmts=fltp:sample_rates={rate}:channel_layouts={layout}"
        nodes += [graph.add("aformat", form), graph.add("abuffersink")]
        graph.link_nodes(*nodes).configure()
        graph.push(_frame(samples, rate))
        graph.push(None)
        frames = []
        while True:
            try:
                frames.append(graph.pull().to_ndarray())
            except (av.error.BlockingIOError, av.error.EOFError):
                return np.concatenate(frames, axis=1).astype(np.float32)

    return changed


def _frame(samples: Floats, rate: int) -> Any:
    layout = "mono" if len(samples) == 1 else "stereo"
    frame: Any = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", layout)
    frame.sample_rate, frame.pts = rate, 0
    return frame


def faster(factor: float) -> Callable[[Floats, int], Floats]:
    """Played faster, so that the pitch rises too."""

    def changed(samples: Floats, rate: int) -> Floats:
        places = np.arange(0, samples.shape[1] - 1, factor)
        tracks = [np.interp(places, np.arange(len(track)), track) for track in samples]
        return np.stack(tracks).astype(np.float32)

    return changed


def wav(
    path: Path,
    samples: Floats,
    rate: int = RATE,
    kind: str = "<i2",
    before: bytes = b"",
    after: bytes = b"",
) -> Path:
    """kind: numpy's name of the sample format, or "i3" for 24 bits; before, after: whole chunks."""
    width = int(kind[-1])
    if kind[-2] == "f":
        packed = samples.T.astype(kind).tobytes()
    else:
        scaled = np.round(samples.T.astype(np.float64) * (2 ** (8 * width - 1) - 1))
        packed = scaled.astype("<i4" if width == 3 else kind).tobytes()
        if width == 3:
            packed = np.frombuffer(packed, np.uint8).reshape(-1, 4)[:, :3].tobytes()
    channels = len(samples)
    tag = 3 if kind[-2] == "f" else 1
    form = struct.pack(
        "<HHIIHH", tag, channels, rate, rate * channels * width, channels * width, 8 * width
    )
    body = b"WAVE" + chunk(b"fmt ", form) + before + chunk(b"data", packed) + after
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def mp3(path: Path, samples: Floats, rate: int = RATE, bit_rate: int = 128_000) -> Path:
    with av.open(str(path), "w", format="mp3") as output:
        output.metadata["title"] = "A song"
        stream: Any = output.add_stream("libmp3lame", rate=rate)
        stream.layout = "mono" if len(samples) == 1 else "stereo"
        stream.bit_rate = bit_rate
        output.mux(stream.encode(_frame(samples, rate)))
        output.mux(stream.encode(None))
    return path


def decoded(path: Path) -> Floats:
    """All samples of a file, (channels, n)."""
    with av.open(str(path)) as opened:
        stream = opened.streams.audio[0]
        resampler = av.AudioResampler("fltp", stream.layout.name, stream.rate)
        frames = [out for each in opened.decode(stream) for out in resampler.resample(each)]
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
