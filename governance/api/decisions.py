"""`/v1/governance/generations/…`: people's commands beside the review: approvals and recalls."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from governance.api import presenting
from governance.api.calls import Spent
from governance.api.limits import LimitedRoute
from governance.api.requests import Body
from governance.kernel.errors import Denied
from governance.lifecycle import commands
from governance.lifecycle.commands import Choice

router = APIRouter(
    prefix="/v1/governance/generations", tags=["Governance"], route_class=LimitedRoute
)


class ApprovalBody(Body):
    """reason: a code of `policies/reasons.yaml`, stage `approval`."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"decision": "approve", "reason": "spend_justified"}}
    )

    decision: Literal["approve", "refuse"]
    reason: str
    comment: str = Field("", max_length=2000)


class RecallBody(Body):
    """reason: a code of the caller's own."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "consent_withdrawn"}})

    reason: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")


@router.post("/{generation}/approval")
async def approve(generation: str, body: ApprovalBody, call: Spent) -> dict[str, Any]:
    """A person allows or refuses the spend before generation."""
    await call.story(generation, "approval", "decide")
    choice = Choice(body.decision, body.reason, body.comment)
    story = await run_in_threadpool(
        commands.approve_spend, call.context, generation, call.principal, choice
    )
    call.engine.wake()
    return presenting.governance(story)


@router.post("/{generation}/recall")
async def recall(generation: str, body: RecallBody, call: Spent) -> dict[str, Any]:
    """A person takes a released file back."""
    await call.story(generation, "asset", "recall")
    if call.principal.kind != "person":
        raise Denied("person_required", "A recall is a person's decision; sign in to make it.")
    story = await run_in_threadpool(
        commands.recall, call.context, generation, call.principal, body.reason
    )
    return presenting.governance(story)
