"""`/v1/governance/agents`: agents, their identity documents, keys and states."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import orjson
from fastapi import APIRouter
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body
from governance.identity import agents, documents, lineage
from governance.identity.tables import Agent, AgentKey
from governance.kernel import clock
from governance.kernel.errors import InvalidRequest

router = APIRouter(prefix="/v1/governance/agents", tags=["Agents"], route_class=LimitedRoute)

KEYID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
SIGNATURE: JsonDict = {"keyid": KEYID, "sig": "A" * 86 + "=="}


class SignatureBody(Body):
    """keyid: one of the document's keys; sig: base64, over its DSSE pre-authentication encoding."""

    keyid: str = Field(pattern="^[A-Za-z0-9_-]{43}$")
    sig: str = Field(min_length=88, max_length=88)


class DocumentBody(Body):
    """document: the agent's identity document; signatures: one of every key that it lists."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "document": {
                    "registry": "governance.example",
                    "id": "spiffe://acme.example/agents/storyboard",
                    "kind": "agent",
                    "display_name": "Storyboard agent",
                    "operator": {
                        "organisation": "default",
                        "legal_name": "Acme Studios GmbH",
                        "country": "DE",
                    },
                    "owners": ["usr_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c"],
                    "purpose": {
                        "summary": "Turns scripts into storyboards",
                        "intended_use": "Drafts for internal screenings",
                    },
                    "software": {"vendor": "Acme", "version": "2.1.0", "artefact": None},
                    "models": [],
                    "autonomy": {
                        "oversight": "on_the_loop",
                        "level": 2,
                        "approval_threshold": None,
                    },
                    "grant_ceiling": {
                        "actions": ["generation:create", "generation:read"],
                        "projects": ["launch"],
                        "models": ["google/*"],
                        "territories": ["DE", "FR"],
                        "per_call": "5.00",
                        "total": "200.00",
                        "currency": "USD",
                        "until": "2027-01-31T00:00:00.000000Z",
                    },
                    "keys": [
                        {
                            "keyid": KEYID,
                            "jwk": {
                                "kty": "OKP",
                                "crv": "Ed25519",
                                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                            },
                            "not_before": "2026-11-22T00:00:00.000000Z",
                            "not_after": "2027-02-19T00:00:00.000000Z",
                            "storage": "kms",
                        }
                    ],
                    "lineage": {"parent": None, "ephemeral": False, "max_depth": 1},
                    "lifecycle": {
                        "issued": "2026-11-22T00:00:00.000000Z",
                        "expires": "2027-02-19T00:00:00.000000Z",
                        "supersedes": None,
                        "review_by": "2027-02-01",
                    },
                    "status_url": "https://governance.example/v1/governance/agents/"
                    "agt_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c/status",
                },
                "signatures": [SIGNATURE],
            }
        }
    )

    document: dict[str, Any]
    signatures: list[SignatureBody] = Field(max_length=4)

    def by_keyid(self) -> dict[str, str]:
        """Raises InvalidRequest (`document_signature_repeated`)."""
        named = {signature.keyid: signature.sig for signature in self.signatures}
        if len(named) != len(self.signatures):
            raise InvalidRequest(
                "document_signature_repeated", "A key has signed twice.", param="signatures"
            )
        return named


@router.post("", status_code=201)
@requires("agent", "manage")
async def register_agent(body: DocumentBody, call: Spent) -> dict[str, Any]:
    """Register an agent with its identity document, signed by every key in it."""
    context = call.context
    made = await context.database.write_async(
        lambda c: agents.register_agent(
            c,
            context.ledger,
            document=body.document,
            signatures=body.by_keyid(),
            organisation=call.principal.organisation,
            audience=context.settings.authority,
            by=call.principal.id,
        )
    )
    return _shown_one(call, made)


@router.get("")
@requires("agent", "read")
async def list_agents(call: Spent, after: str = "") -> dict[str, Any]:
    """The organisation's agents, 100 at a time; `after`: the last id of the page before."""
    with call.context.database.read() as session:
        found = agents.list_agents(session, call.principal.organisation, after=after)
        keys = agents.keys_of(session, [agent.id for agent in found])
        data = [_shown(agent, [key for key in keys if key.agent == agent.id]) for agent in found]
    return {"object": "list", "data": data}


