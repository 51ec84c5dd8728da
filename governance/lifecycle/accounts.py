"""Changes to who may do what that concern people, roles and reviews at once."""

from sqlalchemy import Connection
from sqlmodel import col, exists, select

from governance.identity import names, people
from governance.identity.tables import Person
from governance.kernel.errors import Conflict, NotFound
from governance.ledger import Ledger
from governance.policy import Policy, assignments
from governance.policy.tables import RoleAssignment
from governance.review import reviews


def suspend_person(connection: Connection, ledger: Ledger, person: str, *, by: str) -> None:
    """Refuse a person, their sessions and the programs that they answer for, at once.

    What they were reviewing waits for somebody else.
    Raises NotFound, Conflict (`principal_state`, `last_administrator`).
    """
    people.suspend_person(connection, ledger, person, by=by)
    _leave(connection, person)


def revoke_person(connection: Connection, ledger: Ledger, person: str, *, by: str) -> None:
    """`suspend_person`, for good."""
    people.revoke_person(connection, ledger, person, by=by)
    _leave(connection, person)


def grant_role(
    connection: Connection,
    ledger: Ledger,
    policy: Policy,
    *,
    subject: str,
    role: str,
    domain: str,
    by: str,
) -> None:
    """Give a role to somebody of the domain's organisation.

    Raises as `assignments.grant` does, and NotFound (`subject_unknown`).
    """
    assignments.grant(connection, ledger, policy, subject=subject, role=role, domain=domain, by=by)
    organisation = domain.split("/")[1]
    if not names.is_known(connection, subject, organisation):
        raise NotFound("subject_unknown", f"Nobody of {organisation} has the id {subject}.")


def revoke_role(
    connection: Connection,
    ledger: Ledger,
    policy: Policy,
    *,
    subject: str,
    role: str,
    domain: str,
    by: str,
) -> None:
    """Take a role back. Raises as `assignments.revoke` does.

    A suspended administrator does not count as the one who must remain.
    """
    assignments.revoke(connection, ledger, policy, subject=subject, role=role, domain=domain, by=by)
    if role == assignments.ADMINISTRATOR and "/project/" not in domain:
        _require_administrator(connection, domain)


def _leave(connection: Connection, person: str) -> None:
    reviews.release_claims(connection, person)
    administers = select(RoleAssignment.domain).where(
        RoleAssignment.subject == person,
        RoleAssignment.role == assignments.ADMINISTRATOR,
        ~col(RoleAssignment.domain).contains("/project/"),
    )
    for domain in connection.scalars(administers).all():
        _require_administrator(connection, domain)


def _require_administrator(connection: Connection, domain: str) -> None:
    """An organisation without an active administrator could never be changed again.

    Asked after the change, which holds the epoch's lock: of two at once one sees the other.
    """
    remaining = select(
        exists()
        .where(col(RoleAssignment.subject) == col(Person.id))
        .where(col(RoleAssignment.role) == assignments.ADMINISTRATOR)
        .where(col(RoleAssignment.domain) == domain)
        .where(col(Person.state) == "active")
    )
    if not connection.execute(remaining).scalar():
        raise Conflict(
            "last_administrator",
            f"{domain} would be left without an active administrator; make another one first.",
        )
