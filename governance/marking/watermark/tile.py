"""The pattern in the picture: the same in every frame, and as large as the picture.

Lengths are in shorter sides of the picture, so the pattern scales with it. Its spectrum is a set of
harmonics k = (x, y), in cycles per shorter side, each with a secret phase:

- *sync*: multiples of STRIDE, the same in every file. They repeat as a tile, STRIDE times per
  shorter side, so that scale, turn, flip and shift are found in a small search;
- *pilots*: the same in every file; they tell which of the STRIDE² tiles one looks at;
- all others carry the bits of the code, whose signs turn them over or not. There are about 12
  for every bit, coarse and fine ones, and a bit is as safe as the next.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from governance.marking.watermark import code
from governance.marking.watermark.keys import stream

STRIDE = 3
INNER, OUTER = 11.0, 48.0  # radii of the band, cycles per shorter side
SYNC_SLOPE = -1.5  # of the amplitude over the radius
SYNC, PILOT = -1, -2
PILOT_OF = 10  # one of ten is a pilot
FINEST = 0.42  # cycles per pixel: what is finer is not drawn

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]


@dataclass(frozen=True)
class Profile:
    """slope: of the amplitude of pilots and bits over the radius; sync: its share of the energy."""

    slope: float
    sync: float


# Coarse harmonics survive hard compression of video; fine ones stand out from a single picture,
# where the sync has no other frames to help.
VIDEO = Profile(-1.5, 0.33)
IMAGE = Profile(-0.25, 0.5)


@dataclass(frozen=True)
class Tile:
    """harmonics: (n, 2) whole numbers x, y of one half plane, by radius; phases: (n,) unit complex;
    roles: (n,) the code bit of each harmonic, or SYNC, or PILOT."""

    harmonics: NDArray[np.int64]
    phases: Complexes
    roles: NDArray[np.int64]
    radii: NDArray[np.float64]

    def places(self, role: int) -> NDArray[np.int64]:
        return np.flatnonzero(self.roles == role)


@lru_cache(maxsize=4)
def tile(seed: bytes) -> Tile:
    """The tile of a key's pattern (32 bytes)."""
    harmonics = _half_plane()
    turns = np.frombuffer(stream(seed, "phases", 4 * len(harmonics)), "<u4") / 2.0**32
    phases = np.exp(2j * np.pi * turns).astype(np.complex64)
    roles = _roles(seed, harmonics)
    return Tile(harmonics, phases, roles, np.hypot(harmonics[:, 0], harmonics[:, 1]))


def render(
    pattern: Tile, word: NDArray[np.int8], width: int, height: int, profile: Profile
) -> Floats:
    """The pattern (height, width) that carries a code word: mean square 1, or 0 if too small."""
    side = min(width, height)
    drawable = pattern.radii / side <= FINEST
    sync = drawable & (pattern.roles == SYNC)
    rest = drawable & (pattern.roles != SYNC)
    amplitude = np.zeros(len(pattern.radii))
    shares = (sync, SYNC_SLOPE, profile.sync), (rest, profile.slope, 1 - profile.sync)
    for part, slope, share in shares:
        levels = pattern.radii[part] ** slope
        amplitude[part] = levels * np.sqrt(2 * share / max(1e-12, np.sum(levels**2)))
    signs = np.where(pattern.roles < 0, 1, word[pattern.roles])
    reach = int(OUTER)
    grid = np.zeros((reach + 1, 2 * reach + 1), np.complex64)
    down, across = pattern.harmonics[:, 1], pattern.harmonics[:, 0] + reach
    grid[down, across] = signs * amplitude * pattern.phases
    along = grid @ _waves(np.arange(-reach, reach + 1), width, side)
    up = _waves(np.arange(reach + 1), height, side).T
    drawn: Floats = up.real.copy() @ along.real - up.imag.copy() @ along.imag
    return drawn


def _waves(cycles: NDArray[np.int64], length: int, side: int) -> Complexes:
    places = np.arange(length) - (length - 1) / 2
    return np.exp(2j * np.pi / side * np.outer(cycles, places)).astype(np.complex64)


def _half_plane() -> NDArray[np.int64]:
    reach = int(OUTER)
    y, x = np.mgrid[0 : reach + 1, -reach : reach + 1]
    radius = np.hypot(x, y)
    chosen = (radius >= INNER) & (radius <= OUTER) & ((y > 0) | (x > 0))
    order = np.argsort(radius[chosen], kind="stable")
    return np.stack([x[chosen], y[chosen]], axis=1)[order]


def _roles(seed: bytes, harmonics: NDArray[np.int64]) -> NDArray[np.int64]:
    """Dealt out by radius, so that every bit and the pilots have coarse and fine harmonics."""
    roles = np.full(len(harmonics), SYNC, np.int64)
    free = np.flatnonzero((harmonics % STRIDE).any(axis=1))
    draws = np.frombuffer(stream(seed, "roles", 8 * len(free)), "<u8")
    hands = code.BITS * PILOT_OF // (PILOT_OF - 1)
    place = np.arange(len(free))
    dealt = free[np.lexsort((draws, place // hands))]
    role = place % hands
    roles[dealt] = np.where(role < code.BITS, role, PILOT)
    return roles
