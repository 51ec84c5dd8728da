"""What is found for a copy, and what a match doesn't say."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from governance.marking.fingerprint import pdq
from governance.marking.fingerprint.fingerprint import HASH_BYTES, Fingerprint
from governance.marking.fingerprint.index import FingerprintIndex
from governance.marking.fingerprint.sound import SoundFingerprinter
from tests.marking.fingerprint.pictures import draft, film, image, pan, scene, shown, still

FILMS, STRANGERS = range(6), 3000


def noise(seed: int, moments: int = 5) -> Fingerprint:
    hashes = np.random.default_rng(seed).integers(0, 256, (moments, HASH_BYTES), np.uint8)
    return Fingerprint("picture", np.arange(moments, dtype=np.uint32) * 1000, hashes)


def flipped(fingerprint: Fingerprint, share: float, seed: int = 0) -> Fingerprint:
    """So many of the bits turned, in hashes and views."""
    rng = np.random.default_rng(seed)

    def turn(hashes: np.ndarray) -> np.ndarray:
        return hashes ^ np.packbits(rng.random((*hashes.shape, 8)) < share, axis=-1)[..., 0]

    return Fingerprint(
        fingerprint.kind,
        fingerprint.milliseconds,
        turn(fingerprint.hashes),
        fingerprint.asked,
        turn(fingerprint.views),
    )


def keys(index: FingerprintIndex, fingerprint: Fingerprint) -> list[int]:
    return [match.key for match in index.search(fingerprint)]


@pytest.fixture(scope="module")
def index() -> FingerprintIndex:
    """Films of four seconds under their numbers, stills from 100 on, and many strangers."""
    made = FingerprintIndex()
    made.add_all((1000 + seed, noise(seed)) for seed in range(STRANGERS))
    for number in FILMS:
        made.add(number, pan(number))
        made.add(100 + number, still(scene(number + 50)))
    return made


def test_a_film_finds_itself_exactly(index: FingerprintIndex) -> None:
    for number in FILMS:
        (match,) = index.search(pan(number))
        assert (match.key, match.score) == (number, 1.0)
        assert match.distance < 40
        assert match.geometry == (("orientation", "upright"), ("cut", "no"))


def test_strangers_find_nothing(index: FingerprintIndex) -> None:
    for seed in range(200, 203):
        assert index.search(pan(seed, seconds=2.0)) == ()
        assert index.search(still(scene(seed))) == ()
        assert index.search(noise(seed + STRANGERS)) == ()


@pytest.mark.parametrize(
    ("seconds", "start", "rate"),
    [(2.5, 0.6, 24.0), (4.0, 0.0, 30.0), (4.0, 0.0, 15.0), (1.0, 2.3, 24.0)],
)
def test_trims_and_other_speeds_are_found(
    index: FingerprintIndex, seconds: float, start: float, rate: float
) -> None:
    found = [keys(index, pan(number, seconds, start, rate)) == [number] for number in FILMS]
    assert sum(found) >= 5


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": ImageOps.mirror,
    "turned_90": lambda p: p.transpose(Image.Transpose.ROTATE_270),
    "turned_270": lambda p: p.transpose(Image.Transpose.ROTATE_90),
    "turned_180": lambda p: p.transpose(Image.Transpose.ROTATE_180),
}


@pytest.mark.parametrize("how", CHANGES)
def test_it_says_how_the_copy_was_turned(index: FingerprintIndex, how: str) -> None:
    for number in FILMS:
        copy = CHANGES[how](image(scene(number + 50)).crop((2, 2, 318, 178)))
        matches = index.search(still(np.asarray(copy)))
        assert [match.key for match in matches] == [100 + number]
        assert dict(matches[0].geometry)["orientation"] == how


def test_a_mirrored_and_cropped_film_is_found(index: FingerprintIndex) -> None:
    found = []
    for number in FILMS:
        frames = []
        for n in range(0, 96, 6):
            copy = ImageOps.mirror(image(film(number, n))).crop((20, 4, 308, 166))
            frames.append((n / 24, np.asarray(copy)))
        matches = index.search(shown(*frames))
        found.append([(m.key, dict(m.geometry)["cut"]) for m in matches] == [(number, "yes")])
    assert sum(found) >= 5


def test_sibling_drafts_are_both_named_and_the_nearer_one_first() -> None:
    index = FingerprintIndex()
    index.add_all([(1, pan(1)), (2, pan(1, picture=draft)), (3, pan(3))])
    assert keys(index, pan(1)) == [1, 2]
    assert keys(index, pan(1, picture=draft)) == [2, 1]


def test_a_clip_inside_a_longer_film_is_found(index: FingerprintIndex) -> None:
    frames = [(n / 24, film(300 + n // 96, n % 96)) for n in range(0, 96 * 3, 6)]
    frames += [(12 + n / 24, film(5, n)) for n in range(0, 96, 6)]
    assert keys(index, shown(*frames)) == [5]


def test_moments_in_reverse_order_are_no_copy() -> None:
    index = FingerprintIndex()
    original = noise(1, moments=12)
    index.add(1, original)
    backwards = Fingerprint("picture", original.milliseconds, original.hashes[::-1].copy())
    assert keys(index, original) == [1]
    assert keys(index, backwards) == []


def test_the_picture_and_the_sound_are_kept_apart() -> None:
    index = FingerprintIndex()
    picture = noise(1)
    sound = Fingerprint("sound", picture.milliseconds, picture.hashes)
    index.add(1, picture)
    assert keys(index, sound) == []
    index.add(2, sound)
    assert (keys(index, sound), keys(index, picture)) == ([2], [1])


def tune(seed: int) -> np.ndarray:
    """Six seconds of notes at 8 kHz."""
    rng = np.random.default_rng(seed)
    time = np.arange(6 * 8000) / 8000
    notes = [
        np.sin(2 * np.pi * rng.uniform(300, 1900) * time) * np.exp(-((time - at) ** 2) / 0.02)
        for at in rng.uniform(0, 6, 90)
    ]
    return np.asarray(0.1 * np.sum(notes, axis=0), np.float32)


def heard(samples: np.ndarray) -> Fingerprint:
    fingerprinter = SoundFingerprinter()
    fingerprinter.feed(samples[None], 8000)
    return fingerprinter.finish()


def test_a_trimmed_and_noisy_sound_is_found() -> None:
    index = FingerprintIndex()
    index.add_all((seed, heard(tune(seed))) for seed in range(6))
    hiss = np.random.default_rng(1).normal(0, 0.004, 6 * 8000).astype(np.float32)
    for seed in range(6):
        assert keys(index, heard((0.6 * tune(seed) + hiss)[13_700:44_000])) == [seed]
    assert keys(index, heard(tune(99))) == []


def test_a_question_of_hours_is_answered_in_bounded_memory() -> None:
    index, hours = FingerprintIndex(), noise(1, moments=10_000)
    index.add_all([(1, hours), (2, noise(2))])
    assert keys(index, hours) == [1]


def test_nothing_is_found_in_nothing() -> None:
    index, empty = FingerprintIndex(), Fingerprint.from_bytes(still(scene(1) * 0).to_bytes())
    assert keys(index, noise(1)) == []
    index.add(1, empty)
    index.add(2, noise(2))
    assert keys(index, empty) == []


def test_a_stored_fingerprint_finds_its_clip_without_views(index: FingerprintIndex) -> None:
    assert keys(index, Fingerprint.from_bytes(pan(2).to_bytes())) == [2]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
@settings(max_examples=15, deadline=None)
def test_however_clips_are_added_the_same_is_found(sizes: Sequence[int]) -> None:
    once, bit_by_bit = FingerprintIndex(), FingerprintIndex()
    clips = [(seed, noise(seed)) for seed in range(sum(sizes))]
    once.add_all(clips)
    start = 0
    for size in sizes:
        bit_by_bit.add_all(clips[start : start + size])
        start += size
    for seed, clip in clips[::5]:
        assert once.search(clip) == bit_by_bit.search(clip)
        assert keys(once, flipped(clip, 0.1, seed)) == [seed]


def test_the_answer_is_limited_to_the_best() -> None:
    index = FingerprintIndex()
    index.add_all((n, flipped(noise(1), 0.004 * n)) for n in range(12))
    assert [match.key for match in index.search(noise(1), limit=3)] == [0, 1, 2]


def test_searching_goes_on_while_clips_are_added() -> None:
    index, errors = FingerprintIndex(), []
    index.add(0, noise(0))

    def ask() -> None:
        for _ in range(20):
            if keys(index, noise(0)) != [0]:
                errors.append("lost")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for seed in range(1, 40):
        index.add(seed, noise(seed))
    for thread in threads:
        thread.join()
    assert errors == []


def seen(original: Fingerprint, bits: int, *, view: int, moments: int) -> Fingerprint:
    """A question whose first moments lie so far from the original's, under one view."""
    asked = noise(77, moments=moments * 4).hashes.reshape(moments, 4, HASH_BYTES)
    asked[:, view] = original.hashes[:moments]
    asked[:, view, : bits // 8] ^= 255
    return Fingerprint("picture", original.milliseconds[:0], asked[:0, 0], at(moments), asked)


def at(moments: int) -> np.ndarray:
    return np.arange(moments, dtype=np.uint32) * 1000


def test_a_cut_copy_needs_two_moments_or_one_that_is_very_near() -> None:
    index, original = FingerprintIndex(), noise(1)
    index.add(1, original)
    assert keys(index, seen(original, 64, view=0, moments=1)) == [1]
    assert keys(index, seen(original, 64, view=2, moments=1)) == []
    assert keys(index, seen(original, 40, view=2, moments=1)) == [1]
    assert keys(index, seen(original, 64, view=2, moments=2)) == [1]


def test_two_moments_that_look_alike_count_as_one() -> None:
    index, held = FingerprintIndex(), noise(1, moments=2)
    original = Fingerprint("picture", held.milliseconds, held.hashes[[0, 0]])
    index.add(1, original)
    assert keys(index, seen(original, 64, view=2, moments=2)) == []


def test_one_stored_moment_does_not_answer_for_many() -> None:
    index, original = FingerprintIndex(), noise(1, moments=4)
    index.add(1, original)
    still_frame = Fingerprint("picture", at(4), original.hashes[[0, 0, 0, 0]])
    assert keys(index, original) == [1]
    assert keys(index, still_frame) == []


def test_a_hash_that_repeats_one_row_is_no_evidence() -> None:
    index = FingerprintIndex()
    rows = np.random.default_rng(1).integers(0, 256, (1, 2), np.uint8)
    box = Fingerprint("picture", at(1), np.tile(rows, (1, 16)))
    index.add(1, box)
    assert keys(index, box) == []


def test_the_nearer_comes_first_and_of_the_same_nearness_the_plainer() -> None:
    index, original = FingerprintIndex(), noise(1)
    mirrored = Fingerprint("picture", original.milliseconds, pdq.dihedral(original.hashes)[2])
    index.add_all([(1, flipped(original, 0.1)), (2, mirrored), (3, original)])
    assert keys(index, original) == [3, 2, 1]
