"""`/v1/governance/mandates`: what people let agents do on their behalf."""

from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body
from governance.domain import Grant
from governance.evidence.mandate import Hop
from governance.identity import mandates
from governance.identity.grants import as_body, as_grant
from governance.identity.mandates import Known
from governance.kernel import clock
from governance.kernel.errors import NotFound
from governance.spending import accounts
from governance.spending.accounts import Balance

router = APIRouter(prefix="/v1/governance/mandates", tags=["Mandates"], route_class=LimitedRoute)
Names = list[str]


class GrantBody(Body):
    """How far it reaches. Each list may be `["*"]`; amounts are decimal strings; until: UTC."""

    actions: Names = Field(min_length=1, max_length=64)
    projects: Names = Field(min_length=1, max_length=64)
    models: Names = Field(min_length=1, max_length=64)
    territories: Names = Field(min_length=1, max_length=64)
    per_call: str = Field(max_length=24)
    total: str = Field(max_length=24)
    currency: str = Field(max_length=3)
    until: str = Field(max_length=32)


class MandateBody(Body):
    """depth: how many more agents it may be handed on to."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "agent": "agt_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c",
                "grant": {
                    "actions": ["generation:create", "generation:read"],
                    "projects": ["spring-campaign"],
                    "models": ["google/*"],
                    "territories": ["DE", "FR"],
                    "per_call": "5.00",
                    "total": "200.00",
                    "currency": "USD",
                    "until": "2027-01-31T00:00:00Z",
                },
                "depth": 1,
            }
        }
    )

    agent: str = Field(max_length=64)
    grant: GrantBody
    depth: int | None = Field(default=None, ge=0, le=3)


@router.post("", status_code=201)
@requires("mandate", "create")
async def issue_mandate(body: MandateBody, call: Spent) -> dict[str, Any]:
    """Let an agent act on the caller's behalf, within the agent's ceiling.

    `chain` is what the agent sends as `Gov-Delegation`. What it may do in the end is also bounded
    by its own role and by the caller's rights at that moment.
    """
    context, person = call.context, call.principal

    def run(connection: Connection) -> Hop:
        return mandates.issue(
            connection,
            context.ledger,
            organisation=person.organisation,
            person=person.id,
            agent=body.agent,
            limits=body.grant.model_dump(),
            audience=context.settings.authority,
            by=person.id,
            depth=body.depth,
        )

    hop = await context.database.write_async(run)
    return {"id": hop.id, "object": "mandate", "digest": hop.digest, "chain": hop.compact}


@router.get("")
@requires("mandate", "read")
async def list_mandates(call: Spent, after: str = "") -> dict[str, Any]:
    """The organisation's mandates, 100 at a time; to programs only those that concern them.

    `after`: the last id of the page before.
    """
    caller = call.principal
    with call.context.database.read() as session:
        found = mandates.page(
            session.connection(),
            caller.organisation,
            concerning=None if caller.kind == "person" else caller.id,
            after=after,
        )
    return {"object": "list", "data": [_present(known) for known in found]}


@router.get("/{mandate}")
@requires("mandate", "read")
async def get_mandate(mandate: str, call: Spent) -> dict[str, Any]:
    """One mandate by its id or digest, with its budget: what is set aside and what is spent."""
    with call.context.database.read() as session:
        known = _own(
            mandates.find(session.connection(), call.principal.organisation, mandate), call
        )
        grant = as_grant(known.hop.signed.payload["grant"])
        digest = known.hop.digest
        balance = accounts.balances(session.connection(), [digest])[digest]
    return {**_present(known), "chain": known.hop.compact, "budget": _budget(grant, balance)}


@router.post("/{mandate}/revoke")
@requires("mandate", "revoke")
async def revoke_mandate(mandate: str, call: Spent) -> dict[str, Any]:
    """Revoke a mandate, and all that follows from it, from the next request on.

    By its id or digest. People may revoke what began at them, agents what they signed;
    administrators any, also by the digest of one that was never shown here.
    """
    context, caller = call.context, call.principal
    if not _is_giver(call, mandate):
        await call.asking("mandate", "manage").allow_in()
    digest = await context.database.write_async(
        lambda c: mandates.revoke(
            c, context.ledger, organisation=caller.organisation, named=mandate, by=caller.id
        )
    )
    return {"object": "mandate", "digest": digest, "revoked": True}


def _is_giver(call: Call, mandate: str) -> bool:
    with call.context.database.read() as session:
        try:
            known = mandates.find(session.connection(), call.principal.organisation, mandate)
        except NotFound:
            return False
    return call.principal.id in (known.hop.root, known.hop.delegator)


def _own(known: Known, call: Call) -> Known:
    caller, hop = call.principal, known.hop
    if caller.kind != "person" and caller.id not in (hop.delegator, hop.agent):
        raise NotFound("mandate_unknown", "You have neither given nor received this mandate.")
    return known


def _present(known: Known) -> dict[str, Any]:
    hop = known.hop
    return {
        "id": hop.id,
        "object": "mandate",
        "digest": hop.digest,
        "root": hop.root,
        "from": hop.delegator,
        "to": hop.agent,
        "keyid": hop.keyid,
        "after": hop.prv,
        "depth": hop.depth,
        "instance": hop.is_instance,
        "issued": clock.rfc3339(hop.issued),
        "known_at": clock.rfc3339(known.known_at),
        "revoked_at": known.revoked_at and clock.rfc3339(known.revoked_at),
        "grant": as_body(as_grant(hop.signed.payload["grant"])),
    }


def _budget(grant: Grant, balance: Balance) -> dict[str, str]:
    return {
        "currency": grant.currency,
        "cap": f"{grant.total:f}",
        "reserved": f"{balance.reserved:f}",
        "spent": f"{balance.spent:f}",
    }
