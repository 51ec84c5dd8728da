"""The fingerprint of a sound stays near its original through codecs, and far from all else."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.sound import SoundFingerprinter
from tests.marking.sound import sounds
from tests.marking.sound.sounds import RATE, Floats

NEAR = 72  # of 256 bits

SURVIVED: dict[str, Callable[[Floats, int], Floats]] = {
    "mp3 at 64 kbit/s": sounds.through("libmp3lame", "mp3", 64_000),
    "AAC at 64 kbit/s": sounds.through("aac", "mp4", 64_000),
    "Opus at 32 kbit/s": sounds.through("libopus", "ogg", 32_000),
    "8 kHz": sounds.filtered(("aresample", "8000")),
    "a tenth as loud": lambda samples, rate: samples * np.float32(0.1),
    "a mixdown": lambda samples, rate: samples.mean(axis=0, keepdims=True),
    "a tempo of 1.05": sounds.filtered(("atempo", "1.05")),
}


def fingerprint(samples: Floats, rate: int = RATE) -> Fingerprint:
    fingerprinter = SoundFingerprinter()
    for start in range(0, samples.shape[1], 4096):
        fingerprinter.feed(samples[:, start : start + 4096], rate)
    return fingerprinter.finish()


def distances(original: Fingerprint, copy: Fingerprint) -> NDArray[np.int64]:
    """For each stored moment, the bits by which the nearest asked one differs."""
    stored = np.unpackbits(original.hashes, axis=1).astype(np.int64)
    asked = np.unpackbits(copy.views[:, 0], axis=1).astype(np.int64)
    apart: NDArray[np.int64] = (stored[:, None] != asked[None]).sum(axis=2).min(axis=1)
    return apart


@pytest.mark.parametrize("change", SURVIVED)
@pytest.mark.parametrize("kind", ["music", "speech"])
def test_a_copy_stays_near_after(kind: str, change: str) -> None:
    sound = sounds.KINDS[kind]()
    apart = distances(fingerprint(sound), fingerprint(SURVIVED[change](sound, RATE)))
    assert (apart <= NEAR).mean() > 0.8


def test_a_copy_cut_anywhere_stays_near() -> None:
    sound = sounds.music()
    apart = distances(fingerprint(sound), fingerprint(sound[:, RATE * 2 + 4321 : RATE * 6]))
    assert (apart <= NEAR).sum() >= 4


def test_different_sounds_lie_far_apart() -> None:
    prints = [fingerprint(make()) for make in (sounds.music, sounds.speech, sounds.noise)]
    for one in prints:
        for other in prints:
            assert one is other or distances(one, other).min() > NEAR


@pytest.mark.parametrize("sound", [sounds.music(1), np.zeros((1, RATE * 5), np.float32)])
def test_what_is_too_short_or_silent_has_no_moments(sound: Floats) -> None:
    empty = fingerprint(sound)
    assert len(empty) == 0
    assert Fingerprint.from_bytes(empty.to_bytes()).digest == empty.digest


def test_two_moments_a_second_are_stored_and_sixteen_asked() -> None:
    taken = fingerprint(sounds.music())
    assert set(np.diff(taken.milliseconds)) == {500}
    assert set(np.diff(taken.asked)) <= {62, 63}
    assert taken.kind == "sound"


def test_of_a_long_sound_only_a_thousand_moments_are_asked() -> None:
    assert len(fingerprint(np.tile(sounds.noise(), 20)).asked) <= 1024
