"""Agents: programs that sign every request with a key of their own (assurance A).

What an agent is, who answers for it and how far it may go stands in its signed identity document.
Whether it may act at all is a state here.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session, col

from governance.evidence import agent_document
from governance.evidence.errors import EvidenceError
from governance.identity import documents, external, lineage
from governance.identity.changes import Subject, move, record_change, require_accountable
from governance.identity.tables import Agent, AgentDocument, AgentKey
from governance.kernel import clock, epoch
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger.ledger import Ledger

# How long a key still works that the next document no longer lists: time to replace it everywhere.
OVERLAP = timedelta(days=1)


def register_agent(
    connection: Connection,
    ledger: Ledger,
    *,
    document: Mapping[str, Any],
    signatures: Mapping[str, str],
    organisation: str,
    audience: str,
    by: str,
) -> str:
    """Register an agent with its identity document; returns its id (`agt_…`).

    signatures: base64 by keyid, one of each key in the document; audience: the service's name.
    Raises InvalidRequest (`accountable_invalid`, `parent_invalid` and what `documents.receive`
    raises), Conflict (`agent_registered`, `agent_key_registered`, `external_identity_taken`).
    """
    epoch.advance(connection)
    new, signed = documents.receive(
        document, signatures, organisation=organisation, audience=audience
    )
    if new.supersedes is not None:
        raise _invalid("document_supersedes", "A first document supersedes none.")
    agent_id = agent_document.principal_id(organisation, new.body["id"])
    if _row(connection, agent_id) is not None:
        raise Conflict(
            "agent_registered", f"{agent_id} has this id already; supersede its document instead."
        )
    require_accountable(connection, new.accountable, organisation)
    _require_parent(connection, new)
    agent = {
        "id": agent_id,
        "organisation": organisation,
        "name": new.body["display_name"],
        "accountable": new.accountable,
        "state": "active",
        "created_at": clock.now(),
        "document": new.digest,
        "parent": new.parent,
    }
    connection.execute(insert(Agent).values(agent))
    documents.keep(connection, new, signed, agent=agent_id, registrar=ledger.keyring.record)
    _take_keys(connection, agent_id, new)
    external.bind_agent(connection, agent_id, new)
    record_change(connection, ledger, _subject(connection, agent), action="registered", by=by)
    return agent_id


def supersede_document(
    connection: Connection,
    ledger: Ledger,
    agent: str,
    *,
    document: Mapping[str, Any],
    signatures: Mapping[str, str],
    audience: str,
    by: str,
) -> str:
    """Replace an agent's document by the next one; returns its digest.

    The new one is in force at once. Keys that it no longer lists work for `OVERLAP` more, at most
    until the old document would have expired.
    Raises NotFound, Conflict (`principal_state`, `document_stale`, `agent_key_registered`,
    `children_wider`), InvalidRequest as `register_agent` does, or `document_other_agent`.
    """
    epoch.advance(connection)
    row = _row(connection, agent)
    if row is None:
        raise NotFound("principal_unknown", f"There is no agent {agent}.")
    if row["state"] == "revoked" or row["document"] is None:
        raise Conflict("principal_state", f"{agent} is revoked, or from before identity documents.")
    new, signed = documents.receive(
        document, signatures, organisation=row["organisation"], audience=audience
    )
    if new.supersedes != row["document"]:
        raise Conflict(
            "document_stale", f"`lifecycle.supersedes` must be the present one, {row['document']}."
        )
    named = agent_document.principal_id(row["organisation"], new.body["id"])
    if (named, new.parent) != (agent, row["parent"]):
        raise _invalid("document_other_agent", "Its `id` and `lineage.parent` stay for ever.")
    require_accountable(connection, new.accountable, row["organisation"])
    _require_parent(connection, new)
    _require_children_within(connection, agent, new)
    documents.keep(connection, new, signed, agent=agent, registrar=ledger.keyring.record)
    _retire_keys(connection, agent, documents.find(connection, row["document"]), new)
    _take_keys(connection, agent, new)
    external.bind_agent(connection, agent, new)
    changed = {
        "document": new.digest,
        "accountable": new.accountable,
        "name": new.body["display_name"],
    }
    connection.execute(update(Agent).where(col(Agent.id) == agent).values(changed))
    record_change(
        connection, ledger, _subject(connection, {**row, **changed}), action="superseded", by=by
    )
    return new.digest


def suspend_agent(connection: Connection, ledger: Ledger, agent: str, *, by: str) -> None:
    """Refuse the agent, and all that come from it, from the next request on.

    Raises NotFound, Conflict.
    """
    row = move(connection, Agent, agent, to="suspended", origin={"active"})
    record_change(connection, ledger, _subject(connection, row), action="suspended", by=by)


def resume_agent(connection: Connection, ledger: Ledger, agent: str, *, by: str) -> None:
    """Lift a suspension. Raises NotFound, Conflict."""
    row = move(connection, Agent, agent, to="active", origin={"suspended"})
    record_change(connection, ledger, _subject(connection, row), action="resumed", by=by)


def revoke_agent(connection: Connection, ledger: Ledger, agent: str, *, by: str) -> None:
    """Refuse the agent, its keys and all that come from it for good. Raises NotFound, Conflict."""
    row = move(connection, Agent, agent, to="revoked", origin={"active", "suspended"})
    record_change(connection, ledger, _subject(connection, row), action="revoked", by=by)


def revoke_key(connection: Connection, ledger: Ledger, agent: str, keyid: str, *, by: str) -> None:
    """Refuse one key for good; the agent's others go on.

    Raises NotFound (`agent_key_unknown`), Conflict (`agent_key_revoked`).
    """
    epoch.advance(connection)
    key = _key_row(connection, keyid)
    if key is None or key["agent"] != agent:
        raise NotFound("agent_key_unknown", f"{agent} never had a key {keyid}.")
    if key["revoked_at"] is not None:
        raise Conflict("agent_key_revoked", f"The key {keyid} was revoked before.")
    connection.execute(
        update(AgentKey).where(col(AgentKey.keyid) == keyid).values(revoked_at=clock.now())
    )
    row = _row(connection, agent)
    record_change(connection, ledger, _subject(connection, row, key), action="key_revoked", by=by)


def list_agents(
    session: Session, organisation: str, *, after: str = "", limit: int = 100
) -> Sequence[Agent]:
    """An organisation's agents in order of their ids, from the id `after` on."""
    return session.scalars(
        select(Agent)
        .where(col(Agent.organisation) == organisation, col(Agent.id) > after)
        .order_by(col(Agent.id))
        .limit(limit)
    ).all()


