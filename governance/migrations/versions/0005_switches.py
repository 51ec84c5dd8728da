"""Switches, and one epoch for all that changes who may do what."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "epoch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_epoch_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_epoch"),
    )
    op.execute("INSERT INTO epoch (id, number) SELECT id, epoch FROM policy_epoch")
    op.drop_table("policy_epoch")
    op.create_table(
        "switch",
        sa.Column("scope", sa.String(200), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("concerns", sa.String(64), nullable=True),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("thrown_by", sa.String(64), nullable=False),
        sa.Column("thrown_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "organisation"),
    )
