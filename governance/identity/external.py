"""Identities at other platforms: an issuer's subject is one agent here, or one person.

An agent's stands in its identity document; a person's is linked by an administrator. Found by
issuer and subject within one organisation, never by a name or an e-mail address.
"""

from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlmodel import col

from governance.evidence.agent_document import AgentDocument
from governance.identity.changes import Subject, record_change
from governance.identity.tables import Agent, ExternalIdentity, Person
from governance.kernel import clock, epoch
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger.ledger import Ledger

MAX_TEXT = 256
_TABLE = ExternalIdentity.__table__  # type: ignore[attr-defined]
_HOLDER = select(_TABLE.c.agent, _TABLE.c.person)


def bind_agent(connection: Connection, agent: str, document: AgentDocument) -> None:
    """Follow an agent's new document: its binding holds from now on, no other does.

    Raises Conflict (`external_identity_taken`) unless nobody has it, or a revoked agent.
    """
    connection.execute(delete(ExternalIdentity).where(col(ExternalIdentity.agent) == agent))
    if document.binding is None:
        return
    issuer, subject = document.binding
    organisation = document.organisation
    holder = _holder(connection, organisation, issuer, subject)
    if holder is not None and _is_revoked(connection, holder.agent):
        _remove(connection, organisation, issuer, subject)
    elif holder is not None:
        raise _taken()
    _add(connection, organisation, issuer, subject, agent=agent)


def link_person(
    connection: Connection, ledger: Ledger, person: str, *, issuer: str, subject: str, by: str
) -> None:
    """Let a person sign in at `issuer`, where they are `subject`.

    Raises NotFound (`principal_unknown`), InvalidRequest (`external_identity_invalid`), Conflict
    (`external_identity_taken`).
    """
    for value in (issuer, subject):
        if not (0 < len(value) <= MAX_TEXT and value.isascii() and value.isprintable()):
            raise InvalidRequest(
                "external_identity_invalid",
                f"Issuer and subject must be 1 to {MAX_TEXT} printable ASCII letters.",
            )
    row = _person(connection, person)
    epoch.advance(connection)
    if _holder(connection, row["organisation"], issuer, subject) is not None:
        raise _taken()
    _add(connection, row["organisation"], issuer, subject, person=person)
    _record(connection, ledger, row, "linked", issuer, subject, by)


def unlink_person(
    connection: Connection, ledger: Ledger, person: str, *, issuer: str, subject: str, by: str
) -> None:
    """Raises NotFound (`principal_unknown`, `external_identity_unknown`)."""
    row = _person(connection, person)
    epoch.advance(connection)
    holder = _holder(connection, row["organisation"], issuer, subject)
    if holder is None or holder.person != person:
        raise NotFound("external_identity_unknown", f"{person} has no such identity.")
    _remove(connection, row["organisation"], issuer, subject)
    _record(connection, ledger, row, "unlinked", issuer, subject, by)


def person_of(connection: Connection, organisation: str, issuer: str, subject: str) -> str | None:
    """The id of the person whom an issuer knows as `subject`; None if nobody was linked."""
    holder = _holder(connection, organisation, issuer, subject)
    return None if holder is None else holder.person


def _person(connection: Connection, person: str) -> Any:
    row = connection.execute(select(Person).where(col(Person.id) == person)).mappings().first()
    if row is None:
        raise NotFound("principal_unknown", f"There is no person {person}.")
    return row


def _holder(connection: Connection, organisation: str, issuer: str, subject: str) -> Any:
    return connection.execute(_HOLDER.where(*_same(organisation, issuer, subject))).first()


def _is_revoked(connection: Connection, agent: str | None) -> bool:
    state = select(col(Agent.state)).where(col(Agent.id) == agent)
    return connection.execute(state).scalar() == "revoked"


def _add(
    connection: Connection, organisation: str, issuer: str, subject: str, **holder: str
) -> None:
    row = {"organisation": organisation, "issuer": issuer, "subject": subject, **holder}
    connection.execute(insert(ExternalIdentity).values(row | {"created_at": clock.now()}))


def _remove(connection: Connection, organisation: str, issuer: str, subject: str) -> None:
    connection.execute(delete(_TABLE).where(*_same(organisation, issuer, subject)))


def _same(organisation: str, issuer: str, subject: str) -> tuple[Any, ...]:
    return (
        _TABLE.c.organisation == organisation,
        _TABLE.c.issuer == issuer,
        _TABLE.c.subject == subject,
    )


def _record(
    connection: Connection,
    ledger: Ledger,
    row: Any,
    action: str,
    issuer: str,
    subject: str,
    by: str,
) -> None:
    person = Subject("person", row["id"], row["organisation"], row["id"])
    identity = (("external_identity", {"issuer": issuer, "subject": subject}),)
    record_change(connection, ledger, person, action=action, by=by, private=identity)


def _taken() -> Conflict:
    return Conflict(
        "external_identity_taken",
        "This issuer's subject belongs to somebody already; unlink or revoke that one first.",
    )
