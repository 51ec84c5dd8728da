"""Duties: how several rules' parameters join.

Each join is commutative, associative and idempotent, so the order of rules never matters. The
vocabulary itself, with its parameters and defaults, is `policies/schemas/duties.schema.json`.
"""

from collections.abc import Callable
from typing import Any

Parameters = dict[str, Any]

WORDING_SEPARATOR = " · "
# In rising strictness. No corner is stricter than another; the Code names the top right.
PLACEMENTS = ("bottom_right", "bottom_left", "top_left", "top_right")
DURATIONS = ("opening", "interval", "throughout")
ROLES = ("reviewer",)


def join(first: Parameters, second: Parameters) -> Parameters:
    """Parameters that satisfy both; those that only one of them names stay."""
    joined = {**first, **second}
    for name in first.keys() & second.keys():
        joined[name] = _JOINS[name](first[name], second[name])
    return joined


def _wordings(first: str, second: str) -> str:
    """Both wordings; one whose words another contains (`AI` in `AI GENERATED`) is left out."""
    parts = {*first.split(WORDING_SEPARATOR), *second.split(WORDING_SEPARATOR)}
    kept = [
        part
        for part in parts
        if not any(part != other and f" {part} " in f" {other} " for other in parts)
    ]
    return WORDING_SEPARATOR.join(sorted(kept))


def _languages(first: str, second: str) -> str:
    return " ".join(sorted({*first.split(), *second.split()}))


def _strictest(order: tuple[str, ...]) -> Callable[[str, str], str]:
    return lambda first, second: max(first, second, key=order.index)


_JOINS: dict[str, Callable[[Any, Any], Any]] = {
    "wording": _wordings,
    "placement": _strictest(PLACEMENTS),
    "duration": _strictest(DURATIONS),
    "height": max,
    "seconds": max,
    "every": min,
    "language": _languages,
    "count": max,
    "role": _strictest(ROLES),
    "months": max,
}
