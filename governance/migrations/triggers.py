"""Rules that the database itself enforces, whoever writes to it.

Separation of duties: nobody who is involved in a generation decides on it, in whichever order
the two are written; and what was decided stays. So does the log: its records, the tree over them
and the checkpoints are only ever added to. The only place, with `kernel/database.py`, that knows
which database it is.
"""

from collections.abc import Iterator

from governance.review.tables import SEPARATION

APPEND_ONLY = ("decision", "party")
LOG = ("log_checkpoint", "log_leaf", "log_node", "log_record")

# What makes a row of these tables another one; nothing else may take its place.
_KEYS = (
    ("decision", ("generation", "stage", "person")),
    ("log_checkpoint", ("size",)),
    ("log_leaf", ("idx",)),
    ("log_leaf", ("record_id",)),
    ("log_node", ("level", "idx")),
    ("log_record", ("id",)),
    ("log_record", ("stream", "seq")),
)

# table, its column with the person, the table where that person must not be, and its column
_APART = (
    ("decision", "person", "party", "principal"),
    ("party", "principal", "decision", "person"),
)


def statements(dialect_name: str) -> list[str]:
    """The DDL, one statement each, to run once after the tables exist.

    Raises KeyError for a database other than `sqlite` and `postgresql`.
    """
    return list({"sqlite": _sqlite, "postgresql": _postgresql}[dialect_name]())


def _sqlite() -> Iterator[str]:
    for table, column, other, other_column in _APART:
        yield f"""
            CREATE TRIGGER {table}_separation BEFORE INSERT ON {table}
            WHEN EXISTS ({_conflict(column, other, other_column)})
            BEGIN SELECT RAISE(ABORT, '{SEPARATION}'); END"""
    for table in APPEND_ONLY + LOG:
        for change in ("UPDATE", "DELETE"):
            yield f"""
                CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}
                BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""
    # INSERT OR REPLACE would delete the earlier row without asking the trigger above.
    for table, columns in _KEYS:
        same = " AND ".join(f"{column} = NEW.{column}" for column in columns)
        yield f"""
            CREATE TRIGGER {table}_no_replace_{"_".join(columns)} BEFORE INSERT ON {table}
            WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
            BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""  # noqa: S608


def _postgresql() -> Iterator[str]:
    for table, column, other, other_column in _APART:
        # The lock makes two transactions that insert one half each see one another.
        yield f"""
            CREATE FUNCTION {table}_separation() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_advisory_xact_lock(hashtextextended(NEW.generation, 0));
                IF EXISTS ({_conflict(column, other, other_column)}) THEN
                    RAISE EXCEPTION '{SEPARATION}' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$"""
        yield f"""
            CREATE TRIGGER {table}_separation BEFORE INSERT ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_separation()"""
    yield """
        CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only',
                ERRCODE = 'integrity_constraint_violation';
        END $$"""
    for table in APPEND_ONLY + LOG:
        yield f"""
            CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION append_only()"""


def _conflict(column: str, other: str, other_column: str) -> str:
    return (
        f"SELECT 1 FROM {other} "  # noqa: S608  names come from this file
        f"WHERE generation = NEW.generation AND {other_column} = NEW.{column}"
    )
