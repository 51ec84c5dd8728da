"""`/v1/governance/generations/…`: people's commands beside the review: approvals and recalls."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from governance.api import presenting, proofs
from governance.api.calls import Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.proofs import ProofBody
from governance.api.requests import Body
from governance.lifecycle import commands, statements
from governance.lifecycle.statements import Choice

router = APIRouter(
    prefix="/v1/governance/generations", tags=["Governance"], route_class=LimitedRoute
)


class ApprovalBody(Body):
    """reason: a code of `policies/reasons.yaml`, stage `approval`;

    proof: of the person's passkey, over the statement that this decision is.
    """

    model_config = ConfigDict(
        json_schema_extra={"example": {"decision": "approve", "reason": "spend_justified"}}
    )

    decision: Literal["approve", "refuse"]
    reason: str
    comment: str = Field("", max_length=2000)
    proof: ProofBody | None = None

    def choice(self) -> Choice:
        """Raises InvalidRequest (`base64_invalid`)."""
        given = self.proof.assertion() if self.proof else None
        return Choice(self.decision, self.reason, self.comment, assertion=given)


class RecallBody(Body):
    """reason: a code of the caller's own."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "consent_withdrawn"}})

    reason: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")


@router.post("/{generation}/approval")
@requires("approval", "decide", "generation")
async def approve(generation: str, body: ApprovalBody, call: Spent) -> dict[str, Any]:
    """A person allows or refuses the spend before generation."""
    await call.story(generation)
    if body.decision == "approve" and body.proof is None:
        call.require_fresh()
    story = await run_in_threadpool(
        commands.approve_spend, call.context, generation, call.principal, body.choice()
    )
    call.engine.wake()
    return presenting.governance(story)


@router.post("/{generation}/approval/statement")
@requires("approval", "decide", "generation")
async def state_approval(generation: str, body: ApprovalBody, call: Spent) -> dict[str, Any]:
    """What an approval would say, for the person's passkey to sign; nothing is decided yet.

    Send the same decision again with the `proof`.
    """
    story = await call.story(generation)
    choice = body.choice()
    statement = statements.approval_to_sign(call.context, story, call.principal, choice)
    return proofs.to_sign(call, statement)


@router.post("/{generation}/recall")
@requires("asset", "recall", "generation")
async def recall(generation: str, body: RecallBody, call: Spent) -> dict[str, Any]:
    """A person takes a released file back."""
    await call.story(generation)
    story = await run_in_threadpool(
        commands.recall, call.context, generation, call.principal, body.reason
    )
    return presenting.governance(story)
