"""What is this file, and did this service release it? Reads only; nothing of the file is kept."""

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from sqlmodel import Session

from governance.detection import verdict
from governance.detection.findings import Basis, Candidate, Detection, Release, Sighting, Verdict
from governance.detection.looking import Progress, Seen, look
from governance.detection.releases import release_of
from governance.detection.sightings import sightings
from governance.domain import Asset, Mark
from governance.lifecycle.context import Context
from governance.marking import registry
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.probe import inspect
from governance.marking.watermark.reading import THRESHOLD, Found, identify

MAX_CANDIDATES = 5
RECORD_FACTS = ("record_id", "produce_id", "propagate_id")
SEARCHED = 50  # likenesses, of which most may be drafts


def detect(
    context: Context,
    path: Path,
    progress: Progress = lambda _: None,
    patience: float = math.inf,
) -> Detection:
    """Look at a file of anybody's. progress: told the share done, 0 to 1; may raise to stop;
    patience: seconds after which no more of a video is looked at.

    Raises InvalidRequest (`media_unsupported`, `media_corrupt`), TooLarge (`media_too_large`).
    """
    asset = inspect(path)
    seen = look(asset, context.watermark_keys, context.authority, progress, patience)
    issued = context.marks.ids()
    found = best(identify(reading, context.watermark_keys, issued) for reading in seen.readings)
    alike = _alike(context, seen.fingerprints)
    with context.database.read() as session:
        proven = _proven(session, asset, seen, found)
        for generation in proven.keys() & alike.keys():
            proven[generation].append("fingerprint")
            del alike[generation]
        ours = [
            release_of(session, generation, context.settings, basis)
            for generation, basis in proven.items()
        ]
        candidates = _candidates(session, context, alike)
        claimed = _claimed(session, context, seen.marks, proven)
    releases = tuple(release for release in ours if release is not None)
    told = sightings(asset, seen, found, proven, candidates)
    return Detection(
        asset=asset,
        seconds=seen.seconds,
        verdict=_judge(releases, proven, candidates, claimed, told),
        sightings=told,
        releases=releases,
        candidates=candidates,
        threshold=THRESHOLD,
        trials=_magnitude(sum(map(len, issued.values())) * _readings(seen)),
    )


def best(found: Iterable[Found | None]) -> Found | None:
    """The surest of what was read in picture and sound."""
    return max((one for one in found if one), key=lambda one: one.z, default=None)


def percent(likeness: registry.Likeness) -> int:
    """How alike, 0 to 100."""
    return round(100 * likeness.match.score)


def _readings(seen: Seen) -> int:
    return sum(len(reading.candidates) for reading in seen.readings)


def _magnitude(trials: int) -> int:
    """The next power of ten: how many files there are exactly is nobody's business."""
    return 10 ** len(str(trials - 1)) if trials > 1 else trials


def _proven(
    session: Session, asset: Asset, seen: Seen, found: Found | None
) -> dict[str, list[Basis]]:
    """The generations that the file belongs to, each with what proves it."""
    proven: dict[str, list[Basis]] = {}
    same = registry.by_digest(session, asset.digest)
    if same is not None:
        proven.setdefault(same.generation, []).append("digest")
    manifest = dict(seen.marks[0].facts).get("manifest", "")
    signed = registry.by_manifest(session, manifest) if seen.signed and manifest else None
    if signed is not None:
        proven.setdefault(signed.generation, []).append("metadata")
    carrier = registry.by_watermark(session, found.watermark_id) if found else None
    if carrier is not None:
        proven.setdefault(carrier.generation, []).append("watermark")
    return proven


def _alike(context: Context, fingerprints: Sequence[Fingerprint]) -> dict[str, int]:
    """The generations that the file resembles, with how much, 0 to 100."""
    scores: dict[str, int] = {}
    for fingerprint in fingerprints:
        for match in context.marks.search(fingerprint, SEARCHED):
            scores[match.generation] = max(percent(match), scores.get(match.generation, 0))
    return scores


def _candidates(
    session: Session, context: Context, alike: Mapping[str, int]
) -> tuple[Candidate, ...]:
    """Released files only: of drafts nobody may learn that there is one alike."""
    basis: tuple[Basis, ...] = ("fingerprint",)
    ranked = sorted(alike, key=lambda key: (-alike[key], key))
    found = (release_of(session, key, context.settings, basis) for key in ranked)
    released = (Candidate(one, alike[one.generation]) for one in found if one is not None)
    return tuple(islice(released, MAX_CANDIDATES))


def _claimed(
    session: Session, context: Context, marks: Sequence[Mark], proven: Container[str]
) -> str:
    """A released file's record that the metadata names without proof; empty if there is none."""
    for name, value in (fact for mark in marks for fact in mark.facts):
        is_named = name in RECORD_FACTS and value not in proven
        if is_named and release_of(session, value, context.settings, ()):
            return value
    return ""


def _judge(
    releases: Sequence[Release],
    proven: Mapping[str, Sequence[Basis]],
    candidates: Sequence[Candidate],
    claimed: str,
    told: Sequence[Sighting],
) -> Verdict:
    if releases:
        return verdict.identified(releases[0])
    if proven:
        return verdict.unreleased([kind for basis in proven.values() for kind in basis])
    if candidates:
        return verdict.candidate(candidates[0])
    if claimed:
        return verdict.claimed(claimed)
    return verdict.other_service(told) or verdict.nothing()
