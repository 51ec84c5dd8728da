"""Orders whose outcome nobody knows: the list of them, and a person's word on what became of one.

Their money stays held until then; nothing is ever sent again.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlmodel import Session, col, select

from governance.domain import Principal
from governance.evidence.story import State, Story
from governance.kernel.errors import Conflict, InvalidRequest
from governance.lifecycle import store
from governance.lifecycle.context import Context
from governance.lifecycle.entries import about, cost_body
from governance.lifecycle.questions import vendor_model
from governance.lifecycle.steps import wake_at
from governance.lifecycle.tables import Generation
from governance.routing.answers import JOB_ID

# The vendor has no such job; it was charged and its result is lost; it is this job, go on with it.
Outcome = Literal["not_ordered", "lost", "found"]
PAGE = 100


@dataclass(frozen=True)
class Resolution:
    """A person's word. cost: USD, only where something was charged; job: the vendor's id of a job
    that was found; reason: a code, such as `vendor_console`."""

    outcome: Outcome
    reason: str
    cost: Decimal | None = None
    job: str | None = None


def unknown(session: Session, organisation: str, after: str = "") -> list[Story]:
    """The organisation's generations whose outcome is unknown, oldest first, PAGE at a time."""
    rows = session.exec(
        select(Generation.story)
        .where(
            Generation.organisation == organisation,
            Generation.state == State.UNKNOWN,
            col(Generation.id) > after,
        )
        .order_by(col(Generation.id))
        .limit(PAGE)
    )
    return [store.load(row) for row in rows]


def resolve(context: Context, generation: str, person: Principal, resolution: Resolution) -> Story:
    """`provider.resolved`: let go of the money, book what was spent, or go on with the job.

    Raises Conflict (`not_unknown`, `media_deleted`), InvalidRequest (`resolution_invalid`).
    """
    _require_valid(resolution)

    def run(connection: Any) -> Story:
        held = store.get(connection, generation)
        story = held.story
        if story.state != State.UNKNOWN:
            raise Conflict("not_unknown", f"The generation is {story.state}; nothing is unknown.")
        if story.deleted and resolution.outcome == "found":
            raise Conflict(
                "media_deleted",
                "It was deleted, so its file is not wanted any more: say what it cost (`lost`).",
            )
        body = {
            "attempt": story.attempts,
            "provider": (story.route or {})["provider"],
            "model": vendor_model(context, story),
            "outcome": resolution.outcome,
            "cost": cost_body(resolution.cost),
            "job": resolution.job and {"id": resolution.job, "kind": story.request["media"]},
            "reason": resolution.reason,
            "by": person.id,
        }
        entry = about(story, "provider.resolved", body)
        return store.advance(
            connection, context.ledger, held, (entry,), lambda s: wake_at(s, context.settings)
        ).story

    return context.database.write(run)


def _require_valid(resolution: Resolution) -> None:
    """Each outcome has exactly the facts that it needs."""
    wants_job, wants_cost = resolution.outcome == "found", resolution.outcome == "lost"
    if wants_job != (resolution.job is not None) or wants_cost != (resolution.cost is not None):
        raise InvalidRequest(
            "resolution_invalid",
            "`found` needs the vendor's `job`, `lost` the `cost` that was charged, and "
            "`not_ordered` neither.",
        )
    if resolution.job is not None and not JOB_ID.fullmatch(resolution.job):
        raise InvalidRequest(
            "resolution_invalid", "`job` is the vendor's id, without spaces.", param="job"
        )
    if resolution.cost is not None and resolution.cost < 0:
        raise InvalidRequest("resolution_invalid", "`cost` is zero or more.", param="cost")
