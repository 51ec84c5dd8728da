"""Identities at other platforms."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "external_identity",
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=True),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(agent IS NULL) <> (person IS NULL)", name="ck_external_identity_one"),
        sa.ForeignKeyConstraint(["agent"], ["agent.id"]),
        sa.ForeignKeyConstraint(["person"], ["person.id"]),
        sa.PrimaryKeyConstraint("organisation", "issuer", "subject"),
    )
    op.create_index("ix_external_identity_agent", "external_identity", ["agent"], unique=False)
    op.create_index("ix_external_identity_person", "external_identity", ["person"], unique=False)
