"""What the database refuses by itself: nothing that was written to the log can be changed."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from governance.kernel.database import Database
from governance.ledger import Ledger
from governance.migrations import triggers
from tests.ledger.samples import cancelled, entries, publish, write

CHANGES = {
    "log_record": "line = line",
    "log_leaf": "hash = 'forged'",
    "log_node": "hash = 'forged'",
    "log_checkpoint": "size = size + 1",
}


@pytest.fixture
def log(database: Database, ledger: Ledger, tmp_path: Path) -> Database:
    write(database, ledger, *entries("gen_1"), *[cancelled("gen_2")] * 300)
    publish(database, ledger, tmp_path)
    return database


def run(database: Database, statement: str) -> None:
    database.write(lambda connection: connection.execute(text(statement)))


def test_the_rules_cover_the_log() -> None:
    assert CHANGES.keys() == set(triggers.LOG)


def test_nothing_in_the_log_is_changed_or_deleted(log: Database) -> None:
    for table, change in CHANGES.items():
        for statement in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):
            with pytest.raises(DBAPIError, match=f"{table} is append-only"):
                run(log, statement)


def test_what_has_to_change_can_be_changed(log: Database, ledger: Ledger, tmp_path: Path) -> None:
    run(log, "DELETE FROM disclosure")
    run(log, "DELETE FROM subject_key")
    write(log, ledger, cancelled("gen_2"))
    publish(log, ledger, tmp_path)


def test_postgresql_refuses_to_empty_the_tables(postgres_url: str) -> None:
    database = Database(postgres_url)
    for table in CHANGES:
        with pytest.raises(DBAPIError, match="append-only"):
            run(database, f"TRUNCATE {table}")
    database.close()


REPLACEMENTS = [
    "log_record SELECT * FROM log_record",
    "log_record SELECT 'rec_x', stream, seq, event, occurred_at, scope, line FROM log_record",
    "log_leaf SELECT idx, 'rec_x', hash FROM log_leaf",
    "log_leaf SELECT idx + 900, record_id, hash FROM log_leaf",
    "log_node SELECT level, idx, 'forged' FROM log_node",
    "log_checkpoint SELECT * FROM log_checkpoint",
]


def test_sqlite_refuses_to_replace_a_row(sqlite_url: str, ledger: Ledger, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    write(database, ledger, *[cancelled("gen_2")] * 300)
    publish(database, ledger, tmp_path)
    for replacement in REPLACEMENTS:
        with pytest.raises(DBAPIError, match="append-only"):
            run(database, f"INSERT OR REPLACE INTO {replacement}")
    database.close()
