"""What was found of each kind of mark, and of which kinds nothing can be known here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from governance.detection.findings import Basis, Candidate, Sighting, SightingKind
from governance.detection.looking import Seen
from governance.domain import Asset, Mark
from governance.marking.watermark.reading import THRESHOLD, Found

VENDORS = (
    "Marks that only a vendor can read (SynthID and others): no vendor's detector is configured."
)
VISIBLE = "A visible label is made for eyes: look at the beginning of the file."
# What the readers of metadata call a manifest's state, in words. Never `tampered`: an unknown
# signer says nothing against a file.
TRUST = {
    "Trusted": "trusted signer",
    "Valid": "untrusted signer",
    "Invalid": "does not fit the file",
}
# Of what metadata says, what helps people; `codes` say why a manifest does not hold.
TOLD = (
    *("source_type", "record_id", "record_uri", "signer", "generator", "time_stamp"),
    *("manifest", "manifests", "codes", "trust"),
    *("label", "producer", "propagator", "produce_id", "propagate_id"),
)
METADATA: tuple[Literal["c2pa", "iptc", "aigc"], ...] = ("c2pa", "iptc", "aigc")


def sightings(
    asset: Asset,
    seen: Seen,
    found: Found | None,
    proven: Mapping[str, Sequence[Basis]],
    alike: Sequence[Candidate],
) -> tuple[Sighting, ...]:
    """One of each kind, in the order of what they prove. proven: generations and their basis."""
    is_alike = any("fingerprint" in basis for basis in proven.values())
    return (
        _digest(any("digest" in basis for basis in proven.values())),
        *(_metadata(kind, mark) for kind in METADATA for mark in seen.marks if mark.kind == kind),
        _examined(asset, seen, _watermark(seen, found)),
        _examined(asset, seen, _fingerprint(seen, alike, is_alike)),
        _label(asset, seen),
        Sighting("vendor", "not_checked", VENDORS),
    )


def _digest(is_known: bool) -> Sighting:
    if is_known:
        detail = "The bytes are exactly those of a file that this service marked."
        return Sighting("digest", "present", detail, "digest")
    return Sighting("digest", "absent", "This service has marked no file of exactly these bytes.")


def _metadata(kind: SightingKind, mark: Mark) -> Sighting:
    facts = dict(mark.facts)
    if validation := facts.pop("validation", ""):
        facts["trust"] = TRUST[validation]
    basis: Basis | None = "metadata" if mark.state == "present" else None
    told = tuple((name, facts[name]) for name in TOLD if name in facts)
    return Sighting(kind, mark.state, mark.detail, basis, told)


def _watermark(seen: Seen, found: Found | None) -> Sighting:
    if found is not None:
        detail = f"Read with certainty z = {found.z:.1f}; {THRESHOLD} is needed."
        facts = (("z", f"{found.z:.1f}"), *found.geometry)
        return Sighting("watermark", "present", detail, "watermark", facts)
    if seen.unreadable:
        return Sighting("watermark", "not_checked", seen.unreadable)
    if not any(reading.candidates for reading in seen.readings):
        return Sighting("watermark", "absent", "No trace of a watermark of ours.")
    detail = f"No watermark of ours reaches certainty z = {THRESHOLD}."
    return Sighting("watermark", "absent", detail)


def _fingerprint(seen: Seen, alike: Sequence[Candidate], is_alike: bool) -> Sighting:
    """is_alike: to a file that it is known to be by other marks."""
    if not seen.fingerprints:
        detail = "The file has too little picture or sound for a fingerprint."
        return Sighting("fingerprint", "not_checked", detail)
    if is_alike:
        detail = "Resembles the file that it is by its other marks."
        return Sighting("fingerprint", "present", detail, "fingerprint")
    if not alike:
        return Sighting("fingerprint", "absent", "Resembles no file released here.")
    detail = f"Resembles {len(alike)} released here: a hint, no proof."
    return Sighting("fingerprint", "present", detail, "fingerprint")


def _label(asset: Asset, seen: Seen) -> Sighting:
    if seen.spoken:
        heard = " ".join(f"“{text}”" for text in seen.spoken)
        return Sighting("label", "present", f"A spoken notice says: {heard}", "label")
    if asset.width:
        return Sighting("label", "not_checked", VISIBLE)
    return Sighting("label", "absent", "No spoken notice as this service writes it.")


def _examined(asset: Asset, seen: Seen, sighting: Sighting) -> Sighting:
    """Says so where not the whole file was looked at."""
    if seen.seconds >= asset.seconds:
        return sighting
    told = f"{sighting.detail} Looked at: the first {seen.seconds:.0f} s."
    return replace(sighting, detail=told)
