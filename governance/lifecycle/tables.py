"""The lifecycle's rows: a cache of the fold of the records, plus what the engine needs."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel


class Generation(SQLModel, table=True):
    """One generation. `story` is the fold of its records as JSON; `state` repeats its state.

    version: grows by one with each change, compared on every write; wake_at: when the engine has
    something to do next, None for never; leased: a worker is at it until `wake_at`.
    """

    __tablename__ = "generation"
    __table_args__ = (
        Index("ix_generation_wake_at", "wake_at"),
        Index("ix_generation_project", "organisation", "project", "id"),
        Index("ix_generation_requester", "requester", "id"),
        Index("ix_generation_production", "production", "id"),
    )

    id: str = Field(primary_key=True, max_length=64)
    organisation: str = Field(max_length=64)
    project: str = Field(max_length=64)
    production: str | None = Field(None, max_length=64)
    requester: str = Field(max_length=64)
    media: str = Field(max_length=16)
    state: str = Field(max_length=32)
    version: int
    wake_at: datetime | None
    leased: bool = False
    failures: int = 0
    deleted: bool = False
    story: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class IdempotencyKey(SQLModel, table=True):
    """A caller's `Idempotency-Key`, the digest of the request it came with, and the answer."""

    __tablename__ = "idempotency_key"

    principal: str = Field(primary_key=True, max_length=64)
    key: str = Field(primary_key=True, max_length=255)
    request_digest: str = Field(max_length=64)
    generation: str = Field(max_length=64)
