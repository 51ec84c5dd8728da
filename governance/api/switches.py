"""`/v1/governance/switches`: the kill switch; `identity/switches.py` says what each one stops."""

from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from governance.api.calls import Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body
from governance.identity import switches
from governance.identity.switches import MAX_COMMENT, Reason
from governance.kernel import clock
from governance.lifecycle import stops

router = APIRouter(prefix="/v1/governance/switches", tags=["Kill switch"], route_class=LimitedRoute)


class SwitchBody(Body):
    """scope: `*`, `organisation:…`, `agent:…`, `model:…` or `provider:…`; comment: free text."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "scope": "agent:agt_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c",
                "reason": "misuse",
                "comment": "Asks for the same face again and again.",
            }
        }
    )

    scope: str = Field(max_length=200)
    reason: Reason
    comment: str = Field("", max_length=MAX_COMMENT)


@router.get("")
@requires("switch", "read")
async def list_switches(call: Spent) -> dict[str, Any]:
    """What is stopped now and concerns the caller's organisation, oldest first."""
    organisation, operator = call.principal.organisation, call.context.settings.organisation
    with call.context.database.read() as session:
        found = switches.list_switches(session, organisation, operator=operator)
    data = [
        {
            "scope": switch.scope,
            "object": "switch",
            "organisation": switch.organisation,
            "reason": switch.reason,
            "thrown_by": switch.thrown_by,
            "thrown_at": clock.rfc3339(switch.thrown_at),
        }
        for switch in found
    ]
    return {"object": "list", "data": data}


@router.post("", status_code=201)
@requires("switch", "manage")
async def throw(body: SwitchBody, call: Spent) -> dict[str, Any]:
    """Stop a scope. It holds for every process from its next request and step on."""
    context, principal = call.context, call.principal

    def run(connection: Connection) -> None:
        switches.throw(
            connection,
            context.ledger,
            body.scope,
            organisation=principal.organisation,
            operator=context.settings.organisation,
            known=stops.known(context),
            reason=body.reason,
            by=principal.id,
            comment=body.comment,
        )

    await context.database.write_async(run)
    return {"scope": body.scope, "object": "switch", "reason": body.reason}


@router.post("/lift")
@requires("switch", "manage")
async def lift(body: SwitchBody, call: Spent) -> dict[str, Any]:
    """Lift a switch of the caller's organisation; what waited for it goes on within seconds."""
    call.require_fresh()
    context, principal = call.context, call.principal

    def run(connection: Connection) -> None:
        switches.lift(
            connection,
            context.ledger,
            body.scope,
            organisation=principal.organisation,
            reason=body.reason,
            by=principal.id,
            comment=body.comment,
        )

    await context.database.write_async(run)
    call.engine.wake()
    return {"scope": body.scope, "object": "switch", "lifted": True}
