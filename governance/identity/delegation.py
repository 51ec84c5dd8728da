"""On whose authority a signed request is made: the chain of mandates that comes with it.

The header `Gov-Delegation` carries the hops, the person's first, joined by `~`; the request's
signature covers it. A chain is verified once for each key and epoch. Whether everybody in it may
still act is asked of every request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from governance.domain.grant import Grant
from governance.domain.principal import Principal
from governance.evidence import grant, mandate
from governance.evidence.errors import EvidenceError
from governance.evidence.mandate import Chain, Hop
from governance.evidence.manifest import Manifest
from governance.evidence.signature_base import thumbprint
from governance.identity import documents, lineage
from governance.identity.denials import denied
from governance.identity.tables import Agent, AgentKey, Mandate, MandateRevocation, Person
from governance.kernel import clock, epoch
from governance.kernel.errors import Unauthenticated

HEADER = "gov-delegation"
MAX_CACHED = 1024

_AGENTS = Agent.__table__  # type: ignore[attr-defined]
_KEYS = AgentKey.__table__  # type: ignore[attr-defined]
_PEOPLE = Person.__table__  # type: ignore[attr-defined]
_MANDATES = Mandate.__table__  # type: ignore[attr-defined]
_REVOKED = MandateRevocation.__table__  # type: ignore[attr-defined]
_IN_CHAIN = select(_AGENTS).where(_AGENTS.c.id.in_(bindparam("agents", expanding=True)))
_PERSON = select(_PEOPLE.c.organisation, _PEOPLE.c.state).where(_PEOPLE.c.id == bindparam("person"))
_KEYS_OF = select(_KEYS).where(_KEYS.c.keyid.in_(bindparam("keyids", expanding=True)))
_REVOKED_OF = select(_REVOKED.c.digest).where(
    _REVOKED.c.digest.in_(bindparam("digests", expanding=True)),
    _REVOKED.c.organisation == bindparam("organisation"),
)
_KNOWN_OF = select(_MANDATES.c.digest).where(
    _MANDATES.c.digest.in_(bindparam("digests", expanding=True))
)


@dataclass(frozen=True)
class Delegated:
    """Who acts, and on whose behalf. until: when something in the chain ends by itself;
    unseen: hops that the registry does not know yet (`mandates.keep`)."""

    principal: Principal
    until: datetime
    unseen: tuple[Hop, ...] = ()


@dataclass(frozen=True)
class _Known:
    """What was verified in one epoch, by chain, the request's key and the service's name."""

    epoch: int
    chains: dict[tuple[str, str, str], Delegated] = field(default_factory=dict)


class Delegations:
    """One per process. trusted: which keys the service ever signed records with."""

    def __init__(self, trusted: Manifest) -> None:
        self._keys = service_keys(trusted)
        self._known = _Known(-1)

    def find(self, connection: Connection, chain: str, keyid: str, audience: str) -> Delegated:
        """Who acts under a chain whose last key has signed the request.

        keyid: of that key; audience: the service's public name.
        Raises Unauthenticated with the code of `mandate.verify_chain`, `delegation_key_mismatch`,
        `delegation_agent_unknown`, `delegation_key_unknown` or `mandate_unknown`; Denied with the
        principal in its details: `mandate_revoked`, `mandate_above_ceiling`, `mandate_depth`,
        `key_revoked`, `accountable_suspended`, `ancestor_stopped`.
        """
        known = self._as_of(epoch.current(connection))
        presented = (chain, keyid, audience)
        found = known.chains.get(presented)
        if found is not None and clock.now() < found.until:
            _require_alive(connection, found.principal)
            return found
        found = self._verified(connection, chain, keyid, audience)
        if not found.unseen:
            known.chains[presented] = found
        return found

    def _as_of(self, number: int) -> _Known:
        known = self._known
        if known.epoch != number or len(known.chains) >= MAX_CACHED:
            known = self._known = _Known(number)
        return known

    def _verified(self, connection: Connection, text: str, keyid: str, audience: str) -> Delegated:
        try:
            chain = mandate.verify_chain(mandate.split(text), self._keys.get, clock.now(), audience)
        except EvidenceError as error:
            raise Unauthenticated(error.code, error.message) from None
        if chain.holder.keyid != keyid:
            raise Unauthenticated(
                "delegation_key_mismatch",
                "The delegation empowers another key than the one that signed the request.",
            )
        principal = _principal(connection, chain)
        until = _require_keys(connection, chain, principal)
        _require_unrevoked(connection, chain, principal)
        known = set(connection.execute(_KNOWN_OF, {"digests": chain.digests}).scalars())
        if chain.digests[0] not in known:  # a stolen key of ours, even a retired one, could sign it
            raise Unauthenticated(
                "mandate_unknown", "The first hop was never issued by this service."
            )
        unseen = tuple(hop for hop in chain.hops if hop.digest not in known)
        return Delegated(principal, until, unseen)


def service_keys(trusted: Manifest) -> Mapping[str, bytes]:
    """The keys that may sign the first hop, by thumbprint."""
    grants = (grant for grant in trusted.grants if grant.role == "record")
    return {thumbprint(grant.public): grant.public for grant in grants}


def presented_key(chain: str, keyid: str) -> bytes | None:
    """The key that a chain, not verified yet, says it empowers; None unless it is `keyid`'s."""
    try:
        holder = mandate.read(mandate.split(chain)[-1])
    except EvidenceError:
        return None
    return holder.key if holder.is_instance and holder.keyid == keyid else None


