"""Productions, their versions, and which generations belong to them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "production",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed', 'erased')", name="ck_production_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation", "name", name="uq_production_name"),
    )
    op.create_index("ix_production_organisation", "production", ["organisation", "id"])
    op.create_table(
        "production_version",
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("production", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(64), nullable=False),
        sa.Column("texts", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("version"),
        sa.UniqueConstraint("production", "number", name="uq_production_version_number"),
    )
    op.add_column("generation", sa.Column("production", sa.String(64), nullable=True))
    op.create_index("ix_generation_production", "generation", ["production", "id"])
