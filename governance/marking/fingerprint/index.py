"""Finds the clips that a fingerprint resembles, among a million.

Some moments of the question are looked up under every cut and turn, others under the likely ones.
The clips that have something near are then compared moment by moment, in order. A match is a
candidate, never proof: sibling drafts resemble each other, too.

A wrong candidate is worse than none, and a picture is asked about in hundreds of ways, so three
rules keep strangers out. Hashes with little variety (a lone box or line on blank paper) are no
evidence: of the wrong candidates nine in ten came from them, of the right ones none. The score
counts moments of both sides: a stored one can't answer for many. And under a cut or a turn one
moment alone must be much nearer than two that differ, as so many more ways were tried.
"""

import threading
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from governance.marking.fingerprint import pdq
from governance.marking.fingerprint.fingerprint import Fingerprint, Hashes, Kind
from governance.marking.fingerprint.multi_index import Segment, merged, segment

# At most so many of the 256 bits differ in two hashes of the same moment. Unrelated pictures lie
# near 128; the nearest of all cuts and turns of one near 104, at one in a thousand nearer than 86.
THRESHOLDS: dict[Kind, int] = {"picture": 72, "sound": 72}
# What a single moment must reach under a cut or a turn. Among 10,000 clips all wrong candidates
# that rested on one moment lay at 60 or more, and none rested on two.
_ALONE = 54
_DIFFERENT = 40  # bits between two moments that are evidence apart
MIN_VARIETY = 50  # see `pdq.variety`
# The least share of the moments that must be near, in order, to name a clip.
MIN_SCORE = 0.3
MAX_COMPARED = 100  # clips compared moment by moment for one question
# The ways to turn a picture that are asked about with every cut, and those with the likely ones.
_UPRIGHT, _MIRRORED = 0, 2
_ORIENTATIONS = (
    "upright",
    "upside_down_mirrored",
    "mirrored",
    "turned_180",
    "transposed",
    "turned_90",
    "turned_270",
    "transversed",
)
_LIKELY = 8  # so many first views of a moment are the likely cuts
# How many moments are looked up, at least; how many of them under every cut; of a sound.
_MOMENTS, _THOROUGH, _SOUNDS = 12, 2, 1024
_PAIRS = 500_000  # moments of the question times moments of a clip, compared at once
_BATCH = 5000  # clips; their arrays are joined before more are read
_TICK = 1000  # milliseconds: moments closer together count once


@dataclass(frozen=True)
class Match:
    """key: as added; score: share of the moments that are near, in order, up to 1.

    distance: mean number of differing bits of the stored moments that are near; geometry: how the
    copy was turned (`turned_90` is clockwise) and whether it was cut.
    """

    key: int
    score: float
    distance: float
    geometry: tuple[tuple[str, str], ...]


class _Probes(NamedTuple):
    """What is looked up: (p, 32), and for each its moment, orientation and view."""

    hashes: Hashes
    moments: NDArray[np.intp]
    orientations: NDArray[np.intp]
    views: NDArray[np.intp]


class FingerprintIndex:
    """Safe for any number of threads; a search sees what was added before it began."""

    def __init__(self) -> None:
        self._segments: dict[Kind, tuple[Segment, ...]] = {"picture": (), "sound": ()}
        self._lock = threading.Lock()

    def add(self, key: int, fingerprint: Fingerprint) -> None:
        self.add_all([(key, fingerprint)])

    def add_all(self, clips: Iterable[tuple[int, Fingerprint]]) -> None:
        """Much faster than one by one. Fingerprints without any moment can't be found."""
        with self._lock:
            parts: dict[Kind, list[Segment]] = {kind: [] for kind in self._segments}
            remaining = iter(clips)
            while batch := tuple(islice(remaining, _BATCH)):
                for kind, made in parts.items():
                    held = ((key, _telling(clip)) for key, clip in batch if clip.kind == kind)
                    mine = [(key, clip) for key, clip in held if len(clip)]
                    made += [segment(mine)] if mine else []
            for kind, made in parts.items():
                if made:
                    self._segments[kind] = _grown(self._segments[kind], merged(made))

    def search(self, fingerprint: Fingerprint, limit: int = 20) -> tuple[Match, ...]:
        """The clips that the file may be, best first."""
        asked, views = _asked(fingerprint)
        if not len(asked):
            return ()
        probes = _probes(fingerprint.kind, views)
        threshold = THRESHOLDS[fingerprint.kind]
        matches = [
            match
            for held in self._segments[fingerprint.kind]
            for match in _search(held, probes, asked, views, threshold)
        ]
        return tuple(sorted(matches, key=_rank)[:limit])


