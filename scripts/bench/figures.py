"""What the benchmarks share: an invented generation to record, and how figures are printed."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

RELEASED = Path(__file__).resolve().parents[2] / "tests" / "evidence" / "released.json"
PRIVATE = {
    "generation.requested": (("prompt", "A calm sea at dusk, a lighthouse far away, no people"),),
    "review.decided": (("comment", "The label is legible from the first frame to the last"),),
}


def generation() -> list[tuple[str, dict[str, Any], tuple[tuple[str, str], ...]]]:
    """(event, body, personal data) of each record of one reviewed and released generation."""
    told = json.loads(RELEASED.read_bytes())
    return [(item["event"], item["body"], PRIVATE.get(item["event"], ())) for item in told]


def print_machine(*packages: str) -> None:
    """Hardware, load, and the versions of Python and of `packages`."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"Python {platform.python_version()}, {versions}")


def print_figures(figures: dict[str, float]) -> None:
    """The last line of a benchmark: one JSON object."""
    print(json.dumps(figures))
