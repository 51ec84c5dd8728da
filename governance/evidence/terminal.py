"""A verdict for the terminal: sentences for people, JSON for machines."""

import json
import textwrap

from governance.evidence.verify import Verdict

WIDTH = 96


def as_json(verdict: Verdict) -> str:
    return json.dumps(verdict.as_dict(), indent=2, ensure_ascii=False)


def as_text(verdict: Verdict) -> str:
    """What was checked step by step, what is wrong, and what could not be checked."""
    lines = [
        _wrapped(step.result, f"  ✓ {step.number}  {step.name:<12} ") for step in verdict.steps
    ]
    if verdict.failure is not None:
        lines.append(f"  ✗ {verdict.failed_number}  {verdict.failed_step:<12} FAILED")
        lines += ["", _wrapped(f"NOT VERIFIED: {verdict.failure.message}", "")]
        return "\n".join(lines)
    lines += ["", "VERIFIED. Everything above holds.", "", "Not checked, because it cannot be:"]
    lines += [_wrapped(text, "  – ") for text in verdict.not_checked]
    return "\n".join(lines)


def _wrapped(text: str, bullet: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=bullet, subsequent_indent=" " * len(bullet))
