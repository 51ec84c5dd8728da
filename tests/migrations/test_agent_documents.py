"""Agents that were registered before there were identity documents."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from nacl.signing import SigningKey
from sqlalchemy import text

from governance import migrations
from governance.evidence.signature_base import thumbprint
from governance.identity import agents, people
from governance.identity.delegation import Delegations
from governance.identity.tables import Agent, AgentKey
from governance.kernel.database import Database
from governance.kernel.errors import Conflict, Denied
from governance.ledger import Ledger
from tests.conftest import copied_postgres
from tests.identity.conftest import House
from tests.identity.forging import AGENT, STRANGER, Draft

AGE, END = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), datetime(2026, 12, 1, tzinfo=UTC)
PERSON = "usr_" + "1" * 32
LIMITED, UNLIMITED = "agt_" + "2" * 32, "agt_" + "3" * 32


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of the first release: one person, two agents, of which one has an end."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path}/old.sqlite3"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_server")
            url = stack.enter_context(copied_postgres(server, "template0"))
        database = Database(url)
        stack.callback(database.close)
        upgrade_to(database, "0001")
        zone = "" if request.param == "sqlite" else "+00"
        with database.migrate() as connection:
            connection.execute(
                text(
                    "INSERT INTO person VALUES (:id, 'acme', 'ada', 'Ada', '', true, 'active', :at)"
                ),
                {"id": PERSON, "at": f"{AGE:%Y-%m-%d %H:%M:%S.%f}{zone}"},
            )
            for agent, key, end in ((LIMITED, STRANGER, END), (UNLIMITED, AGENT, None)):
                connection.execute(
                    text(
                        "INSERT INTO agent VALUES (:id, 'acme', 'Old', :person, :keyid, :key, "
                        "'active', :at, :end)"
                    ),
                    {
                        "id": agent,
                        "person": PERSON,
                        "keyid": thumbprint(bytes(key.verify_key)),
                        "key": bytes(key.verify_key),
                        "at": f"{AGE:%Y-%m-%d %H:%M:%S.%f}{zone}",
                        "end": end and f"{end:%Y-%m-%d %H:%M:%S.%f}{zone}",
                    },
                )
            connection.commit()
        migrations.upgrade(database)
        yield database


def upgrade_to(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with database.migrate() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_they_and_their_keys_survive(old: Database) -> None:
    with old.read() as session:
        kept = session.get_one(Agent, LIMITED)
        limited, unlimited = (
            session.get_one(AgentKey, thumbprint(bytes(key.verify_key)))
            for key in (STRANGER, AGENT)
        )
    assert (kept.name, kept.accountable, kept.document, kept.parent) == ("Old", PERSON, None, None)
    assert (limited.agent, unlimited.agent) == (LIMITED, UNLIMITED)
    assert bytes(unlimited.public_key) == bytes(AGENT.verify_key)
    assert (limited.not_before, limited.not_after) == (AGE, END)
    assert unlimited.not_after.year == 9999


def test_they_are_told_to_register_again_with_another_key(old: Database, ledger: Ledger) -> None:
    house = House(old, ledger, PERSON, "", Delegations(ledger.keyring.manifest))
    with pytest.raises(Denied) as refusal:
        house.authenticate(Draft().sign())
    assert refusal.value.code == "document_missing"
    with pytest.raises(Conflict) as taken:
        house.agent()
    assert taken.value.code == "agent_key_registered"
    fresh = SigningKey(bytes([5]) * 32)
    agent = house.agent(key=fresh)
    assert house.authenticate(Draft(key=fresh).sign()).principal.id == agent
    house.write(agents.revoke_agent, UNLIMITED, by=PERSON)
    house.write(people.suspend_person, PERSON, by=PERSON)
