"""How long a search among many clips takes, and what it finds: fingerprints of drawn scenes.

A clip is ten seconds long: its moments go from the hash of one picture to that of another. The
pictures are blends of drawn scenes, hashed with PDQ; every tenth clip is a draft beside another.
Asked are copies with a share of their bits turned, and films that nobody knows. The time is that of
one search, by the clock and by the processor; memory is that of the whole process.

Usage: python scripts/bench/fingerprint.py [clips] [questions]
"""

import resource
import sys
import time
from collections.abc import Iterator

import numpy as np
from figures import print_figures, print_machine
from numpy.typing import NDArray
from plates import photograph

from governance.marking.fingerprint import pdq
from governance.marking.fingerprint.fingerprint import Fingerprint, Hashes
from governance.marking.fingerprint.index import FingerprintIndex
from governance.marking.fingerprint.picture import ASK_MS, STORE_MS, VIEWS

MOMENTS, ASKED = 10, 40  # of a clip of ten seconds
SCENES, CUTS = 24, 40
DRAFTS = 0.1
BATCH = 10_000
NOISES = (0.1, 0.2, 0.25)

Waves = NDArray[np.float32]

# Mirroring and inverting a picture change the signs of its frequencies.
_ALTERNATE = np.where(np.arange(pdq.KEPT) % 2, 1, -1)
_OVER, _SIDEWAYS = (np.broadcast_to(s, (16, 16)) for s in (_ALTERNATE[:, None], _ALTERNATE))
SIGNS = np.array(
    [sign * mask for sign in (1, -1) for mask in (_OVER**0, _OVER, _SIDEWAYS, _OVER * _SIDEWAYS)],
    np.float32,
).reshape(-1, pdq.BITS)


def main(clips: int, questions: int) -> None:
    print_machine("numpy")
    rng = np.random.default_rng(0)
    waves = drawn(rng)
    began = time.perf_counter()
    index, kept = FingerprintIndex(), dict[int, Hashes]()
    wanted = set(rng.choice(clips, questions, replace=False).tolist())
    index.add_all(invented(rng, waves, clips, wanted, kept))
    built = time.perf_counter() - began
    print(f"{clips} clips of {MOMENTS} moments drawn and indexed in {built:.0f} s")
    seconds: list[tuple[float, float]] = []
    for noise in NOISES:
        found = [key in ask(index, copy(rng, waves, kept[key], noise), seconds) for key in kept]
        print(f"{noise:.0%} of the bits turned: {np.mean(found):.1%} found")
    strangers = [ask(index, stranger(rng, waves), seconds) for _ in range(questions)]
    print(f"unknown films: {sum(map(bool, strangers))} of {questions} found like a clip")
    by_clock, by_processor = np.array(seconds).T * 1000
    print_figures(
        {
            "search_ms_p50": round(float(np.percentile(by_clock, 50)), 1),
            "search_ms_p95": round(float(np.percentile(by_clock, 95)), 1),
            "search_cpu_ms_p95": round(float(np.percentile(by_processor, 95)), 1),
            "clips": clips,
            "found_share": round(float(np.mean(found)), 4),
            "false_candidates": sum(map(bool, strangers)),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    )


def drawn(rng: np.random.Generator) -> Waves:
    """(scenes · cuts, 256): the frequencies of parts of drawn photographs."""
    waves = []
    for _ in range(SCENES):
        luma = np.asarray(photograph(rng, 480, 270, leaves=300).convert("L"))
        for _ in range(CUTS):
            high, wide = rng.integers(90, 270), rng.integers(160, 480)
            top, left = rng.integers(0, 270 - high + 1), rng.integers(0, 480 - wide + 1)
            plane = luma[top : top + high, left : left + wide].astype(np.float32)
            rows, columns = pdq.frequencies(high), pdq.frequencies(wide)
            waves.append((rows @ plane @ columns.T).ravel())
    return np.stack(waves)


def hashes(rng: np.random.Generator, waves: Waves, count: int) -> Hashes:
    """(count, 32): of two scenes and a noise like them, each mirrored or inverted as it falls."""
    blend = rng.standard_normal((count, pdq.BITS), np.float32) * waves.std(axis=0)
    for _ in range(2):
        signs = SIGNS[rng.integers(0, len(SIGNS), count)]
        blend += np.float32(0.7) * signs * waves[rng.integers(0, len(waves), count)]
    return pdq.bits(blend)


def between(rng: np.random.Generator, first: Hashes, last: Hashes) -> Hashes:
    """(count, moments, 32): each bit changes at a moment of its own."""
    start, end = (np.unpackbits(side, axis=-1)[:, None] for side in (first, last))
    when = rng.integers(0, MOMENTS, start.shape, np.uint8)
    reached = np.arange(MOMENTS, dtype=np.uint8)[:, None] >= when
    return np.packbits(np.where(reached, end, start), axis=-1)


def invented(
    rng: np.random.Generator, waves: Waves, clips: int, wanted: set[int], kept: dict[int, Hashes]
) -> Iterator[tuple[int, Fingerprint]]:
    """Clips under their numbers; keeps the hashes of those that are wanted."""
    milliseconds = np.arange(MOMENTS, dtype=np.uint32) * STORE_MS
    for start in range(0, clips, BATCH):
        count = min(BATCH, clips - start)
        made = between(rng, hashes(rng, waves, count), hashes(rng, waves, count))
        drafts = np.flatnonzero(rng.random(count) < DRAFTS)
        made[drafts] = turned(rng, made[drafts - 1], 0.06)
        kept.update({start + at: made[at] for at in range(count) if start + at in wanted})
        yield from (
            (start + at, Fingerprint("picture", milliseconds, made[at])) for at in range(count)
        )


def turned(rng: np.random.Generator, held: Hashes, share: float) -> Hashes:
    """With this share of the bits turned."""
    noise = rng.random((*held.shape, 8), np.float32) < share
    return held ^ np.packbits(noise, axis=-1)[..., 0]


def copy(rng: np.random.Generator, waves: Waves, original: Hashes, noise: float) -> Fingerprint:
    """A question about a clip: near it under one of the likely cuts, under the others not."""
    asked = turned(rng, original.repeat(ASKED // MOMENTS, axis=0), noise)
    film = stranger(rng, waves)
    film.views[:, rng.integers(0, 8)] = asked
    return film


def stranger(rng: np.random.Generator, waves: Waves) -> Fingerprint:
    seen = hashes(rng, waves, ASKED * VIEWS).reshape(ASKED, VIEWS, -1)
    asked = np.arange(ASKED, dtype=np.uint32) * ASK_MS
    return Fingerprint("picture", asked[:0], seen[:0, 0], asked, seen)


def ask(
    index: FingerprintIndex, question: Fingerprint, seconds: list[tuple[float, float]]
) -> list[int]:
    clock, processor = time.perf_counter(), time.thread_time()
    matches = index.search(question)
    seconds.append((time.perf_counter() - clock, time.thread_time() - processor))
    return [match.key for match in matches]


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    main(*(numbers + [1_000_000, 50][len(numbers) :]))
