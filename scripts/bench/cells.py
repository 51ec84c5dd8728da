"""One cell of the table: a marked file, one change, and what each layer still finds.

An answer is `right`, `wrong` (another record: an error) or `none`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from product import (
    DUTIES,
    ORGANISATION,
    SOUND_DUTIES,
    context,
    keys,
    record_id,
    watermark_id,
)
from strangers import ORGANISATIONS
from subjects import Subject

from governance.marking.credentials.authority import Authority
from governance.marking.credentials.manifest_read import read_manifest
from governance.marking.decode import watch
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.index import FingerprintIndex
from governance.marking.fingerprint.picture import PictureFingerprinter
from governance.marking.probe import inspect
from governance.marking.sound import read_sound
from governance.marking.watermark import code
from governance.marking.watermark.picture import PictureReader, PictureWatermark
from governance.marking.watermark.reading import Found, Reading, decode_blind, identify, word
from governance.marking.write import mark

LAYERS = ("c2pa", "watermark", "blind", "fingerprint", "together")


@dataclass(frozen=True)
class Crowd:
    """Everything that was ever released, the marked files and the strangers.

    issued: organisation → ids; owners: of every key of the index, the subject or a stranger.
    """

    issued: Mapping[str, NDArray[np.uint64]]
    index: FingerprintIndex
    owners: Sequence[str]
    authority: Authority


@dataclass(frozen=True)
class Cell:
    """bits: share of the 240 code bits that are right (0.5: chance); z: correlation of the right
    word; answers: layer → right, wrong or none."""

    medium: str
    name: str
    change: str
    bits: float
    z: float
    geometry: str
    answers: dict[str, str]


def mark_file(subject: str, source: Path, target: Path, authority: Authority) -> Fingerprint:
    """Through the product's own door, with every layer; the fingerprint as it is registered."""
    asset = inspect(source)
    duties = SOUND_DUTIES if asset.media_type.startswith("audio/") else DUTIES
    marked = mark(asset, target, duties, context(subject, authority))
    written = {found.kind for found in marked.marks if found.state == "present"}
    if missing := {"c2pa", "watermark"} - written:
        raise RuntimeError(f"{subject}: {', '.join(sorted(missing))} was not written.")
    return marked.fingerprint


def watermark(subject: str, width: int, height: int) -> PictureWatermark:
    """The watermark of a file, and nothing else."""
    return PictureWatermark(keys(), ORGANISATION, watermark_id(subject), width, height)


def ask(subject: Subject, change: str, changed: Path, media_type: str, crowd: Crowd) -> Cell:
    """Ask every layer about a changed copy."""
    reading, fingerprint = _look(changed, media_type)
    answers = {
        "c2pa": _by_manifest(changed, media_type, subject.id, crowd),
        "watermark": _by_watermark(identify(reading, keys(), crowd.issued), subject.id),
        "blind": _by_watermark(decode_blind(reading, keys(), ORGANISATIONS), subject.id),
        "fingerprint": _by_fingerprint(fingerprint, subject.id, crowd),
    }
    # The order of proof: a manifest that verifies, a watermark, and last a candidate.
    given = [answer for answer in answers.values() if answer != "none"]
    answers["together"] = given[0] if given else "none"
    bits, z, geometry = _best(reading, subject.id)
    return Cell(subject.medium, subject.name, change, bits, z, geometry, answers)


def _look(path: Path, media_type: str) -> tuple[Reading, Fingerprint | None]:
    if media_type.startswith("audio/"):
        heard = read_sound(path, keys=keys())
        return heard.watermark or Reading(), heard.fingerprint
    reader, fingerprinter = PictureReader(keys()), PictureFingerprinter()
    watch(path, media_type, (reader, fingerprinter))
    return reader.reading(), fingerprinter.finish()


def _by_manifest(path: Path, media_type: str, subject: str, crowd: Crowd) -> str:
    found = read_manifest(path, media_type, crowd.authority.trust)
    named = dict(found.facts).get("record_id", "")
    if found.state != "present" or not named:
        return "none"
    return "right" if named == record_id(subject) else "wrong"


def _by_watermark(found: Found | None, subject: str) -> str:
    if found is None:
        return "none"
    return "right" if found.watermark_id == watermark_id(subject) else "wrong"


def _by_fingerprint(fingerprint: Fingerprint | None, subject: str, crowd: Crowd) -> str:
    """The best candidate, if any reaches the index's fixed threshold."""
    matches = crowd.index.search(fingerprint, limit=1) if fingerprint else ()
    if not matches:
        return "none"
    return "right" if crowd.owners[matches[0].key] == subject else "wrong"


def _best(reading: Reading, subject: str) -> tuple[float, float, str]:
    """Bits and z of the candidate that fits the right word best, and its geometry."""
    if not reading.candidates:
        return 0.5, 0.0, ""
    right = word(keys(), ORGANISATION, watermark_id(subject))
    soft = np.stack([candidate.soft for candidate in reading.candidates])
    fits = code.correlation(soft, right[None])[0]
    best = int(fits.argmax())
    bits = float(np.mean((soft[best] > 0) == (right > 0)))
    geometry = " ".join(f"{name}={value}" for name, value in reading.candidates[best].geometry)
    return bits, float(fits[best]), geometry
