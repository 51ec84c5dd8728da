"""Consents of the people shown, and waivers of house rules."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("covers", sa.String(16), nullable=False),
        sa.Column("media", sa.String(32), nullable=False),
        sa.Column("projects", sa.String(), nullable=False),
        sa.Column("territories", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("document", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("record", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('active', 'withdrawn', 'erased')", name="ck_consent_state"),
        sa.CheckConstraint("covers IN ('person', 'likeness', 'voice')", name="ck_consent_covers"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_consent_organisation", "consent", ["organisation", "id"])
    op.create_index("ix_consent_subject", "consent", ["subject"])
    op.create_table(
        "waiver",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=True),
        sa.Column("rule", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("requested_by", sa.String(64), nullable=False),
        sa.Column("decided_by", sa.String(64), nullable=True),
        sa.Column("record", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'refused', 'revoked')", name="ck_waiver_state"
        ),
        sa.CheckConstraint("substr(requested_by, 1, 4) = 'usr_'", name="ck_waiver_requested_by"),
        sa.CheckConstraint("substr(decided_by, 1, 4) = 'usr_'", name="ck_waiver_decided_by"),
        sa.CheckConstraint("decided_by <> requested_by", name="ck_waiver_separation"),
        sa.CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name="ck_waiver_decided"),
        sa.CheckConstraint("first_day <= last_day", name="ck_waiver_days"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_waiver_organisation", "waiver", ["organisation", "state", "last_day"])
