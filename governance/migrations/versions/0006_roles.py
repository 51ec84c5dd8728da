"""Roles of an organisation's own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "custom_role",
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("name", sa.String(30), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "name", name="pk_custom_role"),
    )
    op.create_table(
        "custom_permission",
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("role", sa.String(30), nullable=False),
        sa.Column("object", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("condition", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation", "role"],
            ["custom_role.organisation", "custom_role.name"],
            name="fk_custom_permission_role",
        ),
        sa.PrimaryKeyConstraint(
            "organisation", "role", "object", "action", name="pk_custom_permission"
        ),
    )
