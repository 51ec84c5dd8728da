"""Whether a caller may still act, asked again once a body that took its time is complete.

What `authenticate` found holds for a moment; an upload may last for hours.
"""

from sqlalchemy import Connection, select
from sqlmodel import col

from governance.domain.principal import Principal
from governance.identity import lineage
from governance.identity.denials import denied
from governance.identity.tables import AgentKey, MandateRevocation, Person, Service
from governance.kernel import clock


def require(connection: Connection, principal: Principal, keyid: str | None) -> None:
    """keyid: of the key that has signed the request, if one has.

    Raises Denied (`authority_ended`), with the principal in its details.
    """
    if _has_ended(connection, principal, keyid):
        raise denied(
            principal,
            "authority_ended",
            "What you acted on was suspended, revoked or has expired since the upload began.",
        )


def _has_ended(connection: Connection, principal: Principal, keyid: str | None) -> bool:
    state = select(col(Person.state)).where(col(Person.id) == principal.accountable)
    if connection.execute(state).scalar() != "active":
        return True
    if principal.kind == "service":
        state = select(col(Service.state)).where(col(Service.id) == principal.id)
        return connection.execute(state).scalar() != "active"
    if principal.kind == "person":
        return False
    revoked_key = select(col(AgentKey.keyid)).where(
        col(AgentKey.keyid) == keyid, col(AgentKey.revoked_at).is_not(None)
    )
    revoked_mandate = select(col(MandateRevocation.digest)).where(
        col(MandateRevocation.digest).in_(principal.mandate),
        col(MandateRevocation.organisation) == principal.organisation,
    )
    return (
        lineage.first_stopped(connection, principal.chain[1:]) is not None
        or any(connection.execute(q).first() for q in (revoked_key, revoked_mandate))
        or (principal.grant is not None and principal.grant.until <= clock.now())
    )
