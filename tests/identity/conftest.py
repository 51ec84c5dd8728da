"""A service with one person, Ada, and ways to speak to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from nacl.signing import SigningKey
from sqlalchemy import Connection

from governance.evidence.record import Record
from governance.evidence.signature_base import registration_statement
from governance.identity import agents, people
from governance.identity.authenticate import Authenticated, authenticate
from governance.identity.request_signature import ReceivedRequest
from governance.kernel.database import Database
from governance.ledger.ledger import Ledger, read_stream
from tests.identity.forging import AGENT, AUTHORITY

T = TypeVar("T")
IDLE = 1800.0


@dataclass(frozen=True)
class House:
    """A service and its first administrator."""

    database: Database
    ledger: Ledger
    ada: str
    password: str

    @classmethod
    def open(cls, database: Database, ledger: Ledger) -> "House":
        ada = database.write(
            lambda connection: people.first_administrator(
                connection, ledger, organisation="acme", username="ada", name="Ada Lovelace"
            )
        )
        return cls(database, ledger, ada.id, ada.password)

    def write(self, run: Callable[..., T], *values: Any, **options: Any) -> T:
        """`run(connection, ledger, …)` in a transaction."""

        def inside(connection: Connection) -> T:
            return run(connection, self.ledger, *values, **options)

        return self.database.write(inside)

    def agent(self, *, key: SigningKey = AGENT, **changed: Any) -> str:
        """Register an agent of Ada's."""
        claim = {"organisation": "acme", "accountable": self.ada} | changed
        public_key = bytes(key.verify_key)
        statement = registration_statement(
            public_key=public_key,
            organisation=claim["organisation"],
            accountable=claim["accountable"],
            audience=AUTHORITY,
        )
        given = {
            "name": "Storyboard bot",
            "public_key": public_key,
            "proof": key.sign(statement).signature,
            "audience": AUTHORITY,
            "by": self.ada,
        }
        return self.write(agents.register_agent, **given | claim)

    def person(self, username: str) -> people.NewPerson:
        return self.write(
            people.add_person,
            organisation="acme",
            username=username,
            name=username.title(),
            by=self.ada,
        )

    def authenticate(self, request: ReceivedRequest) -> Authenticated:
        with self.database.read() as session:
            return authenticate(session, request, session_idle=IDLE)

    def records(self) -> list[Record]:
        with self.database.read() as session:
            return read_stream(session, "service.acme")


@pytest.fixture
def house(database: Database, ledger: Ledger) -> House:
    return House.open(database, ledger)
