"""Marks of delivered files."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "marked_asset",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("generation", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("seconds", sa.String(16), nullable=False),
        sa.Column("watermark", sa.String(16), nullable=True),
        sa.Column("manifest", sa.String(200), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("generation", "digest", name="uq_marked_asset_generation_digest"),
        sa.UniqueConstraint("watermark", name="uq_marked_asset_watermark"),
    )
    op.create_index("ix_marked_asset_digest", "marked_asset", ["digest"])
    op.create_index("ix_marked_asset_manifest", "marked_asset", ["manifest"])
