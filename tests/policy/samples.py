"""Decision inputs for the tests: examples from `cases/`, and arbitrary ones."""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

CASES = Path(__file__).parent / "cases"
DIGEST = "1" * 64


def load_cases(name: str) -> Any:
    return yaml.safe_load((CASES / f"{name}.yaml").read_text("utf-8"))


BASE: dict[str, Any] = load_cases("base")


def changed(facts: dict[str, Any], *changes: dict[str, Any]) -> dict[str, Any]:
    """`facts` with changes merged into it, object by object."""
    result = dict(facts)
    for change in changes:
        for name, value in change.items():
            inner = result.get(name)
            both = isinstance(inner, dict) and isinstance(value, dict)
            result[name] = changed(inner, value) if both else value  # type: ignore[arg-type]
    return result


_answers = st.sampled_from(["yes", "no", "unknown"])
_findings = st.lists(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(["black_frames", "term_blocked"]),
            "severity": st.sampled_from(["info", "warn", "fail"]),
        }
    ),
    max_size=2,
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
            "territories": st.sampled_from([["EU"], ["DE"], ["US"], ["FR", "US"]]),
            "roles": st.sampled_from([["deployer"], ["provider"], ["deployer", "provider"]]),
            "purpose": st.sampled_from(["intermediate", "final"]),
            "audience": st.sampled_from(["public", "internal"]),
            "declared": st.fixed_dictionaries(
                {
                    "deep_fake": _answers,
                    "real_person": _answers,
                    "artistic": _answers,
                    "consent": st.booleans(),
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
        }
    ),
)