def _principal(connection: Connection, chain: Chain) -> Principal:
    rows = {row.id: row for row in connection.execute(_IN_CHAIN, {"agents": chain.identities[1:]})}
    person = connection.execute(_PERSON, {"person": chain.person}).first()
    houses = {row.organisation for row in rows.values()}
    complete = len(rows) == len(chain.identities) - 1
    if person is None or not complete or houses != {person.organisation}:
        raise Unauthenticated(
            "delegation_agent_unknown",
            "The delegation names an agent or a person that this organisation does not have.",
        )
    holder = rows[chain.holder.agent]
    principal = Principal(
        kind="agent",
        id=holder.id,
        organisation=holder.organisation,
        accountable=chain.person,
        assurance="A",
        chain=chain.identities,
        name=holder.name,
        document=holder.document or "",
        mandate=chain.digests,
        grant=Grant(**vars(chain.holder.grant)),
    )
    if person.state != "active":
        raise denied(
            principal, "accountable_suspended", "The person who gave the mandate is suspended."
        )
    _require_alive(connection, principal)
    for hop in chain.hops:
        _require_below(connection, hop, chain.holder, rows[hop.agent], principal)
    return principal


def _require_below(
    connection: Connection, hop: Hop, holder: Hop, row: Any, principal: Principal
) -> None:
    """What is used lies within the ceiling of each agent that it passed, and went no further."""
    document = documents.find(connection, row.document)
    try:
        grant.require_within(
            holder.grant, document.ceiling, f"Mandate {holder.id}, which passed {row.id},"
        )
    except EvidenceError as error:
        raise denied(principal, "mandate_above_ceiling", error.message) from None
    if hop.depth > document.max_depth:
        raise denied(
            principal,
            "mandate_depth",
            f"The identity document of {row.id} does not let it hand on mandate {hop.id} so far.",
        )


def _require_keys(connection: Connection, chain: Chain, principal: Principal) -> datetime:
    """Each key is its agent's own and valid now; when the first of them, or the grant, ends."""
    keyids = [hop.keyid for hop in chain.hops]
    rows = {row.keyid: row for row in connection.execute(_KEYS_OF, {"keyids": keyids})}
    now, until = clock.now(), chain.holder.grant.until
    for hop in chain.hops:
        row = rows.get(hop.keyid)
        if hop.is_instance and row is None:
            continue
        if hop.is_instance or row is None or row.agent != hop.agent:
            raise Unauthenticated(
                "delegation_key_unknown", f"Mandate {hop.id} names a key that is not its agent's."
            )
        if row.revoked_at is not None or not row.not_before <= now < row.not_after:
            raise denied(
                principal, "key_revoked", f"The key that mandate {hop.id} names is not in force."
            )
        until = min(until, row.not_after)
    return until


def _require_unrevoked(connection: Connection, chain: Chain, principal: Principal) -> None:
    asked = {"digests": chain.digests, "organisation": principal.organisation}
    revoked = connection.execute(_REVOKED_OF, asked).scalars().first()
    if revoked is not None:
        (hop,) = (hop for hop in chain.hops if hop.digest == revoked)
        raise denied(principal, "mandate_revoked", f"Mandate {hop.id} was revoked.")


def _require_alive(connection: Connection, principal: Principal) -> None:
    stopped = lineage.first_stopped(connection, principal.chain[1:])
    if stopped is not None:
        raise denied(
            principal,
            "ancestor_stopped",
            f"The agent {stopped}, through which this authority comes, is suspended, revoked or "
            "without a valid identity document.",
        )
