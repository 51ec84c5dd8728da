"""Mandates, their revocation, and the budgets that they set."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "mandate",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("delegator", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("prv", sa.String(64), nullable=False),
        sa.Column("compact", sa.String(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["root"], ["person.id"]),
        sa.ForeignKeyConstraint(["agent"], ["agent.id"]),
        sa.PrimaryKeyConstraint("digest"),
        sa.UniqueConstraint("id", name="uq_mandate_id"),
    )
    op.create_index("ix_mandate_organisation", "mandate", ["organisation", "id"], unique=False)
    op.create_table(
        "mandate_revocation",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("revoked_by", sa.String(64), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", "organisation"),
    )
    op.create_table(
        "budget",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("reserved >= 0", name="ck_budget_reserved"),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "budget_reservation",
        sa.Column("generation", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["budget.account"]),
        sa.PrimaryKeyConstraint("generation", "account"),
    )
