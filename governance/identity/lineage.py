"""Agents that come from agents: when one stops, so does everything below it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from governance.identity.tables import Agent, AgentDocument, Person
from governance.kernel import clock

STOPPED = "The agent {}, from which this comes, is suspended, revoked or without a valid document."

_AGENTS = Agent.__table__  # type: ignore[attr-defined]
_DOCUMENTS = AgentDocument.__table__  # type: ignore[attr-defined]
_PEOPLE = Person.__table__  # type: ignore[attr-defined]
_LINE = select(_AGENTS.c.id, _AGENTS.c.parent, _AGENTS.c.accountable, _AGENTS.c.document).where(
    _AGENTS.c.id.in_(bindparam("agents", expanding=True))
)
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


@dataclass(frozen=True)
class Member:
    """An agent of a line. accountable: who answers for it; document: None before it had one."""

    id: str
    parent: str | None
    accountable: str
    document: str | None


def line(connection: Connection, agents: Iterable[str]) -> list[Member]:
    """These agents and all that they come from, each once; ids of others are passed over."""
    asked, seen, found = set(agents), set[str](), list[Member]()
    while asked:
        members = [Member(*row) for row in connection.execute(_LINE, {"agents": sorted(asked)})]
        found += members
        seen |= asked
        asked = {one.parent for one in members if one.parent is not None} - seen
    return found


def involved(connection: Connection, chain: Iterable[str]) -> set[str]:
    """A chain's identities, what its agents come from, and whoever answers for any of them."""
    named = set(chain)
    members = line(connection, named)
    return named.union(*({member.id, member.accountable} for member in members))


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
