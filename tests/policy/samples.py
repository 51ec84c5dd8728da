"""Decision inputs for the tests: examples from `policies/cases/`, and arbitrary ones."""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from governance.policy.cases import changed as changed

CASES_FOLDER = Path(__file__).resolve().parents[2] / "policies/cases"
DIGEST = "1" * 64


def load_cases(name: str) -> Any:
    return yaml.safe_load((CASES_FOLDER / f"{name}.yaml").read_text("utf-8"))


BASE: dict[str, Any] = load_cases("base")
TERRITORIES = [
    ["EU"],
    ["DE"],
    ["US"],
    ["FR", "US"],
    ["US-CA", "US-NY"],
    ["CN"],
    ["IN", "KR"],
    ["BR"],
]


_answers = st.sampled_from(["yes", "no", "unknown"])
_findings = st.lists(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(["black_frames", "intimate_imagery"]),
            "severity": st.sampled_from(["info", "warn", "fail"]),
        }
    ),
    max_size=2,
)
waivers = st.fixed_dictionaries(
    {
        "rule": st.sampled_from(
            [
                "house-consent-missing",
                "house-review-public-video",
                "eu-50-2-marking",
                "code-s1-1-1-1-signed-metadata",
                "house-rule-of-old",
            ]
        ),
        "waiver": st.sampled_from(["wvr_" + "1" * 32, "wvr_" + "2" * 32]),
    }
)
inputs = st.builds(
    lambda change: changed(BASE, change),
    st.fixed_dictionaries(
        {
            "stage": st.sampled_from(["request", "output"]),
            "date": st.dates().map(lambda day: f"{2025 + day.year % 3}{day.strftime('-%m-%d')}"),
            "action": st.sampled_from(["generation.create", "asset.import"]),
            "principal": st.fixed_dictionaries(
                {
                    "kind": st.sampled_from(["agent", "service", "person"]),
                    "assurance": st.sampled_from(["A", "B", "C"]),
                    "accountable": st.sampled_from(["usr_" + "2" * 32, "agt_" + "2" * 32, None]),
                    "chain_length": st.integers(0, 5),
                }
            ),
            "media": st.sampled_from(["video", "image", "audio"]),
            "model": st.fixed_dictionaries({"transitional": st.booleans()}),
            "territories": st.sampled_from(TERRITORIES),
            "roles": st.sampled_from([["deployer"], ["provider"], ["deployer", "provider"]]),
            "purpose": st.sampled_from(["intermediate", "final"]),
            "audience": st.sampled_from(["public", "internal"]),
            "sector": st.sampled_from(["general", "advertising", "film", "games"]),
            "not_checked": st.sampled_from([[], ["faces"], ["child_sexual_abuse", "faces"]]),
            "declared": st.fixed_dictionaries(
                {
                    "deep_fake": _answers,
                    "real_person": _answers,
                    "artistic": _answers,
                    "consent": st.booleans(),
                    "synthetic_performer": _answers,
                    "depicts": st.sampled_from([[], ["person"], ["event", "place"]]),
                }
            ),
            "prompt_findings": _findings,
            "output_findings": _findings,
            "quote": st.none()
            | st.builds(
                lambda cents, currency: {
                    "amount": f"{cents // 100}.{cents % 100:02}",
                    "currency": currency,
                    "cents": cents,
                },
                st.integers(0, 10_000),
                st.sampled_from(["USD", "EUR"]),
            ),
            "references": st.sampled_from([[], [DIGEST]]),
            "consent": st.sampled_from(["valid", "missing", "expired", "withdrawn"]),
            "waivers": st.lists(waivers, max_size=3),
        }
    ),
)
