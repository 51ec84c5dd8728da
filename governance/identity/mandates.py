"""The register of mandates: a person's first hop is issued here, later ones are noted when shown.

An agent hands its mandate on offline; the service learns of that hop when it is first presented.
Revoking any hop ends it and all that follows from it, from the next request on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, insert, or_, select, text

from governance.domain.principal import Principal
from governance.evidence import grant, jws, mandate
from governance.evidence.agent_document import AgentDocument
from governance.evidence.errors import EvidenceError
from governance.evidence.mandate import Hop
from governance.evidence.signature_base import thumbprint
from governance.identity import documents
from governance.identity.changes import SERVICE, require_accountable
from governance.identity.grants import as_body, as_grant
from governance.identity.tables import Agent, Mandate, MandateRevocation
from governance.kernel import clock, epoch, ids
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger.ledger import Entry, Ledger

DEFAULT_DEPTH = 1

_AGENTS = Agent.__table__  # type: ignore[attr-defined]
_MANDATES = Mandate.__table__  # type: ignore[attr-defined]
_REVOKED = MandateRevocation.__table__  # type: ignore[attr-defined]
_KEEP = text(
    "INSERT INTO mandate"
    " (digest, id, organisation, root, delegator, agent, prv, compact, known_at)"
    " VALUES (:digest, :id, :organisation, :root, :delegator, :agent, :prv, :compact, :known_at)"
    " ON CONFLICT (digest) DO NOTHING"
)


@dataclass(frozen=True)
class Known:
    """A hop as registered. known_at: when it was issued here or first shown."""

    hop: Hop
    known_at: datetime
    revoked_at: datetime | None


def issue(
    connection: Connection,
    ledger: Ledger,
    *,
    organisation: str,
    person: str,
    agent: str,
    limits: Mapping[str, Any],
    audience: str,
    by: str,
    depth: int | None = None,
) -> Hop:
    """Sign a person's mandate for an agent, with the service's record key.

    limits: the grant as JSON; audience: the service's public name; depth: how many more agents it
    may be handed on to, by default one where the agent's document allows any.
    Raises InvalidRequest (`accountable_invalid`, `mandate_agent_invalid`, `grant_invalid`,
    `time_invalid`, `grant_widened`, `mandate_expired`, `mandate_depth`).
    """
    require_accountable(connection, person, organisation)
    document = _document(connection, agent, organisation)
    try:
        granted = grant.parse(limits)
        grant.require_within(granted, document.ceiling, "The mandate")
    except EvidenceError as error:
        raise InvalidRequest(error.code, error.message, param="grant") from None
    if granted.until <= clock.now():
        raise InvalidRequest("mandate_expired", "It must end in the future.", param="grant.until")
    if depth is None:
        depth = min(DEFAULT_DEPTH, document.max_depth)
    if not 0 <= depth <= min(mandate.MAX_DEPTH, document.max_depth):
        raise InvalidRequest(
            "mandate_depth",
            f"Give a depth of 0 to {min(mandate.MAX_DEPTH, document.max_depth)}: so many times "
            "may the mandate be handed on from this agent.",
            param="depth",
        )
    signer = ledger.keyring.record
    payload = mandate.payload(
        mandate=ids.new_id("mdt"),
        root=person,
        delegator=person,
        agent=agent,
        key=_newest_key(document),
        prv=mandate.ZERO,
        depth=depth,
        audience=audience,
        issued=clock.now(),
        grant=dict(limits),
    )
    hop = mandate.read(jws.seal(payload, mandate.TYPE, signer.sign, thumbprint(signer.public)))
    _add(connection, ledger, hop, organisation, by)
    return hop


def keep(connection: Connection, ledger: Ledger, hops: Sequence[Hop], presenter: Principal) -> None:
    """Note hops that an agent has presented and that have been verified.

    Raises Conflict (`mandate_id_taken`): another hop has this id.
    """
    for hop in hops:
        _add(connection, ledger, hop, presenter.organisation, presenter.id)


def revoke(
    connection: Connection, ledger: Ledger, *, organisation: str, named: str, by: str
) -> str:
    """End a hop, and all that follows from it; returns its digest.

    named: its id or digest; a hop that the service has never seen is known by its digest alone.
    Raises NotFound (`mandate_unknown`), Conflict (`mandate_revoked`).
    """
    number = epoch.advance(connection)
    row = connection.execute(_named(organisation, named)).first()
    if row is None and not mandate.DIGEST.fullmatch(named):
        raise _unknown(named)
    digest = row.digest if row else named
    before = select(_REVOKED.c.digest).where(
        _REVOKED.c.digest == digest, _REVOKED.c.organisation == organisation
    )
    if connection.execute(before).first() is not None:
        raise Conflict("mandate_revoked", "This mandate was revoked before.")
    revoked = {"digest": digest, "organisation": organisation, "revoked_by": by}
    connection.execute(insert(_REVOKED), {**revoked, "revoked_at": clock.now()})
    body = {
        "organisation": organisation,
        "mandate": row.id if row else None,
        "digest": digest,
        "by": by,
        "epoch": number,
    }
    ledger.append(connection, Entry(SERVICE, "mandate.revoked", body))
    return digest


def find(connection: Connection, organisation: str, named: str) -> Known:
    """A hop by its id or digest. Raises NotFound (`mandate_unknown`)."""
    row = connection.execute(_named(organisation, named)).first()
    if row is None:
        raise _unknown(named)
    return _known(row)


def page(
    connection: Connection,
    organisation: str,
    *,
    concerning: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[Known]:
    """An organisation's hops by id, from the id `after` on.

    concerning: only those that come from this person or agent, go to it or begin at it.
    """
    query = _registered(organisation).where(_MANDATES.c.id > after).limit(limit)
    if concerning is not None:
        columns = (_MANDATES.c.root, _MANDATES.c.delegator, _MANDATES.c.agent)
        query = query.where(or_(*(column == concerning for column in columns)))
    return [_known(row) for row in connection.execute(query.order_by(_MANDATES.c.id))]


def compacts(connection: Connection, digests: Sequence[str]) -> dict[str, bytes]:
    """Hops as signed, by digest, for evidence. Raises NotFound (`mandate_unknown`)."""
    query = select(_MANDATES.c.digest, _MANDATES.c.compact).where(_MANDATES.c.digest.in_(digests))
    found = {row.digest: row.compact.encode("ascii") for row in connection.execute(query)}
    for missing in set(digests) - found.keys():
        raise _unknown(missing)
    return found


def _add(connection: Connection, ledger: Ledger, hop: Hop, organisation: str, by: str) -> None:
    other = select(_MANDATES.c.id).where(_MANDATES.c.id == hop.id, _MANDATES.c.digest != hop.digest)
    if connection.execute(other).first() is not None:
        raise Conflict("mandate_id_taken", f"Another mandate has the id {hop.id}.")
    row = {
        "digest": hop.digest,
        "id": hop.id,
        "organisation": organisation,
        "root": hop.root,
        "delegator": hop.delegator,
        "agent": hop.agent,
        "prv": hop.prv,
        "compact": hop.compact,
        "known_at": clock.now(),
    }
    if connection.execute(_KEEP, row).rowcount:
        ledger.append(connection, _issued(hop, organisation, by))


def _registered(organisation: str) -> Select[Any]:
    return (
        select(_MANDATES, _REVOKED.c.revoked_at)
        .outerjoin(
            _REVOKED,
            and_(
                _REVOKED.c.digest == _MANDATES.c.digest,
                _REVOKED.c.organisation == _MANDATES.c.organisation,
            ),
        )
        .where(_MANDATES.c.organisation == organisation)
    )


def _named(organisation: str, named: str) -> Select[Any]:
    return _registered(organisation).where(
        or_(_MANDATES.c.id == named, _MANDATES.c.digest == named)
    )


def _known(row: Any) -> Known:
    return Known(mandate.read(row.compact), row.known_at, row.revoked_at)


def _document(connection: Connection, agent: str, organisation: str) -> AgentDocument:
    """The document in force of a living agent of the organisation."""
    digest = connection.execute(
        select(_AGENTS.c.document).where(
            _AGENTS.c.id == agent,
            _AGENTS.c.organisation == organisation,
            _AGENTS.c.state == "active",
        )
    ).scalar()
    document = documents.find(connection, digest) if digest else None
    if document is None or document.expires <= clock.now():
        raise InvalidRequest(
            "mandate_agent_invalid",
            "Name an active agent of the same organisation with a valid identity document.",
            param="agent",
        )
    return document


def _newest_key(document: AgentDocument) -> bytes:
    now = clock.now()
    valid = [key for key in document.keys if key.not_before <= now < key.not_after]
    if not valid:
        raise InvalidRequest(
            "mandate_agent_invalid", "No key of this agent is in force now.", param="agent"
        )
    return max(valid, key=lambda key: key.not_before).public


def _issued(hop: Hop, organisation: str, by: str) -> Entry:
    body = {
        "organisation": organisation,
        "mandate": hop.id,
        "digest": hop.digest,
        "root": hop.root,
        "from": hop.delegator,
        "to": hop.agent,
        "keyid": hop.keyid,
        "prv": hop.prv,
        "depth": hop.depth,
        "instance": hop.is_instance,
        "grant": as_body(as_grant(hop.signed.payload["grant"])),
        "by": by,
    }
    return Entry(SERVICE, "mandate.issued", body)


def _unknown(named: str) -> NotFound:
    return NotFound("mandate_unknown", f"Your organisation has no mandate {named[:80]}.")
