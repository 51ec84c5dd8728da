"""A service with one person, Ada, and ways to speak to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from nacl.signing import SigningKey
from sqlalchemy import Connection

from governance.client.signer import RequestSigner
from governance.evidence.record import Record
from governance.identity import agents, people
from governance.identity.authenticate import Authenticated, authenticate
from governance.identity.delegation import Delegations
from governance.identity.request_signature import ReceivedRequest
from governance.identity.tokens import VerifiedToken
from governance.kernel.database import Database
from governance.ledger.ledger import Ledger, read_stream
from tests.documents import drafted, signatures
from tests.identity.forging import AGENT, AUTHORITY

T = TypeVar("T")
IDLE = 1800.0
Body = dict[str, Any]
Signatures = dict[str, str]


@dataclass(frozen=True)
class House:
    """A service and its first administrator."""

    database: Database
    ledger: Ledger
    ada: str
    password: str
    delegations: Delegations

    @classmethod
    def open(cls, database: Database, ledger: Ledger) -> "House":
        ada = database.write(
            lambda connection: people.first_administrator(
                connection, ledger, organisation="acme", username="ada", name="Ada Lovelace"
            )
        )
        delegations = Delegations(ledger.keyring.manifest)
        return cls(database, ledger, ada.id, ada.password, delegations)

    def write(self, run: Callable[..., T], *values: Any, **options: Any) -> T:
        """`run(connection, ledger, …)` in a transaction."""

        def inside(connection: Connection) -> T:
            return run(connection, self.ledger, *values, **options)

        return self.database.write(inside)

    def agent(self, *, key: SigningKey = AGENT, **changed: Any) -> str:
        """Register an agent of Ada's; `changed`: in `draft`."""
        return self.register(*self.drafted(key=key, **changed))

    def drafted(self, *, key: SigningKey = AGENT, **changed: Any) -> tuple[Body, Signatures]:
        """The document of an agent of Ada's, and its key's signature."""
        signer = RequestSigner(bytes(key))
        given = {
            "organisation": "acme",
            "accountable": self.ada,
            "name": "Storyboard bot",
            "service": f"https://{AUTHORITY}",
        }
        document = drafted(signer, **given | changed)
        return document, signatures(document, signer)

    def register(self, document: Body, signed: Signatures, **changed: Any) -> str:
        """Register the agent that a document describes."""
        given = {
            "document": document,
            "signatures": signed,
            "organisation": "acme",
            "audience": AUTHORITY,
            "by": self.ada,
        }
        return self.write(agents.register_agent, **given | changed)

    def supersede(self, agent: str, document: Body, signed: Signatures) -> str:
        """Give an agent its next document."""
        return self.write(
            agents.supersede_document,
            agent,
            document=document,
            signatures=signed,
            audience=AUTHORITY,
            by=self.ada,
        )

    def person(self, username: str) -> people.NewPerson:
        return self.write(
            people.add_person,
            organisation="acme",
            username=username,
            name=username.title(),
            by=self.ada,
        )

    def authenticate(
        self, request: ReceivedRequest, token: VerifiedToken | None = None
    ) -> Authenticated:
        with self.database.read() as session:
            return authenticate(
                session, request, session_idle=IDLE, delegations=self.delegations, token=token
            )

    def records(self) -> list[Record]:
        with self.database.read() as session:
            return read_stream(session, "service.acme")


@pytest.fixture
def house(database: Database, ledger: Ledger) -> House:
    return House.open(database, ledger)
