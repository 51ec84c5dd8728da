"""Separation of duties: who is involved in a generation never decides on it.

The database refuses it by triggers (`migrations/triggers.py`); here its refusal gets words.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from governance.kernel.errors import Denied
from governance.review.tables import SEPARATION, Party


def involve(connection: Connection, generation: str, principals: Iterable[str]) -> None:
    """Note the requester and everyone in its delegation chain; repeating it changes nothing.

    Raises Denied (`separation_of_duties`) if one of them has already decided on it.
    """
    known = connection.scalars(
        select(col(Party.principal)).where(col(Party.generation) == generation)
    )
    rows = [{"generation": generation, "principal": name} for name in {*principals} - {*known}]
    if rows:
        with separated(connection):
            connection.execute(insert(Party), rows)


def is_involved(connection: Connection, generation: str, person: str) -> bool:
    """Whether the person had a part in the request."""
    found = connection.execute(
        select(col(Party.principal)).where(
            col(Party.generation) == generation, col(Party.principal) == person
        )
    )
    return found.first() is not None


@contextmanager
def separated(connection: Connection) -> Iterator[None]:
    """Inserts under a savepoint, so that a refusal leaves the transaction usable.

    Raises Denied (`separation_of_duties`) where the database refuses for that reason.
    """
    try:
        with connection.begin_nested():
            yield
    except IntegrityError as error:
        if SEPARATION in str(error.orig):
            raise refusal() from None
        raise


def refusal() -> Denied:
    return Denied(
        SEPARATION,
        "You had a part in this request, so somebody else has to decide on it.",
    )
