"""Productions and their versions. What a version says is in its record alone."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class Production(SQLModel, table=True):
    """One production. project: the same for ever; number, version: of the newest version."""

    __tablename__ = "production"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed', 'erased')", name="ck_production_state"),
        UniqueConstraint("organisation", "name", name="uq_production_name"),
        Index("ix_production_organisation", "organisation", "id"),
    )

    id: str = Field(primary_key=True, max_length=64)
    organisation: str = Field(max_length=64)
    project: str = Field(max_length=64)
    name: str = Field(max_length=64)
    state: str = Field(max_length=16)
    number: int
    version: str = Field(max_length=64)
    created_at: datetime


class ProductionVersion(SQLModel, table=True):
    """One version, never changed. version: leaf hash of its record, which commits to the salted
    digests of its texts; texts: the record with which these were disclosed."""

    __tablename__ = "production_version"
    __table_args__ = (
        UniqueConstraint("production", "number", name="uq_production_version_number"),
    )

    version: str = Field(primary_key=True, max_length=64)
    production: str = Field(max_length=64)
    number: int
    record: str = Field(max_length=64)
    texts: str = Field(max_length=64)
