"""`/v1/governance`: agents, services, people and their roles."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body, Line, Moment
from governance.evidence.encoding import decode64
from governance.evidence.errors import EvidenceError
from governance.identity import agents, people, services
from governance.identity.tables import Agent
from governance.kernel import clock
from governance.kernel.errors import InvalidRequest, NotFound
from governance.policy import assignments

router = APIRouter(prefix="/v1/governance", tags=["Administration"], route_class=LimitedRoute)
PERSON = "usr_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c"


class AgentBody(Body):
    """public_key, proof: base64; proof: the key's signature over the registration statement."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "storyboard-agent",
                "accountable": PERSON,
                "public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
                "proof": "A" * 86 + "==",
            }
        }
    )

    name: Line
    accountable: Line
    public_key: str = Field(min_length=44, max_length=44)
    proof: str = Field(min_length=88, max_length=88)
    expires_at: Moment | None = None


class ServiceBody(Body):
    """scopes: all that the key may be used for, `object:action`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "render-farm",
                "accountable": PERSON,
                "scopes": ["generation:create", "generation:read"],
                "expires_at": "2027-11-22T00:00:00Z",
            }
        }
    )

    name: Line
    accountable: Line
    scopes: list[str] = Field(min_length=1, max_length=32)
    expires_at: Moment


class PersonBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"username": "paula", "name": "Paula Winter"}}
    )

    username: Line
    name: Line


class ErasureBody(Body):
    """basis: the lawful basis of the erasure, a code."""

    model_config = ConfigDict(json_schema_extra={"example": {"basis": "consent_withdrawn"}})

    basis: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")


class RoleBody(Body):
    """domain: `org/<organisation>` or `org/<organisation>/project/<project>`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"subject": PERSON, "role": "role:producer", "domain": "org/default"}
        }
    )

    subject: str
    role: str
    domain: str


@router.post("/agents", status_code=201)
@requires("agent", "manage")
async def register_agent(body: AgentBody, call: Spent) -> dict[str, Any]:
    """Register an agent's key. Every agent has an accountable person."""
    public_key, proof = _bytes(body.public_key, "public_key"), _bytes(body.proof, "proof")
    context = call.context

    def run(connection: Connection) -> str:
        return agents.register_agent(
            connection,
            context.ledger,
            organisation=call.principal.organisation,
            name=body.name,
            accountable=body.accountable,
            public_key=public_key,
            proof=proof,
            audience=context.settings.authority,
            by=call.principal.id,
            expires_at=body.expires_at,
        )

    return {"id": await context.database.write_async(run), "object": "agent"}


@router.get("/agents")
@requires("agent", "read")
async def list_agents(call: Spent, after: str = "") -> dict[str, Any]:
    """The organisation's agents, 100 at a time; `after`: the last id of the page before."""
    with call.context.database.read() as session:
        found = agents.list_agents(session, call.principal.organisation, after=after)
    data = [
        {
            "id": agent.id,
            "object": "agent",
            "name": agent.name,
            "accountable": agent.accountable,
            "keyid": agent.keyid,
            "state": agent.state,
            "expires_at": agent.expires_at and clock.rfc3339(agent.expires_at),
        }
        for agent in found
    ]
    return {"object": "list", "data": data}


@router.post("/agents/{agent}/{action}")
@requires("agent", "manage")
async def change_agent(
    agent: str, action: Literal["suspend", "resume", "revoke"], call: Spent
) -> dict[str, Any]:
    """Suspend, resume or revoke an agent; it holds from its next request on."""
    context = call.context
    with context.database.read() as session:
        known = session.get(Agent, agent)
    if known is None or known.organisation != call.principal.organisation:
        raise NotFound("agent_not_found", "Your organisation has no such agent.")
    change = {
        "suspend": agents.suspend_agent,
        "resume": agents.resume_agent,
        "revoke": agents.revoke_agent,
    }[action]
    await context.database.write_async(
        lambda c: change(c, context.ledger, agent, by=call.principal.id)
    )
    return {"id": agent, "object": "agent"}


@router.post("/services", status_code=201)
@requires("service", "manage")
async def register_service(body: ServiceBody, call: Spent) -> dict[str, Any]:
    """Make an API key. It is in this answer and nowhere else."""
    context = call.context

    def run(connection: Connection) -> services.NewService:
        return services.register_service(
            connection,
            context.ledger,
            organisation=call.principal.organisation,
            name=body.name,
            accountable=body.accountable,
            scopes=body.scopes,
            expires_at=body.expires_at,
            by=call.principal.id,
        )

    made = await context.database.write_async(run)
    return {"id": made.id, "object": "service", "api_key": made.key}


@router.post("/people", status_code=201)
@requires("person", "manage")
async def add_person(body: PersonBody, call: Spent) -> dict[str, Any]:
    """Make an account. The password in this answer only serves to choose another."""
    context = call.context
    made = await context.database.write_async(
        lambda c: people.add_person(
            c,
            context.ledger,
            organisation=call.principal.organisation,
            username=body.username,
            name=body.name,
            by=call.principal.id,
        )
    )
    return {"id": made.id, "object": "person", "one_time_password": made.password}


@router.post("/people/{person}/erase")
@requires("person", "manage")
async def erase_person(person: str, body: ErasureBody, call: Spent) -> dict[str, Any]:
    """Erase a person's data from what was disclosed to records: prompts, names, comments.

    The records, their signatures and the log stay valid; `disclosure.erased` says what was erased.
    """
    context = call.context
    with context.database.read() as session:
        people.require_person_of(session, person, call.principal.organisation)
    erased = await context.database.write_async(
        lambda c: context.ledger.erase(c, person, basis=body.basis, by=call.principal.id)
    )
    return {"id": person, "object": "person", "values_erased": erased}


@router.get("/people")
@requires("person", "manage")
async def list_people(call: Spent, after: str = "") -> dict[str, Any]:
    """The organisation's people, 100 at a time; `after`: the last id of the page before."""
    with call.context.database.read() as session:
        found = people.list_people(session, call.principal.organisation, after=after)
    data = [{"id": p.id, "object": "person", "name": p.name, "state": p.state} for p in found]
    return {"object": "list", "data": data}


@router.post("/roles", status_code=201)
@requires("role", "manage")
async def grant_role(body: RoleBody, call: Spent) -> dict[str, Any]:
    """Give a role; judged by Casbin before it is committed, effective with the next request."""
    await _change_role(body, call, assignments.grant)
    return {"object": "role_assignment", **body.model_dump()}


@router.post("/roles/revoke")
@requires("role", "manage")
async def revoke_role(body: RoleBody, call: Spent) -> dict[str, Any]:
    """Take a role back."""
    await _change_role(body, call, assignments.revoke)
    return {"object": "role_assignment", **body.model_dump()}


async def _change_role(body: RoleBody, call: Call, change: Any) -> None:
    own = f"org/{call.principal.organisation}"
    if body.domain != own and not body.domain.startswith(own + "/"):
        raise InvalidRequest("domain_invalid", f"The domain must lie within {own}.", param="domain")
    context = call.context
    await context.database.write_async(
        lambda c: change(
            c,
            context.ledger,
            context.policies.policy,
            subject=body.subject,
            role=body.role,
            domain=body.domain,
            by=call.principal.id,
        )
    )


def _bytes(value: str, param: str) -> bytes:
    try:
        return decode64(value, f"`{param}`")
    except EvidenceError as error:
        raise InvalidRequest("base64_invalid", error.message, param=param) from None
