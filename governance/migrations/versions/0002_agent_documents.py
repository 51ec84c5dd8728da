"""Agent documents. Keys move to a table of their own; agents from before have no document."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
UNLIMITED = datetime(9999, 12, 31, tzinfo=UTC)


BEFORE = sa.table(
    "agent",
    sa.column("keyid", sa.String()),
    sa.column("id", sa.String()),
    sa.column("public_key", sa.LargeBinary()),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("expires_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    # Read before anything refers to the table: SQLite makes it anew to take columns from it.
    agents = op.get_bind().execute(sa.select(BEFORE)).all()
    with op.batch_alter_table("agent") as batch:
        batch.drop_constraint("uq_agent_keyid", type_="unique")
        batch.drop_column("keyid")
        batch.drop_column("public_key")
        batch.drop_column("expires_at")
        batch.add_column(sa.Column("document", sa.String(), nullable=True))
        batch.add_column(sa.Column("parent", sa.String(), nullable=True))
    op.create_index("ix_agent_parent", "agent", ["parent"], unique=False)
    op.create_table(
        "agent_document",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["agent.id"]),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_agent_document_agent", "agent_document", ["agent"], unique=False)
    keys = op.create_table(
        "agent_key",
        sa.Column("keyid", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agent"], ["agent.id"]),
        sa.PrimaryKeyConstraint("keyid"),
    )
    op.create_index("ix_agent_key_agent", "agent_key", ["agent"], unique=False)
    op.bulk_insert(
        keys,
        [
            {
                "keyid": agent.keyid,
                "agent": agent.id,
                "public_key": agent.public_key,
                "not_before": agent.created_at,
                "not_after": agent.expires_at or UNLIMITED,
            }
            for agent in agents
        ],
    )
