"""The two doors to the database: `write` (one thread, group commit) and `read` (read-only).

Every write of the process goes through one thread. What has queued up runs under savepoints in
one transaction, commits once, then everyone is answered: no lock contention, one fsync for many.
The only place, with `migrations/`, that knows which database it is.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Connection, Engine, Integer, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool
from sqlmodel import Session

from governance.kernel.errors import Unavailable

T = TypeVar("T")
Write = Callable[[Connection], T]

MAX_BATCH = 64
MAX_RETRIES = 5
# SQLSTATEs with which PostgreSQL ends one transaction so that another can go on: a failure to
# serialize, a deadlock. The same again, alone, finds no such thing in its way.
TRANSIENT = frozenset({"40001", "40P01"})
# A 64-bit key that the database counts up; SQLite does so only for its own INTEGER.
BIG_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


@dataclass(frozen=True)
class _Job:
    run: Write[Any]
    future: "Future[Any]"


_Answer = tuple[_Job, Any, BaseException | None]


class Database:
    """One database, two doors. `close()` finishes what was queued."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._write_engine = _engine(url, writable=True)
        self._read_engine = _engine(url, writable=False)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._door = threading.Lock()  # nothing may queue up behind the end
        self._thread = threading.Thread(target=self._serve, name="database-writer", daemon=True)
        self._thread.start()

    @property
    def is_local(self) -> bool:
        """Whether only processes of this machine can have it open."""
        return self.url.startswith("sqlite")

    def write(self, run: Write[T]) -> T:
        """Run `run(connection)` in the writer thread; returns after the commit.

        Whatever `run` raises is raised here, and nothing that it wrote remains.
        """
        return self._submit(run).result()

    async def write_async(self, run: Write[T]) -> T:
        """`write` for coroutines. A caller that is cancelled does not undo a commit."""
        return await asyncio.wrap_future(self._submit(run))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent, physically read-only snapshot."""
        with Session(self._read_engine) as session:
            yield session

    @contextmanager
    def migrate(self) -> Iterator[Connection]:
        """A connection of its own for schema changes, outside the writer.

        The first that a service opens; raises Unavailable (`database_unreachable`).
        """
        try:
            connection = self._write_engine.connect()
        except DBAPIError as error:
            reason = str(error.orig).splitlines()[0]
            raise Unavailable("database_unreachable", f"No database: {reason}.") from None
        with connection:
            yield connection

    def close(self) -> None:
        """Refuse new writes, finish those that are queued, let go of the database."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()
        self._write_engine.dispose()
        self._read_engine.dispose()

    def _submit(self, run: Write[T]) -> "Future[T]":
        if threading.current_thread() is self._thread:
            raise RuntimeError("a write inside a write would wait for itself")
        future: Future[T] = Future()
        with self._door:
            if self._closed:
                raise Unavailable("shutting_down", "The service is stopping; try again shortly.")
            self._jobs.put(_Job(run, future))
        return future

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch = [job]
            stop = False
            while len(batch) < MAX_BATCH and not self._jobs.empty():
                following = self._jobs.get()
                if following is None:
                    stop = True
                    break
                batch.append(following)
            self._commit([job for job in batch if job.future.set_running_or_notify_cancel()])
            if stop:
                return

    def _commit(self, batch: list[_Job]) -> None:
        """Answer every job. What stood in another process's way is run again, alone: the jobs of a
        batch take their locks in the order in which they came, so that two batches may wait for
        each other.
        """
        answers = self._attempt(batch)
        for job, result, failure in answers:
            if not _is_transient(failure):
                _answer(job, result, failure)
        for job, _, failure in answers:
            if _is_transient(failure):
                self._repeat(job)

    def _repeat(self, job: _Job) -> None:
        for _ in range(MAX_RETRIES):
            ((_, result, failure),) = self._attempt([job])
            if not _is_transient(failure):
                break
        _answer(job, result, failure)

    def _attempt(self, batch: list[_Job]) -> list[_Answer]:
        answers: list[_Answer] = []
        try:
            with self._write_engine.connect() as connection, connection.begin():
                for job in batch:
                    answers.append(_run(connection, job, alone=len(batch) == 1))
        except BaseException as error:  # noqa: BLE001  the whole batch failed: tell everyone
            return [(job, None, _cause(answers, job) or error) for job in batch]
        return answers


def _answer(job: _Job, result: Any, failure: BaseException | None) -> None:
    if failure is not None:
        job.future.set_exception(failure)
    else:
        job.future.set_result(result)


def _is_transient(failure: BaseException | None) -> bool:
    cause = failure.orig if isinstance(failure, DBAPIError) else None
    return getattr(cause, "sqlstate", None) in TRANSIENT


def _cause(answers: list[_Answer], job: _Job) -> BaseException | None:
    return next((failure for done, _, failure in answers if done is job), None)


def _run(connection: Connection, job: _Job, *, alone: bool) -> _Answer:
    if alone:  # the transaction itself is the savepoint
        return job, job.run(connection), None
    # In plain SQL: a savepoint object costs as much as inserting a row does.
    connection.exec_driver_sql("SAVEPOINT job")
    try:
        result, failure = job.run(connection), None
    except Exception as error:  # noqa: BLE001  belongs to this caller alone
        result, failure = None, error
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT job")
    connection.exec_driver_sql("RELEASE SAVEPOINT job")
    return job, result, failure


def _engine(url: str, *, writable: bool) -> Engine:
    if url.startswith("sqlite"):
        return _sqlite(url, writable=writable)
    if writable:
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    return create_engine(
        url,
        pool_pre_ping=True,
        hide_parameters=True,
        isolation_level="REPEATABLE READ",
        connect_args={"options": "-c default_transaction_read_only=on"},
    )


def _sqlite(url: str, *, writable: bool) -> Engine:
    path = url.removeprefix("sqlite:///")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        poolclass=StaticPool if writable else QueuePool,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": 30, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA busy_timeout=30000")
        if not writable:
            connection.execute("PRAGMA query_only=ON")

    def begin(connection: Any) -> None:
        connection.execute("BEGIN IMMEDIATE" if writable else "BEGIN")

    # Not by an engine event: with one, every statement asks for listeners.
    engine.dialect.do_begin = begin  # type: ignore[assignment, method-assign]
    return engine


def check(database: Database) -> None:
    """Raise what the database raises if it does not answer."""
    with database.read() as session:
        session.connection().execute(text("SELECT 1"))
