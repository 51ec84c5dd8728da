"""Granting and revoking roles: checked, judged, recorded, all in the caller's transaction."""

from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from governance.kernel import epoch
from governance.kernel.errors import Conflict, Denied, InvalidRequest, NotFound
from governance.ledger.ledger import Entry, Ledger
from governance.policy import judge, roles
from governance.policy.authorization import CUSTOM_ROLE, DOMAIN, EVERYBODY, SUBJECT, Assignment
from governance.policy.rules import Policy
from governance.policy.tables import RoleAssignment

ADMINISTRATOR = "role:administrator"

_ASSIGNMENTS = RoleAssignment.__table__  # type: ignore[attr-defined]


def grant(
    connection: Connection,
    ledger: Ledger,
    policy: Policy,
    *,
    subject: str,
    role: str,
    domain: str,
    by: str,
) -> None:
    """Give `subject` (`agt_…`, `svc_…`, `usr_…`) a role (`role:…`) in a domain and below it.

    by: who changes it, or `service` for the service's own first steps.
    Raises InvalidRequest (`subject_invalid`, `role_unknown`, `domain_invalid`), Conflict
    (`role_already_held`), Denied (`role_own`), ConfigurationError (`policy_disagreement`); then
    nothing is changed.
    """
    number = epoch.advance(connection)
    assignment = _checked(connection, policy, subject, role, domain)
    if subject == by:
        raise Denied("role_own", "Nobody gives roles to themselves; ask another administrator.")
    before = stored(connection)
    if assignment in before:
        raise Conflict("role_already_held", f"{subject} holds {role} in {domain} already.")
    connection.execute(insert(_ASSIGNMENTS).values(subject=subject, role=role, domain=domain))
    _judge(connection, policy, assignment, [*before, assignment])
    _record(connection, ledger, "granted", assignment, by, number)


def revoke(
    connection: Connection,
    ledger: Ledger,
    policy: Policy,
    *,
    subject: str,
    role: str,
    domain: str,
    by: str,
) -> None:
    """Take a role back; it is gone with the caller's commit.

    Raises NotFound (`role_not_held`), Conflict (`last_administrator`), and what `grant` raises
    for words that are wrong.
    """
    number = epoch.advance(connection)
    assignment = _checked(connection, policy, subject, role, domain)
    before = stored(connection)
    if assignment not in before:
        raise NotFound("role_not_held", f"{subject} does not hold {role} in {domain}.")
    remaining = [other for other in before if other != assignment]
    _require_administrator(assignment, remaining)
    connection.execute(
        delete(_ASSIGNMENTS).where(
            _ASSIGNMENTS.c.subject == subject,
            _ASSIGNMENTS.c.role == role,
            _ASSIGNMENTS.c.domain == domain,
        )
    )
    _judge(connection, policy, assignment, remaining)
    _record(connection, ledger, "revoked", assignment, by, number)


def stored(connection: Connection) -> list[Assignment]:
    """Every assignment, in a stable order."""
    columns = (_ASSIGNMENTS.c.subject, _ASSIGNMENTS.c.role, _ASSIGNMENTS.c.domain)
    return [Assignment(*row) for row in connection.execute(select(*columns).order_by(*columns))]


def _checked(
    connection: Connection, policy: Policy, subject: str, role: str, domain: str
) -> Assignment:
    if not SUBJECT.fullmatch(subject):
        raise InvalidRequest("subject_invalid", f"“{subject}” is not a principal.", param="subject")
    known = roles.built_in(policy)
    if role not in known and not roles.is_custom(connection, role):
        raise InvalidRequest(
            "role_unknown",
            f"There is no role “{role}”; choose one of {', '.join(known)}, or one of your own.",
            param="role",
        )
    if not DOMAIN.fullmatch(domain):
        raise InvalidRequest(
            "domain_invalid",
            f"“{domain}” is neither org/<organisation> nor org/<organisation>/project/<project>.",
            param="domain",
        )
    own = CUSTOM_ROLE.fullmatch(role)
    if own is not None and own[1] != domain.split("/")[1]:
        raise InvalidRequest(
            "domain_invalid", f"{role} can only be given within org/{own[1]}.", param="domain"
        )
    return Assignment(subject, role, domain)


def _require_administrator(revoked: Assignment, remaining: list[Assignment]) -> None:
    """An organisation that has lost its last administrator could never be changed again."""
    if revoked.role != ADMINISTRATOR or "/project/" in revoked.domain:
        return
    if not any(
        other.role == ADMINISTRATOR
        and other.domain == revoked.domain
        and other.subject.startswith("usr_")
        for other in remaining
    ):
        raise Conflict(
            "last_administrator",
            f"{revoked.subject} is the last administrator of {revoked.domain}; "
            "make another person administrator first.",
        )


def _judge(
    connection: Connection, policy: Policy, changed: Assignment, assignments: list[Assignment]
) -> None:
    own = tuple((a.role, a.domain) for a in assignments if a.subject == changed.subject)
    named = {*roles.built_in(policy), EVERYBODY, changed.role, *(role for role, _ in own)}
    permissions = tuple(p for p in roles.effective(connection, policy) if p.subject in named)
    judge.rehearse_change(policy.model, permissions, own, changed.role, changed.domain)


def _record(
    connection: Connection,
    ledger: Ledger,
    action: Literal["granted", "revoked"],
    assignment: Assignment,
    by: str,
    number: int,
) -> None:
    body = {
        "action": action,
        "organisation": assignment.domain.split("/")[1],
        "subject": assignment.subject,
        "role": assignment.role,
        "domain": assignment.domain,
        "by": by,
        "epoch": number,
    }
    ledger.append(connection, Entry(stream="service", event="policy.changed", body=body))
