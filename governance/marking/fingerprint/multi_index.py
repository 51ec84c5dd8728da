"""Rows of 256 bits that are near to a given one, found without looking at all of them.

Norouzi, Punjani, Fleet, “Fast search in Hamming space with multi-index hashing” (CVPR 2012): a hash
is cut into words; hashes that are near share a word, or all but one bit of it. For each word there
is a table from its value to the rows that have it; what the tables name is compared in full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from governance.marking.fingerprint.fingerprint import HASH_BYTES, Fingerprint, Hashes, Times
from governance.marking.fingerprint.pdq import KEPT

# Eight words of up to 20 bits, dealt from the 160 bits of the lowest frequencies: those change
# least when a picture is moved or cut.
_WORDS, _WORD_BITS = 8, 20
_LOW_FIRST = sorted(
    range(KEPT**2), key=lambda bit: (max(divmod(bit, KEPT)), sum(divmod(bit, KEPT)))
)
_BITS_OF = np.array([_LOW_FIRST[word : _WORDS * _WORD_BITS : _WORDS] for word in range(_WORDS)])
_POWERS = 1 << np.arange(_WORD_BITS, dtype=np.uint32)
MAX_BUCKET = 128  # a value that very many rows share says little about any of them
_BLOCK = 1 << 15
_DUPLICATE = 10  # a moment so near to the one before it is found with that one


class Near(NamedTuple):
    """Pairs of a row and a probe, and how many bits differ."""

    rows: NDArray[np.intp]
    probes: NDArray[np.intp]
    distances: NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Segment:
    """Clips and the rows that are their moments: clip c has those from starts[c] to starts[c + 1].

    keys: (c,); milliseconds: (n,); hashes: (n, 32). Never changed once it is made.
    """

    keys: NDArray[np.int64]
    starts: NDArray[np.int64]
    milliseconds: Times
    hashes: Hashes

    @cached_property
    def owners(self) -> NDArray[np.int32]:
        """(n,): the clip of each row."""
        return np.repeat(np.arange(len(self.keys), dtype=np.int32), np.diff(self.starts))

    @cached_property
    def tables(self) -> list[tuple[NDArray[np.int64], NDArray[np.uint32]]]:
        """For each word where the rows of a value begin, and the rows in order of their values."""
        rows = self._distinct()
        bits = min(_WORD_BITS, max(8, len(rows).bit_length() - 3))
        return [_table(values, rows, bits) for values in _values(self.hashes, rows, bits)]

    def near(self, probes: Hashes, threshold: int) -> Near:
        """Rows at most so far from one of the probes (p, 32); a pair may come more than once."""
        ones = np.unpackbits(probes, axis=-1)[:, ::-1]
        found = [
            self._near(table, ones[:, word], probes, threshold)
            for table, word in zip(self.tables, _BITS_OF, strict=True)
        ]
        return Near(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _near(
        self,
        table: tuple[NDArray[np.int64], NDArray[np.uint32]],
        ones: NDArray[np.uint8],
        probes: Hashes,
        threshold: int,
    ) -> Near:
        begins, order = table
        bits = (len(begins) - 1).bit_length() - 1
        flips = np.append(np.uint32(0), _POWERS[:bits])
        values = (ones[:, :bits] @ _POWERS[:bits])[:, None] ^ flips
        first = begins[values]
        counts = np.minimum(begins[values + 1] - first, MAX_BUCKET)
        asked = np.repeat(np.arange(len(probes)), counts.sum(axis=1))
        first, counts = first.ravel(), counts.ravel()
        before = np.cumsum(counts) - counts
        rows = order[np.repeat(first - before, counts) + np.arange(len(asked))]
        distances = _distances(self.hashes, rows, probes, asked)
        near = np.flatnonzero(distances <= threshold)
        return Near(rows[near].astype(np.intp), asked[near], distances[near])

    def _distinct(self) -> NDArray[np.uint32]:
        words = self.hashes.view(np.uint64)
        changed = np.bitwise_count(words[1:] ^ words[:-1]).sum(axis=1, dtype=np.uint16)
        is_distinct = np.ones(len(words), bool)
        is_distinct[1:] = changed > _DUPLICATE
        is_distinct[self.starts[:-1][np.diff(self.starts) > 0]] = True
        return np.flatnonzero(is_distinct).astype(np.uint32)


def segment(clips: Sequence[tuple[int, Fingerprint]]) -> Segment:
    """Of keys and fingerprints."""
    lengths = [len(fingerprint) for _, fingerprint in clips]
    return Segment(
        np.array([key for key, _ in clips], np.int64),
        np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
        np.concatenate([fingerprint.milliseconds for _, fingerprint in clips]),
        np.concatenate([fingerprint.hashes for _, fingerprint in clips]),
    )


def merged(parts: Sequence[Segment]) -> Segment:
    """One segment of all of their clips, in their order."""
    lengths = np.concatenate([np.diff(part.starts) for part in parts])
    return Segment(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate([part.milliseconds for part in parts]),
        np.concatenate([part.hashes for part in parts]),
    )


def _values(hashes: Hashes, rows: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    """(words, rows): a block at a time, which stays in the processor's cache."""
    values = np.zeros((_WORDS, len(rows)), np.uint32)
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        columns = np.ascontiguousarray(hashes.take(rows[block], axis=0).T)
        for word in range(_WORDS):
            for place, bit in enumerate(_BITS_OF[word, :bits]):
                ones = columns[HASH_BYTES - 1 - bit // 8] >> np.uint8(bit % 8) & np.uint8(1)
                values[word, block] |= ones.astype(np.uint32) << np.uint32(place)
    return values


def _table(
    values: NDArray[np.uint32], rows: NDArray[np.uint32], bits: int
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    counts = np.bincount(values, minlength=1 << bits)
    both = values.astype(np.uint64) << np.uint64(32) | rows
    both.sort()  # many times faster than to sort places by values
    return np.concatenate([[0], np.cumsum(counts)]), both.astype(np.uint32)


def _distances(
    hashes: Hashes, rows: NDArray[np.uint32], probes: Hashes, asked: NDArray[np.intp]
) -> NDArray[np.uint16]:
    # `take` is five times faster than brackets, and all these rows exist.
    words = hashes.view(np.uint64).take(rows, axis=0, mode="clip")
    words ^= probes.view(np.uint64).take(asked, axis=0, mode="clip")
    counts: NDArray[np.uint16] = np.einsum("ij->i", np.bitwise_count(words), dtype=np.uint16)
    return counts
