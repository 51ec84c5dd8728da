"""What a review found and how far it looked; the body of its record."""

from dataclasses import dataclass
from typing import Any

from governance.domain import Asset, Finding
from governance.screening.technical import Technical


@dataclass(frozen=True)
class Coverage:
    """How far automated review looked.

    frames, audio_seconds: decoded and examined, all of them, never a sample; detectors: (name,
    version) of what ran; not_checked: (subject, why nothing looked for it).
    """

    frames: int
    audio_seconds: float
    detectors: tuple[tuple[str, str], ...]
    not_checked: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Screening:
    """findings: in order of time; an empty tuple means that no detector that ran objected.

    technical: None where the file could not be decoded.
    """

    findings: tuple[Finding, ...]
    coverage: Coverage
    technical: Technical | None = None


def as_body(asset: Asset, screening: Screening) -> dict[str, Any]:
    """The body of an `asset.screened` record."""
    coverage = screening.coverage
    figures = screening.technical
    return ({"technical": figures.as_body()} if figures else {}) | {
        "media": {"digest": asset.digest, "media_type": asset.media_type, "size": asset.size},
        "findings": [finding_json(finding) for finding in screening.findings],
        "coverage": {
            "selection": "all",
            "frames": coverage.frames,
            "audio_seconds": f"{coverage.audio_seconds:.3f}",
            "detectors": [
                {"detector": name, "version": version} for name, version in coverage.detectors
            ],
            "not_checked": [
                {"subject": subject, "reason": reason} for subject, reason in coverage.not_checked
            ],
        },
    }


def subjects_not_checked(screening: Screening) -> tuple[str, ...]:
    """What nothing looked for, as codes: `child_sexual_abuse`, `faces`, …"""
    return tuple(subject.replace(" ", "_") for subject, _ in screening.coverage.not_checked)


def finding_json(finding: Finding) -> dict[str, str]:
    """A finding as it stands in records."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "detector": finding.detector,
        "version": finding.version,
        "detail": finding.detail,
        "at": finding.at,
    }
