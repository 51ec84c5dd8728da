"""What was spent, for those who pay it on: chargebacks, and vendors' invoices held against records.

The sources are the stories and the records, nothing is counted apart.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from governance.evidence.record import Record
from governance.evidence.record import load as load_record
from governance.evidence.story import Story
from governance.kernel import clock
from governance.kernel.errors import InvalidRequest
from governance.ledger import SERVICE, Entry
from governance.ledger.tables import LogRecord
from governance.lifecycle.context import Context
from governance.lifecycle.store import load, scope
from governance.lifecycle.tables import Generation
from governance.productions import productions
from governance.spending import attempts, chargeback, invoices, rate_cards, reconciliation
from governance.spending.chargeback import Line
from governance.spending.reconciliation import Reconciliation

# By how much a request may be older than its first record: its id is made before its body is in.
SLACK = timedelta(days=1)
_ROWS = Generation.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Window:
    """Generations requested in [start, end) in an organisation; in one project, for one
    production, or in all."""

    organisation: str
    start: datetime
    end: datetime
    project: str | None = None
    production: str | None = None

    def as_body(self) -> dict[str, str | None]:
        return {
            "organisation": self.organisation,
            "from": clock.rfc3339(self.start),
            "to": clock.rfc3339(self.end),
            "project": self.project,
            "production": self.production,
        }


def charged(context: Context, window: Window) -> list[Line]:
    """What is to be charged for. Raises InvalidRequest (`period_invalid`)."""
    _require_period(window.start, window.end)
    with context.database.read() as session:
        cards = rate_cards.list_cards(session, window.organisation)
        clients = productions.clients(session, context.ledger.vault, window.organisation)
        return chargeback.lines(_stories(session, window), cards, clients)


def reconcile(
    context: Context,
    data: bytes,
    provider: str,
    window: Window,
    *,
    by: str = SERVICE,
) -> Reconciliation:
    """Hold a vendor's invoice (CSV) against the records; records `invoice.reconciled`.

    window: when what it bills was ordered. Raises InvalidRequest (`period_invalid`,
    `provider_unknown`) and what `invoices.read` does.
    """
    _require_period(window.start, window.end)
    if provider not in context.providers.names:
        raise InvalidRequest(
            "provider_unknown",
            f"No provider is called {provider}: {', '.join(sorted(context.providers.names))}.",
            param="provider",
        )
    lines = invoices.read(data)
    with context.database.read() as session:
        orders = attempts.attempts(_orders(session, window))
    own = [order for order in orders if order.provider == provider]
    result = reconciliation.reconcile(lines, own, window.start, window.end)
    body = {
        "organisation": window.organisation,
        "provider": provider,
        "from": clock.rfc3339(window.start),
        "to": clock.rfc3339(window.end),
        "invoice": hashlib.sha256(data).hexdigest(),
        "lines": len(lines),
        **reconciliation.counts(result),
        "sums": reconciliation.sums(result),
        "by": by,
    }
    entry = Entry(SERVICE, "invoice.reconciled", body)
    context.database.write(lambda c: context.ledger.append(c, entry))
    return result


def _stories(session: Session, window: Window) -> Iterator[Story]:
    query = select(_ROWS.c.story).where(
        _ROWS.c.organisation == window.organisation,
        _ROWS.c.id >= _first_id(window.start - SLACK),
        _ROWS.c.id < _first_id(window.end),
    )
    if window.project is not None:
        query = query.where(_ROWS.c.project == window.project)
    if window.production is not None:
        query = query.where(_ROWS.c.production == window.production)
    for data in session.connection().execute(query).scalars():
        story = load(data)
        if window.start <= clock.parse(story.requested_at) < window.end:
            yield story


def _first_id(moment: datetime) -> str:
    """The smallest id that a generation of this moment can have: ids sort by time."""
    return f"gen_{max(int(moment.timestamp() * 1000), 0):012x}"


def _orders(session: Session, window: Window) -> Iterator[Record]:
    """Every order, of any time: a job may be billed later."""
    own = scope(window.organisation, "")
    rows = session.connection().execute(
        select(col(LogRecord.line))
        .where(
            col(LogRecord.event).in_(attempts.EVENTS),
            col(LogRecord.scope).startswith(own, autoescape=True),
        )
        .order_by(col(LogRecord.stream), col(LogRecord.seq))
    )
    return (load_record(line) for line in rows.scalars())


def _require_period(start: datetime, end: datetime) -> None:
    if start >= end:
        raise InvalidRequest("period_invalid", "`from` must lie before `to`.", param="from")
