"""Where the pattern lies in a picture, and what it says there.

Under a pose every harmonic lies at a known frequency of the picture's spectrum; the sync harmonics,
turned back by their phases, then add up at the tile's shift. A grid over all poses, with the
coarser harmonics, is followed by a climb with all of them. No pose is refused for a weak sync:
whether a mark is there, only the word decides.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from governance.marking.watermark import code, pose
from governance.marking.watermark.pose import Grid, Pose
from governance.marking.watermark.reading import Candidate
from governance.marking.watermark.spectrum import Spectrum
from governance.marking.watermark.tile import PILOT, STRIDE, SYNC, Complexes, Floats, Tile

COARSE_RADIUS = 30.5
SHIFTS = 24  # per side of the tile
# Log scales and radians of one step, and how many poses go on.
CLIMB = (
    ((0.005, 0.01, 0.005), 32),
    ((0.0025, 0.005, 0.0025), 6),
    ((0.00125, 0.0025, 0.00125), 6),
    ((0.00125, 0.0025, 0.00125), 6),
)
KEPT_COARSE = 160
SURE = 14.0  # sync of a copy that kept its size; periodic textures reach 10
TILES_KEPT = 2  # of the STRIDE² that one may look at
ROWS = 2048  # poses tried at a time
FINEST = 0.48  # cycles per pixel of what can be seen
BANDS = (14, 19, 24, 30, 38)  # radii between which the mark is taken to fade evenly
LEAST_LEFT = 0.1

NEAR = np.stack(np.meshgrid(*[np.arange(-3, 4) / 96] * 2, indexing="ij"), -1).reshape(-1, 2)
TILES = np.stack(np.divmod(np.arange(STRIDE**2), STRIDE), axis=1)

Numbers = NDArray[np.int64]


def search(picture: Spectrum, pattern: Tile) -> tuple[Candidate, ...]:
    """The candidates of the best few poses, those with the best sync first.

    Most copies kept their size: where the sync leaves no doubt of that, nothing else is tried.
    """
    sync = pattern.places(SYNC)
    poses = _climbed(picture, pattern, _ranked(picture, pattern, sync, pose.unchanged()))
    if poses[0].fit < SURE:
        coarse = sync[pattern.radii[sync] <= COARSE_RADIUS]
        poses += _ranked(picture, pattern, coarse, pose.everything())
        poses = _climbed(picture, pattern, poses)
    return tuple(candidate for found in poses for candidate in _candidates(picture, pattern, found))


def _climbed(picture: Spectrum, pattern: Tile, poses: list[Pose]) -> list[Pose]:
    """From each to the best pose close by; best first."""
    for steps, kept in CLIMB:
        poses = _distinct([_better(picture, pattern, found, steps) for found in poses])[:kept]
    return poses


def _values(picture: Spectrum, pattern: Tile, which: Numbers, grid: Grid) -> Complexes:
    """(rows of grid, harmonics): the spectrum there, turned back by the phases."""
    matrices = pose.frequencies(grid, picture.side)
    places = (matrices.reshape(-1, 2) @ pattern.harmonics[which].T).reshape(len(grid), 2, -1)
    height, width = picture.values.shape
    across = np.rint(places[:, 0] * width).astype(np.int64) % width
    down = np.rint(places[:, 1] * height).astype(np.int64) % height
    seen = (np.abs(places) < FINEST).all(axis=1)
    values: Complexes = picture.values[down, across] * np.conj(pattern.phases[which]) * seen
    return values


def _ranked(picture: Spectrum, pattern: Tile, which: Numbers, grid: Grid) -> list[Pose]:
    """The rows of the grid at their best shifts, best first; at most KEPT_COARSE."""
    waves = _waves(pattern.harmonics[which].tobytes())
    fits, shifts = np.empty(len(grid), np.float32), np.empty(len(grid), np.int64)
    for start in range(0, len(grid), ROWS):
        rows = slice(start, start + ROWS)
        values = _values(picture, pattern, which, grid[rows])
        surface = np.hstack([values.real, values.imag]) @ waves
        shifts[rows], fits[rows] = surface.argmax(1), surface.max(1)
    fits *= np.sqrt(2 / len(which))
    down, across = np.divmod(shifts, SHIFTS)
    return [
        pose.from_row(grid[at]).shifted(across[at] / SHIFTS, down[at] / SHIFTS, float(fits[at]))
        for at in np.argsort(-fits)[:KEPT_COARSE]
    ]


@lru_cache(maxsize=8)
def _waves(harmonics: bytes) -> Floats:
    """(2 harmonics, SHIFTS²): to turn real, then imaginary parts to every coarse shift."""
    numbers = np.frombuffer(harmonics, np.int64).reshape(-1, 2)
    down, across = np.divmod(np.arange(SHIFTS**2), SHIFTS)
    angle = _angle(numbers, np.stack([across, down], 1) / SHIFTS)
    return np.vstack([np.cos(angle), np.sin(angle)]).astype(np.float32)


def _angle(harmonics: Numbers, shifts: Grid) -> Grid:
    """(harmonics, shifts) in radians; shifts in tiles."""
    angle: Grid = 2 * np.pi / STRIDE * harmonics @ shifts.T
    return angle


def _distinct(poses: list[Pose]) -> list[Pose]:
    """Best first, without those that ended at the same place."""
    distinct: list[Pose] = []
    for found in sorted(poses, key=lambda found: -found.fit):
        if not any(found.near(other) for other in distinct):
            distinct.append(found)
    return distinct


def _better(picture: Spectrum, pattern: Tile, found: Pose, steps: tuple[float, ...]) -> Pose:
    """The best of 27 neighbouring poses and 49 neighbouring shifts."""
    sync = pattern.places(SYNC)
    grid, shifts = found.grid(steps), np.add(NEAR, (found.shift_x, found.shift_y))
    values = _values(picture, pattern, sync, grid)
    angle = _angle(pattern.harmonics[sync], shifts)
    fits = values.real @ np.cos(angle) + values.imag @ np.sin(angle)
    row, shift = np.unravel_index(int(fits.argmax()), fits.shape)
    fit = float(fits[row, shift] * np.sqrt(2 / len(sync)))
    across, down = shifts[shift]
    return pose.from_row(grid[row]).shifted(float(across), float(down), fit)


def _candidates(picture: Spectrum, pattern: Tile, found: Pose) -> list[Candidate]:
    """The words of the likeliest of the STRIDE² tiles; the pilots tell which these are."""
    every = np.arange(len(pattern.roles))
    values = _values(picture, pattern, every, found.grid())[0]
    tiles = np.add(TILES, (found.shift_x, found.shift_y))
    angle = _angle(pattern.harmonics, tiles)
    level = values.real[:, None] * np.cos(angle) + values.imag[:, None] * np.sin(angle)
    level *= _left(pattern, level[:, 0])[:, None]
    carrying = np.flatnonzero(pattern.roles >= 0)
    told = level[pattern.places(PILOT)].sum(axis=0)
    words = [
        np.bincount(pattern.roles[carrying], level[carrying, at], code.BITS)
        for at in np.argsort(-told)[:TILES_KEPT]
    ]
    return [Candidate(word.astype(np.float32), found.fit, found.facts()) for word in words]


def _left(pattern: Tile, level: Grid) -> Grid:
    """How much of the mark is left at each harmonic: the sync of about that radius tells."""
    sync = pattern.places(SYNC)
    bands = np.digitize(pattern.radii, BANDS)
    counts = np.bincount(bands[sync], minlength=len(BANDS) + 1)
    left = np.bincount(bands[sync], level[sync], len(BANDS) + 1) / counts
    return np.maximum(left, LEAST_LEFT)[bands]
