"""Who holds which role, and which policy was ever in force."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint
from sqlmodel import Field, SQLModel


class RoleAssignment(SQLModel, table=True):
    """A principal holds a role in a domain and below it."""

    __tablename__ = "role_assignment"
    __table_args__ = (PrimaryKeyConstraint("subject", "role", "domain", name="pk_role_assignment"),)

    subject: str
    role: str
    domain: str


class CustomRole(SQLModel, table=True):
    """A role that an organisation has made for itself: `role:<organisation>.<name>`."""

    __tablename__ = "custom_role"
    __table_args__ = (PrimaryKeyConstraint("organisation", "name", name="pk_custom_role"),)

    organisation: str = Field(max_length=64)
    name: str = Field(max_length=30)
    description: str = Field(max_length=200)


class CustomPermission(SQLModel, table=True):
    """What a custom role allows, under a named condition."""

    __tablename__ = "custom_permission"
    __table_args__ = (
        PrimaryKeyConstraint(
            "organisation", "role", "object", "action", name="pk_custom_permission"
        ),
        ForeignKeyConstraint(
            ["organisation", "role"],
            ["custom_role.organisation", "custom_role.name"],
            name="fk_custom_permission_role",
        ),
    )

    organisation: str = Field(max_length=64)
    role: str = Field(max_length=30)
    object: str = Field(max_length=64)
    action: str = Field(max_length=64)
    condition: str = Field(max_length=64)


class PolicyVersion(SQLModel, table=True):
    """A policy document, kept forever: decisions are replayed under it."""

    __tablename__ = "policy_version"
    __table_args__ = (PrimaryKeyConstraint("digest", name="pk_policy_version"),)

    digest: str
    document: bytes
    created_at: datetime


class Waiver(SQLModel, table=True):
    """An exception to a house rule. It is never approved by the person who asked for it.

    project: None for the whole organisation; reason: a code; first_day, last_day: both included;
    record: the one that holds the comment.
    """

    __tablename__ = "waiver"
    __table_args__ = (
        CheckConstraint(
            "state IN ('proposed', 'approved', 'refused', 'revoked')", name="ck_waiver_state"
        ),
        CheckConstraint("substr(requested_by, 1, 4) = 'usr_'", name="ck_waiver_requested_by"),
        CheckConstraint("substr(decided_by, 1, 4) = 'usr_'", name="ck_waiver_decided_by"),
        CheckConstraint("decided_by <> requested_by", name="ck_waiver_separation"),
        CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name="ck_waiver_decided"),
        CheckConstraint("first_day <= last_day", name="ck_waiver_days"),
        Index("ix_waiver_organisation", "organisation", "state", "last_day"),
    )

    id: str = Field(primary_key=True, max_length=64)
    organisation: str = Field(max_length=64)
    project: str | None = Field(default=None, max_length=64)
    rule: str = Field(max_length=80)
    reason: str = Field(max_length=64)
    first_day: date
    last_day: date
    state: str = Field(max_length=16)
    requested_by: str = Field(max_length=64)
    decided_by: str | None = Field(default=None, max_length=64)
    record: str = Field(max_length=64)
    created_at: datetime