def agent_of(session: Session, agent: str, organisation: str) -> Agent:
    """Raises NotFound (`agent_not_found`) for an agent of another organisation, too."""
    found = session.get(Agent, agent)
    if found is None or found.organisation != organisation:
        raise NotFound("agent_not_found", "Your organisation has no such agent.")
    return found


def keys_of(session: Session, agents: Sequence[str]) -> Sequence[AgentKey]:
    """Every key that these agents ever had."""
    return session.scalars(
        select(AgentKey).where(col(AgentKey.agent).in_(agents)).order_by(col(AgentKey.keyid))
    ).all()


def _require_parent(connection: Connection, new: agent_document.AgentDocument) -> None:
    """The parent is there and alive, and grants what the child may do."""
    if new.parent is None:
        return
    parent = _row(connection, new.parent)
    if parent is None or parent["organisation"] != new.organisation:
        raise _invalid("parent_invalid", "`lineage.parent` is no agent of the same organisation.")
    if lineage.first_stopped(connection, [new.parent]) is not None:
        raise _invalid("parent_invalid", "`lineage.parent` or one of its ancestors is stopped.")
    _require_child(new, documents.find(connection, parent["document"]))


def _require_children_within(
    connection: Connection, agent: str, new: agent_document.AgentDocument
) -> None:
    """Narrowing an agent must not leave its children with more."""
    children = select(col(Agent.id), col(Agent.document)).where(
        col(Agent.parent) == agent, col(Agent.state) != "revoked"
    )
    for child, digest in connection.execute(children):
        try:
            _require_child(documents.find(connection, str(digest)), new)
        except InvalidRequest:
            raise Conflict(
                "children_wider",
                f"{child} comes from this agent and may do more than the new document allows: "
                "narrow or revoke it first.",
            ) from None


def _require_child(
    child: agent_document.AgentDocument, parent: agent_document.AgentDocument
) -> None:
    try:
        agent_document.require_child(child, parent, "The identity document")
    except EvidenceError as error:
        raise documents.refusal(error) from None


def _take_keys(connection: Connection, agent: str, document: agent_document.AgentDocument) -> None:
    for key in document.keys:
        values = {
            "document": document.digest,
            "not_before": key.not_before,
            "not_after": key.not_after,
        }
        known = _key_row(connection, key.keyid)
        if known is None:
            new = {"keyid": key.keyid, "agent": agent, "public_key": key.public, **values}
            connection.execute(insert(AgentKey).values(new))
        elif known["agent"] == agent and known["revoked_at"] is None:
            connection.execute(
                update(AgentKey).where(col(AgentKey.keyid) == key.keyid).values(values)
            )
        else:
            raise Conflict(
                "agent_key_registered",
                f"The key {key.keyid} belongs to an agent already, or was revoked; make a new one.",
            )


def _retire_keys(
    connection: Connection,
    agent: str,
    old: agent_document.AgentDocument,
    new: agent_document.AgentDocument,
) -> None:
    """Keys that are not in the new document end soon."""
    end = min(clock.now() + OVERLAP, old.expires)
    connection.execute(
        update(AgentKey)
        .where(
            col(AgentKey.agent) == agent,
            col(AgentKey.not_after) > end,
            col(AgentKey.keyid).not_in([key.keyid for key in new.keys]),
        )
        .values(not_after=end)
    )


def _row(connection: Connection, agent: str) -> Any:
    return connection.execute(select(Agent).where(col(Agent.id) == agent)).mappings().first()


def _key_row(connection: Connection, keyid: str) -> Any:
    return (
        connection.execute(select(AgentKey).where(col(AgentKey.keyid) == keyid)).mappings().first()
    )


def _subject(connection: Connection, row: Any, key: Any = None) -> Subject:
    """key: the one that the change is about."""
    expires = select(col(AgentDocument.expires_at)).where(
        col(AgentDocument.digest) == row["document"]
    )
    return Subject(
        kind="agent",
        id=row["id"],
        organisation=row["organisation"],
        accountable=row["accountable"],
        keyid=key and key["keyid"],
        public_key=key and key["public_key"],
        expires_at=connection.execute(expires).scalar(),
        document=row["document"],
        parent=row["parent"],
    )


def _invalid(code: str, why: str) -> InvalidRequest:
    return InvalidRequest(code, f"The identity document is refused. {why}", param="document")
