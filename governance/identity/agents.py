"""Agents: programs that sign every request with a key of their own (assurance A)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nacl.bindings import crypto_core_ed25519_is_valid_point
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from governance.evidence.keys import verify
from governance.evidence.signature_base import registration_statement, thumbprint
from governance.identity.changes import Subject, move, record_change, require_accountable
from governance.identity.tables import Agent
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger.ledger import Ledger


def register_agent(
    connection: Connection,
    ledger: Ledger,
    *,
    organisation: str,
    name: str,
    accountable: str,
    public_key: bytes,
    proof: bytes,
    audience: str,
    by: str,
    expires_at: datetime | None = None,
) -> str:
    """Register an agent and its raw 32-byte Ed25519 key; returns its id (`agt_…`).

    proof: the key's signature over `registration_statement`; audience: the service's public name;
    expires_at: when the key stops being accepted.
    Raises InvalidRequest (`agent_key_invalid`, `agent_proof_invalid`, `accountable_invalid`),
    Conflict (`agent_key_registered`).
    """
    _check_key(public_key)
    statement = registration_statement(
        public_key=public_key,
        organisation=organisation,
        accountable=accountable,
        audience=audience,
    )
    if not verify(public_key, proof, statement):
        raise InvalidRequest(
            "agent_proof_invalid",
            "The proof of possession is not this key's signature over the registration statement.",
            param="proof",
        )
    require_accountable(connection, accountable, organisation)
    agent = {
        "id": ids.new_id("agt"),
        "organisation": organisation,
        "name": name,
        "accountable": accountable,
        "keyid": thumbprint(public_key),
        "public_key": public_key,
        "state": "active",
        "created_at": clock.now(),
        "expires_at": expires_at,
    }
    try:
        connection.execute(insert(Agent).values(agent))
    except IntegrityError:
        raise Conflict(
            "agent_key_registered", "This key belongs to an agent already; make a new one."
        ) from None
    record_change(connection, ledger, _subject(agent), action="registered", by=by)
    return str(agent["id"])


def suspend_agent(connection: Connection, ledger: Ledger, agent: str, *, by: str) -> None:
    """Refuse the agent from the next request on. Raises NotFound, Conflict."""
    row = move(connection, Agent, agent, to="suspended", origin={"active"})
    record_change(connection, ledger, _subject(row), action="suspended", by=by)


def resume_agent(connection: Connection, ledger: Ledger, agent: str, *, by: str) -> None:
    """Lift a suspension. Raises NotFound, Conflict."""
    row = move(connection, Agent, agent, to="active", origin={"suspended"})
    record_change(connection, ledger, _subject(row), action="resumed", by=by)


def revoke_agent(connection: Connection, ledger: Ledger, agent: str, *, by: str) -> None:
    """Refuse the agent and its key for good. Raises NotFound, Conflict."""
    row = move(connection, Agent, agent, to="revoked", origin={"active", "suspended"})
    record_change(connection, ledger, _subject(row), action="revoked", by=by)


def list_agents(
    session: Session, organisation: str, *, after: str = "", limit: int = 100
) -> Sequence[Agent]:
    """An organisation's agents in order of registration, from the id `after` on."""
    return session.exec(
        select(Agent)
        .where(Agent.organisation == organisation, Agent.id > after)
        .order_by(col(Agent.id))
        .limit(limit)
    ).all()


def agent_by_keyid(session: Session, keyid: str) -> Agent:
    """Raises NotFound (`principal_unknown`)."""
    agent = session.exec(select(Agent).where(Agent.keyid == keyid)).first()
    if agent is None:
        raise NotFound("principal_unknown", "No agent has this key.")
    return agent


def _check_key(public_key: bytes) -> None:
    # Under a key of small order one signature fits many messages: its holder could deny anything.
    if len(public_key) != 32 or not crypto_core_ed25519_is_valid_point(public_key):
        raise InvalidRequest(
            "agent_key_invalid",
            "The key is not a valid Ed25519 public key of 32 bytes.",
            param="public_key",
        )


def _subject(row: Any) -> Subject:
    return Subject(
        kind="agent",
        id=row["id"],
        organisation=row["organisation"],
        accountable=row["accountable"],
        keyid=row["keyid"],
        public_key=row["public_key"],
        expires_at=row["expires_at"],
    )
