"""What people decided: one row per person, stage and generation, never changed."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from governance.kernel.errors import Conflict, Denied, InvalidRequest
from governance.review.separation import separated
from governance.review.tables import PERSON_PREFIX, Decision

Stage = Literal["approval", "review"]
# What can be decided before money is spent, and over the finished file.
DECISIONS: dict[Stage, tuple[str, ...]] = {
    "approval": ("approve", "refuse"),
    "review": ("approve", "reject", "return"),
}


def approve_spend(
    connection: Connection,
    generation: str,
    person: str,
    decision: str,
    reason: str,
    now: datetime,
) -> None:
    """Note what a person decided before generation: `approve` or `refuse`.

    Raises Denied (`people_only`, `separation_of_duties`), Conflict (`already_decided`),
    InvalidRequest (`decision_unknown`).
    """
    record_decision(connection, generation, "approval", person, decision, reason, now)


def record_decision(
    connection: Connection,
    generation: str,
    stage: Stage,
    person: str,
    decision: str,
    reason: str,
    now: datetime,
) -> None:
    """Insert one decision; raises as `approve_spend` does."""
    require_person(person)
    if decision not in DECISIONS[stage]:
        raise InvalidRequest(
            "decision_unknown",
            f"Decide one of: {', '.join(DECISIONS[stage])}.",
            param="decision",
        )
    row = {
        "generation": generation,
        "stage": stage,
        "person": person,
        "decision": decision,
        "reason": reason,
        "decided_at": now,
    }
    try:
        with separated(connection):
            connection.execute(insert(Decision).values(row))
    except IntegrityError:  # the primary key: every other rule was asked before
        raise Conflict(
            "already_decided", "You have decided on this; another person is needed."
        ) from None


def require_person(principal: str) -> None:
    """Raises Denied (`people_only`) for agents and services."""
    if not principal.startswith(PERSON_PREFIX):
        raise Denied("people_only", "Only people decide; sign in with a personal account.")
