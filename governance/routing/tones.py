"""Sound without a model: soft chords and plucked notes, chosen by seeds."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE = 48_000
# Semitones above the root, by scale degree: major and minor pentatonic, dorian.
SCALES = ((0, 2, 4, 7, 9), (0, 3, 5, 7, 10), (0, 2, 3, 5, 7, 9, 10))
CHORD_SECONDS = 3.0
PEAK = 0.5  # −6 dBFS


def melody(palette: int, terrain: int, seconds: int) -> Samples:
    """Stereo sound of exactly that length: (2, seconds * RATE), between −PEAK and PEAK.

    The palette seed sets the key and the scale, the terrain seed the notes.
    """
    # Seeded on purpose: the same seeds must give the same samples.
    mood = np.random.default_rng([palette, 1])
    dice = np.random.default_rng([palette, terrain, 1])
    root = 110.0 * 2 ** (int(mood.integers(0, 10)) / 12)
    scale = SCALES[int(mood.integers(len(SCALES)))]
    sound = np.zeros((2, seconds * RATE), np.float32)
    for start in np.arange(0, seconds, CHORD_SECONDS):
        degree = int(dice.integers(0, len(scale)))
        for step in (0, 2, 4):
            _add(sound, start, _pad(_pitch(root, scale, degree + step)), float(dice.uniform(-1, 1)))
    beat = float(mood.choice([0.375, 0.5, 0.75]))
    for start in np.arange(0, seconds, beat):
        if start == 0 or dice.random() < 0.75:
            pitch = _pitch(root * 2, scale, int(dice.integers(0, 2 * len(scale))))
            _add(sound, start, 0.55 * _pluck(pitch), float(dice.uniform(-1, 1)))
    _echo(sound, int(0.31 * RATE))
    _fade(sound)
    return sound * np.float32(PEAK / max(float(np.abs(sound).max()), 1e-6))


def _pitch(root: float, scale: tuple[int, ...], degree: int) -> float:
    """Hertz of a scale degree, which may lie above the first octave."""
    octave, position = divmod(degree, len(scale))
    return root * 2 ** (octave + scale[position] / 12)


def _pad(pitch: float) -> Samples:
    """A slowly swelling tone, two detuned voices with a few soft overtones."""
    length = CHORD_SECONDS + 1.2
    t = np.arange(int(length * RATE), dtype=np.float32) / RATE
    swell = np.sin(np.pi * t / length) ** 1.5
    voices = [
        np.sin(2 * np.pi * pitch * detune * partial * t) / partial**2.2
        for detune in (0.998, 1.002)
        for partial in (1, 2, 3)
    ]
    tone: Samples = (0.3 * swell * np.sum(voices, axis=0)).astype(np.float32)
    return tone


def _pluck(pitch: float) -> Samples:
    """A struck string: overtones that die away faster the higher they are."""
    t = np.arange(int(1.4 * RATE), dtype=np.float32) / RATE
    attack = np.minimum(t / 0.008, 1)
    partials = [
        np.exp(-t * (2.5 + 1.8 * partial)) * np.sin(2 * np.pi * pitch * partial * t) / partial**1.6
        for partial in (1, 2, 3, 4)
    ]
    tone: Samples = (attack * np.sum(partials, axis=0)).astype(np.float32)
    return tone


def _add(sound: Samples, start: float, tone: Samples, side: float) -> None:
    """Mix a tone in at `start` seconds; side: −1 left to 1 right."""
    begin = int(start * RATE)
    part = tone[: sound.shape[1] - begin]
    angle = (side * 0.7 + 1) * np.pi / 4
    sound[0, begin : begin + len(part)] += np.float32(np.cos(angle)) * part
    sound[1, begin : begin + len(part)] += np.float32(np.sin(angle)) * part


def _echo(sound: Samples, delay: int) -> None:
    dry = sound.copy()
    for repeat, share in enumerate((0.35, 0.18, 0.08), start=1):
        shift = repeat * delay
        if shift < sound.shape[1]:
            # Each echo comes from the other side.
            sound[:, shift:] += np.float32(share) * np.roll(dry, repeat, axis=0)[:, :-shift]


def _fade(sound: Samples) -> None:
    length = int(0.15 * RATE)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    sound[:, :length] *= ramp
    sound[:, -length:] *= ramp[::-1]
