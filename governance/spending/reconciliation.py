"""A vendor's invoice held against the records: what agrees, what only one of both knows. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from governance.kernel import clock
from governance.spending.attempts import Attempt
from governance.spending.invoices import InvoiceLine


@dataclass(frozen=True)
class Match:
    """An order and the lines that bill it; more than one line bills it more than once, or credits.

    invoiced: their sum; difference: invoiced less recorded, None between two currencies.
    """

    order: Attempt
    lines: tuple[InvoiceLine, ...]

    @property
    def invoiced(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def difference(self) -> Decimal | None:
        is_same = all(line.currency == self.order.currency for line in self.lines)
        return self.invoiced - self.order.amount if is_same else None


@dataclass(frozen=True)
class Reconciliation:
    """matched: on both sides; resolved: orders whose outcome was unknown and that were charged, as
    the invoice shows; ours_only: orders of the period that it lacks; vendor_only: lines for which
    there is no order, because somebody went around the service."""

    matched: list[Match] = field(default_factory=list)
    resolved: list[Match] = field(default_factory=list)
    ours_only: list[Attempt] = field(default_factory=list)
    vendor_only: list[InvoiceLine] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every line and every order of the period has its counterpart."""
        compared = [*self.matched, *self.resolved]
        is_comparable = all(match.difference is not None for match in compared)
        return is_comparable and not self.ours_only and not self.vendor_only


def reconcile(
    lines: Iterable[InvoiceLine], orders: Sequence[Attempt], start: datetime, end: datetime
) -> Reconciliation:
    """Match lines to orders by the vendor's job id, or by our own key.

    orders: of one vendor, of any time, for a job may be billed later; those that were sent in
    [start, end) must be on the invoice.
    """
    by_name = _index(orders)
    result, billed = Reconciliation(), dict[tuple[str, int], list[InvoiceLine]]()
    for line in lines:
        order = next((by_name[name] for name in line.names if name in by_name), None)
        if order is None:
            result.vendor_only.append(line)
        else:
            billed.setdefault((order.generation, order.number), []).append(line)
    for order in sorted(orders, key=lambda order: (order.at, order.generation, order.number)):
        found = billed.get((order.generation, order.number))
        if found:
            kind = result.resolved if order.outcome == "unknown" else result.matched
            kind.append(Match(order, tuple(found)))
        elif order.is_due and start <= order.at < end:
            result.ours_only.append(order)
    return result


def as_body(result: Reconciliation) -> dict[str, Any]:
    """The whole as JSON, amounts as decimal strings."""
    return {
        "complete": result.is_complete,
        "matched": [_match(match) for match in result.matched],
        "resolved": [_match(match) for match in result.resolved],
        "ours_only": [_order(order) for order in result.ours_only],
        "vendor_only": [_line(line) for line in result.vendor_only],
        "sums": sums(result),
    }


def counts(result: Reconciliation) -> dict[str, int]:
    """How many there are of each kind; `differing`: matched or resolved at another amount."""
    compared = [*result.matched, *result.resolved]
    return {
        "matched": len(result.matched),
        "resolved": len(result.resolved),
        "ours_only": len(result.ours_only),
        "vendor_only": len(result.vendor_only),
        "differing": sum(match.difference != 0 for match in compared),
    }


def sums(result: Reconciliation) -> list[dict[str, str]]:
    """By currency: what the invoice asks for, and what the records of the same orders, and of
    those that it lacks, come to."""
    compared = [*result.matched, *result.resolved]
    lines = [line for match in compared for line in match.lines] + result.vendor_only
    orders = [match.order for match in compared] + result.ours_only
    invoiced = _sum((line.currency, line.amount) for line in lines)
    recorded = _sum((order.currency, order.amount) for order in orders)
    nothing = Decimal(0)
    return [
        {
            "currency": currency,
            "invoiced": f"{invoiced.get(currency, nothing):f}",
            "recorded": f"{recorded.get(currency, nothing):f}",
        }
        for currency in sorted(invoiced.keys() | recorded.keys())
    ]


def _index(orders: Iterable[Attempt]) -> dict[str, Attempt]:
    """Orders by every name. Of those that share a key, the one whose outcome is unknown."""
    keys: dict[str, Attempt] = {}
    jobs: dict[str, Attempt] = {}
    for order in orders:
        if order.key not in keys or keys[order.key].outcome != "unknown":
            keys[order.key] = order
        if order.job is not None:
            jobs[order.job] = order
    return keys | jobs


def _match(match: Match) -> dict[str, Any]:
    return {
        **_order(match.order),
        "rows": [line.number for line in match.lines],
        "invoiced": f"{match.invoiced:f}",
        "difference": None if match.difference is None else f"{match.difference:f}",
    }


def _order(order: Attempt) -> dict[str, Any]:
    return {
        "generation": order.generation,
        "attempt": order.number,
        "model": order.model,
        "job": order.job,
        "at": clock.rfc3339(order.at),
        "outcome": order.outcome,
        "recorded": f"{order.amount:f}",
        "currency": order.currency,
    }


def _line(line: InvoiceLine) -> dict[str, Any]:
    return {
        "row": line.number,
        "job": line.names[0],
        "date": line.day.isoformat(),
        "invoiced": f"{line.amount:f}",
        "currency": line.currency,
    }


def _sum(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for currency, amount in amounts:
        totals[currency] = totals.get(currency, Decimal(0)) + amount
    return totals
