"""Many writers and processes at once: every chain stays whole, every record gets a place."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from governance.evidence import merkle
from governance.evidence.record import ZERO
from governance.kernel.database import Database
from governance.ledger import Ledger, keyring, tree
from governance.ledger.publisher import Publisher
from governance.ledger.tables import LogLeaf, LogRecord, StoredDisclosure
from tests.ledger.samples import cancelled, count, denied, entries, size, stream, write


@pytest.fixture
def other(database_url: str, database: Database) -> Iterator[Database]:
    """The same database as another process sees it: with a writer of its own."""
    other = Database(database_url)
    yield other
    other.close()


def at_once(*works: Callable[[], object]) -> None:
    """Run all at the same time; raises the first error of any."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001  reported below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def require_whole(database: Database, *streams: str) -> None:
    for name in streams:
        records = stream(database, name)
        assert [item.seq for item in records] == list(range(len(records)))
        assert [item.prev for item in records] == [ZERO, *(r.leaf for r in records)][:-1]


def require_true_tree(database: Database) -> None:
    """Every record is a leaf, once; the tree's root is that of the leaves."""
    with database.read() as session:
        connection = session.connection()
        rows = connection.execute(select(LogLeaf).order_by(col(LogLeaf.idx))).all()
        known = set(connection.execute(select(col(LogRecord.id))).scalars())
        assert [row.idx for row in rows] == list(range(len(rows)))
        assert {row.record_id for row in rows} == known
        assert tree.size(connection) == len(rows)
        hashes = [bytes.fromhex(row.hash) for row in rows]
        assert tree.root(connection, len(rows)) == merkle.root(hashes)


def test_threads_that_append_to_the_same_streams_make_one_chain_each(
    database: Database, ledger: Ledger
) -> None:
    def work() -> None:
        for number in range(6):
            write(database, ledger, cancelled(f"gen_{number % 2}"), denied("acme"))

    at_once(*[work] * 6)
    assert [len(stream(database, name)) for name in ("gen_0", "gen_1", "service.acme")] == [
        18,
        18,
        36,
    ]
    require_whole(database, "gen_0", "gen_1", "service.acme")


def test_processes_that_begin_the_same_stream_at_once_make_one_chain(
    database: Database, other: Database, ledger: Ledger
) -> None:
    def work(door: Database) -> Callable[[], object]:
        def run() -> None:
            for number in range(5):
                write(door, ledger, denied(f"org{number}"), cancelled(f"gen_{number}"))

        return run

    at_once(work(database), work(other))
    names = [f"service.org{number}" for number in range(5)]
    assert [len(stream(database, name)) for name in names] == [2] * 5
    require_whole(database, *names)


def test_processes_that_store_a_persons_first_data_at_once_share_one_key(
    database: Database, other: Database, ledger: Ledger
) -> None:
    people = [f"usr_{number:032x}" for number in range(10, 15)]

    def work(door: Database, prefix: str) -> Callable[[], object]:
        def run() -> None:
            for person in people:
                write(door, ledger, entries(f"{prefix}{person}", subject=person)[0])

        return run

    at_once(work(database, "a"), work(other, "b"))
    with database.read() as session:
        records = session.connection().execute(select(col(LogRecord.id))).scalars().all()
        opened = ledger.vault.open(session, records)
    assert len(opened) == count(database, StoredDisclosure) == 10


def test_integrators_at_once_give_every_record_one_place(
    database: Database, other: Database, ledger: Ledger
) -> None:
    def integrate(door: Database) -> Callable[[], object]:
        return lambda: [door.write(tree.integrate) for _ in range(8)]

    def append() -> None:
        for number in range(8):
            write(database, ledger, *[cancelled(f"gen_{number}")] * 5)

    at_once(append, integrate(database), integrate(other))
    database.write(tree.integrate)
    assert size(database) == 40
    require_true_tree(database)


def _integrate(url: str, rounds: int) -> None:
    database = Database(url)
    for _ in range(rounds):
        database.write(tree.integrate)
    database.close()


def test_a_second_process_integrates_beside_the_first(
    database_url: str, database: Database, ledger: Ledger
) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_integrate, args=(database_url, 40)
    )
    process.start()
    while process.is_alive():
        write(database, ledger, *[cancelled("gen_1")] * 5)
        database.write(tree.integrate)
    process.join()
    assert process.exitcode == 0
    database.write(tree.integrate)
    require_true_tree(database)


def test_publishers_with_one_guard_never_take_each_other_for_a_fork(
    database: Database, other: Database, ledger: Ledger, keys: keyring.Keyring, tmp_path: Path
) -> None:
    def publish(door: Database) -> Callable[[], object]:
        publisher = Publisher(door, keys, tmp_path / "guard", interval=1)

        def run() -> None:
            for number in range(6):
                write(door, ledger, cancelled(f"gen_{number}"))
                publisher.publish()

        return run

    at_once(publish(database), publish(other))
    assert size(database) == 12
    require_true_tree(database)
