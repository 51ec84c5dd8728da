"""How a copy lies to the picture that was marked: scale, aspect, turn and flip; and all guesses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

# The coarse grid in log scales and radians: a pose between two steps still shows.
STEP_X, STEP_Y, STEP_TURN = 0.0125, 0.025, 0.0125
SCALES = (0.53, 1.85)  # letterboxed upright, to cut upright: 16:9 against 9:16
ASPECTS = (0.66, 1.5)
TURNED_ASPECTS = (1.0, 0.75, 4 / 3)
MOST_TURN = 0.09
FLIPS = ((1, 1), (-1, 1), (1, -1), (-1, -1))
TURNED_FLIPS = FLIPS[:2]

Grid = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """Natural logarithms of both scales, turn in radians, signs of the axes (-1: flipped).

    shift_x, shift_y: of the pattern, in tiles of sync; fit: standard deviations above noise.
    """

    scale_x: float
    scale_y: float
    turn: float
    sign_x: int
    sign_y: int
    shift_x: float = 0.0
    shift_y: float = 0.0
    fit: float = 0.0

    def near(self, other: "Pose") -> bool:
        """So close that both tell the same."""
        return (
            (self.sign_x, self.sign_y) == (other.sign_x, other.sign_y)
            and abs(self.scale_x - other.scale_x) < 0.004
            and abs(self.scale_y - other.scale_y) < 0.008
            and abs(self.turn - other.turn) < 0.004
        )

    def grid(self, steps: Sequence[float] = (0, 0, 0)) -> Grid:
        """This pose, or with steps its 27 neighbours, as rows of a grid."""
        offsets = _NEIGHBOURS * steps if any(steps) else np.zeros((1, 3))
        poses = np.add(offsets, (self.scale_x, self.scale_y, self.turn))
        return _flipped(poses, [(self.sign_x, self.sign_y)])

    def shifted(self, across: float, down: float, fit: float) -> "Pose":
        return replace(self, shift_x=across, shift_y=down, fit=fit)

    def facts(self) -> tuple[tuple[str, str], ...]:
        """For people: as the copy was scaled, turned and flipped."""
        flips = dict(zip(FLIPS, ("none", "horizontal", "vertical", "both"), strict=True))
        return (
            ("scale", f"{np.exp(self.scale_x):.3f} x {np.exp(self.scale_y):.3f}"),
            ("turn", f"{np.degrees(self.turn):.2f}"),
            ("flip", flips[self.sign_x, self.sign_y]),
        )


_NEIGHBOURS = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3, indexing="ij"), -1).reshape(-1, 3)


def from_row(row: Grid) -> Pose:
    return Pose(float(row[0]), float(row[1]), float(row[2]), int(row[3]), int(row[4]))


def frequencies(grid: Grid, side: int) -> Grid:
    """(n, 2, 2): from a harmonic to cycles per pixel of a picture with that shorter side."""
    x = grid[:, 3] * np.exp(-grid[:, 0]) / side
    y = grid[:, 4] * np.exp(-grid[:, 1]) / side
    cosine, sine = np.cos(grid[:, 2]), np.sin(grid[:, 2])
    return np.stack([np.stack([cosine * x, -sine * y], 1), np.stack([sine * x, cosine * y], 1)], 1)


@cache
def everything() -> Grid:
    """Rows (log x, log y, turn, sign x, sign y): straight in all aspects, turned in a few."""
    low, high = np.log(SCALES)
    x = np.arange(round(low / STEP_X), round(high / STEP_X) + 1) * STEP_X
    y = np.arange(round(low / STEP_Y), round(high / STEP_Y) + 1) * STEP_Y
    straight = np.stack(np.meshgrid(x, y, [0.0], indexing="ij"), -1).reshape(-1, 3)
    aspect = straight[:, 0] - straight[:, 1]
    straight = straight[(aspect > np.log(ASPECTS[0])) & (aspect < np.log(ASPECTS[1]))]
    turns = np.arange(-round(MOST_TURN / STEP_TURN), round(MOST_TURN / STEP_TURN) + 1) * STEP_TURN
    wider, scale, turn = np.meshgrid(np.log(TURNED_ASPECTS), x, turns[turns != 0], indexing="ij")
    turned = np.stack([scale + wider, scale, turn], -1).reshape(-1, 3)
    return np.vstack([_flipped(straight, FLIPS), _flipped(turned, TURNED_FLIPS)])


def unchanged() -> Grid:
    """The poses of a copy that was at most flipped: always looked at closely."""
    return _flipped(np.zeros((1, 3)), FLIPS)


def _flipped(poses: Grid, flips: Sequence[tuple[int, int]]) -> Grid:
    signs = np.tile(np.array(flips, np.float64), (len(poses), 1))
    return np.hstack([np.repeat(poses, len(flips), 0), signs])
