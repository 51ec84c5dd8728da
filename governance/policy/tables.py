"""Who holds which role, and which policy was ever in force."""

from datetime import datetime

from sqlalchemy import PrimaryKeyConstraint
from sqlmodel import SQLModel


class RoleAssignment(SQLModel, table=True):
    """A principal holds a role in a domain and below it."""

    __tablename__ = "role_assignment"
    __table_args__ = (PrimaryKeyConstraint("subject", "role", "domain", name="pk_role_assignment"),)

    subject: str
    role: str
    domain: str


class PolicyVersion(SQLModel, table=True):
    """A policy document, kept forever: decisions are replayed under it."""

    __tablename__ = "policy_version"
    __table_args__ = (PrimaryKeyConstraint("digest", name="pk_policy_version"),)

    digest: str
    document: bytes
    created_at: datetime