def _rank(match: Match) -> tuple[float, bool, int]:
    """Many moments that are near before few that are nearer; then the plainer way of looking."""
    likeness = match.score * (pdq.BITS / 2 - match.distance)
    return -likeness, match.geometry != _geometry(_UPRIGHT, 0), match.key


def _geometry(turn: int, view: int) -> tuple[tuple[str, str], ...]:
    return ("orientation", _ORIENTATIONS[turn]), ("cut", "yes" if view else "no")


def _telling(fingerprint: Fingerprint) -> Fingerprint:
    """Without the moments of a picture that have too little variety."""
    if fingerprint.kind == "sound":
        return fingerprint
    kept = pdq.variety(fingerprint.hashes) >= MIN_VARIETY
    return replace(
        fingerprint,
        milliseconds=fingerprint.milliseconds[kept],
        hashes=fingerprint.hashes[kept],
    )


def _grown(held: tuple[Segment, ...], added: Segment) -> tuple[Segment, ...]:
    """Every segment stays at least twice as long as the next, so that there are few of them."""
    while held and len(held[-1].hashes) < 2 * len(added.hashes):
        held, added = held[:-1], merged([held[-1], added])
    added.tables, added.owners  # noqa: B018  made now, not by the first search
    return (*held, added)


def _asked(fingerprint: Fingerprint) -> tuple[NDArray[np.uint32], Hashes]:
    if len(fingerprint.asked):
        return fingerprint.asked, fingerprint.views
    return fingerprint.milliseconds, fingerprint.hashes[:, None]


