"""Rules that the database itself enforces, whoever writes to it.

Separation of duties: nobody who is involved in a generation decides on it, in whichever order
the two are written; and what was decided stays. The only place, with `kernel/database.py`, that
knows which database it is.
"""

from collections.abc import Iterator

from governance.review.tables import SEPARATION

APPEND_ONLY = ("decision", "party")

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
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            yield f"""
                CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}
                BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""
    # INSERT OR REPLACE would delete the earlier row without asking the trigger above.
    yield """
        CREATE TRIGGER decision_no_replace BEFORE INSERT ON decision
        WHEN EXISTS (SELECT 1 FROM decision WHERE generation = NEW.generation
                     AND stage = NEW.stage AND person = NEW.person)
        BEGIN SELECT RAISE(ABORT, 'decision is append-only'); END"""


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
    for table in APPEND_ONLY:
        yield f"""
            CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION append_only()"""


def _conflict(column: str, other: str, other_column: str) -> str:
    return (
        f"SELECT 1 FROM {other} "  # noqa: S608  names come from this file
        f"WHERE generation = NEW.generation AND {other_column} = NEW.{column}"
    )
