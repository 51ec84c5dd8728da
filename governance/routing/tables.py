"""Routing's rows."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel


class ProviderAccount(SQLModel, table=True):
    """An organisation's own account with a vendor. sealed: an `Account` as JSON, sealed."""

    __tablename__ = "provider_account"

    organisation: str = Field(primary_key=True, max_length=64)
    provider: str = Field(primary_key=True, max_length=64)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    changed_at: datetime


class ModelMeasurement(SQLModel, table=True):
    """What one order of a model came to, and what was found of its file since.

    fault: why it did not become a file; milliseconds: from order to file; technical: 0 to 1 as a
    decimal; approved: what people decided, false as soon as one of them objects.
    """

    __tablename__ = "model_measurement"
    __table_args__ = (Index("ix_model_measurement_model", "organisation", "model", "measured_at"),)

    generation: str = Field(primary_key=True, max_length=64)
    attempt: int = Field(primary_key=True)
    organisation: str = Field(max_length=64)
    model: str = Field(max_length=100)
    provider: str = Field(max_length=64)
    fault: str | None = Field(default=None, max_length=16)
    milliseconds: int | None = None
    technical: str | None = Field(default=None, max_length=8)
    approved: bool | None = None
    measured_at: datetime