@router.get("/{agent}")
@requires("agent", "read")
async def show_agent(agent: str, call: Spent) -> dict[str, Any]:
    """One agent and its keys."""
    return _shown_one(call, agent)


@router.get("/{agent}/document")
@requires("agent", "read")
async def show_document(agent: str, call: Spent) -> dict[str, Any]:
    """The identity document in force, in its signed DSSE envelope; `digests`: all it ever had."""
    with call.context.database.read() as session:
        found = agents.agent_of(session, agent, call.principal.organisation)
        connection = session.connection()
        digests = documents.of_agent(connection, agent)
        envelopes = documents.envelopes(connection, [found.document] if found.document else [])
    return {
        "object": "agent_document",
        "agent": agent,
        "digest": found.document,
        "envelope": orjson.loads(envelopes[found.document]) if found.document else None,
        "digests": digests,
    }


@router.get("/{agent}/status")
@requires("agent", "read")
async def show_status(agent: str, call: Spent) -> dict[str, Any]:
    """Whether the agent may act at this moment, and under which document."""
    with call.context.database.read() as session:
        found = agents.agent_of(session, agent, call.principal.organisation)
        stopped = lineage.first_stopped(session.connection(), [agent])
    return {
        "object": "agent_status",
        "id": agent,
        "state": found.state,
        "document": found.document,
        "active": stopped is None,
        "stopped_by": stopped,
        "as_of": clock.rfc3339(clock.now()),
    }


@router.post("/{agent}/documents", status_code=201)
@requires("agent", "manage")
async def supersede_document(agent: str, body: DocumentBody, call: Spent) -> dict[str, Any]:
    """Replace the identity document; keys that the new one does not list end within a day."""
    await _change(
        call,
        agent,
        agents.supersede_document,
        document=body.document,
        signatures=body.by_keyid(),
        audience=call.context.settings.authority,
    )
    return _shown_one(call, agent)


@router.post("/{agent}/keys/{keyid}/revoke")
@requires("agent", "manage")
async def revoke_key(agent: str, keyid: str, call: Spent) -> dict[str, Any]:
    """Refuse one key for good, from the next request on."""
    await _change(call, agent, agents.revoke_key, keyid=keyid)
    return _shown_one(call, agent)


@router.post("/{agent}/{action}")
@requires("agent", "manage")
async def change_agent(
    agent: str, action: Literal["suspend", "resume", "revoke"], call: Spent
) -> dict[str, Any]:
    """Suspend, resume or revoke an agent; it holds from its next request on, also for those that
    come from it."""
    change = {
        "suspend": agents.suspend_agent,
        "resume": agents.resume_agent,
        "revoke": agents.revoke_agent,
    }[action]
    await _change(call, agent, change)
    return _shown_one(call, agent)


async def _change(call: Call, agent: str, change: Callable[..., Any], **given: Any) -> None:
    context = call.context
    with context.database.read() as session:
        agents.agent_of(session, agent, call.principal.organisation)
    await context.database.write_async(
        lambda c: change(c, context.ledger, agent, **given, by=call.principal.id)
    )


def _shown_one(call: Call, agent: str) -> dict[str, Any]:
    with call.context.database.read() as session:
        found = agents.agent_of(session, agent, call.principal.organisation)
        return _shown(found, agents.keys_of(session, [agent]))


def _shown(agent: Agent, keys: Sequence[AgentKey]) -> dict[str, Any]:
    return {
        "id": agent.id,
        "object": "agent",
        "name": agent.name,
        "accountable": agent.accountable,
        "parent": agent.parent,
        "state": agent.state,
        "document": agent.document,
        "keys": [
            {
                "keyid": key.keyid,
                "not_before": clock.rfc3339(key.not_before),
                "not_after": clock.rfc3339(key.not_after),
                "revoked_at": key.revoked_at and clock.rfc3339(key.revoked_at),
            }
            for key in keys
        ],
    }
