"""The decisions on record: read from the log one by one, so that any number of them fits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlmodel import Session

from governance.evidence import record
from governance.ledger.tables import LogRecord
from governance.policy.authorization import domain_of

EVENT = "policy.decided"
_RECORDS = LogRecord.__table__  # type: ignore[attr-defined]
_AT_ONCE = 500


@dataclass(frozen=True)
class Decided:
    """A decision as it was recorded; `body` is that of the record."""

    generation: str
    occurred_at: str
    body: dict[str, Any]


def decided(
    session: Session, organisation: str, project: str | None, since: datetime
) -> Iterator[Decided]:
    """Every decision since a moment, oldest first, in one project or in the organisation."""
    scope = _RECORDS.c.scope
    whole = domain_of(organisation)
    query = (
        select(_RECORDS.c.line)
        .where(_RECORDS.c.event == EVENT, _RECORDS.c.occurred_at >= since)
        .where(
            scope == domain_of(organisation, project)
            if project
            else or_(scope == whole, scope.startswith(f"{whole}/", autoescape=True))
        )
        .order_by(_RECORDS.c.occurred_at, _RECORDS.c.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for line in session.connection().execute(query).scalars():
        told = record.load(line)
        yield Decided(told.stream, told.occurred_at, told.body)
