"""Stories folded into figures: what the summary page of a report prints and anyone can recompute.

Pure. Counts are integers, amounts decimal strings per currency, shares in percent with one digit.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from governance.evidence.record import Record
from governance.evidence.story import ENDS, State, Story

# How each figure is called on paper; the order is the order of the summary page.
LABELS = {
    "requested": "Requests",
    "imported": "of these, finished files from outside",
    "denied": "Denied by policy",
    "failed": "Failed",
    "unknown": "Outcome unknown",
    "cancelled": "Cancelled",
    "expired": "Expired",
    "withheld": "Withheld",
    "rejected": "Rejected by people",
    "open": "Open at cut-off",
    "released": "Released",
    "recalled": "Recalled after release",
    "deliveries": "Files handed over",
    "access_denied": "Calls refused",
    "reviewed": "Reviewed by people",
    "review_decisions": "Review decisions",
    "four_eyes": "Cleared by two or more people",
    "signed_requests": "Requests signed by the caller",
    "provider_attempts": "Submissions to providers",
}


def figures(stories: Iterable[Story], service: Iterable[Record] = ()) -> dict[str, Any]:
    """The figures of a population.

    stories: every generation of the population; service: the records of the service's own stream
    in the same scope. Returns `{"counts": {…}, "states", "marks", "cost", "held", "models",
    "observed", "not_assessed"}`; keys sorted where they come from data.
    """
    population = list(stories)
    return {
        "counts": _counts(population, service),
        "states": dict(sorted(Counter(s.state for s in population).items())),
        "marks": _marks(population),
        "cost": _sum(s.cost for s in population),
        "held": _sum(s.held for s in population if s.is_unresolved),
        "models": dict(sorted(Counter(_model(s) for s in population).items())),
        "observed": _observed(population),
        "not_assessed": _not_assessed(population),
    }


def _counts(population: Sequence[Story], service: Iterable[Record]) -> dict[str, int]:
    by_state = Counter(s.state for s in population)
    counts = {
        "requested": len(population),
        "imported": sum(s.is_import for s in population),
        "open": sum(s.state not in ENDS for s in population),
        "released": by_state[State.RELEASED] + by_state[State.RECALLED],
        "deliveries": sum(s.deliveries for s in population),
        "access_denied": sum(record.event == "access.denied" for record in service),
        "reviewed": sum(bool(s.reviews) for s in population),
        "review_decisions": sum(len(s.reviews) for s in population),
        "four_eyes": sum(bool(s.released_at) and s.approvals >= 2 for s in population),
        "signed_requests": sum(s.request["signature"] is not None for s in population),
        "provider_attempts": sum(s.attempts for s in population),
    }
    return {name: counts.get(name, by_state.get(name, 0)) for name in LABELS}


def _marks(population: Sequence[Story]) -> dict[str, dict[str, int]]:
    """For each kind of mark, how many released files carry it as read back."""
    seen: dict[str, Counter[str]] = {}
    for item in population:
        if item.released_at:
            for mark in item.marks:
                seen.setdefault(mark["kind"], Counter())[mark["state"]] += 1
    return {kind: dict(sorted(states.items())) for kind, states in sorted(seen.items())}


def _observed(population: Sequence[Story]) -> dict[str, int]:
    """Rules in mode observe that matched, and for how many generations: the open gaps."""
    matched: Counter[str] = Counter()
    for item in population:
        rules = {
            rule["id"]
            for decision in item.decisions
            for rule in decision["rules"]
            if rule["mode"] == "observe"
        }
        matched.update(rules)
    return dict(sorted(matched.items()))


def _not_assessed(population: Sequence[Story]) -> dict[str, int]:
    """Territories for which no rule pack exists, and in how many generations they were named."""
    named: Counter[str] = Counter()
    for item in population:
        named.update({place for d in item.decisions for place in d["not_assessed"]})
    return dict(sorted(named.items()))


def _model(item: Story) -> str:
    if item.is_import:
        return "imported"
    return (item.route or {}).get("model") or "none"


def _sum(amounts: Iterable[dict[str, str] | None]) -> dict[str, str]:
    totals: dict[str, Decimal] = {}
    for amount in amounts:
        if amount is not None:
            currency = amount["currency"]
            totals[currency] = totals.get(currency, Decimal(0)) + Decimal(amount["amount"])
    return {
        currency: str(total.quantize(Decimal("0.0001"), ROUND_HALF_UP))
        for currency, total in sorted(totals.items())
    }
