"""Sounds to mark, made from seeds: what the sound tracks of generated media are like.

Each is mono or stereo float32 (channels, samples) at 48 kHz with peaks below full scale.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

RATE = 48_000

Sound = NDArray[np.float32]
Maker = Callable[[np.random.Generator, float], Sound]


def write(samples: Sound, target: Path) -> Path:
    """16-bit wav."""
    with av.open(str(target), "w") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=RATE)
        stream.layout = "mono" if len(samples) == 1 else "stereo"
        packed = np.rint(samples.T.clip(-1, 1) * 32767).astype(np.int16).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, "s16", stream.layout.name)
        frame.sample_rate, frame.pts = RATE, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


def music(rng: np.random.Generator, seconds: float) -> Sound:
    """Plucked chords in stereo, eight notes a bar, each with its overtones."""
    made = np.zeros((2, round(seconds * RATE)), np.float32)
    scale = 220 * 2 ** (np.array([0, 2, 3, 5, 7, 8, 10, 12, 14, 15]) / 12)
    for start in np.arange(0, seconds, 0.25):
        for _ in range(2):
            pitch, side = rng.choice(scale), 0.2 + 0.6 * rng.random()
            note = _pluck(float(pitch))
            first = round(start * RATE)
            piece = made[:, first : first + len(note)]
            piece += np.array([[side], [1 - side]], np.float32) * note[: piece.shape[1]]
    return _level(made, 0.5)


def speech(rng: np.random.Generator, seconds: float) -> Sound:
    """A buzzing voice through moving formants, with consonants and pauses."""
    parts: list[Sound] = []
    while sum(len(part) for part in parts) < seconds * RATE:
        length = round((0.12 + 0.14 * rng.random()) * RATE)
        kind = rng.random()
        if kind < 0.12:
            parts.append(np.zeros(2 * length, np.float32))
        elif kind < 0.3:
            parts.append(0.1 * _band(rng, length // 2, 3000, 8000))
        else:
            parts.append(_vowel(rng, length))
    return _level(np.concatenate(parts)[None, : round(seconds * RATE)], 0.6)


def rain(rng: np.random.Generator, seconds: float) -> Sound:
    """Pink noise that swells, in stereo."""
    length = round(seconds * RATE)
    swell = 1 + 0.4 * np.sin(np.arange(length) / RATE * 1.3)
    sides = [_band(rng, length, 80, 16_000, slope=0.5) * swell for _ in range(2)]
    return _level(np.stack(sides), 0.4)


def drums(rng: np.random.Generator, seconds: float) -> Sound:
    """Kick and snare with silence between them."""
    made = np.zeros(round(seconds * RATE), np.float32)
    time = np.arange(round(0.22 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (50 * time + 20 * (1 - np.exp(-time * 30)) / 3)) * np.exp(-time * 18)
    for beat, start in enumerate(np.arange(0, seconds - 0.25, 0.5)):
        snare = _band(rng, len(time), 500, 9000) * np.exp(-time * 25)
        first = round(start * RATE)
        made[first : first + len(time)] += snare if beat % 2 else kick
    return _level(made[None], 0.8)


def drone(rng: np.random.Generator, seconds: float) -> Sound:
    """A quiet, pure chord: nothing to hide behind."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * pitch * time) for pitch in (110.0, 164.8, 220.3, 277.2))
    breath = 0.02 * _band(rng, len(time), 100, 4000, slope=0.5)
    return _level((tones / 4 * (0.7 + 0.3 * np.sin(time)) + breath)[None], 0.08)


def street(rng: np.random.Generator, seconds: float) -> Sound:
    """A voice over music and noise."""
    mixed = music(rng, seconds) * 0.5 + rain(rng, seconds) * 0.3
    return _level(mixed + speech(rng, seconds), 0.7)


MAKERS: tuple[Maker, ...] = (music, speech, rain, drums, drone, street)


@cache
def _pluck(pitch: float) -> Sound:
    time = np.arange(round(1.4 * RATE)) / RATE
    tones = sum(
        np.sin(2 * np.pi * pitch * n * time) * np.exp(-time * (2 + n)) / n for n in range(1, 9)
    )
    return np.asarray(tones * np.minimum(1, time * 200), np.float32)


def _vowel(rng: np.random.Generator, length: int) -> Sound:
    """Impulses at the voice's pitch, shaped by three resonances."""
    pitch = 105 * (1 + 0.25 * rng.random()) * (1 + 0.06 * np.linspace(1, -1, length))
    buzz = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0).astype(np.float32)
    spectrum = np.fft.rfft(buzz)
    frequencies = np.fft.rfftfreq(length, 1 / RATE)
    gain = np.zeros(len(frequencies))
    for low, high, width in ((280, 800, 70), (900, 2200, 110), (2400, 3100, 170)):
        centre = low + (high - low) * rng.random()
        gain += 1 / (1 + ((frequencies - centre) / width) ** 2)
    voiced = np.fft.irfft(spectrum * gain, length) * np.hanning(length) ** 0.5
    return np.asarray(voiced / max(np.abs(voiced).max(), 1e-9) * 0.8, np.float32)


def _band(
    rng: np.random.Generator, length: int, low: float, high: float, slope: float = 0.0
) -> Sound:
    """Noise between two frequencies in Hz, amplitude 1/f^slope, deviation 0.3."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequencies = np.fft.rfftfreq(length, 1 / RATE)
    inside = (frequencies >= low) & (frequencies <= high)
    spectrum *= np.where(inside, np.maximum(frequencies, 1) ** -slope, 0)
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(0.3 * noise / max(noise.std(), 1e-12), np.float32)


def _level(samples: NDArray[np.floating], peak: float) -> Sound:
    return np.asarray(samples * (peak / np.abs(samples).max()), np.float32)
