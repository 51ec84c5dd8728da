"""Tables of marking: what was delivered, so that a copy leads back to its record."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from governance.kernel.database import BIG_SERIAL


class MarkedAsset(SQLModel, table=True):
    """One file as it was delivered, with all of its marks.

    digest: sha256 of the file; seconds: decimal, empty for a picture; watermark: 16 hexadecimal
    digits; manifest: URN of the C2PA manifest; fingerprint: as `Fingerprint.to_bytes` says.
    """

    __tablename__ = "marked_asset"
    __table_args__ = (
        UniqueConstraint("generation", "digest", name="uq_marked_asset_generation_digest"),
        UniqueConstraint("watermark", name="uq_marked_asset_watermark"),
        Index("ix_marked_asset_digest", "digest"),
        Index("ix_marked_asset_manifest", "manifest"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(BIG_SERIAL, primary_key=True, autoincrement=True)
    )
    digest: str = Field(max_length=64)
    generation: str = Field(max_length=64)
    organisation: str = Field(max_length=64)
    media_type: str = Field(max_length=64)
    seconds: str = Field(max_length=16)
    watermark: str | None = Field(default=None, max_length=16)
    manifest: str | None = Field(default=None, max_length=200)
    fingerprint: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    created_at: datetime
