"""Files without a mark: how often does the detector say that there is one?

A trial is one unmarked file, one secret and one organisation: the file is read under the secret's
pattern, and both decisions are taken, among the ids issued to that organisation and blind. The
signs of every organisation are drawn anew, so that the trials of one file are independent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from cells import Crowd
from clips import RATE, Clip, drawn
from numpy.typing import NDArray
from PIL import Image
from product import keys
from sounds import MAKERS
from sounds import RATE as SAMPLES_A_SECOND
from strangers import ORGANISATIONS

from governance.marking.fingerprint.picture import PictureFingerprinter
from governance.marking.watermark import code
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.picture import PictureReader
from governance.marking.watermark.reading import Reading, decode_blind, identify, signs
from governance.marking.watermark.sound_read import SoundReader

SIZE = (480, 270)
FRAMES = 5
APART = 5  # frames between two that are looked at
SOUND_SECONDS = 8.0


@dataclass(frozen=True)
class Trials:
    """highest: the largest z that any issued word reached, to compare with the threshold."""

    files: int = 0
    trials: int = 0
    false_positives: int = 0
    false_candidates: int = 0
    highest: float = 0.0

    def __add__(self, other: "Trials") -> "Trials":
        return Trials(
            self.files + other.files,
            self.trials + other.trials,
            self.false_positives + other.false_positives,
            self.false_candidates + other.false_candidates,
            max(self.highest, other.highest),
        )


def bound(trials: int) -> float:
    """What the rate stays below with 95 % confidence if none was seen: the rule of three."""
    return 3 / max(trials, 1)


def clips_of(seed: int, secrets: int, crowd: Crowd) -> Trials:
    """One clip of every kind, drawn from the seed."""
    return sum((_clip(clip, secrets, crowd) for clip in drawn(seed)), Trials())


def sounds_of(seed: int, secrets: int, crowd: Crowd) -> Trials:
    """One sound of every kind, drawn from the seed."""
    return sum((_sound(maker, seed, secrets, crowd) for maker in MAKERS), Trials())


def _clip(clip: Clip, secrets: int, crowd: Crowd) -> Trials:
    frames = list(clip.frames(*SIZE, FRAMES * APART))[::APART]
    lumas = [np.asarray(Image.fromarray(frame).convert("L")) for frame in frames]
    fingerprinter = PictureFingerprinter()
    fingerprinter.feed(0.0, lumas[0])
    candidates = bool(crowd.index.search(fingerprinter.finish(), limit=1))
    found = Trials(files=1, false_candidates=int(candidates))
    for number in range(secrets):
        reader = PictureReader(keys(number + 1))
        for index, luma in enumerate(lumas):
            reader.feed(index * APART / RATE, luma)
        found += _decide(reader.reading(), keys(number + 1), crowd)
    return found


def _sound(
    maker: Callable[..., NDArray[np.float32]], seed: int, secrets: int, crowd: Crowd
) -> Trials:
    samples = maker(np.random.default_rng(seed), SOUND_SECONDS)
    found = Trials(files=1)
    for number in range(secrets):
        reader = SoundReader(keys(number + 1))
        reader.feed(samples, SAMPLES_A_SECOND)
        found += _decide(reader.reading(), keys(number + 1), crowd)
    return found


def _decide(reading: Reading, secret: WatermarkKeys, crowd: Crowd) -> Trials:
    """One trial for each organisation; each holds as many ids as the whole crowd."""
    everyone = np.concatenate(list(crowd.issued.values()))
    false = sum(
        identify(reading, secret, {organisation: everyone}) is not None
        or decode_blind(reading, secret, (organisation,)) is not None
        for organisation in ORGANISATIONS
    )
    return Trials(
        trials=len(ORGANISATIONS),
        false_positives=false,
        highest=max(_highest(reading, secret, everyone), default=0.0),
    )


def _highest(
    reading: Reading, secret: WatermarkKeys, everyone: NDArray[np.uint64]
) -> Iterator[float]:
    if not reading.candidates:
        return
    words = code.encode(everyone)
    soft = np.stack([candidate.soft for candidate in reading.candidates])
    for organisation in ORGANISATIONS:
        yield float(code.correlation(soft * signs(secret, organisation), words).max())
