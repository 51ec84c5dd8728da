"""Initial schema."""

from alembic import op
from sqlmodel import SQLModel

from governance.migrations import triggers

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    SQLModel.metadata.create_all(connection)
    for statement in triggers.statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
