"""Every order that went to a vendor, as the records tell: what it was called there, what became of
it, and what it cost or was to cost. Pure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from governance.evidence.record import Record
from governance.kernel import clock

Body = dict[str, Any]
# `sent`: under way, or answered and not fetched yet.
Outcome = Literal["sent", "made", "failed", "unknown"]


@dataclass(frozen=True)
class Attempt:
    """One order. key: what we called it; job: what the vendor calls it, None where it never said;
    amount: what it cost, or what was quoted while that is not known."""

    generation: str
    number: int
    provider: str
    model: str
    key: str
    at: datetime
    amount: Decimal
    currency: str
    outcome: Outcome = "sent"
    job: str | None = None

    @property
    def is_due(self) -> bool:
        """Whether an invoice must have it, or may."""
        return self.outcome == "unknown" or (self.outcome != "sent" and self.amount > 0)


def attempts(records: Iterable[Record]) -> list[Attempt]:
    """The orders of all generations. records: in order within each stream; others are skipped."""
    found: dict[str, list[Attempt]] = {}
    for record in records:
        if record.event == "provider.intended":
            found.setdefault(record.stream, []).append(_intended(record))
        elif record.event in _CHANGES and record.stream in found:
            orders = found[record.stream]
            orders[-1] = _CHANGES[record.event](orders[-1], record.body)
    return [order for orders in found.values() for order in orders]


def _intended(record: Record) -> Attempt:
    body = record.body
    return Attempt(
        generation=record.stream,
        number=body["attempt"],
        provider=body["provider"],
        model=body["model"],
        key=body["key"],
        at=clock.parse(record.occurred_at),
        amount=Decimal(body["quote"]["amount"]),
        currency=body["quote"]["currency"],
    )


def _submitted(order: Attempt, body: Body) -> Attempt:
    return replace(order, job=body["job"]["id"])


def _fetched(order: Attempt, body: Body) -> Attempt:
    return _costing(replace(order, outcome="made"), body["cost"])


def _failed(order: Attempt, body: Body) -> Attempt:
    nothing = {"amount": "0", "currency": order.currency}
    return _costing(replace(order, outcome="failed"), body["cost"] or nothing)


def _unknown(order: Attempt, body: Body) -> Attempt:
    return replace(order, outcome="unknown")


def _resolved(order: Attempt, body: Body) -> Attempt:
    if body["outcome"] == "found":
        return replace(order, outcome="sent", job=body["job"]["id"])
    return _failed(order, body)


def _costing(order: Attempt, cost: Body | None) -> Attempt:
    if cost is None:
        return order
    return replace(order, amount=Decimal(cost["amount"]), currency=cost["currency"])


def _ended(order: Attempt, body: Body) -> Attempt:
    """Withdrawn while the vendor was at it: the vendor may have gone on, and charge for it."""
    return replace(order, outcome="unknown") if order.outcome == "sent" else order


_CHANGES: dict[str, Callable[[Attempt, Body], Attempt]] = {
    "provider.submitted": _submitted,
    "provider.failed": _failed,
    "provider.unknown": _unknown,
    "provider.resolved": _resolved,
    "asset.fetched": _fetched,
    "generation.ended": _ended,
}
EVENTS = ("provider.intended", *_CHANGES)
