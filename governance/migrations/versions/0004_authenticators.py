"""Authenticators: passkeys, one-time codes, and how a session was signed in."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("rp_id", sa.String(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_passkey_person", "passkey", ["person"], unique=False)
    op.create_table(
        "challenge",
        sa.Column("challenge_sha256", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"]),
        sa.PrimaryKeyConstraint("challenge_sha256"),
    )
    op.create_index("ix_challenge_expires_at", "challenge", ["expires_at"], unique=False)
    op.create_table(
        "totp",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"]),
        sa.PrimaryKeyConstraint("person"),
    )
    # Sessions from before: signed in by password, too long ago for whatever asks for freshness.
    with op.batch_alter_table("person_session") as batch:
        batch.add_column(sa.Column("authenticated_at", sa.DateTime(timezone=True)))
        batch.add_column(sa.Column("method", sa.String()))
    op.execute(
        sa.text(
            "UPDATE person_session SET authenticated_at = :long_ago, method = 'password'"
        ).bindparams(sa.bindparam("long_ago", LONG_AGO, sa.DateTime(timezone=True)))
    )
    with op.batch_alter_table("person_session") as batch:
        batch.alter_column("authenticated_at", nullable=False)
        batch.alter_column("method", nullable=False)
