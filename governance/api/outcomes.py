"""`/v1/governance/outcomes`: orders whose outcome is unknown, and a person's word on each."""

from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from governance.api.calls import Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body
from governance.evidence.story import Story
from governance.lifecycle import resolution
from governance.lifecycle.resolution import Outcome, Resolution

router = APIRouter(prefix="/v1/governance/outcomes", tags=["Vendors"], route_class=LimitedRoute)


class OutcomeBody(Body):
    """outcome: `not_ordered`: the vendor has no such job; `lost`: it charged `cost` (USD) and its
    result is lost; `found`: it is `job`, go on with it (not once it was withdrawn). reason: a code
    of your own."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"outcome": "not_ordered", "reason": "vendor_console"}}
    )

    outcome: Outcome
    reason: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")
    cost: Decimal | None = Field(None, ge=0, lt=1_000_000, decimal_places=6)
    job: str | None = Field(None, min_length=1, max_length=255)


@router.get("")
@requires("outcome", "read")
async def list_unknown(call: Spent, after: str = "") -> dict[str, Any]:
    """Oldest first, 100 at a time; `after`: the last id of the page before. The money of each is
    held; nothing is ever ordered again. Orders that were withdrawn while their vendor went on are
    among them."""
    with call.context.database.read() as session:
        found = resolution.unknown(session, call.principal.organisation, after)
    return {"object": "list", "data": [_shown(story) for story in found]}


@router.post("/{generation}")
@requires("outcome", "decide", "generation")
async def resolve(generation: str, body: OutcomeBody, call: Spent) -> dict[str, Any]:
    """Say what became of an order, as the vendor's console or its support tells."""
    await call.story(generation)
    told = Resolution(body.outcome, body.reason, body.cost, body.job)
    story = await run_in_threadpool(
        resolution.resolve, call.context, generation, call.principal, told
    )
    call.engine.wake()
    return {"id": generation, "object": "outcome", "state": story.state}


def _shown(story: Story) -> dict[str, Any]:
    fault, route, ending = story.fault or {}, story.route or {}, story.ending or {}
    return {
        "id": story.id,
        "object": "outcome",
        "project": story.request["project"],
        "state": story.state,
        "provider": route.get("provider"),
        "model": route.get("model"),
        "key": story.id,
        "job": story.job and story.job["id"],
        "reason": ending.get("code") or fault.get("reason"),
        "since": story.changed_at,
        "held": story.held,
    }
