"""Who holds which role, which policy was ever in force, and the epoch that tells of changes."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, PrimaryKeyConstraint
from sqlmodel import Field, SQLModel


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


class PolicyEpoch(SQLModel, table=True):
    """One row; its number rises with every change of assignments."""

    __tablename__ = "policy_epoch"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_policy_epoch"),
        CheckConstraint("id = 1", name="ck_policy_epoch_one_row"),
    )

    id: int = 1
    epoch: int = Field(sa_type=BigInteger)
