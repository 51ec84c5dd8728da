"""The revisions make the schema that the code expects, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from governance import migrations
from governance.kernel.database import Database
from governance.migrations import tables  # noqa: F401


def test_the_migrated_schema_is_that_of_the_tables(database: Database) -> None:
    with database.migrate() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, SQLModel.metadata)
    assert differences == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    migrations.upgrade(database)
    migrations.upgrade(database)
