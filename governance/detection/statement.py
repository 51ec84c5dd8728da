"""The signed result of a detection, as people download it (Code of Practice, measure 1.2.1.2).

A JSON document of three parts: `statement` to be read, `envelope` with the same statement signed
(DSSE, by the service's record key), `keys` with the key manifest that grants that key. With the
root fingerprint, pinned from elsewhere, it is verified without the service. It is no record of the
log: nothing about the file stays here.
"""

import math
from typing import Any

from governance.detection.findings import Detection, Release, Sighting
from governance.evidence import envelope, manifest
from governance.evidence.encoding import parse_canonical, parse_json, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.keys import Signer
from governance.kernel import build, clock

PAYLOAD_TYPE = "application/vnd.governance.detection+json"
SCHEMA = "detection.v1"
OBJECT = "detection"
TOOL = "Governance service"
MAX_BYTES = 1024 * 1024


def statement(detection: Detection, base_url: str, origin: str) -> dict[str, Any]:
    """What was found, as JSON without floats. base_url: of the service; origin: of its log."""
    asset, verdict = detection.asset, detection.verdict
    return {
        "schema": SCHEMA,
        "time": clock.rfc3339(clock.now()),
        "solution": {"name": TOOL, "url": f"{base_url}/detect", "log": origin, **build.producer()},
        "file": {
            "sha256": asset.digest,
            "size": asset.size,
            "media_type": asset.media_type,
            "width": asset.width,
            "height": asset.height,
            "seconds": f"{asset.seconds:.3f}",
            "seconds_examined": f"{detection.seconds:.3f}",
        },
        "verdict": {
            "code": verdict.code,
            "sentence": verdict.sentence,
            "basis": list(verdict.basis),
        },
        "marks": [_sighting(sighting) for sighting in detection.sightings],
        "releases": [_release(release) for release in detection.releases],
        "candidates": [
            {"record": candidate.release.generation, "score": candidate.score}
            for candidate in detection.candidates
        ],
        "reliability": {
            "watermark": {
                "threshold_z": str(detection.threshold),
                "trials": detection.trials,
                "false_positive_bound": f"{bound(detection.threshold, detection.trials):.1e}",
            },
            "fingerprint": "A candidate, never proof: files that were made alike look alike.",
        },
    }


def bound(threshold: float, trials: int) -> float:
    """How probable it is at most that any of the trials on an unmarked file exceeds a z."""
    return min(1.0, trials * math.exp(-(threshold**2) / 2))


def seal(said: dict[str, Any], signer: Signer, chain: bytes) -> dict[str, Any]:
    """The document; chain: the key manifest's lines."""
    line = envelope.seal(serialise(said), PAYLOAD_TYPE, signer)
    return {
        "object": OBJECT,
        "statement": said,
        "envelope": parse_canonical(line, "The result"),
        "keys": [parse_canonical(key, "A key manifest") for key in chain.splitlines()],
    }


def verify(document: bytes, root: str) -> dict[str, Any]:
    """The statement of a document, if a key that the pinned root vouches for signed it.

    root: fingerprint `SHA256:…`. Raises EvidenceError (`result_invalid`, `root_mismatch`,
    `key_not_granted`, `signature_invalid`, …).
    """
    if len(document) > MAX_BYTES:
        raise EvidenceError("result_invalid", "The file is larger than a result may be.")
    value = parse_json(document, "The result")
    try:
        line = serialise(value["envelope"])
        chain = b"".join(serialise(key) + b"\n" for key in value["keys"])
        said: dict[str, Any] = value["statement"]
    except (KeyError, TypeError):
        raise EvidenceError(
            "result_invalid", "The file is not the result of a detection by this kind of service."
        ) from None
    trusted = manifest.verify(chain, root)
    opened = envelope.open_line(line, "The result")
    for grant in trusted.grants:
        if (grant.role, grant.keyid) == ("record", opened.keyid):
            opened.verify(grant.public, "the result")
            break
    else:
        raise EvidenceError(
            "key_not_granted",
            f"The result is signed by {opened.keyid}, which the key manifest does not grant for "
            "this.",
        )
    if opened.payload_type != PAYLOAD_TYPE or serialise(said) != opened.payload:
        raise EvidenceError(
            "result_invalid", "The statement that is shown is not the one that was signed."
        )
    return said


def _sighting(sighting: Sighting) -> dict[str, Any]:
    return {
        "kind": sighting.kind,
        "state": sighting.state,
        "detail": sighting.detail,
        "basis": sighting.basis,
        "facts": dict(sighting.facts),
    }


def _release(release: Release) -> dict[str, Any]:
    proof = release.proof
    return {
        "record": release.generation,
        "record_uri": release.uri,
        "sha256": release.digest,
        "media_type": release.media_type,
        "released_at": release.released_at,
        "recalled_at": release.recalled_at or None,
        "basis": list(release.basis),
        "proof": proof
        and {
            "record": proof.record,
            "index": proof.index,
            "leaf": proof.leaf,
            "path": list(proof.path),
            "checkpoint": proof.checkpoint,
        },
    }
