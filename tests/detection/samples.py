"""Findings without files."""

from pathlib import Path

from governance.detection import verdict
from governance.detection.findings import (
    Basis,
    Candidate,
    Detection,
    Proof,
    Release,
    Sighting,
    Verdict,
)
from governance.domain import Asset

RECORD = "gen_0192f0c1d2e37a4b8c9d0e1f2a3b4c5d"
ASSET = Asset("a" * 64, "video/mp4", 1000, Path("clip.mp4"), 640, 360, 4.0, has_audio=True)
PROOF = Proof("rec_1", 41, "c" * 64, ("AAAA",), "origin\n42\nAAAA\n")


def release(*basis: Basis, recalled_at: str = "") -> Release:
    return Release(
        generation=RECORD,
        uri=f"https://governance.example/v1/governance/records?generation={RECORD}",
        digest="b" * 64,
        media_type="video/mp4",
        released_at="2026-11-20T09:30:00.000000Z",
        recalled_at=recalled_at,
        proof=PROOF,
        basis=basis,
    )


def detection(said: Verdict | None = None, **changes: object) -> Detection:
    found = release("watermark")
    given: dict[str, object] = {
        "asset": ASSET,
        "seconds": 4.0,
        "verdict": said or verdict.identified(found),
        "sightings": (Sighting("watermark", "present", "Read.", "watermark", (("z", "12.9"),)),),
        "releases": (found,),
        "candidates": (Candidate(release("fingerprint"), 93),),
        "threshold": 7.5,
        "trials": 100_000,
    }
    return Detection(**{**given, **changes})  # type: ignore[arg-type]
