"""The law under every test: what the tables say is the fold of the log, nothing else."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from governance.evidence.record import ZERO, Record, load
from governance.evidence.story import RULES, story
from governance.kernel.database import Database
from governance.ledger.tables import LogRecord
from governance.lifecycle import store
from governance.lifecycle.tables import Generation

FIRST = ("generation.requested", "asset.imported")


def require_agreement(database: Database, generations: Collection[str] | None = None) -> None:
    """Fold every generation's records and compare with its row; all of them unless named.

    Raises AssertionError for a row without records, records without a row, a gap, a fork.
    """
    with database.read() as session:
        told = {stream: _told(records) for stream, records in _streams(session, generations)}
        rows = {row.id: row for row in session.exec(_of(select(Generation), Generation.id, generations))}
    assert told.keys() == rows.keys()
    for name, row in rows.items():
        assert told[name] == store.load(row.story).as_dict(), name
        kept = (row.state, row.deleted, row.requester)
        assert kept == (
            told[name]["state"],
            told[name]["deleted"],
            told[name]["request"]["principal"]["id"],
        )
