"""The epoch: one number in the database that rises with every change of who may do what.

Whatever a process keeps in memory about roles, switches or policy is as of one epoch; it reads
the number with every request and reads again what it keeps when the number has moved.
"""

from sqlalchemy import BigInteger, CheckConstraint, Connection, PrimaryKeyConstraint, text
from sqlmodel import Field, SQLModel, select, update

_FIRST = text("INSERT INTO epoch (id, number) VALUES (1, 0) ON CONFLICT DO NOTHING")


class Epoch(SQLModel, table=True):
    """One row."""

    __tablename__ = "epoch"
    __table_args__ = (
        PrimaryKeyConstraint("id", name="pk_epoch"),
        CheckConstraint("id = 1", name="ck_epoch_one_row"),
    )

    id: int = 1
    number: int = Field(sa_type=BigInteger)


_EPOCH = Epoch.__table__  # type: ignore[attr-defined]
_CURRENT = select(_EPOCH.c.number)


def current(connection: Connection) -> int:
    """The number of changes so far."""
    return connection.execute(_CURRENT).scalar() or 0


def advance(connection: Connection) -> int:
    """Count one change, in its own transaction; the new number.

    Call it first: on PostgreSQL the row's lock makes concurrent changes wait in line.
    """
    connection.execute(_FIRST)
    connection.execute(update(Epoch).values(number=_EPOCH.c.number + 1))
    return current(connection)
