"""The database schema, as Alembic revisions; the same for SQLite and PostgreSQL."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from governance.kernel.database import Database


def upgrade(database: Database) -> None:
    """Bring the schema to the newest revision; does nothing when it is there already."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with database.migrate() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
