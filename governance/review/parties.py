"""Who is involved in a request, and so may never decide on it."""

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from governance.kernel.errors import Denied
from governance.review.tables import SEPARATION, Party


def involve(connection: Connection, generation: str, principals: Iterable[str]) -> None:
    """Note the requester and everyone in its delegation chain; repeating it changes nothing.

    Raises Denied (`separation_of_duties`) if one of them has already decided on it.
    """
    known = set(
        connection.scalars(select(col(Party.principal)).where(col(Party.generation) == generation))
    )
    for principal in sorted(set(principals) - known):
        with guarded(connection):
            connection.execute(
                insert(Party).values(generation=generation, principal=principal)
            )
