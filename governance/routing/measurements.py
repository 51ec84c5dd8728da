"""What our own orders have shown of each model: rows of `model_measurement`, and their sums.

Each is written in the transaction of the record that it follows from.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlmodel import Session

from governance.evidence.story import Story
from governance.kernel import clock
from governance.kernel.database import Database
from governance.routing.catalogue import Catalogue
from governance.routing.provider import FaultKind
from governance.routing.quality import Measured, percentile
from governance.routing.tables import ModelMeasurement

_ROWS = ModelMeasurement.__table__  # type: ignore[attr-defined]
FRESH = timedelta(seconds=60)  # sums are read again after so long
# Not the model's doing: what it was asked for, or with what account.
_OURS = ("refused", "invalid", "throttled", "exhausted", "auth")


def note_fetched(connection: Connection, story: Story) -> None:
    """An order became a file; `story` is the one before `asset.fetched`, its job submitted."""
    taken = clock.now() - clock.parse(story.changed_at)
    _insert(connection, story, None, max(0, round(taken.total_seconds() * 1000)))


def note_failed(connection: Connection, story: Story, fault: FaultKind) -> None:
    """An order came to nothing; `story` is the one before `provider.failed` or `.unknown`."""
    _insert(connection, story, fault, None)


def note_screened(connection: Connection, generation: str, technical: Decimal) -> None:
    """How good the file is technically, from 0 to 1."""
    made = (_ROWS.c.generation == generation) & _ROWS.c.fault.is_(None)
    connection.execute(update(_ROWS).where(made).values(technical=f"{technical:.4f}"))


def note_reviewed(connection: Connection, generation: str, approved: bool) -> None:
    """What a person decided on the file. One objection outweighs every approval."""
    made = (_ROWS.c.generation == generation) & _ROWS.c.fault.is_(None)
    open_ = _ROWS.c.approved.is_(None) | _ROWS.c.approved
    connection.execute(update(_ROWS).where(made, open_).values(approved=approved))


class Measurements:
    """The sums of each organisation, read again when they are a minute old."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database = database
        self._catalogue = catalogue
        self._known: dict[str, tuple[datetime, Mapping[str, Measured]]] = {}

    def of(self, organisation: str) -> Mapping[str, Measured]:
        """By model id; only those with orders."""
        now = clock.now()
        known = self._known.get(organisation)
        if known is None or not now - FRESH < known[0] <= now:
            with self._database.read() as session:
                sums = summed(session, self._catalogue, organisation)
            known = self._known[organisation] = (now, sums)
        return known[1]


def summed(session: Session, catalogue: Catalogue, organisation: str) -> dict[str, Measured]:
    """The last orders of each model of the catalogue, as many as `learning.window` says."""
    found = {}
    for model in catalogue.models:
        query = (
            select(_ROWS.c.fault, _ROWS.c.milliseconds, _ROWS.c.technical, _ROWS.c.approved)
            .where(_ROWS.c.organisation == organisation, _ROWS.c.model == model.id)
            .order_by(_ROWS.c.measured_at.desc())
            .limit(catalogue.learning.window)
        )
        rows = session.connection().execute(query).all()
        if rows:
            found[model.id] = _sum(rows)
    return found


def _sum(rows: Sequence[Row[Any]]) -> Measured:
    counted = [row for row in rows if row.fault not in _OURS]
    made = [row for row in counted if row.fault is None]
    times = [row.milliseconds for row in made if row.milliseconds is not None]
    figures = [Decimal(row.technical) for row in made if row.technical is not None]
    verdicts = [row.approved for row in made if row.approved is not None]
    return Measured(
        orders=len(counted),
        made=len(made),
        usual=percentile(times, 0.5) if times else None,
        slow=percentile(times, 0.95) if times else None,
        examined=len(figures),
        technical=sum(figures, Decimal(0)),
        reviewed=len(verdicts),
        approved=sum(verdicts),
    )


def _insert(
    connection: Connection, story: Story, fault: FaultKind | None, milliseconds: int | None
) -> None:
    """One row for an attempt: what is known later of it replaces what was known before."""
    route = story.route or {}
    this = (_ROWS.c.generation == story.id) & (_ROWS.c.attempt == story.attempts)
    connection.execute(delete(_ROWS).where(this))
    connection.execute(
        insert(_ROWS).values(
            generation=story.id,
            attempt=story.attempts,
            organisation=story.request["organisation"],
            model=route["model"],
            provider=route["provider"],
            fault=fault,
            milliseconds=milliseconds,
            measured_at=clock.now(),
        )
    )
