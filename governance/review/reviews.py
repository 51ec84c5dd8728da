"""A review: opened over one file, claimed by one person at a time, decided, closed.

The row is locked (`FOR UPDATE`, where the database has it) before it is judged, so what one
process sees of claims and decisions cannot change under it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, select, update
from sqlmodel import col

from governance.kernel import clock
from governance.kernel.errors import Conflict, NotFound
from governance.review.decisions import record_decision, require_person
from governance.review.separation import is_involved, refusal
from governance.review.tables import Decision, Review


@dataclass(frozen=True)
class Tally:
    """Where a review stands after a decision. A review that is either is closed."""

    approvals: int
    required: int
    is_complete: bool
    is_rejected: bool


def open_review(
    connection: Connection,
    *,
    review: str,
    generation: str,
    organisation: str,
    project: str,
    digest: str,
    count: int,
    role: str,
    rules: Sequence[str],
    opened_at: datetime,
    expires_at: datetime,
) -> None:
    """Put a finished file before people; fields as in `tables.Review`. One per generation."""
    connection.execute(
        insert(Review).values(
            id=review,
            generation=generation,
            organisation=organisation,
            project=project,
            digest=digest,
            count=count,
            role=role,
            rules=json.dumps(list(rules)),
            opened_at=opened_at,
            expires_at=expires_at,
        )
    )


def claim(connection: Connection, review: str, person: str, now: datetime, until: datetime) -> None:
    """Take a review to work on; one's own claim is renewed, an expired one is taken over.

    Raises NotFound (`review_unknown`), Denied (`people_only`, `separation_of_duties`), Conflict
    (`review_closed`, `review_expired`, `already_decided`, `review_claimed` with `until`).
    """
    require_person(person)
    row = _open(connection, review, now)
    if is_involved(connection, row["generation"], person):
        raise refusal()
    if _has_decided(connection, row["generation"], person):
        raise Conflict("already_decided", "You have decided on this; another person is needed.")
    if row["claimed_by"] not in (None, person) and row["claim_expires_at"] > now:
        until_text = clock.rfc3339(row["claim_expires_at"])
        raise Conflict(
            "review_claimed",
            f"Somebody else is at work on this until {until_text}.",
            until=until_text,
        )
    connection.execute(
        update(Review)
        .where(col(Review.id) == review)
        .values(claimed_by=person, claim_expires_at=until)
    )


def release_claim(connection: Connection, review: str, person: str) -> None:
    """Give one's own claim back; a claim that the person does not hold stays as it is."""
    connection.execute(
        update(Review)
        .where(col(Review.id) == review, col(Review.claimed_by) == person)
        .values(claimed_by=None, claim_expires_at=None)
    )


def release_claims(connection: Connection, person: str) -> None:
    """Give back everything that somebody is at work on, who will not finish it."""
    connection.execute(
        update(Review)
        .where(col(Review.claimed_by) == person)
        .values(claimed_by=None, claim_expires_at=None)
    )


def decide(
    connection: Connection,
    review: str,
    person: str,
    decision: str,
    reason: str,
    digest: str,
    now: datetime,
) -> Tally:
    """Note what a person decided over the file with this digest; frees the claim.

    decision: `approve`, `reject` or `return`. The review closes with the last approval that it
    needs and with anything but an approval. Raises as `claim` does, and Conflict
    (`claim_missing`, `media_changed`), InvalidRequest (`decision_unknown`).
    """
    row = _open(connection, review, now)
    if row["claimed_by"] != person or row["claim_expires_at"] <= now:
        raise Conflict("claim_missing", "Claim this review before you decide on it.")
    if row["digest"] != digest:
        raise Conflict("media_changed", "This is not the file under review; load the page again.")
    record_decision(connection, row["generation"], "review", person, decision, reason, now)
    release_claim(connection, review, person)
    approvals = _approvals(connection, row["generation"])
    is_rejected = decision != "approve"
    is_complete = not is_rejected and approvals >= row["count"]
    if is_rejected or is_complete:
        close(connection, review, now)
    return Tally(approvals, row["count"], is_complete, is_rejected)


def close(connection: Connection, review: str, now: datetime) -> None:
    """Nothing more is decided on it: done, cancelled or expired. Closing again changes nothing."""
    connection.execute(
        update(Review)
        .where(col(Review.id) == review, col(Review.closed_at).is_(None))
        .values(closed_at=now, claimed_by=None, claim_expires_at=None)
    )


def _open(connection: Connection, review: str, now: datetime) -> RowMapping:
    found = connection.execute(select(Review).where(col(Review.id) == review).with_for_update())
    row = found.mappings().first()
    if row is None:
        raise NotFound("review_unknown", "There is no such review.")
    if row["closed_at"] is not None:
        raise Conflict("review_closed", "This review is closed; nothing is left to decide.")
    if row["expires_at"] <= now:
        raise Conflict("review_expired", "Nobody decided in time; ask for the generation again.")
    return row


def _has_decided(connection: Connection, generation: str, person: str) -> bool:
    found = connection.execute(
        select(col(Decision.person)).where(
            col(Decision.generation) == generation,
            col(Decision.stage) == "review",
            col(Decision.person) == person,
        )
    )
    return found.first() is not None


def _approvals(connection: Connection, generation: str) -> int:
    return connection.scalars(
        select(func.count()).where(
            col(Decision.generation) == generation,
            col(Decision.stage) == "review",
            col(Decision.decision) == "approve",
        )
    ).one()
