"""Every change to a principal appends one `agent.changed` record, in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select, update
from sqlmodel import col

from governance.domain.principal import PrincipalKind
from governance.evidence.encoding import encode64url
from governance.identity.tables import Agent, Person, Service
from governance.kernel import clock, epoch
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger.ledger import Entry, Ledger

# The stream of the service's own governance, and who acts when no principal exists yet.
SERVICE = "service"
State = Literal["active", "suspended", "revoked"]
Table = type[Agent] | type[Service] | type[Person]


@dataclass(frozen=True)
class Subject:
    """The principal that a change is about, in the words of the record."""

    kind: PrincipalKind
    id: str
    organisation: str
    accountable: str
    keyid: str | None = None
    public_key: bytes | None = None
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    document: str | None = None
    parent: str | None = None


def record_change(
    connection: Connection,
    ledger: Ledger,
    subject: Subject,
    *,
    action: str,
    by: str,
    private: tuple[tuple[str, Any], ...] = (),
) -> None:
    """Append `agent.changed`. private: names and user names of the accountable person."""
    key = None
    if subject.keyid is not None and subject.public_key is not None:
        key = {"keyid": subject.keyid, "public_key": encode64url(subject.public_key)}
    body = {
        "action": action,
        "principal": subject.id,
        "kind": subject.kind,
        "organisation": subject.organisation,
        "accountable": subject.accountable,
        "key": key,
        "expires_at": clock.rfc3339(subject.expires_at) if subject.expires_at else None,
        "scopes": list(subject.scopes),
        "by": by,
    }
    if subject.document is not None:
        body["document"] = subject.document
    if subject.parent is not None:
        body["parent"] = subject.parent
    owner = subject.accountable if private else ""
    ledger.append(
        connection, Entry(SERVICE, "agent.changed", body, private=private, data_subject=owner)
    )


def require_accountable(connection: Connection, person: str, organisation: str) -> None:
    """A program needs a living person of its own organisation who answers for it.

    Raises InvalidRequest (`accountable_invalid`).
    """
    found = connection.execute(
        select(col(Person.id)).where(
            col(Person.id) == person,
            col(Person.organisation) == organisation,
            col(Person.state) == "active",
        )
    ).first()
    if found is None:
        raise InvalidRequest(
            "accountable_invalid",
            "Name an active person of the same organisation as accountable.",
            param="accountable",
        )


def move(connection: Connection, table: Table, id_: str, *, to: State, origin: set[State]) -> Any:
    """Change the state of one principal, as of a new epoch; its row before the change.

    Raises NotFound (`principal_unknown`), Conflict (`principal_state`).
    """
    epoch.advance(connection)
    row = connection.execute(select(table).where(col(table.id) == id_)).mappings().first()
    if row is None:
        raise NotFound("principal_unknown", f"There is no {table.__tablename__} {id_}.")
    changed = connection.execute(
        update(table).where(col(table.id) == id_, col(table.state).in_(origin)).values(state=to)
    )
    if changed.rowcount == 0:
        raise Conflict("principal_state", f"{id_} is {row['state']} and cannot become {to}.")
    return row
