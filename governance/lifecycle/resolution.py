"""Orders whose outcome nobody knows: the list of them, and a person's word on what became of one.

Their money stays held until then; nothing is ever sent again. One that was withdrawn while its
vendor went on is among them: it stays withdrawn, whatever it cost.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

from sqlalchemy import Connection, exists
from sqlmodel import Session, and_, col, or_, select

from governance.domain import Principal
from governance.evidence.record import Record
from governance.evidence.record import load as load_record
from governance.evidence.story import State, Story
from governance.kernel import clock
from governance.kernel.errors import Conflict, InvalidRequest
from governance.ledger.tables import LogRecord
from governance.lifecycle import store
from governance.lifecycle.context import Context
from governance.lifecycle.entries import about, resolved_body
from governance.lifecycle.questions import vendor_model
from governance.lifecycle.steps import wake_at
from governance.lifecycle.tables import Generation
from governance.routing.answers import JOB_ID
from governance.routing.spool import is_answered

# The vendor has no such job; it was charged and its result is lost; it is this job, go on with it.
Outcome = Literal["not_ordered", "lost", "found"]
PAGE = 100
NAMING = ("provider.submitted", "provider.resolved")  # the records that name a vendor's job
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
COMMIT_TIME = timedelta(minutes=10)  # how long a record may be on its way into the log, at most


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
    was_under_way = and_(_has("provider.submitted"), ~_has("asset.fetched"))
    query = (
        select(Generation.story)
        .where(
            Generation.organisation == organisation,
            or_(
                col(Generation.state) == State.UNKNOWN,
                and_(col(Generation.state) == State.CANCELLED, was_under_way),
            ),
            col(Generation.id) > after,
        )
        .order_by(col(Generation.id))
        .execution_options(yield_per=PAGE)
    )
    with closing(session.exec(query)) as rows:
        stories = (store.load(row) for row in rows)
        return list(islice((story for story in stories if story.is_unresolved), PAGE))


def resolve(context: Context, generation: str, person: Principal, resolution: Resolution) -> Story:
    """`provider.resolved`: let go of the money, book what was spent, or go on with the job.

    Raises Conflict (`not_unknown`, `generation_cancelled`, `media_deleted`, `job_taken`),
    InvalidRequest (`resolution_invalid`), NotFound (`generation_not_found`).
    """
    _require_valid(resolution)
    looked_at = clock.now()
    if resolution.job is not None:
        with context.database.read() as session:
            story = store.peek(session, generation)
            _require_unresolved(story, resolution.outcome)
            _require_own(session.connection(), story, resolution.job)

    def run(connection: Connection) -> Story:
        held = store.get(connection, generation)
        story = held.story
        _require_unresolved(story, resolution.outcome)
        if resolution.job is not None:  # all but the latest records were looked through outside
            _require_own(connection, story, resolution.job, looked_at - COMMIT_TIME)
        body = resolved_body(
            story,
            vendor_model(context, story),
            resolution.outcome,
            resolution.reason,
            person.id,
            cost=resolution.cost,
            job=resolution.job,
        )
        entry = about(story, "provider.resolved", body)
        return store.advance(
            connection, context.ledger, held, (entry,), lambda s: wake_at(s, context.settings)
        ).story

    return context.database.write(run)


def _has(event: str) -> Any:
    """Whether a generation has such a record."""
    return exists().where(
        col(LogRecord.stream) == col(Generation.id), col(LogRecord.event) == event
    )


def _require_unresolved(story: Story, outcome: Outcome) -> None:
    if not story.is_unresolved:
        raise Conflict("not_unknown", f"The generation is {story.state}; nothing is unknown.")
    if outcome != "found":
        return
    if story.state == State.CANCELLED:
        raise Conflict(
            "generation_cancelled",
            "It was withdrawn, so its file is not wanted any more: say what it cost (`lost`).",
        )
    if story.deleted:
        raise Conflict(
            "media_deleted",
            "It was deleted, so its file is not wanted any more: say what it cost (`lost`).",
        )


def _require_own(
    connection: Connection, story: Story, job: str, since: datetime = BEGINNING
) -> None:
    """That a vendor's job is no other generation's, in any organisation: its file would be, too.

    since: from when on the log is looked through.
    """
    route = story.route or {}
    if is_answered(route.get("provider", ""), story.request["media"]) and job != story.id:
        raise InvalidRequest(
            "resolution_invalid",
            "What this vendor makes lies here, under the id of the generation: `job` is that.",
            param="job",
        )
    query = select(col(LogRecord.line)).where(
        col(LogRecord.event).in_(NAMING),
        col(LogRecord.occurred_at) >= since,
        col(LogRecord.stream) != story.id,
    )
    # What is not read to its end holds on to its snapshot, also of the next who has the connection.
    with closing(connection.execute(query).scalars()) as lines:
        is_taken = any(_names(load_record(line), route.get("provider"), job) for line in lines)
    if is_taken:
        raise Conflict(
            "job_taken", "This job is another generation's: look at the vendor's console again."
        )


def _names(record: Record, provider: str | None, job: str) -> bool:
    named = record.body["job"] or {}
    return (record.body["provider"], named.get("id")) == (provider, job)


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
