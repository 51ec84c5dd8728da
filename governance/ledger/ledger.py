"""Appending records within the caller's transaction.

Whatever changes the state of something appends here in the same transaction: if the record
cannot be written, the change does not happen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, text, update
from sqlmodel import Session

from governance.evidence import record
from governance.evidence.disclosure import SALT_BYTES, Disclosure, disclose
from governance.evidence.errors import EvidenceError
from governance.kernel import build, clock, ids
from governance.kernel.errors import IntegrityError
from governance.ledger.keyring import Keyring
from governance.ledger.tables import LogPending, LogRecord, LogStream
from governance.ledger.vault import Vault

SERVICE = "service"

_RECORDS = LogRecord.__table__  # type: ignore[attr-defined]
_STREAMS = LogStream.__table__  # type: ignore[attr-defined]
_PENDING = LogPending.__table__  # type: ignore[attr-defined]
# Built once: a statement that is built anew costs more than its execution.
_ADD_RECORDS = insert(_RECORDS)
_ADD_PENDING = insert(_PENDING)
_MOVE_STREAM = update(_STREAMS).where(_STREAMS.c.id == bindparam("stream"))
# Makes the head of a new stream; locks that of an old one, or one that is just being made.
_HEAD = text(
    "INSERT INTO log_stream (id, seq, leaf) VALUES (:stream, -1, :zero)"
    " ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING seq, leaf"
)
_SCOPE = select(_RECORDS.c.scope).where(_RECORDS.c.id == bindparam("record"))


@dataclass(frozen=True)
class Entry:
    """One record to append.

    stream: a generation's id, or `service` for the service's own governance (kept apart per
    organisation, so that one organisation's evidence is whole without another's);
    scope: `org/…/project/…`, for exports; subjects: (name, sha256) of what the record is about;
    private: personal data by name, of which the record carries only salted digests;
    data_subject: whose data `private` is.
    """

    stream: str
    event: str
    body: dict[str, Any]
    scope: str = ""
    subjects: tuple[tuple[str, str], ...] = ()
    private: tuple[tuple[str, Any], ...] = ()
    data_subject: str = ""


@dataclass
class _Head:
    """Where a stream ends; `seq` is -1 before its first record."""

    seq: int
    leaf: str


@dataclass
class _Batch:
    """Rows that one call of `append_all` collects before it writes them."""

    heads: dict[str, _Head] = field(default_factory=dict)
    sealed: list[tuple[record.Record, str]] = field(default_factory=list)
    private: list[tuple[str, str, list[Disclosure]]] = field(default_factory=list)


class Ledger:
    """Seals and stores records; knows nothing of their meaning."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self.vault = Vault(keyring.vault)

    def append(self, connection: Connection, entry: Entry) -> record.Record:
        """Append one record. Raises IntegrityError (`record_refused`) if it breaks its schema."""
        return self.append_all(connection, [entry])[0]

    def append_all(self, connection: Connection, entries: Sequence[Entry]) -> list[record.Record]:
        """Append records in order, all or none. Raises as `append` does."""
        if not entries:
            return []
        batch = _Batch()
        for entry in entries:
            self._seal(connection, batch, entry)
        self._store(connection, batch)
        return [sealed for sealed, _ in batch.sealed]

    def _seal(self, connection: Connection, batch: _Batch, entry: Entry) -> None:
        organisation = entry.body.get("organisation")
        stream, scope = entry.stream, entry.scope
        if stream == SERVICE and organisation:
            stream, scope = f"{SERVICE}.{organisation}", scope or f"org/{organisation}"
        if entry.private and not entry.data_subject:
            raise IntegrityError("record_refused", f"{entry.event}: whose personal data is this?")
        head = batch.heads.get(stream)
        if head is None:
            head = batch.heads[stream] = _locked_head(connection, stream)
        disclosures = [
            disclose(name, value, ids.random_bytes(SALT_BYTES)) for name, value in entry.private
        ]
        draft = record.Draft(
            id=ids.new_id("rec"),
            event=entry.event,
            occurred_at=clock.rfc3339(clock.now()),
            stream=stream,
            seq=head.seq + 1,
            prev=head.leaf,
            producer=build.producer(),
            body=entry.body,
            subjects=entry.subjects,
            sd=tuple(item.digest for item in disclosures),
        )
        try:
            sealed = record.seal(draft, self.keyring.record)
        except EvidenceError as error:
            raise IntegrityError("record_refused", error.message) from error
        head.seq, head.leaf = sealed.seq, sealed.leaf
        batch.sealed.append((sealed, scope))
        if disclosures:
            batch.private.append((sealed.id, entry.data_subject, disclosures))

    def _store(self, connection: Connection, batch: _Batch) -> None:
        connection.execute(
            _ADD_RECORDS,
            [
                {
                    "id": sealed.id,
                    "stream": sealed.stream,
                    "seq": sealed.seq,
                    "event": sealed.event,
                    "occurred_at": clock.parse(sealed.occurred_at),
                    "scope": scope,
                    "line": sealed.line,
                }
                for sealed, scope in batch.sealed
            ],
        )
        connection.execute(
            _ADD_PENDING,
            [{"record_id": sealed.id, "leaf": sealed.leaf} for sealed, _ in batch.sealed],
        )
        connection.execute(
            _MOVE_STREAM,
            [
                {"stream": stream, "seq": head.seq, "leaf": head.leaf}
                for stream, head in batch.heads.items()
            ],
        )
        for record_id, subject, disclosures in batch.private:
            self.vault.store(connection, record_id, subject, disclosures)

    def erase(self, connection: Connection, subject: str, *, basis: str, by: str) -> int:
        """Erase a data subject's personal data and say so in the log.

        basis: the lawful basis, a code; by: who did it. Returns the number of values erased.
        The records, their signatures and the tree stay valid. The organisation's own service
        stream says that it was erased: it is no other organisation's business.
        """
        erased: dict[str, list[str]] = {}
        for record_id, digest in self.vault.destroy(connection, subject):
            erased.setdefault(record_id, []).append(digest)
        entries = [
            _of_organisation(
                connection.execute(_SCOPE, {"record": record_id}).scalar_one(),
                "disclosure.erased",
                {"record": record_id, "digests": digests, "basis": basis, "by": by},
            )
            for record_id, digests in erased.items()
        ]
        if entries:
            self.append_all(connection, entries)
        return sum(map(len, erased.values()))


def read_stream(session: Session, stream: str) -> list[record.Record]:
    """All records of one stream, in order."""
    lines = session.connection().execute(
        select(_RECORDS.c.line).where(_RECORDS.c.stream == stream).order_by(_RECORDS.c.seq)
    )
    return [record.load(line) for (line,) in lines]


def _locked_head(connection: Connection, stream: str) -> _Head:
    row = connection.execute(_HEAD, {"stream": stream, "zero": record.ZERO}).one()
    return _Head(row.seq, row.leaf)


def _of_organisation(scope: str, event: str, body: dict[str, Any]) -> Entry:
    """An entry about something in `scope`, in the service stream of that scope's organisation."""
    if not scope:
        return Entry(SERVICE, event, body)
    organisation = scope.split("/")[1]
    return Entry(f"{SERVICE}.{organisation}", event, body, scope=f"org/{organisation}")
