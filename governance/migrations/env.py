"""Alembic's entry: runs the revisions on the connection that `upgrade` opened."""

from alembic import context
from sqlmodel import SQLModel

from governance.migrations import tables  # noqa: F401  registers every table

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
