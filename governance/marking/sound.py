"""Sound files: a spoken label before the sound, a watermark in it, and both found again.

Everything streams: a block of about a second is decoded, changed and encoded before the next.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np

from governance.kernel.errors import InvalidRequest
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.sound import SoundFingerprinter
from governance.marking.label import audible
from governance.marking.label.audible import Sighting
from governance.marking.mono import Mono
from governance.marking.sound_mp3 import Mp3File
from governance.marking.sound_source import Floats, Sound, opened
from governance.marking.sound_wav import WavFile
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.reading import Reading
from governance.marking.watermark.sound import SoundWatermark
from governance.marking.watermark.sound_read import SoundReader

DETECTED_LABELS = 3  # in how many languages a label that we know nothing of may be spoken
LEVEL_SECONDS = 20  # of the sound, that decide how loud the label is
NOT_ASKED = "No watermark was asked for."


class Listener(Protocol):
    """Hears a sound block by block: samples (channels, n) in -1…1, rate in hertz."""

    def feed(self, samples: Floats, rate: int) -> None: ...


FILES: dict[str, type[WavFile] | type[Mp3File]] = {"audio/wav": WavFile, "audio/mpeg": Mp3File}


@dataclass(frozen=True)
class SoundMarks:
    """labels: the sentences spoken, in order; unmarkable: why there is no watermark, empty when
    there is one; fingerprint: of the sound behind the label."""

    labels: tuple[Sighting, ...]
    unmarkable: str
    fingerprint: Fingerprint


@dataclass(frozen=True)
class SoundReading:
    """What is heard in a file.

    labels: sentences at the beginning; watermark: None without keys; unmarkable: why none can be
    read, empty when one could; seconds: 0 and everything empty when the file has no sound.
    """

    seconds: float
    labels: tuple[Sighting, ...]
    watermark: Reading | None
    unmarkable: str
    fingerprint: Fingerprint


def mark_sound(
    source: Path,
    target: Path,
    media_type: str,
    *,
    language: str | None = None,
    watermark: SoundWatermark | None = None,
) -> SoundMarks:
    """Write `source` (wav or mp3) to `target` with what is due; decoded and encoded once.

    language: BCP 47 tags, separated by spaces, in which the label is spoken; None: no label.
    A wav file keeps its rate, channels, sample format and other chunks; an mp3 file its rate,
    channels, bit rate and tags. A sound too short or too quiet for a watermark is written all the
    same and says so.
    Raises InvalidRequest (`media_corrupt`, `media_unsupported`), TooLarge (`media_too_large`).
    """
    with opened(source) as sound:
        if sound is None:
            raise InvalidRequest("media_corrupt", "The file has no sound; export it again.")
        with FILES[media_type](target, source, sound) as file:
            return _mark(sound, file, audible.resolve_all(language or ""), watermark)


def _mark(
    sound: Sound,
    file: WavFile | Mp3File,
    languages: tuple[str, ...],
    watermark: SoundWatermark | None,
) -> SoundMarks:
    opening, blocks = _opening(sound)
    speech, labels = audible.announcement(languages, opening, sound.rate)
    if labels:
        file.write(speech)
    fingerprinter = SoundFingerprinter()
    writer = watermark.writer(sound.rate, sound.channels) if watermark else None
    for block in blocks:
        fingerprinter.feed(block, sound.rate)
        file.write(writer.feed(block) if writer else block)
    if writer:
        file.write(writer.finish())
    return SoundMarks(labels, writer.shortfall() if writer else NOT_ASKED, fingerprinter.finish())


def _opening(sound: Sound) -> tuple[Floats, Iterator[Floats]]:
    """The first LEVEL_SECONDS, and all blocks including them."""
    held, count = [], 0
    for block in sound.blocks:
        held.append(block)
        count += block.shape[1]
        if count >= LEVEL_SECONDS * sound.rate:
            break
    nothing = np.zeros((sound.channels, 0), np.float32)
    return np.concatenate([nothing, *held], axis=1), chain(held, sound.blocks)


def read_sound(
    path: Path,
    *,
    keys: WatermarkKeys | None = None,
    language: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> SoundReading:
    """Hear the first sound track of a wav, mp3, mp4 or mov file, in one pass.

    language: tags of the labels to look for; None: all that we speak. progress is told the
    seconds heard so far; what it raises comes through.
    Raises InvalidRequest (`media_corrupt`, `media_unsupported`).
    """
    languages = audible.resolve_all(language or "")
    beginning = _Beginning(audible.heard(len(languages) or DETECTED_LABELS))
    fingerprinter = SoundFingerprinter()
    reader = SoundReader(keys) if keys else None
    listeners: list[Listener] = [beginning, fingerprinter, *([reader] if reader else [])]
    seconds = 0.0
    with opened(path) as sound:
        if sound:
            seconds = _listen(sound, listeners, progress)
    return SoundReading(
        seconds,
        audible.find(beginning.samples(), languages),
        reader.reading() if reader else None,
        reader.shortfall() if reader else "",
        fingerprinter.finish(),
    )


def _listen(
    sound: Sound, listeners: Sequence[Listener], progress: Callable[[float], None] | None
) -> float:
    """Feed every block to all; returns the sound's seconds."""
    count = 0
    for block in sound.blocks:
        for listener in listeners:
            listener.feed(block, sound.rate)
        count += block.shape[1]
        if progress:
            progress(count / sound.rate)
    return count / sound.rate


class _Beginning:
    """Keeps the first seconds of a sound, as label readers want them."""

    def __init__(self, seconds: float) -> None:
        self._wanted = round(seconds * audible.RATE)
        self._mono = Mono(audible.RATE)
        self._held = np.zeros(0, np.float32)

    def feed(self, samples: Floats, rate: int) -> None:
        if len(self._held) < self._wanted:
            self._held = np.concatenate([self._held, self._mono.feed(samples, rate)])

    def samples(self) -> Floats:
        return np.concatenate([self._held, self._mono.finish()])
