"""What people and requesters do to a generation: each one transaction with its record."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from governance.domain import Principal
from governance.evidence.story import CANCELLABLE, ENDS, State, Story
from governance.kernel import clock
from governance.kernel.errors import Conflict
from governance.ledger import Entry
from governance.lifecycle import determination, statements, stops, store
from governance.lifecycle.context import Context
from governance.lifecycle.entries import about, resolved_body
from governance.lifecycle.finishing import released
from governance.lifecycle.standing import require_consent
from governance.lifecycle.statements import Choice
from governance.lifecycle.steps import wake_at
from governance.lifecycle.store import Held
from governance.marking import registry
from governance.review import decisions, reviews
from governance.routing.provider import Job
from governance.routing.spool import Spool


def approve_spend(context: Context, generation: str, person: Principal, choice: Choice) -> Story:
    """A person allows or refuses the spend before generation.

    Raises Denied (`separation_of_duties`, `stopped`), Conflict (`not_awaiting_approval`),
    InvalidRequest, and what `statements.prove` does.
    """
    reason = context.reasons.require("approval", choice.decision, choice.reason, choice.comment)

    def run(connection: Connection) -> Story:
        held = _require(connection, generation, State.AWAITING_APPROVAL, "not_awaiting_approval")
        stops.require_moving(connection, held.story)
        decisions.approve_spend(
            connection, generation, person.id, choice.decision, reason.code, clock.now()
        )
        signed = choice.assertion
        statement = statements.approval(held.story, person, choice, is_signed=signed is not None)
        body = statements.prove(connection, context, statement, signed)
        entry = _by_person(held.story, "approval.decided", body, person, choice.comment)
        return _advance(context, connection, held, entry)

    return context.database.write(run)


def claim_review(context: Context, generation: str, person: Principal) -> Story:
    """Take a review to work on.

    Raises Denied, Conflict as `review.claim` does, Denied (`stopped`).
    """
    now = clock.now()
    until = now + timedelta(seconds=context.settings.claim_expiry)

    def run(connection: Connection) -> Story:
        held = _require(connection, generation, State.IN_REVIEW, "not_in_review")
        stops.require_moving(connection, held.story)
        review_id = _review_id(held.story)
        reviews.claim(connection, review_id, person.id, now, until)
        body = {"review": review_id, "person": person.id, "expires_at": clock.rfc3339(until)}
        return _advance(context, connection, held, about(held.story, "review.claimed", body))

    return context.database.write(run)


def decide_review(context: Context, generation: str, person: Principal, choice: Choice) -> Story:
    """Approve, reject or return; with the last approval that is due the file is released.

    Raises Denied (`separation_of_duties`, `stopped`), Conflict (`claim_missing`, `media_changed`,
    `not_in_review`, …), InvalidRequest (reason or comment), and what `determination.require` and
    `statements.prove` do.
    """
    reason = context.reasons.require("review", choice.decision, choice.reason, choice.comment)

    def run(connection: Connection) -> Story:
        held = _require(connection, generation, State.IN_REVIEW, "not_in_review")
        stops.require_moving(connection, held.story)
        review_id = _review_id(held.story)
        determination.require(held.story, choice.decision, choice.deep_fake)
        if choice.decision == "approve":
            require_consent(context, connection, held.story)
        tally = reviews.decide(
            connection,
            review_id,
            person.id,
            choice.decision,
            reason.code,
            choice.digest,
            clock.now(),
        )
        signed = choice.assertion
        statement = statements.review(held.story, person, choice, is_signed=signed is not None)
        body = statements.prove(connection, context, statement, signed)
        entries = [_by_person(held.story, "review.decided", body, person, choice.comment)]
        if tally.is_complete:
            entries.append(released(held.story, review_id))
        return _advance(context, connection, held, *entries)

    return context.database.write(run)


def cancel(context: Context, generation: str, principal: Principal) -> Story:
    """Withdraw a generation that has not ended; a job at a vendor is stopped if it can be.

    The money of one that goes on stays held until a person says what it cost.
    Raises Conflict (`not_cancellable`).
    """
    with context.database.read() as session:
        story = store.peek(session, generation)
    is_stopped = story.state == State.GENERATING and _cancel_job(context, story)

    def run(connection: Connection) -> Story:
        held = store.get(connection, generation)
        if held.story.state not in CANCELLABLE:
            raise Conflict(
                "not_cancellable",
                f"The generation is {held.story.state}; it can no longer be cancelled.",
            )
        if held.story.state == State.IN_REVIEW:
            reviews.close(connection, _review_id(held.story), clock.now())
        body = {"outcome": "cancelled", "code": "by_requester", "by": principal.id}
        entries = [about(held.story, "generation.ended", body)]
        if is_stopped and held.story.state == State.GENERATING:
            entries.append(_stopped(held.story, principal))
        return _advance(context, connection, held, *entries)

    return context.database.write(run)


def delete(context: Context, generation: str, principal: Principal) -> Story:
    """Remove the media of a generation that has ended; its records stay.

    Raises Conflict (`not_ended`).
    """

    def run(connection: Connection) -> Story:
        held = store.get(connection, generation)
        story = held.story
        if story.state not in ENDS:
            raise Conflict("not_ended", "Only a generation that has ended can be deleted.")
        if story.deleted:
            return story
        files = [body["digest"] for body in (story.original, story.delivered_file) if body]
        body = {"digests": files, "by": principal.id}
        registry.forget(connection, generation)
        return _advance(context, connection, held, about(story, "asset.deleted", body))

    story = context.database.write(run)
    context.media.remove(generation)
    Spool.of(context.settings.data_dir).remove(generation)
    return story


def deliver(
    context: Context,
    generation: str,
    principal: Principal,
    channel: str,
    variant: str = "",
) -> Story:
    """Record that a released file is handed over; call before the first byte leaves.

    variant: what stands for it, where it isn't the file itself.

    Raises Conflict (`not_released`, `media_deleted`), Denied (`stopped`).
    """

    def run(connection: Connection) -> Story:
        held = _require(connection, generation, State.RELEASED, "not_released")
        stops.require_moving(connection, held.story)
        if held.story.deleted:
            raise Conflict("media_deleted", "The file was deleted.")
        require_consent(context, connection, held.story)
        digest = (held.story.delivered_file or {})["digest"]
        body = {"digest": digest, "channel": channel, "recipient": principal.id}
        if variant:
            body["variant"] = variant
        entry = about(held.story, "asset.delivered", body, subjects=(("delivered", digest),))
        return _advance(context, connection, held, entry)

    return context.database.write(run)


def record_check(
    context: Context, generation: str, body: dict[str, Any], address: str = ""
) -> Story:
    """Record which marks a copy of a released file still bears; its address is kept erasable.

    body: of `marks.checked`. Raises Conflict (`not_released`).
    """

    def run(connection: Connection) -> Story:
        held = store.get(connection, generation)
        require_released(held.story)
        private = (("address", address),) if address else ()
        entry = about(
            held.story,
            "marks.checked",
            body,
            subjects=(("checked", body["media"]["digest"]),),
            private=private,
        )
        return _advance(context, connection, held, entry)

    return context.database.write(run)


def require_released(story: Story) -> None:
    """Raises Conflict (`not_released`) unless a file was released, recalled or not."""
    if story.state not in (State.RELEASED, State.RECALLED):
        raise Conflict("not_released", f"The generation is {story.state}; it has no released file.")


def recall(context: Context, generation: str, person: Principal, reason: str) -> Story:
    """Take a released file back. Raises Conflict (`not_released`)."""

    def run(connection: Connection) -> Story:
        held = _require(connection, generation, State.RELEASED, "not_released")
        body = {"reason": reason, "by": person.id}
        return _advance(context, connection, held, about(held.story, "asset.recalled", body))

    return context.database.write(run)


def _require(connection: Connection, generation: str, state: State, code: str) -> Held:
    held = store.get(connection, generation)
    if held.story.state != state:
        raise Conflict(code, f"The generation is {held.story.state}, not {state}.")
    return held


def _advance(context: Context, connection: Connection, held: Held, *entries: Entry) -> Story:
    moved = store.advance(
        connection, context.ledger, held, entries, lambda s: wake_at(s, context.settings)
    )
    return moved.story


def _by_person(
    story: Story, event: str, body: dict[str, Any], person: Principal, comment: str
) -> Entry:
    private = (("comment", comment),) if comment else ()
    return about(story, event, body, private=private, data_subject=person.id)


def _review_id(story: Story) -> str:
    return str((story.review or {})["review"])


def _stopped(story: Story, principal: Principal) -> Entry:
    """The vendor has stopped the job, so nothing will be charged for it."""
    model = (story.job or {})["model"]
    body = resolved_body(story, model, "not_ordered", "vendor_stopped", principal.id)
    return about(story, "provider.resolved", body)


def _cancel_job(context: Context, story: Story) -> bool:
    """Whether the vendor has stopped the job."""
    held = story.job or {}
    job = Job(id=held["id"], kind=held["kind"], provider=held["provider"], model=held["model"])
    provider = context.providers.get(story.request["organisation"], job.provider)
    return provider is not None and provider.cancel(job)
