"""The law under every test: what the tables say is the fold of the log, nothing else."""

from collections import defaultdict
from collections.abc import Collection

from sqlmodel import Session, col, select

from governance.app import Platform
from governance.evidence import bundle
from governance.evidence.record import ZERO, Record, load
from governance.evidence.story import ENDS, RULES, State, Story, story
from governance.evidence.verify import verify_files
from governance.kernel.database import Database
from governance.ledger.tables import LogRecord
from governance.lifecycle import store
from governance.lifecycle.tables import Generation
from governance.reporting.issue import issue_export
from governance.spending.tables import Account, Reservation


def require_agreement(database: Database, generations: Collection[str] | None = None) -> None:
    """Fold the records of every generation, or of those named, and compare with the rows.

    A database without generations agrees. Raises AssertionError for a row without its records,
    records without their row, a stream with a gap, a row that says anything else.
    """
    with database.read() as session:
        rows = _rows(session, generations)
        streams = _streams(session, generations) if rows else {}
        if generations is None:
            _require_books(session, rows)
    assert streams.keys() == rows.keys()
    for name, row in rows.items():
        told = _told(streams[name])
        assert store.load(row.story).as_dict() == told.as_dict()
        assert (row.state, row.deleted) == (told.state, told.deleted)
        assert row.requester == told.request["principal"]["id"]
        is_over = told.state in ENDS - {State.RELEASED} or told.deleted
        assert row.wake_at is None if is_over else row.wake_at or told.state == State.RELEASED, (
            f"{name} sleeps in {row.state}"
        )


def require_verified(platform: Platform) -> None:
    """Whatever was done, and whatever is opened of it, an auditor believes the operator's log."""
    platform.publisher.publish()
    context = platform.context
    issued = issue_export(context, context.settings.organisation, None, by=None, disclose=True)
    verdict = verify_files(bundle.unpack(issued.data), context.ledger.keyring.root)
    assert verdict.failure is None, verdict.failure


def records_of(session: Session, generation: str) -> list[Record]:
    """One generation's records, in order."""
    return _streams(session, [generation])[generation]


def _require_books(session: Session, rows: dict[str, Generation]) -> None:
    """What an account holds is what is held on it, for generations whose cost is not known yet."""
    held: dict[str, int] = defaultdict(int)
    for reservation in session.exec(select(Reservation)):
        held[reservation.account] += reservation.amount
        if reservation.generation in rows:
            told = store.load(rows[reservation.generation].story)
            assert told.original is None
            assert told.state not in ENDS or told.held is not None
    for account in session.exec(select(Account)):
        assert account.reserved == held[account.account]


def _told(records: list[Record]) -> Story:
    assert [record.seq for record in records] == list(range(len(records)))
    assert [record.prev for record in records] == [ZERO, *(record.leaf for record in records[:-1])]
    return story(records)


def _rows(session: Session, generations: Collection[str] | None) -> dict[str, Generation]:
    query = select(Generation)
    if generations is not None:
        query = query.where(col(Generation.id).in_(generations))
    return {row.id: row for row in session.exec(query)}


def _streams(session: Session, generations: Collection[str] | None) -> dict[str, list[Record]]:
    query = select(LogRecord).where(col(LogRecord.event).in_(RULES)).order_by(col(LogRecord.seq))
    if generations is not None:
        query = query.where(col(LogRecord.stream).in_(generations))
    streams: dict[str, list[Record]] = defaultdict(list)
    for row in session.exec(query):
        streams[row.stream].append(load(row.line))
    return dict(streams)
