"""PDQ, Meta's perceptual hash of a picture: 256 bits that stay near when the picture is re-encoded.

After “The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm” (Meta, 2019): a
tent filter shrinks the luma to 64 × 64, a discrete cosine transform keeps 16 × 16 frequencies
(without the constant), and each bit says whether one of them lies above their median. Bytes are in
the order of the published hexadecimal form; bit i·16 + j belongs to vertical frequency i + 1 and
horizontal frequency j + 1.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Hash = NDArray[np.uint8]  # (…, 32)
Plane = NDArray[np.floating]

BITS = 256
HASH_BYTES = BITS // 8
KEPT = 16  # frequencies along each side
_SIDE = 64
# Shrinking to this by plain means first moves next to no bit; the tent filter is wider.
_ENOUGH = 256
# The eight ways to turn and mirror a picture: (rows swapped with columns, then left with right,
# then top with bottom).
DIHEDRAL = tuple((t, x, y) for t in (False, True) for x in (False, True) for y in (False, True))


def shrink(luma: NDArray[np.uint8]) -> Plane:
    """The picture at 256 to 511 pixels a side, or at its own size if it has fewer."""
    height, width = luma.shape
    factors = max(1, width // _ENOUGH), max(1, height // _ENOUGH)
    if factors == (1, 1):
        return luma.astype(np.float32)
    return np.asarray(Image.fromarray(luma).reduce(factors), np.float32)


def picture64(plane: Plane) -> Plane:
    """The picture at 64 × 64, whatever its aspect ratio."""
    height, width = plane.shape
    return _tent(height) @ plane @ _tent(width).T


def quality(small: Plane) -> int:
    """0 to 100: how much there is to see in a picture of 64 × 64. Below 50, hashes say little."""
    steps = (np.diff(small, axis=axis) * (100 / 255) for axis in (0, 1))
    return min(100, sum(int(np.trunc(np.abs(step)).sum()) for step in steps) // 90)


def hash64(small: Plane) -> Hash:
    """The hash of a picture of 64 × 64."""
    return bits((_cosines() @ small @ _cosines().T).ravel())


def bits(waves: Plane) -> Hash:
    """(…, 256) frequencies to hashes: which ones lie above the median."""
    median = np.partition(waves, BITS // 2 - 1)[..., BITS // 2 - 1, None]  # the lower of the two
    return np.packbits((waves > median)[..., ::-1], axis=-1)


def variety(hashes: Hash) -> NDArray[np.int64]:
    """(…, 32) to (…): 0 to 120; how far each of 16 rows is from repeating the one before.

    A row, or its inverse, that comes again adds 0, an unrelated one about 6.4. A lone box or line
    on blank paper repeats one row throughout, and such hashes resemble each other.
    """
    rows = hashes.view(">u2")
    changed = np.bitwise_count(rows[..., 1:] ^ rows[..., :-1]).astype(np.int64)
    varied: NDArray[np.int64] = np.minimum(changed, KEPT - changed).sum(axis=-1)
    return varied


@lru_cache(maxsize=256)
def frequencies(length: int) -> Plane:
    """(16, length): from one line of a picture to its frequencies."""
    return _cosines() @ _tent(length)


def dihedral(hashes: Hash) -> Hash:
    """The hashes (…, 32) of the turned and mirrored pictures, (8, …, 32), in order of `DIHEDRAL`.

    Mirroring changes the sign of every second frequency, which turns its bit, up to the few
    frequencies between the median and its negative.
    """
    flat = np.unpackbits(hashes, axis=-1)[..., ::-1]
    grid = flat.reshape(*hashes.shape[:-1], KEPT, KEPT)
    odd = np.arange(KEPT) % 2 == 0  # index 0 is frequency 1
    turned = []
    for transposed, sideways, over in DIHEDRAL:
        mask = (odd & sideways)[None, :] ^ (odd & over)[:, None]
        seen = (grid.swapaxes(-1, -2) if transposed else grid) ^ mask
        turned.append(np.packbits(seen.reshape(flat.shape)[..., ::-1], axis=-1))
    return np.stack(turned)


def distance(ones: Hash, others: Hash) -> NDArray[np.uint16]:
    """How many of the 256 bits differ; unrelated pictures lie near 128. Broadcasts."""
    words = np.bitwise_xor(ones.view(np.uint64), others.view(np.uint64))
    counts: NDArray[np.uint16] = np.bitwise_count(words).sum(axis=-1, dtype=np.uint16)
    return counts


@lru_cache(maxsize=64)
def _tent(length: int) -> Plane:
    """(64, length): two running means, taken at the 64 centres."""
    if length == _SIDE:
        return np.eye(_SIDE, dtype=np.float32)
    window = -(-length // (2 * _SIDE))
    position = np.arange(length)
    end = position[:, None] + (window + 2) // 2
    inside = (position < end) & (position >= end - window)
    mean = inside / inside.sum(axis=1, keepdims=True)
    centres = ((np.arange(_SIDE) + 0.5) * length / _SIDE).astype(int)
    tent: Plane = (mean[centres] @ mean).astype(np.float32)
    return tent


@lru_cache(maxsize=1)
def _cosines() -> Plane:
    frequency = np.arange(1, KEPT + 1)[:, None]
    phase = np.pi / (2 * _SIDE) * frequency * (2 * np.arange(_SIDE) + 1)
    waves: Plane = (np.sqrt(2 / _SIDE) * np.cos(phase)).astype(np.float32)
    return waves
