"""Display names of principals, for screens; records carry ids."""

from collections.abc import Collection

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
