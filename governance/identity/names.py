"""Names of principals: for screens, records carry ids; and whether an id is anybody's."""

from collections.abc import Collection

from sqlalchemy import Connection
from sqlmodel import Session, col, select

from governance.identity.tables import Agent, Person, Service


def display_names(session: Session, principals: Collection[str]) -> dict[str, str]:
    """The name of each principal that is known, by id."""
    columns = (
        (col(Person.id), col(Person.name)),
        (col(Agent.id), col(Agent.name)),
        (col(Service.id), col(Service.name)),
    )
    found = (session.exec(select(id_, name).where(id_.in_(principals))) for id_, name in columns)
    return dict(row for rows in found for row in rows)


def is_known(connection: Connection, principal: str, organisation: str) -> bool:
    """Whether somebody of the organisation has this id."""
    return any(
        connection.execute(
            select(table.id).where(
                col(table.id) == principal, col(table.organisation) == organisation
            )
        ).first()
        for table in (Person, Agent, Service)
    )
