"""The decisions about a generation in plain sentences, read from its records."""

from dataclasses import dataclass

from sqlmodel import Session

from governance.evidence.record import Record
from governance.kernel.errors import NotFound
from governance.ledger import read_stream
from governance.ledger.tables import LogRecord
from governance.lifecycle.context import Context
from governance.policy.explain import sentences
from governance.policy.recorded import EVENT


@dataclass(frozen=True)
class Explained:
    """One decision. stage: `request` or `output`."""

    record: str
    stage: str
    occurred_at: str
    sentences: list[str]


def explain(context: Context, session: Session, name: str) -> list[Explained]:
    """Every decision about a generation, or the one of a record.

    name: `gen_…` or `rec_…`. Raises NotFound (`decision_not_found`).
    """
    record = session.get(LogRecord, name)
    stream = record.stream if record is not None else name
    records = read_stream(session, stream)
    told = [
        _explained(context, item, records[0])
        for item in records
        if item.event == EVENT and (record is None or item.id == name)
    ]
    if not told:
        raise NotFound("decision_not_found", f"No decision is on record for {name}.")
    return told


def _explained(context: Context, decided: Record, first: Record) -> Explained:
    places = context.policies.policy.territories.known
    told = sentences(decided.body, first.body, places)
    return Explained(decided.id, decided.body["stage"], decided.occurred_at, told)