def _probes(kind: Kind, views: Hashes) -> _Probes:
    if kind == "sound":  # neither turned nor cut, so more of its moments can be looked up
        chosen = np.unique(np.linspace(0, len(views) - 1, _SOUNDS).astype(np.intp))
        return _listed(views[None, chosen], chosen, np.array([_UPRIGHT]))
    chosen = _stillest(views[:, 0], max(_MOMENTS, len(views) // 4))
    both = np.array([_UPRIGHT, _MIRRORED])
    rest = np.setdiff1d(np.arange(len(_ORIENTATIONS)), both)
    some, others = chosen[:_THOROUGH], chosen[_THOROUGH:]
    every, likely = pdq.dihedral(views[some]), pdq.dihedral(views[chosen, :_LIKELY])
    parts: tuple[tuple[NDArray[Any], ...], ...] = (
        _listed(every[both], some, both),
        _listed(likely[rest, :_THOROUGH], some, rest),
        _listed(likely[both, _THOROUGH:], others, both),
    )
    hashes, *places = (np.concatenate(column) for column in zip(*parts, strict=True))
    telling = pdq.variety(hashes) >= MIN_VARIETY
    return _Probes(hashes[telling], *(place[telling] for place in places))


def _listed(hashes: Hashes, moments: NDArray[np.intp], orientations: NDArray[np.intp]) -> _Probes:
    """Of (orientations, moments, views, 32)."""
    turn, moment, view = (at.ravel() for at in np.indices(hashes.shape[:3]))
    flat = hashes.reshape(-1, pdq.HASH_BYTES)
    return _Probes(flat, moments[moment], orientations[turn], view)


def _stillest(hashes: Hashes, count: int) -> NDArray[np.intp]:
    """Of each part of the film the moment that differs least from its neighbours, stillest first.

    Moments of a copy lie between those that are stored; where little moves, that matters little.
    """
    steps = pdq.distance(hashes[1:], hashes[:-1])
    unrest = np.maximum(np.append(steps, 0), np.append(0, steps))
    parts = np.array_split(np.arange(len(hashes)), min(count, len(hashes)))
    chosen = np.array([part[unrest[part].argmin()] for part in parts], np.intp)
    ordered: NDArray[np.intp] = chosen[unrest[chosen].argsort(kind="stable")]
    return ordered


def _search(
    held: Segment, probes: _Probes, asked: NDArray[np.uint32], views: Hashes, threshold: int
) -> list[Match]:
    rows, hits, distances = held.near(probes.hashes, threshold)
    clips = held.owners[rows]
    changed = (probes.orientations > 0).astype(np.intp) + (probes.views > 0)
    order = np.lexsort((changed[hits], distances, clips))
    best = order[np.unique(clips[order], return_index=True)[1]]
    # Each clip and each moment of the question that has something near in it, once.
    pairs = np.unique(clips.astype(np.int64) * len(asked) + probes.moments[hits])
    support = np.unique(pairs // len(asked), return_counts=True)[1]
    best = best[np.lexsort((distances[best], -support))][:MAX_COMPARED]
    turned: dict[int, Hashes] = {}
    matches = []
    for at in best:
        turn, view = int(probes.orientations[hits[at]]), int(probes.views[hits[at]])
        if view not in turned:
            turned[view] = pdq.dihedral(views[:, view])
        alone = _ALONE if turn or view else threshold
        seen = turned[view][turn]
        score, distance = _compare(held, int(clips[at]), asked, seen, threshold, alone)
        if score >= MIN_SCORE:
            matches.append(Match(int(held.keys[clips[at]]), score, distance, _geometry(turn, view)))
    return matches


def _compare(
    held: Segment,
    clip: int,
    asked: NDArray[np.uint32],
    seen: Hashes,
    threshold: int,
    alone: int,
) -> tuple[float, float]:
    """Share of the moments that are near, in order; and how far those are, on average.

    alone: what the nearest must reach if no other that differs from it is near.
    """
    rows = slice(held.starts[clip], held.starts[clip + 1])
    step = 1 + len(asked) * (rows.stop - rows.start) // _PAIRS
    asked, seen = asked[::step], seen[::step]
    distances = pdq.distance(seen[:, None], held.hashes[None, rows])
    nearest, least = distances.argmin(axis=1), distances.min(axis=1)
    near = np.flatnonzero(least <= threshold)
    near = near[_in_order(nearest[near].tolist())]
    ticks = np.unique(asked // _TICK)
    own = np.unique(held.milliseconds[rows] // _TICK)
    every = float(np.median(np.diff(ticks))) if len(ticks) > 1 else 1.0
    expected = max(1, min(len(ticks), round(len(own) / every)))
    if not len(near):
        return 0.0, 256.0
    answers = distances[near].min(axis=0)  # of every stored moment
    answered = held.hashes[rows][answers <= threshold]
    answers = answers[answers <= threshold]
    if answers.min() > alone and pdq.distance(answered[0], answered).max() < _DIFFERENT:
        return 0.0, 256.0
    found = min(len(np.unique(asked[near] // _TICK)), len(answers))
    return min(1.0, found / expected), float(answers.mean())


def _in_order(values: list[int]) -> list[int]:
    """Places of a longest subsequence that never falls: order matters; speed and trims don't."""
    ends: list[int] = []
    tails: list[int] = []
    before: list[int] = []
    for place, value in enumerate(values):
        length = bisect_right(ends, value)
        before.append(tails[length - 1] if length else -1)
        ends[length : length + 1] = [value]
        tails[length : length + 1] = [place]
    chain = [tails[-1]] if tails else []
    while chain and before[chain[-1]] >= 0:
        chain.append(before[chain[-1]])
    return chain[::-1]
