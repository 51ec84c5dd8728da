"""The audible label: a spoken sentence before the sound, in its language, as loud as the sound.

EU Code of Practice, S2.1.1 (audio): a short plain disclaimer at the beginning, in the language of
the content or English. It stands before the content, not over it, so nothing masks anything. The
recordings lie in `speech/`, with their texts and licence.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from governance.kernel.errors import ConfigurationError
from governance.marking.label.loudness import loudness

SPEECH = Path(__file__).parent / "speech"
RATE = 16_000
FALLBACK = "en"
PAUSE = 0.4  # seconds after each sentence
LOUDNESS_RANGE = (-30.0, -14.0)  # LUFS
LOUDNESS_OF_SILENCE = -23.0  # EBU R 128
PEAK = 0.9
LATEST = 1.0  # seconds after which a sentence does not stand at the beginning
PARTS = 4  # of equal energy: a sentence that only begins alike is another sentence
THRESHOLD = 0.4  # through a codec 0.9; other sentences of the same voice: 0.1
SPEAKERS = 2  # of a sound with more channels, the first ones speak
LONGEST = 8.0
SILENT = 1e-9

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sighting:
    """A spoken sentence: at, seconds: where it begins, how long it is.

    score: correlation of that part of it that fits worst with its recording, 0…1.
    """

    language: str
    text: str
    at: float
    seconds: float
    score: float

    def facts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("form", "audible"),
            ("language", self.language),
            ("text", self.text),
            ("at", f"{self.at:.2f}"),
            ("seconds", f"{self.seconds:.2f}"),
            ("score", f"{self.score:.3f}"),
        )


@cache
def texts() -> dict[str, str]:
    """Language → sentence, for every recording there is."""
    catalogue = json.loads((SPEECH / "catalogue.json").read_text("utf-8"))
    return {language: entry["text"] for language, entry in catalogue.items()}


def resolve(language: str) -> str:
    """The nearest language that we speak: de-AT is spoken as de, what is missing as English.

    Subtags fall away from the end (RFC 4647, section 3.4, look-up).
    """
    subtags = language.lower().replace("_", "-").split("-")
    for count in range(len(subtags), 0, -1):
        if (known := "-".join(subtags[:count])) in texts():
            return known
    return FALLBACK


def resolve_all(languages: str) -> tuple[str, ...]:
    """Tags separated by spaces to the languages that we speak, each once, in order."""
    return tuple(dict.fromkeys(resolve(tag) for tag in languages.split()))


def announcement(
    languages: tuple[str, ...], sound: Floats, rate: int
) -> tuple[Floats, tuple[Sighting, ...]]:
    """What to play before `sound` (channels, n): samples of as many channels, and what is where.

    As loud as `sound` within LOUDNESS_RANGE, never clipped; each sentence is followed by a pause.
    """
    pieces, sightings, at = [np.zeros(0, np.float32)], [], 0
    pause = np.zeros(round(PAUSE * rate), np.float32)
    for language in languages:
        speech = spoken(language, rate)
        sightings.append(
            Sighting(language, texts()[language], at / rate, len(speech) / rate, score=1.0)
        )
        pieces += [speech, pause]
        at += len(speech) + len(pause)
    track = np.zeros((len(sound), at), np.float32)
    track[:SPEAKERS] = np.concatenate(pieces)
    return track * _gain(track, loudness(sound, rate), rate), tuple(sightings)


@cache
def spoken(language: str, rate: int) -> Floats:
    """The recording of a language of `texts()`, mono, in -1…1.

    Raises ConfigurationError (`speech_unreadable`).
    """
    path = SPEECH / f"{language}.flac"
    try:
        with av.open(str(path)) as container:
            resampler = av.AudioResampler("fltp", "mono", rate)
            frames = [out for each in container.decode(audio=0) for out in resampler.resample(each)]
            frames += resampler.resample(None)
    except av.error.FFmpegError as error:
        raise ConfigurationError(
            "speech_unreadable", f"The recording {path.name} cannot be read; install it again."
        ) from error
    samples: Floats = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return samples[: round(LONGEST * rate)]


def heard(count: int) -> float:
    """Seconds of a sound's beginning that hold the sentences of `count` languages."""
    return LATEST + count * (LONGEST + PAUSE)


def find(sound: Floats, languages: tuple[str, ...] = ()) -> tuple[Sighting, ...]:
    """The sentences at the beginning of `sound` (mono, RATE), in the order in which they are said.

    languages: those to look for; none: all that we speak. Each sentence must begin within LATEST
    seconds of the end of the one before, and each part of it correlate by THRESHOLD with its
    recording. Survives codecs, resampling and gain; not another speed.
    """
    return tuple(_sentences(sound, set(languages or texts())))


def _sentences(sound: Floats, languages: set[str]) -> Iterator[Sighting]:
    begin = 0
    while languages:
        rest = sound[begin:]
        found = [_correlate(rest, spoken(language, RATE)) for language in sorted(languages)]
        language, (score, place) = max(
            zip(sorted(languages), found, strict=True), key=lambda each: each[1][0]
        )
        if score < THRESHOLD:
            return
        length = len(spoken(language, RATE))
        at = (begin + place) / RATE
        yield Sighting(language, texts()[language], at, length / RATE, score)
        languages = languages - {language}
        begin += place + length


def _correlate(sound: Floats, speech: Floats) -> tuple[float, int]:
    """Where in the first LATEST seconds the recording fits best, and how well its worst part."""
    length = len(speech)
    sound = sound[: length + round(LATEST * RATE)]
    if len(sound) < length:
        return 0.0, 0
    size = 1 << (len(sound) - 1).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(speech, size))
    products = np.abs(np.fft.irfft(spectrum, size)[: len(sound) - length + 1])
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound), dtype=np.float64)])
    powers = np.maximum(energy[length:] - energy[:-length], SILENT)
    place = int((products / np.sqrt(powers)).argmax())
    heard_there = sound[place : place + length]
    return min(_likeness(heard_there[part], speech[part]) for part in _parts(speech)), place


def _parts(speech: Floats) -> list[slice]:
    shares = np.cumsum(np.square(speech), dtype=np.float64) / np.square(speech).sum()
    bounds = np.searchsorted(shares, np.arange(1, PARTS) / PARTS).tolist()
    return [slice(*bound) for bound in pairwise([0, *bounds, len(speech)])]


def _likeness(one: Floats, other: Floats) -> float:
    """Normalised correlation; the sign is lost where a player swaps the poles."""
    product = float(np.square(one).sum() * np.square(other).sum())
    return abs(float(one @ other)) / math.sqrt(max(product, SILENT))


def _gain(track: Floats, wanted: float | None, rate: int) -> np.float32:
    target = np.clip(LOUDNESS_OF_SILENCE if wanted is None else wanted, *LOUDNESS_RANGE)
    now = loudness(track, rate)
    if now is None:
        return np.float32(1)
    peak = float(np.abs(track).max())
    return np.float32(min(10 ** ((target - now) / 20), PEAK / peak))
