"""`/v1/governance/waivers`: exceptions to house rules, by one person's word and another's."""

from datetime import date
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import Body
from governance.kernel import clock
from governance.policy import waivers
from governance.policy.tables import Waiver
from governance.policy.waivers import Proposal

router = APIRouter(prefix="/v1/governance/waivers", tags=["Policy"], route_class=LimitedRoute)


class WaiverBody(Body):
    """rule: an enforced house rule; reason: a code of your own; project: without one it is for the
    whole organisation; first_day, last_day: at most 90 days ahead."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "rule": "house-review-public-video",
                "reason": "reviewed_by_agency",
                "comment": "The agency reviews every cut of this campaign.",
                "project": "launch",
                "first_day": "2026-12-01",
                "last_day": "2026-12-24",
            }
        }
    )

    rule: str = Field(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)
    reason: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")
    comment: str = Field("", max_length=2000)
    project: str | None = Field(None, pattern="^[a-z0-9][a-z0-9._-]{0,63}$")
    first_day: date
    last_day: date


class WaiverDecisionBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"decision": "approved"}})

    decision: Literal["approved", "refused"]


@router.post("", status_code=201)
@requires("waiver", "create", scope="project")
async def propose(body: WaiverBody, call: Spent) -> dict[str, Any]:
    """Ask for an exception; it lifts nothing until another person has approved it."""
    await call.allow_in(body.project or "")
    context = call.context
    proposal = Proposal(
        body.rule, body.reason, body.first_day, body.last_day, body.project, body.comment
    )
    made = await context.database.write_async(
        lambda c: waivers.propose(
            c, context.ledger, context.policies.policy, proposal, call.principal
        )
    )
    return {"id": made, "object": "waiver", "state": "proposed"}


@router.get("")
@requires("waiver", "read")
async def list_waivers(call: Spent, after: str = "") -> dict[str, Any]:
    """The organisation's waivers, 100 at a time; `after`: the last id of the page before."""
    with call.context.database.read() as session:
        found = waivers.list_waivers(session, call.principal.organisation, after=after)
    return {"object": "list", "data": [_shown(waiver) for waiver in found]}


@router.get("/{waiver}")
@requires("waiver", "read")
async def read(waiver: str, call: Spent) -> dict[str, Any]:
    """One waiver, with the comment unless it was erased."""
    with call.context.database.read() as session:
        found = waivers.find(session, waiver, call.principal.organisation)
        comment = waivers.comment_of(session, call.context.ledger.vault, found)
    return {**_shown(found), "comment": comment}


@router.post("/{waiver}/decision")
@requires("waiver", "decide", scope="project")
async def decide(waiver: str, body: WaiverDecisionBody, call: Spent) -> dict[str, Any]:
    """Approve or refuse what somebody else has asked for."""
    await _allow(waiver, call)
    ledger = call.context.ledger
    await call.context.database.write_async(
        lambda c: waivers.decide_proposal(c, ledger, waiver, body.decision, call.principal)
    )
    return {"id": waiver, "object": "waiver", "state": body.decision}


@router.post("/{waiver}/revoke")
@requires("waiver", "decide", scope="project")
async def revoke(waiver: str, call: Spent) -> dict[str, Any]:
    """End a waiver before its last day."""
    await _allow(waiver, call)
    ledger = call.context.ledger
    await call.context.database.write_async(
        lambda c: waivers.revoke(c, ledger, waiver, call.principal)
    )
    return {"id": waiver, "object": "waiver", "state": "revoked"}


async def _allow(waiver: str, call: Call) -> None:
    """Who decides for one project does not decide for the whole organisation."""
    with call.context.database.read() as session:
        found = waivers.find(session, waiver, call.principal.organisation)
    await call.allow_in(found.project or "")


def _shown(waiver: Waiver) -> dict[str, Any]:
    return {
        "id": waiver.id,
        "object": "waiver",
        "rule": waiver.rule,
        "reason": waiver.reason,
        "project": waiver.project,
        "first_day": waiver.first_day.isoformat(),
        "last_day": waiver.last_day.isoformat(),
        "state": waivers.state_of(waiver, clock.now().date()),
        "requested_by": waiver.requested_by,
        "decided_by": waiver.decided_by,
    }
