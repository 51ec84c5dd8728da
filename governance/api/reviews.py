"""`/v1/governance/reviews`: the queue for programs; people use the pages."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from governance.api import presenting, proofs
from governance.api.calls import Call, Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.proofs import ProofBody
from governance.api.requests import PROJECT, Body
from governance.kernel import clock
from governance.kernel.errors import NotFound
from governance.lifecycle import commands, statements, views
from governance.lifecycle.statements import Choice, Played
from governance.review import queue

router = APIRouter(prefix="/v1/governance/reviews", tags=["Review"], route_class=LimitedRoute)


class PlayedBody(Body):
    """What the person has seen. seconds: distinct footage; share: of the clip, 0 to 1."""

    seconds: Decimal = Field(Decimal(0), ge=0, le=86400)
    share: Decimal = Field(Decimal(0), ge=0, le=1)
    muted: bool = False
    blurred: bool = False


class DecisionBody(Body):
    """A decision over exactly the file with this sha256; reason: of `policies/reasons.yaml`.

    deep_fake: whether the person finds it one (AI Act, Article 3(60)), to approve what was asked
    for without saying; proof: of the person's passkey, over the statement that this decision is.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "decision": "approve",
                "reason": "fit_for_release",
                "digest": "0" * 64,
                "played": {"seconds": "4.0", "share": "1", "muted": False, "blurred": False},
            }
        }
    )

    decision: Literal["approve", "reject", "return"]
    reason: str
    comment: str = Field("", max_length=2000)
    digest: str = Field(pattern="^[0-9a-f]{64}$")
    played: PlayedBody = PlayedBody()
    deep_fake: Literal["", "yes", "no"] = ""
    proof: ProofBody | None = None

    def choice(self) -> Choice:
        """Raises InvalidRequest (`base64_invalid`)."""
        return Choice(
            decision=self.decision,
            reason=self.reason,
            comment=self.comment,
            digest=self.digest,
            played=Played(**self.played.model_dump()),
            deep_fake=self.deep_fake,
            assertion=self.proof.assertion() if self.proof else None,
        )


@router.get("")
@requires("review", "read", "project")
async def list_reviews(
    call: Spent, project: Annotated[str, Query(pattern=f"^({PROJECT.pattern})?$")] = ""
) -> dict[str, Any]:
    """What waits for people, oldest first; of one project, or of all that the caller may see."""
    if project:
        await call.allow_in(project)
    projects = [project] if project else await call.projects()
    with call.context.database.read() as session:
        items = queue.queue(session, call.principal.organisation, projects, clock.now())
    return {"object": "list", "data": [_item(item) for item in items]}


@router.get("/{review}")
@requires("review", "read", "generation")
async def get_review(review: str, call: Spent) -> dict[str, Any]:
    """One review."""
    return _item(await _allowed(call, review))


@router.post("/{review}/claim")
@requires("review", "claim", "generation")
async def claim(review: str, call: Spent) -> dict[str, Any]:
    """Take a review to work on; nobody else can decide on it until the claim runs out."""
    item = await _allowed(call, review)
    story = await run_in_threadpool(
        commands.claim_review, call.context, item.generation, call.principal
    )
    return presenting.governance(story)


@router.post("/{review}/decision")
@requires("review", "decide", "generation")
async def decide(review: str, body: DecisionBody, call: Spent) -> dict[str, Any]:
    """Approve, reject or return for correction; with the last approval due it is released."""
    item = await _allowed(call, review)
    if body.decision == "approve" and body.proof is None:
        call.require_fresh()
    story = await run_in_threadpool(
        commands.decide_review, call.context, item.generation, call.principal, body.choice()
    )
    return presenting.governance(story)


@router.post("/{review}/statement")
@requires("review", "decide", "generation")
async def state(review: str, body: DecisionBody, call: Spent) -> dict[str, Any]:
    """What a decision would say, for the person's passkey to sign; nothing is decided yet.

    Send the same decision again with the `proof`.
    """
    item = await _allowed(call, review)
    with call.context.database.read() as session:
        story = views.find(session, item.generation, item.organisation)
    choice = body.choice()
    statement = statements.review_to_sign(call.context, story, call.principal, choice)
    return proofs.to_sign(call, statement)


async def _allowed(call: Call, review: str) -> queue.QueueItem:
    """A review that the caller may do this to. Raises NotFound, Denied."""
    with call.context.database.read() as session:
        item = queue.get(session, review, clock.now())
    if item.organisation != call.principal.organisation:
        raise NotFound("review_unknown", "There is no such review.")
    await call.story(item.generation)
    return item


def _item(item: queue.QueueItem) -> dict[str, Any]:
    return {
        "id": item.review,
        "object": "review",
        "generation": item.generation,
        "project": item.project,
        "digest": item.digest,
        "count": item.count,
        "approvals": item.approvals,
        "rules": list(item.rules),
        "opened_at": clock.rfc3339(item.opened_at),
        "expires_at": clock.rfc3339(item.expires_at),
        "claimed_by": item.claimed_by,
    }
