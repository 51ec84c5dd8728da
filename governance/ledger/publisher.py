"""Publishing the log: integrate, then sign a checkpoint of what is committed.

The process may die at any of these points:

1. before the integration commits: the records stay pending and the next round takes them;
2. after it, before the guard file is written: the next round signs the same size;
3. after the guard, before the checkpoint row: likewise; signing one tree twice is harmless.

Never signed is a tree that does not continue the last one published: the guard file, best kept on
another volume, remembers it even when a restored backup of the database does not.
"""

import logging
import os
import threading
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, insert, select
from sqlmodel import Session

from governance.evidence import checkpoint as notes
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.errors import EvidenceError
from governance.kernel import clock
from governance.kernel.database import Database
from governance.kernel.errors import IntegrityError
from governance.ledger import tree
from governance.ledger.keyring import Keyring
from governance.ledger.tables import LogCheckpoint, LogLeaf, LogPending, LogRecord

log = logging.getLogger(__name__)
_CHECKPOINTS = LogCheckpoint.__table__  # type: ignore[attr-defined]
_RECORDS = LogRecord.__table__  # type: ignore[attr-defined]
_LEAVES = LogLeaf.__table__  # type: ignore[attr-defined]
_PENDING = LogPending.__table__  # type: ignore[attr-defined]


class Publisher:
    """Publishes at an interval (seconds) in a thread of its own; submitters never wait for it."""

    def __init__(self, database: Database, keyring: Keyring, guard: Path, interval: float) -> None:
        self._database = database
        self._keyring = keyring
        self._guard = guard
        self._interval = interval
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._last: Checkpoint | None = None

    def start(self) -> None:
        """Check that the log continues what was published, then publish until `stop`.

        Raises IntegrityError (`log_forked`, `guard_damaged`).
        """
        self.publish()
        self._thread = threading.Thread(target=self._run, name="log-publisher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Publish what is pending, then end the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self.publish()

    def publish(self) -> Checkpoint:
        """Integrate all pending records and publish a checkpoint over them.

        Raises IntegrityError (`log_forked`, `guard_damaged`); then nothing is signed.
        """
        with self._lock:
            published = self._guarded()
            size = self._integrate_all()
            if self._last is not None and self._last.size == size:
                return self._last
            with self._database.read() as session:
                connection = session.connection()
                head = Checkpoint(self._keyring.manifest.origin, size, tree.root(connection, size))
                if published is not None:
                    self._refuse_fork(connection, head, published)
                is_published = _note(connection, size) is not None
            if not is_published:
                self._sign(head)
            self._last = head
            return head

    def _integrate_all(self) -> int:
        size = -1
        while (grown := self._database.write(tree.integrate)) != size:
            size = grown
        return size

    def _sign(self, head: Checkpoint) -> None:
        note = notes.sign(head, self._keyring.log)
        self._database.write(lambda c: self._store(c, head.size, note))

    def _store(self, connection: Connection, size: int, note: bytes) -> None:
        """One publisher at a time, whatever their processes; none goes back behind another."""
        tree.lock(connection)
        newest = connection.execute(select(func.max(_CHECKPOINTS.c.size))).scalar()
        if newest is None or newest < size:
            _replace(self._guard, note)
            row = {"size": size, "note": note, "created_at": clock.now()}
            connection.execute(insert(_CHECKPOINTS).values(**row))

    def _guarded(self) -> Checkpoint | None:
        """What was published last. Read before integrating, so that another process's later
        checkpoint is never mistaken for a fork."""
        if not self._guard.exists():
            return None
        manifest = self._keyring.manifest
        try:
            note = self._guard.read_bytes()
            key = manifest.log_key(notes.parse(note).size)
            return notes.verify(note, manifest.origin, key)
        except EvidenceError as error:
            raise IntegrityError(
                "guard_damaged",
                f"{self._guard} holds no checkpoint of this log ({error.message}) Restore it from "
                "its backup; until then nothing is signed.",
            ) from None

    def _refuse_fork(self, connection: Connection, head: Checkpoint, last: Checkpoint) -> None:
        if last.size > head.size or tree.root(connection, last.size) != last.root:
            raise IntegrityError(
                "log_forked",
                f"The log in the database ({head.size} records) does not continue the log that "
                f"was published ({last.size} records, {self._guard}). A restored backup? Restore "
                "the newest state; until then nothing is signed.",
            )

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self.publish()
            except Exception:
                log.exception("publishing failed")


def latest(session: Session) -> tuple[Checkpoint, bytes] | None:
    """The newest published checkpoint with its note, if there is one."""
    note = (
        session.connection()
        .execute(select(_CHECKPOINTS.c.note).order_by(_CHECKPOINTS.c.size.desc()).limit(1))
        .scalar()
    )
    return (notes.parse(note), note) if note else None


def oldest_unpublished(session: Session) -> datetime | None:
    """When the oldest record was written that no checkpoint covers; None when all are covered."""
    connection = session.connection()
    published = connection.execute(select(func.max(_CHECKPOINTS.c.size))).scalar() or 0
    # Leaves count from 0, so the first one beyond the checkpoint has its size as index.
    queries = (
        select(_RECORDS.c.occurred_at)
        .join(_LEAVES, _LEAVES.c.record_id == _RECORDS.c.id)
        .where(_LEAVES.c.idx == published),
        select(_RECORDS.c.occurred_at)
        .join(_PENDING, _PENDING.c.record_id == _RECORDS.c.id)
        .order_by(_PENDING.c.position)
        .limit(1),
    )
    for query in queries:
        moment: datetime | None = connection.execute(query).scalar()
        if moment is not None:
            return moment
    return None


def _note(connection: Connection, size: int) -> bytes | None:
    return connection.execute(
        select(_CHECKPOINTS.c.note).where(_CHECKPOINTS.c.size == size)
    ).scalar()


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
