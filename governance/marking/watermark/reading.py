"""From what a reader measured to the id: which of the issued ids is it, or which id at all?

Both questions have a fixed threshold. Under signs that are secret, the correlation of a word
exceeds z with probability at most exp(-z²/2), whatever the picture or the sound is (Hoeffding,
1963). Ids must be drawn at random: ids that differ in few bits have words that are alike. With the
union bound over everything that was tried:

- `identify`: ids times candidates times exp(-7²/2) = 2.3e-11 each; with the 12 candidates of a
  picture and 10,000 ids 2.8e-6, with 1,000,000 ids 2.8e-4.
- `decode_blind`: 2^64 ids times candidates times exp(-11²/2) = 5.3e-27 each; 12 candidates: 1.2e-6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from governance.marking.watermark import code
from governance.marking.watermark.keys import WatermarkKeys, stream

THRESHOLD = 7.0
BLIND_THRESHOLD = 11.0
CHUNK = 16_384  # ids matched at a time: 16 MB


@dataclass(frozen=True)
class Candidate:
    """One guess at how the copy was changed, and the code word measured under it.

    soft: BITS values, still scrambled, the larger the surer; sync: standard deviations above
    noise of the part of the mark that is known beforehand; geometry: facts as text.
    """

    soft: NDArray[np.float32]
    sync: float
    geometry: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Reading:
    """The best few candidates, best first; none when there was nothing to look at."""

    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Found:
    """blind: read without a list of ids; z: correlation with the word, at most 15.5."""

    watermark_id: int
    z: float
    organisation: str
    blind: bool
    geometry: tuple[tuple[str, str], ...] = ()


def signs(keys: WatermarkKeys, organisation: str) -> NDArray[np.int8]:
    """BITS signs that hide the code words of one organisation; multiply to put on or take off."""
    octets = np.frombuffer(stream(keys.scramble(organisation), "signs", code.BITS // 8), np.uint8)
    scramble: NDArray[np.int8] = 1 - 2 * np.unpackbits(octets).view(np.int8)
    return scramble


def word(keys: WatermarkKeys, organisation: str, watermark_id: int) -> NDArray[np.int8]:
    """The BITS signs to write for an id of an organisation."""
    coded = code.encode(np.array([watermark_id], np.uint64))[0]
    scrambled: NDArray[np.int8] = coded * signs(keys, organisation)
    return scrambled


def identify(
    reading: Reading, keys: WatermarkKeys, issued: Mapping[str, NDArray[np.uint64]]
) -> Found | None:
    """The issued id (organisation → ids) that fits best, if its z reaches THRESHOLD."""
    best: Found | None = None
    for organisation, watermark_ids in issued.items():
        for start in range(0, len(watermark_ids) if reading.candidates else 0, CHUNK):
            found = _best(reading, keys, organisation, watermark_ids[start : start + CHUNK])
            if best is None or found.z > best.z:
                best = found
    return best if best and best.z >= THRESHOLD else None


def decode_blind(
    reading: Reading, keys: WatermarkKeys, organisations: Sequence[str]
) -> Found | None:
    """The id whose word fits best and reaches BLIND_THRESHOLD, known to us or not."""
    best: Found | None = None
    for organisation in organisations:
        scramble = signs(keys, organisation)
        for candidate in reading.candidates:
            soft = candidate.soft * scramble
            decoded = code.decode(soft)
            if decoded is None:
                continue
            fit = code.correlation(soft[None], code.encode(np.array([decoded], np.uint64)))
            z = float(fit[0, 0])
            if z >= BLIND_THRESHOLD and (best is None or z > best.z):
                best = Found(decoded, z, organisation, True, candidate.geometry)
    return best


def _best(
    reading: Reading, keys: WatermarkKeys, organisation: str, ids: NDArray[np.uint64]
) -> Found:
    words = code.encode(ids)
    scramble = signs(keys, organisation)
    soft = np.stack([candidate.soft * scramble for candidate in reading.candidates])
    fits = code.correlation(soft, words)
    place, which = np.unravel_index(int(fits.argmax()), fits.shape)
    geometry = reading.candidates[which].geometry
    return Found(int(ids[place]), float(fits[place, which]), organisation, False, geometry)
