"""Which budgets a caller's mandates and identity documents mean: an account for each, named by the
digest of the hop or of the document, whose cap is the grant's `total`.
"""

from sqlalchemy import Connection, bindparam, select

from governance.domain import Budget, Principal
from governance.evidence import mandate
from governance.identity import documents, lineage
from governance.identity.tables import Mandate

_MANDATES = Mandate.__table__  # type: ignore[attr-defined]
_COMPACT = select(_MANDATES.c.compact).where(_MANDATES.c.digest == bindparam("digest"))
MAX_CACHED = 10_000
_of_hops: dict[str, Budget] = {}


def covering(connection: Connection, principal: Principal) -> list[Budget]:
    """The budgets out of which a caller spends: its mandates', and those of the documents of all
    agents in its chain and of all that they come from."""
    if principal.grant is None:
        return []
    members = lineage.line(connection, principal.chain)
    held = [one.document for one in members if one.document is not None]
    return [
        *(_of_hop(connection, digest) for digest in principal.mandate),
        *(_of_document(connection, digest) for digest in held),
    ]


def _of_hop(connection: Connection, digest: str) -> Budget:
    """Of a hop, which never changes: read once per process."""
    known = _of_hops.get(digest)
    if known is None:
        if len(_of_hops) >= MAX_CACHED:
            _of_hops.clear()
        compact = connection.execute(_COMPACT, {"digest": digest}).scalar_one()
        hop = mandate.read(compact)
        known = Budget(digest, hop.grant.total, hop.grant.currency, f"mandate {hop.id}")
        _of_hops[digest] = known
    return known


def _of_document(connection: Connection, digest: str) -> Budget:
    ceiling = documents.ceiling(connection, digest)
    return Budget(digest, ceiling.total, ceiling.currency, f"identity document {digest}")
