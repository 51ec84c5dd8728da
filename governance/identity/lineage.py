"""Agents that come from agents: when one stops, so does everything below it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, select

from governance.identity.tables import Agent, AgentDocument, Person
from governance.kernel import clock

STOPPED = "The agent {}, from which this comes, is suspended, revoked or without a valid document."

_AGENTS = Agent.__table__  # type: ignore[attr-defined]
_DOCUMENTS = AgentDocument.__table__  # type: ignore[attr-defined]
_PEOPLE = Person.__table__  # type: ignore[attr-defined]
_ALIVE = (
    select(_AGENTS.c.id, _AGENTS.c.parent)
    .join(_PEOPLE, _PEOPLE.c.id == _AGENTS.c.accountable)
    .join(_DOCUMENTS, _DOCUMENTS.c.digest == _AGENTS.c.document)
    .where(
        _AGENTS.c.id.in_(bindparam("agents", expanding=True)),
        _AGENTS.c.state == "active",
        _PEOPLE.c.state == "active",
        _DOCUMENTS.c.expires_at > bindparam("now"),
    )
)


def first_stopped(connection: Connection, agents: Iterable[str]) -> str | None:
    """One of these agents or of their ancestors that may not act; None if all may.

    Each must be active, with a document in force, and so must the person who answers for it.
    """
    asked, seen = set(agents), set[str]()
    while asked:
        rows: list[Any] = list(
            connection.execute(_ALIVE, {"agents": sorted(asked), "now": clock.now()})
        )
        missing = asked - {row.id for row in rows}
        if missing:
            return min(missing)
        seen |= asked
        asked = {row.parent for row in rows if row.parent is not None} - seen
    return None
