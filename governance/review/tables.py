"""Tables of review. `party` and `decision` are append-only; triggers refuse anything else."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

# What the database says when somebody involved in a generation would decide on it.
SEPARATION = "separation_of_duties"
PERSON_PREFIX = "usr_"  # only people decide
# `LIKE 'usr_%'` would take the underscore for any character.
PEOPLE = "substr({column}, 1, 4) = 'usr_'"


class Party(SQLModel, table=True):
    """Somebody who is involved in a request and so may never decide on it."""

    __tablename__ = "party"

    generation: str = Field(primary_key=True, max_length=64)
    principal: str = Field(primary_key=True, max_length=64)


class Review(SQLModel, table=True):
    """One finished file that waits for people.

    digest: sha256 of the file under review; count: people who must approve; rules: JSON array of
    rule ids; closed_at: when nothing more could be decided; claimed_by: who is at work on it,
    until claim_expires_at.
    """

    __tablename__ = "review"
    __table_args__ = (
        UniqueConstraint("generation", name="uq_review_generation"),
        CheckConstraint("count >= 1", name="ck_review_count"),
        CheckConstraint(PEOPLE.format(column="claimed_by"), name="ck_review_claimed_by"),
        CheckConstraint(
            "(claimed_by IS NULL) = (claim_expires_at IS NULL)", name="ck_review_claim"
        ),
        Index("ix_review_queue", "organisation", "closed_at", "opened_at"),
    )

    id: str = Field(primary_key=True, max_length=64)
    generation: str = Field(max_length=64)
    organisation: str = Field(max_length=64)
    project: str = Field(max_length=64)
    digest: str = Field(max_length=64)
    count: int
    role: str = Field(max_length=64)
    rules: str
    opened_at: datetime
    expires_at: datetime
    closed_at: datetime | None = None
    claimed_by: str | None = Field(default=None, max_length=64)
    claim_expires_at: datetime | None = None


class Decision(SQLModel, table=True):
    """What one person decided. The key lets nobody decide twice at the same stage."""

    __tablename__ = "decision"
    __table_args__ = (
        CheckConstraint(PEOPLE.format(column="person"), name="ck_decision_person"),
        CheckConstraint(
            "(stage = 'approval' AND decision IN ('approve', 'refuse')) OR "
            "(stage = 'review' AND decision IN ('approve', 'reject', 'return'))",
            name="ck_decision_decision",
        ),
    )

    generation: str = Field(primary_key=True, max_length=64)
    stage: str = Field(primary_key=True, max_length=16)
    person: str = Field(primary_key=True, max_length=64)
    decision: str = Field(max_length=16)
    reason: str = Field(max_length=64)
    decided_at: datetime
