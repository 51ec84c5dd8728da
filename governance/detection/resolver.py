"""Which credentials belong to a soft binding, or to a file that has lost them.

The rules behind the C2PA Soft Binding Resolution API: only what this service released, has not
recalled and still stores is given back.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from governance.detection import verdict
from governance.detection.credentials import manifest_store
from governance.detection.detect import SEARCHED, detect, percent
from governance.detection.findings import Basis, Release
from governance.detection.looking import PATIENCE, Progress
from governance.detection.releases import release_of
from governance.kernel.errors import InvalidRequest, NotFound
from governance.lifecycle.context import Context
from governance.marking import registry
from governance.marking.content import WATERMARK
from governance.marking.fingerprint import picture, sound
from governance.marking.fingerprint.fingerprint import Fingerprint

FINGERPRINTS = (picture.ALGORITHM, sound.ALGORITHM)
ALGORITHMS = (WATERMARK, *FINGERPRINTS)
_HEX = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Match:
    """manifest: the URN of an active manifest; score: 0 to 100, 100 for all but fingerprints."""

    manifest: str
    score: int


def by_binding(context: Context, alg: str, value: str) -> list[Match]:
    """Best first. value: base64; of a watermark the id, as 8 bytes or as hexadecimal text.

    Raises InvalidRequest (`algorithm_unknown`, `binding_invalid`).
    """
    require_known(alg)
    if alg == WATERMARK:
        watermark_id = _watermark_id(value)
        with context.database.read() as session:
            carrier = registry.by_watermark(session, watermark_id)
            scores = {carrier.generation: 100} if carrier else {}
            return _given(session, context, scores)
    alike = context.marks.search(_fingerprint(value), SEARCHED)
    with context.database.read() as session:
        return _given(session, context, {one.generation: percent(one) for one in alike})


def by_content(context: Context, path: Path, alg: str | None, progress: Progress) -> list[Match]:
    """Best first. alg: the only binding to go by, None for all.

    Raises as `by_binding` and `detect` do.
    """
    if alg is not None:
        require_known(alg)
    wanted: set[Basis] = {"digest", "metadata", "watermark"}
    if alg is not None:
        wanted = {"watermark"} if alg == WATERMARK else set()
    found = detect(context, path, progress, PATIENCE)
    scores = {release.generation: 100 for release in found.releases if wanted & {*release.basis}}
    if alg != WATERMARK:
        scores |= {one.release.generation: one.score for one in found.candidates}
    with context.database.read() as session:
        return _given(session, context, scores)


def manifest_of(context: Context, manifest_id: str) -> bytes:
    """The manifest store whose active manifest has this URN, exactly as it was delivered.

    Raises NotFound (`manifest_not_found`, `manifest_recalled`).
    """
    missing = NotFound("manifest_not_found", "This service gives out no manifest of this name.")
    with context.database.read() as session:
        carrier = registry.by_manifest(session, manifest_id)
        release = release_of(session, carrier.generation, context.settings, ()) if carrier else None
    if release is None:
        raise missing
    if release.recalled_at:
        raise NotFound(
            "manifest_recalled",
            f"The file was recalled on {verdict.day(release.recalled_at)}; its credentials are no "
            "longer given out.",
        )
    try:
        path = context.media.path(release.generation, release.digest)
    except NotFound:
        raise missing from None
    store = manifest_store(path, release.media_type)
    if store is None:
        raise missing
    return store


def require_known(alg: str) -> None:
    """Raises InvalidRequest (`algorithm_unknown`)."""
    if alg not in ALGORITHMS:
        raise InvalidRequest(
            "algorithm_unknown", f"`alg` is one of {', '.join(ALGORITHMS)}.", param="alg"
        )


def _given(session: Session, context: Context, scores: dict[str, int]) -> list[Match]:
    """What may be given back of these generations."""
    matches = []
    for generation, score in sorted(scores.items(), key=lambda item: (-item[1], item[0])):
        release = release_of(session, generation, context.settings, ())
        carrier = registry.by_digest(session, release.digest) if release else None
        if release and carrier and carrier.manifest and _is_given(context, release):
            matches.append(Match(carrier.manifest, score))
    return matches


def _is_given(context: Context, release: Release) -> bool:
    """Not what was recalled, nor what is no longer stored."""
    try:
        context.media.path(release.generation, release.digest)
    except NotFound:
        return False
    return not release.recalled_at


def _watermark_id(value: str) -> int:
    text = value if _HEX.fullmatch(value) else ""
    if not text:
        raw = _decoded(value)
        text = raw.hex() if len(raw) == 8 else raw.decode("ascii", "replace")
    if not _HEX.fullmatch(text):
        raise _invalid()
    return int(text, 16)


def _fingerprint(value: str) -> Fingerprint:
    return Fingerprint.from_bytes(_decoded(value))


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise _invalid() from None


def _invalid() -> InvalidRequest:
    return InvalidRequest(
        "binding_invalid",
        "`value` is base64: of a watermark its id (8 bytes, or 16 hexadecimal digits), of a "
        "fingerprint its bytes.",
        param="value",
    )
