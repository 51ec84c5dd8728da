"""What was measured of models."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "model_measurement",
        sa.Column("generation", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("fault", sa.String(16), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("technical", sa.String(8), nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("generation", "attempt"),
    )
    op.create_index(
        "ix_model_measurement_model", "model_measurement", ["organisation", "model", "measured_at"]
    )
