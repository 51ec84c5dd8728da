"""Webhooks, what waits to be told to them, and how each attempt went."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel


class Webhook(SQLModel, table=True):
    """One address to which notifications go.

    project: None for all of the organisation's; events: separated by spaces; secret: sealed, empty
    once it is removed; failing_since: since when nothing has arrived, None while it answers.
    """

    __tablename__ = "webhook"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'disabled', 'removed')", name="ck_webhook_state"),
        Index("ix_webhook_organisation", "organisation", "state", "id"),
    )

    id: str = Field(primary_key=True, max_length=64)
    organisation: str = Field(max_length=64)
    project: str | None = Field(max_length=64)
    url: str = Field(max_length=2048)
    events: str = Field(max_length=200)
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str = Field(max_length=16)
    failing_since: datetime | None
    created_by: str = Field(max_length=64)
    created_at: datetime


class Notification(SQLModel, table=True):
    """One message for one webhook. `body` is exactly what is sent, each time.

    attempts: since its beginning or its last replay, which is `began_at`; due_at: when it is sent
    next, None once that is over.
    """

    __tablename__ = "notification"
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending', 'delivered', 'failed')", name="ck_notification_state"
        ),
        CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="ck_notification_due"),
        Index("ix_notification_due_at", "due_at"),
        Index("ix_notification_webhook", "webhook", "id"),
        Index("ix_notification_created_at", "created_at"),
    )

    id: str = Field(primary_key=True, max_length=64)
    webhook: str = Field(max_length=64)
    event: str = Field(max_length=32)
    generation: str = Field(max_length=64)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str = Field(max_length=16)
    attempts: int = 0
    began_at: datetime
    due_at: datetime | None
    created_at: datetime


class DeliveryAttempt(SQLModel, table=True):
    """One attempt. status: of HTTP, None where there was no answer; fault: why not, a code.

    What an endpoint answers beside its status is read by nobody and kept nowhere.
    """

    __tablename__ = "delivery_attempt"
    __table_args__ = (Index("ix_delivery_attempt_notification", "notification", "id"),)

    id: str = Field(primary_key=True, max_length=64)
    notification: str = Field(max_length=64)
    at: datetime
    status: int | None
    fault: str | None = Field(max_length=64)
    milliseconds: int
