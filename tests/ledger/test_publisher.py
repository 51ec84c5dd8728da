"""The publisher integrates in batches, signs what is committed, and never signs a fork."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from freezegun import freeze_time
from sqlalchemy import text

from governance.evidence import checkpoint, manifest, merkle
from governance.evidence.keys import SeedSigner
from governance.kernel.database import Database
from governance.kernel.errors import IntegrityError
from governance.ledger import Entry, Ledger, keyring, tree
from governance.ledger.publisher import Publisher, latest, oldest_unpublished

PERSON = "usr_" + "0" * 32


def cancelled(stream: str) -> Entry:
    body = {"outcome": "cancelled", "code": "by_requester", "by": PERSON}
    return Entry(stream=stream, event="generation.ended", body=body)


def write(database: Database, ledger: Ledger, count: int, stream: str = "gen") -> list[str]:
    entries = [cancelled(f"{stream}{number % 3}") for number in range(count)]
    return [r.leaf for r in database.write(lambda c: ledger.append_all(c, entries))]


@pytest.fixture
def publisher(database: Database, keys: keyring.Keyring, tmp_path: Path) -> Publisher:
    return Publisher(database, keys, tmp_path / "guard" / "last-checkpoint", interval=1)


@pytest.fixture(autouse=True)
def guard_folder(tmp_path: Path) -> None:
    (tmp_path / "guard").mkdir()


def test_a_checkpoint_commits_to_every_record_in_order_of_writing(
    database: Database, ledger: Ledger, publisher: Publisher, keys: keyring.Keyring
) -> None:
    leaves = write(database, ledger, 600) + write(database, ledger, 5)
    head = publisher.publish()
    assert head.size == 605
    assert head.root == merkle.root([bytes.fromhex(leaf) for leaf in leaves])
    with database.read() as session:
        stored, note = latest(session)  # type: ignore[misc]
    assert stored == head
    assert checkpoint.verify(note, "test.example/log", keys.log.public) == head


def test_proofs_from_the_database_verify(
    database: Database, ledger: Ledger, publisher: Publisher
) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in write(database, ledger, 300)]
    first = publisher.publish()
    leaves += [bytes.fromhex(leaf) for leaf in write(database, ledger, 260)]
    second = publisher.publish()
    with database.read() as session:
        connection = session.connection()
        for index in (0, 1, 255, 256, 511, 512, 559):
            proof = tree.inclusion(connection, index, second.size)
            merkle.verify_inclusion(index, second.size, leaves[index], proof, second.root)
        proof = tree.consistency(connection, first.size, second.size)
    merkle.verify_consistency(first.size, second.size, first.root, second.root, proof)


def test_publishing_without_new_records_signs_nothing_new(
    database: Database, ledger: Ledger, publisher: Publisher
) -> None:
    write(database, ledger, 3)
    assert publisher.publish() == publisher.publish()
    with database.read() as session:
        count = session.connection().execute(text("SELECT count(*) FROM log_checkpoint")).scalar()
    assert count == 1


def test_a_restored_backup_is_a_fork_and_is_never_signed(
    sqlite_url: str, ledger: Ledger, keys: keyring.Keyring, tmp_path: Path
) -> None:
    guard = tmp_path / "guard" / "last-checkpoint"
    database = Database(sqlite_url)
    write(database, ledger, 2)
    Publisher(database, keys, guard, 1).publish()
    database.close()
    file = sqlite_url.removeprefix("sqlite:///")
    backup = tmp_path / "backup.sqlite3"
    shutil.copy(file, backup)

    database = Database(sqlite_url)
    write(database, ledger, 2)
    Publisher(database, keys, guard, 1).publish()
    database.close()

    for suffix in ("-wal", "-shm"):
        Path(file + suffix).unlink(missing_ok=True)
    shutil.copy(backup, file)
    database = Database(sqlite_url)
    write(database, ledger, 3, stream="other")
    with pytest.raises(IntegrityError, match="does not continue") as caught:
        Publisher(database, keys, guard, 1).start()
    assert caught.value.code == "log_forked"
    database.close()


def test_after_a_crash_between_integration_and_checkpoint_the_next_round_signs(
    database: Database, ledger: Ledger, publisher: Publisher
) -> None:
    write(database, ledger, 5)
    database.write(tree.integrate)
    assert publisher.publish().size == 5


def test_after_a_crash_between_guard_and_checkpoint_the_next_round_signs_the_same(
    database: Database, ledger: Ledger, publisher: Publisher, keys: keyring.Keyring, tmp_path: Path
) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in write(database, ledger, 5)]
    database.write(tree.integrate)
    head = checkpoint.Checkpoint("test.example/log", 5, merkle.root(leaves))
    (tmp_path / "guard" / "last-checkpoint").write_bytes(checkpoint.sign(head, keys.log))
    assert publisher.publish() == head
    with database.read() as session:
        assert latest(session) is not None


def test_a_database_whose_records_were_replaced_is_a_fork_even_when_it_grew(
    database: Database, ledger: Ledger, publisher: Publisher, keys: keyring.Keyring, tmp_path: Path
) -> None:
    write(database, ledger, 5)
    other = checkpoint.Checkpoint("test.example/log", 3, merkle.leaf_hash(b"another history"))
    (tmp_path / "guard" / "last-checkpoint").write_bytes(checkpoint.sign(other, keys.log))
    with pytest.raises(IntegrityError) as caught:
        publisher.publish()
    assert caught.value.code == "log_forked"
    with database.read() as session:
        assert latest(session) is None


@pytest.mark.parametrize("content", [b"", b"damaged", b"other.example/log\n1\nAAAA\n\n"])
def test_with_a_damaged_guard_nothing_is_signed(
    database: Database, ledger: Ledger, publisher: Publisher, tmp_path: Path, content: bytes
) -> None:
    write(database, ledger, 1)
    (tmp_path / "guard" / "last-checkpoint").write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        publisher.start()
    assert caught.value.code == "guard_damaged"
    with database.read() as session:
        assert latest(session) is None


def test_a_log_key_that_was_replaced_continues_what_the_old_one_published(
    database: Database, ledger: Ledger, publisher: Publisher, keys: keyring.Keyring, tmp_path: Path
) -> None:
    write(database, ledger, 3)
    publisher.publish()
    fresh = SeedSigner.from_seed(b"n" * 32)
    grants = (
        *(grant for grant in keys.manifest.grants if grant.role != "log"),
        manifest.Grant("log", keys.log.public, 0, 3),
        manifest.Grant("log", fresh.public, 4),
    )
    rotated = replace(keys, log=fresh, manifest=replace(keys.manifest, grants=grants))
    write(database, ledger, 2)
    guard = tmp_path / "guard" / "last-checkpoint"
    assert Publisher(database, rotated, guard, interval=1).publish().size == 5
    with database.read() as session:
        _, note = latest(session)  # type: ignore[misc]
    assert checkpoint.verify(note, "test.example/log", fresh.public).size == 5


def test_the_thread_publishes_at_its_interval_and_once_more_at_the_end(
    database: Database, ledger: Ledger, keys: keyring.Keyring, tmp_path: Path
) -> None:
    publisher = Publisher(database, keys, tmp_path / "guard" / "last", interval=0.01)
    publisher.start()
    write(database, ledger, 4)
    publisher.stop()
    with database.read() as session:
        head, _ = latest(session)  # type: ignore[misc]
    assert head.size == 4


def test_the_oldest_record_that_no_checkpoint_covers_is_known(
    database: Database, ledger: Ledger, publisher: Publisher
) -> None:
    def oldest() -> datetime | None:
        with database.read() as session:
            return oldest_unpublished(session)

    assert oldest() is None
    with freeze_time("2026-11-22T10:00:00Z"):
        write(database, ledger, 2)
    with freeze_time("2026-11-22T11:00:00Z"):
        write(database, ledger, 1)
    first = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert oldest() == first
    database.write(tree.integrate)
    assert oldest() == first
    publisher.publish()
    assert oldest() is None
