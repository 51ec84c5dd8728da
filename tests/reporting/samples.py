"""Bodies, rules and names that synthetic records are made from."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from governance.evidence.keys import SeedSigner

Body = dict[str, Any]

START = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
ISSUED = datetime(2026, 11, 5, 9, tzinfo=UTC)
ORGANISATION = "northlight"
TEMPLATES = Path(__file__).parents[2] / "report_templates"
RECORD_KEY = SeedSigner.from_seed(b"r" * 32)
LOG_KEY = SeedSigner.from_seed(b"l" * 32)
ROOT_KEY = SeedSigner.from_seed(b"o" * 32)
ORIGIN = "governance.example/log"
POLICY_DOCUMENT = b"{}"
POLICY = hashlib.sha256(POLICY_DOCUMENT).hexdigest()
PROJECTS = ("autumn-trailer", "product-loops", "museum-guide")
MODELS = ("veo-3.1", "ray-3", "gen-4.5", "firefly-video", "sora-3", "wan-3", "ltx-2")
MONEY = {"amount": "0.4000", "currency": "EUR"}

WATERMARK_GAP: Body = {
    "id": "eu.code.watermark",
    "pack": "eu-code-transparency",
    "cites": "Code of Practice on Transparency of AI-Generated Content, measure 1.1.1.2",
    "level": "code",
    "binds": ["provider"],
    "mode": "observe",
    "effect": "permit",
    "because": "Signatories add an imperceptible watermark as the second layer of marking.",
}
SIGNED_METADATA: Body = {
    "id": "eu.act.marking",
    "pack": "eu-ai-act",
    "cites": "Regulation (EU) 2024/1689, Article 50(2)",
    "level": "law",
    "binds": ["provider"],
    "mode": "enforce",
    "effect": "permit",
    "because": "Synthetic output is marked in a machine-readable format and detectable.",
}
DEEP_FAKE: Body = {
    "id": "eu.act.deep-fake",
    "pack": "eu-ai-act",
    "cites": "Regulation (EU) 2024/1689, Article 50(4)",
    "level": "law",
    "binds": ["deployer"],
    "mode": "enforce",
    "effect": "review",
    "because": "A deep fake is disclosed as generated, and a person looks at it first.",
}
NO_CONSENT: Body = {
    "id": "house.consent",
    "pack": "house-rules",
    "cites": "House rules, section 4.2",
    "level": "house",
    "binds": ["deployer"],
    "mode": "enforce",
    "effect": "deny",
    "because": "The likeness of a real person needs a consent on file.",
}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def identifier(prefix: str, seed: str) -> str:
    return f"{prefix}_{digest(seed)[:32]}"


PEOPLE = tuple(identifier("usr", f"person {n}") for n in range(6))
AGENTS = tuple(identifier("agt", f"agent {n}") for n in range(4))


def mark(kind: str, state: str = "present") -> Body:
    return {
        "kind": kind,
        "state": state,
        "tool": "reader",
        "version": "1.0",
        "detail": "",
        "facts": {},
    }


def media(seed: str) -> Body:
    return {
        "digest": digest(seed),
        "media_type": "video/mp4",
        "size": 1_250_000,
        "width": 1280,
        "height": 720,
        "seconds": "6.000",
        "has_audio": True,
    }


def screened(stream: str) -> Body:
    return {
        "media": {
            "digest": digest(f"{stream} original"),
            "media_type": "video/mp4",
            "size": 1_250_000,
        },
        "findings": [],
        "coverage": {
            "selection": "all",
            "frames": 144,
            "audio_seconds": "6.000",
            "detectors": [{"detector": "picture-faults", "version": "1"}],
            "not_checked": [
                {"subject": "likeness", "reason": "No detector for real persons is installed."}
            ],
        },
    }


def decision_input(request: Body) -> Body:
    principal = request["principal"]
    return {
        "stage": "request",
        "date": "2026-10-01",
        "action": "generation.create",
        "principal": {
            "kind": principal["kind"],
            "id": principal["id"],
            "assurance": principal["assurance"],
            "accountable": principal["accountable"],
            "chain_length": 2,
        },
        "organisation": request["organisation"],
        "project": request["project"],
        "media": "video",
        "model": {
            "id": None,
            "provider": None,
            "source_type": None,
            "tier": None,
            "transitional": False,
        },
        "seconds": 6,
        "width": 1280,
        "height": 720,
        "territories": request["territories"],
        "roles": request["roles"],
        "purpose": request["purpose"],
        "audience": request["audience"],
        "sector": request["sector"],
        "declared": {"deep_fake": "no", "real_person": "no", "artistic": "no", "consent": False},
        "prompt_findings": [],
        "output_findings": [],
        "quote": None,
        "references": [],
    }
