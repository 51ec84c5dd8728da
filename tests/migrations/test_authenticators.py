"""Sessions that began before anybody noted how."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from governance import migrations
from governance.identity.step_up import is_fresh
from governance.identity.tables import PersonSession
from governance.kernel.database import Database
from tests.migrations.test_agent_documents import PERSON, upgrade_to

TOKEN = "0" * 64
BEGUN, END = "2026-11-22 12:00:00.000000", "2999-01-01 00:00:00.000000"


def test_they_go_on_and_are_not_fresh(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.sqlite3")
    upgrade_to(database, "0003")
    with database.migrate() as connection:
        connection.execute(
            text("INSERT INTO person VALUES (:id, 'acme', 'ada', 'Ada', '', true, 'active', :at)"),
            {"id": PERSON, "at": BEGUN},
        )
        connection.execute(
            text("INSERT INTO person_session VALUES (:token, :person, :at, :end)"),
            {"token": TOKEN, "person": PERSON, "at": BEGUN, "end": END},
        )
        connection.commit()
    migrations.upgrade(database)
    with database.read() as session:
        kept = session.get_one(PersonSession, TOKEN)
    assert kept.seen_at == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert kept.method == "password"
    assert not is_fresh(kept.authenticated_at, 1800.0)
    database.close()
