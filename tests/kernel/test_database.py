"""The two doors: what is written together commits together; the reading door cannot write."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from governance.kernel.database import MAX_RETRIES, TRANSIENT, Database, check
from governance.kernel.errors import Unavailable


@pytest.fixture
def notes(database: Database) -> Database:
    database.write(lambda c: c.execute(text("CREATE TABLE note (body TEXT PRIMARY KEY)")))
    return database


@contextmanager
def held(database: Database) -> Iterator[None]:
    """The writer is busy inside the block: what is written meanwhile queues up behind it."""
    is_running, gate = threading.Event(), threading.Event()

    def wait(_: Connection) -> None:
        is_running.set()
        gate.wait(10)

    with ThreadPoolExecutor(1) as pool:
        blocker = pool.submit(database.write, wait)
        is_running.wait(10)
        try:
            yield
        finally:
            gate.set()
        blocker.result(10)


def queued(database: Database, count: int) -> None:
    """Wait until so many writes are waiting."""
    while database._jobs.qsize() < count:
        threading.Event().wait(0.002)


def insert(body: str, *, fail: bool = False) -> Callable[[Connection], str]:
    def run(connection: Connection) -> str:
        connection.execute(text("INSERT INTO note VALUES (:body)"), {"body": body})
        if fail:
            raise ValueError(body)
        return body

    return run


def count(body: str, meet: threading.Barrier | None = None) -> Callable[[Connection], None]:
    """Lock a note by counting in it; then wait until the other process has locked one too."""

    def run(connection: Connection) -> None:
        connection.execute(text("UPDATE note SET n = n + 1 WHERE body = :body"), {"body": body})
        if meet is not None:
            meet.wait(10)

    return run


def counted(database: Database) -> dict[str, int]:
    with database.read() as session:
        rows = session.connection().execute(text("SELECT body, n FROM note"))
        return {row.body: row.n for row in rows}


def bodies(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(row[0] for row in session.connection().execute(text("SELECT body FROM note")))


def test_a_write_is_visible_once_it_returns(notes: Database) -> None:
    assert notes.write(insert("a")) == "a"
    assert bodies(notes) == ["a"]


def test_a_failing_write_leaves_nothing_and_reaches_its_caller(notes: Database) -> None:
    with pytest.raises(ValueError, match="b"):
        notes.write(insert("b", fail=True))
    assert bodies(notes) == []


def test_a_failing_write_does_not_harm_those_in_the_same_transaction(notes: Database) -> None:
    with ThreadPoolExecutor(3) as pool:
        with held(notes):
            asked = [pool.submit(notes.write, insert(f"n{i}", fail=i == 1)) for i in range(3)]
            queued(notes, 3)
        outcomes = [future.exception(10) for future in asked]
    assert bodies(notes) == ["n0", "n2"]
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]


def test_what_fails_at_the_commit_fails_for_everyone_who_was_in_it(notes: Database) -> None:
    late = "note TEXT REFERENCES note (body) DEFERRABLE INITIALLY DEFERRED"
    notes.write(lambda c: c.execute(text(f"CREATE TABLE reply ({late})")))

    def dangle(connection: Connection) -> None:
        connection.execute(text("INSERT INTO reply VALUES ('a note that is not there')"))

    with ThreadPoolExecutor(2) as pool:
        with held(notes):
            asked = [pool.submit(notes.write, run) for run in (insert("innocent"), dangle)]
            queued(notes, 2)
        outcomes = [future.exception(10) for future in asked]
    assert [type(outcome) for outcome in outcomes] == [IntegrityError, IntegrityError]
    assert bodies(notes) == []
    assert notes.write(insert("the next one works")) in bodies(notes)


class TestTwoProcesses:
    """On PostgreSQL they write at the same time, and may wait for each other."""

    @pytest.fixture
    def here(self, postgres_url: str) -> Iterator[Database]:
        with closing(Database(postgres_url)) as database:
            database.write(lambda c: c.execute(text("CREATE TABLE note (body TEXT, n INT)")))
            database.write(lambda c: c.execute(text("INSERT INTO note VALUES ('a', 0), ('b', 0)")))
            yield database

    @pytest.fixture
    def there(self, here: Database) -> Iterator[Database]:
        with closing(Database(here.url)) as database:
            yield database

    def test_batches_that_wait_for_each_other_are_both_written(
        self, here: Database, there: Database
    ) -> None:
        both = threading.Barrier(2)
        with ThreadPoolExecutor(4) as pool:
            asked = []
            with held(here), held(there):
                for database, first, then in ((here, "a", "b"), (there, "b", "a")):
                    asked.append(pool.submit(database.write, count(first, both)))
                    queued(database, 1)
                    asked.append(pool.submit(database.write, count(then)))
                    queued(database, 2)
            assert [future.exception(30) for future in asked] == [None] * 4
        assert counted(here) == {"a": 2, "b": 2}

    def test_single_writes_that_wait_for_each_other_are_both_written(
        self, here: Database, there: Database
    ) -> None:
        both = threading.Barrier(2)

        def crosswise(first: str, then: str) -> Callable[[Connection], None]:
            waits = iter([both])

            def run(connection: Connection) -> None:
                count(first, next(waits, None))(connection)
                count(then)(connection)

            return run

        with ThreadPoolExecutor(2) as pool:
            asked = [
                pool.submit(here.write, crosswise("a", "b")),
                pool.submit(there.write, crosswise("b", "a")),
            ]
            assert [future.exception(30) for future in asked] == [None, None]
        assert counted(here) == {"a": 2, "b": 2}

    @pytest.mark.parametrize("state", sorted(TRANSIENT))
    def test_what_is_never_let_through_fails_after_some_tries(
        self, here: Database, state: str
    ) -> None:
        tries: list[int] = []

        def lose(connection: Connection) -> None:
            tries.append(len(tries))
            raise_error = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
            connection.execute(text(raise_error))

        with ThreadPoolExecutor(2) as pool:
            with held(here):
                asked = [pool.submit(here.write, lose), pool.submit(here.write, count("a"))]
                queued(here, 2)
            assert isinstance(asked[0].exception(10), DBAPIError)
            assert asked[1].exception(10) is None
        assert len(tries) == 1 + MAX_RETRIES
        assert counted(here) == {"a": 1, "b": 0}

    def test_any_other_fault_is_answered_at_once(self, here: Database) -> None:
        tries: list[int] = []

        def fail(connection: Connection) -> None:
            tries.append(len(tries))
            connection.execute(text("SELECT nothing FROM nowhere"))

        with pytest.raises(DBAPIError):
            here.write(fail)
        assert len(tries) == 1


def test_writes_run_one_at_a_time_in_the_order_they_came(notes: Database) -> None:
    seen: list[tuple[int, int]] = []

    def note(number: int) -> None:
        seen.append((number, threading.get_ident()))

    with ThreadPoolExecutor(9) as pool, held(notes):
        for number in range(9):
            pool.submit(notes.write, lambda _, number=number: note(number))
            queued(notes, number + 1)
    assert [number for number, _ in seen] == list(range(9))
    assert len({thread for _, thread in seen}) == 1


def test_a_write_inside_a_write_is_refused_because_it_would_wait_for_itself(
    notes: Database,
) -> None:
    with pytest.raises(RuntimeError, match="wait for itself"):
        notes.write(lambda _: notes.write(insert("a")))


def test_a_coroutine_waits_for_its_commit_too(notes: Database) -> None:
    assert asyncio.run(notes.write_async(insert("a"))) == "a"
    assert bodies(notes) == ["a"]
    with pytest.raises(ValueError, match="b"):
        asyncio.run(notes.write_async(insert("b", fail=True)))


def test_a_caller_that_gives_up_while_queued_is_not_written(notes: Database) -> None:
    async def give_up() -> None:
        with held(notes):
            task = asyncio.create_task(notes.write_async(insert("late")))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(give_up())
    notes.write(insert("next"))
    assert bodies(notes) == ["next"]


def test_a_caller_that_gives_up_while_it_runs_does_not_undo_the_commit(notes: Database) -> None:
    is_running, gate = threading.Event(), threading.Event()

    def slowly(connection: Connection) -> None:
        is_running.set()
        gate.wait(10)
        insert("under way")(connection)

    async def give_up() -> None:
        task = asyncio.create_task(notes.write_async(slowly))
        await asyncio.to_thread(is_running.wait, 10)
        task.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    notes.write(insert("next"))
    assert bodies(notes) == ["next", "under way"]


def test_closing_finishes_what_is_queued_and_refuses_what_comes_after(
    notes: Database, database_url: str
) -> None:
    closing = Database(database_url)
    with ThreadPoolExecutor(5) as pool:
        with held(closing):
            asked = [pool.submit(closing.write, insert(f"n{i}")) for i in range(4)]
            queued(closing, 4)
            end = pool.submit(closing.close)
            queued(closing, 5)
            for write in (closing.write, lambda run: asyncio.run(closing.write_async(run))):
                with pytest.raises(Unavailable) as raised:
                    write(insert("too late"))
                assert raised.value.code == "shutting_down"
        end.result(10)
    assert sorted(future.result() for future in asked) == bodies(notes)
    closing.close()  # twice is no fault


def test_no_caller_is_left_waiting_however_writing_and_closing_meet(
    notes: Database, database_url: str
) -> None:
    closing = Database(database_url)

    def write_until_refused(writer: int) -> int:
        for number in range(1000):
            try:
                closing.write(insert(f"{writer}.{number}"))
            except Unavailable:
                return number
        raise AssertionError("it was never closed")

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(write_until_refused, writer) for writer in range(4)]
        while not bodies(notes):
            threading.Event().wait(0.002)
        closing.close()
        written = sum(future.result(10) for future in asked)
    assert len(bodies(notes)) == written


def test_a_reader_sees_one_moment_however_often_it_looks(notes: Database) -> None:
    notes.write(insert("before"))
    query = text("SELECT count(*) FROM note")
    with notes.read() as session:
        assert session.connection().scalar(query) == 1
        notes.write(insert("after"))
        assert session.connection().scalar(query) == 1
    assert len(bodies(notes)) == 2


def test_the_reading_door_cannot_write(notes: Database) -> None:
    with notes.read() as session, pytest.raises(DBAPIError):
        session.connection().execute(text("INSERT INTO note VALUES ('x')"))


def test_a_database_that_answers_passes_its_check(notes: Database) -> None:
    check(notes)


def test_a_database_that_cannot_be_reached_says_so_without_its_password() -> None:
    database = Database("postgresql+psycopg://governance:hunter2@127.0.0.1:1/governance")
    with pytest.raises(Unavailable) as raised, database.migrate():
        raise AssertionError("never reached")
    assert raised.value.code == "database_unreachable"
    assert "hunter2" not in raised.value.message
    database.close()
