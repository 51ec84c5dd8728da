"""Every policy document that was ever in force, kept under its digest for replays."""

from sqlalchemy import Connection, bindparam, select, text

from governance.kernel import clock
from governance.kernel.errors import NotFound
from governance.ledger.ledger import Entry, Ledger
from governance.policy.rules import Policy
from governance.policy.tables import PolicyVersion

_VERSIONS = PolicyVersion.__table__  # type: ignore[attr-defined]

# The same text on SQLite and PostgreSQL; of two processes that start together, one inserts.
_KEEP = text(
    "INSERT INTO policy_version (digest, document, created_at) "
    "VALUES (:digest, :document, :created_at) ON CONFLICT DO NOTHING"
).bindparams(bindparam("created_at", type_=_VERSIONS.c.created_at.type))


def keep(connection: Connection, ledger: Ledger, policy: Policy) -> bool:
    """Store the policy and record that it was loaded, unless it is known. Whether it was new."""
    values = {"digest": policy.digest, "document": policy.document, "created_at": clock.now()}
    if connection.execute(_KEEP, values).rowcount == 0:
        return False
    packs = [{"id": pack, "version": version} for pack, version in policy.packs]
    body = {"action": "loaded", "policy": policy.digest, "packs": packs}
    ledger.append(connection, Entry(stream="service", event="policy.changed", body=body))
    return True


def document(connection: Connection, digest: str) -> bytes:
    """The stored document. Raises NotFound (`policy_unknown`)."""
    query = select(_VERSIONS.c.document).where(_VERSIONS.c.digest == digest)
    found = connection.execute(query).scalar()
    if found is None:
        raise NotFound("policy_unknown", f"No policy with the digest {digest} was ever in force.")
    return bytes(found)
