"""The register of consents. It holds no personal data: that lies with the record, erasable."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel


class Consent(SQLModel, table=True):
    """One signed consent of one person.

    subject: the person's own pseudonym (`sub_…`); covers: `person`, `likeness` or `voice`; media,
    projects, territories: separated by spaces, `*` for any; until: last day, included; document:
    sha256 of the signed form; record: the one that holds the name.
    """

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'withdrawn', 'erased')", name="ck_consent_state"),
        CheckConstraint("covers IN ('person', 'likeness', 'voice')", name="ck_consent_covers"),
        Index("ix_consent_organisation", "organisation", "id"),
        Index("ix_consent_subject", "subject"),
    )

    id: str = Field(primary_key=True, max_length=64)
    organisation: str = Field(max_length=64)
    subject: str = Field(max_length=64)
    covers: str = Field(max_length=16)
    media: str = Field(max_length=32)
    projects: str
    territories: str
    until: date
    document: str = Field(max_length=64)
    state: str = Field(max_length=16)
    record: str = Field(max_length=64)
    created_at: datetime
