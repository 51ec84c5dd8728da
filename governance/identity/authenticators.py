"""Every change to a person's authenticators appends one `authenticator.changed` record.

From the enrolments among them anyone can check later which key a decision was signed with.
"""

from typing import Literal

from sqlalchemy import Connection, select
from sqlmodel import col

from governance.evidence.assertion import Enrolment
from governance.evidence.encoding import encode64url
from governance.identity.changes import SERVICE
from governance.identity.tables import Person
from governance.kernel.errors import NotFound
from governance.ledger.ledger import Entry, Ledger

Kind = Literal["webauthn", "totp"]
Action = Literal["enrolled", "revoked"]


def record_change(
    connection: Connection,
    ledger: Ledger,
    person: str,
    *,
    kind: Kind,
    action: Action,
    by: str,
    enrolment: Enrolment | None = None,
) -> None:
    """enrolment: of a passkey. Raises NotFound (`principal_unknown`)."""
    organisation = connection.execute(
        select(col(Person.organisation)).where(col(Person.id) == person)
    ).scalar()
    if organisation is None:
        raise NotFound("principal_unknown", f"There is no person {person}.")
    body = {
        "action": action,
        "kind": kind,
        "person": person,
        "organisation": organisation,
        "credential": enrolment and enrolment.credential,
        "public_key": enrolment and encode64url(enrolment.public_key),
        "algorithm": enrolment and enrolment.algorithm,
        "rp_id": enrolment and enrolment.rp_id,
        "by": by,
    }
    ledger.append(connection, Entry(SERVICE, "authenticator.changed", body))
