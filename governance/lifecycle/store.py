"""The only place that changes a generation's row, and it takes the records to append with it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Integer, bindparam, insert, select, update
from sqlmodel import Session

from governance.evidence.story import Story, apply
from governance.kernel.errors import NotFound
from governance.ledger import Entry, Ledger
from governance.lifecycle import funding, learning
from governance.lifecycle.tables import Generation
from governance.notifications import outbox

_ROWS = Generation.__table__  # type: ignore[attr-defined]
# Built once: a statement that is built anew costs more than its execution.
_BEGIN = insert(_ROWS)
_GET = (
    select(_ROWS.c.version, _ROWS.c.story)
    .where(_ROWS.c.id == bindparam("generation"))
    .with_for_update()
)
_CLAIM = (
    select(_ROWS.c.version, _ROWS.c.story, _ROWS.c.failures, _ROWS.c.wake_at)
    .where(_ROWS.c.id == bindparam("generation"))
    .with_for_update()
)
_SWAP = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("generation"))
    .where(_ROWS.c.version == bindparam("expected"))
)
_DUE = (
    select(_ROWS.c.id)
    .where(_ROWS.c.wake_at <= bindparam("now"))
    .where(_ROWS.c.state.in_(bindparam("states", expanding=True)))
    .order_by(_ROWS.c.wake_at)
    .limit(bindparam("limit", type_=Integer()))
)
_PEEK = select(_ROWS.c.story).where(_ROWS.c.id == bindparam("generation"))

# When the engine should look at a story next; None for never.
Wake = Callable[[Story], datetime | None]


class Stale(Exception):
    """Somebody else has moved the generation on meanwhile; do nothing."""


@dataclass(frozen=True)
class Held:
    """A generation as read: its story and the version that a change must still find."""

    story: Story
    version: int
    failures: int = 0


def scope(organisation: str, project: str) -> str:
    """The domain of a project, as records, exports and authorization name it."""
    return f"org/{organisation}/project/{project}"


def begin(connection: Connection, ledger: Ledger, entries: Sequence[Entry], wake: Wake) -> Story:
    """Append a generation's first records and insert its row."""
    story = _append(connection, ledger, Story(), entries)
    outbox.enqueue(connection, Story(), story)
    request = story.request
    connection.execute(
        _BEGIN,
        {
            "id": story.id,
            "organisation": request["organisation"],
            "project": request["project"],
            "production": (request.get("production") or {}).get("id"),
            "requester": request["principal"]["id"],
            "media": request["media"],
            "state": story.state,
            "version": 1,
            "wake_at": wake(story),
            "leased": False,
            "failures": 0,
            "deleted": False,
            "story": dump(story),
        },
    )
    return story


def advance(
    connection: Connection,
    ledger: Ledger,
    held: Held,
    entries: Sequence[Entry],
    wake: Wake,
    *,
    leased: bool = False,
) -> Held:
    """Append the records of a change and move the row on, if nobody else has meanwhile.

    Raises Stale, then nothing of the transaction may remain.
    """
    if not entries:
        raise ValueError("a change without a record")
    story = _append(connection, ledger, held.story, entries)
    funding.settle(connection, held.story, story)
    outbox.enqueue(connection, held.story, story)
    learning.note(connection, held.story, entries)
    values = {
        "state": story.state,
        "version": held.version + 1,
        "wake_at": wake(story),
        "leased": leased,
        "failures": 0,
        "deleted": story.deleted,
        "story": dump(story),
    }
    _swap(connection, held, values)
    return Held(story, held.version + 1)


def claim(connection: Connection, generation: str, now: datetime, until: datetime) -> Held | None:
    """Take a due generation until `until`; None when it is not due or somebody else has it."""
    row = connection.execute(_CLAIM, {"generation": generation}).one_or_none()
    if row is None or row.wake_at is None or row.wake_at > now:
        return None
    held = Held(load(row.story), row.version, row.failures)
    _swap(connection, held, {"wake_at": until, "leased": True})
    return held


def postpone(connection: Connection, held: Held, wake_at: datetime, failures: int) -> None:
    """Try again later: no state changes, so no record is due."""
    _swap(connection, held, {"wake_at": wake_at, "leased": False, "failures": failures})


def release_leases(connection: Connection, now: datetime) -> int:
    """After a crash, when no other engine is alive: give every leased generation back."""
    statement = update(_ROWS).where(_ROWS.c.leased).values(wake_at=now, leased=False)
    return connection.execute(statement).rowcount


def due(session: Session, now: datetime, states: Collection[str], limit: int) -> list[str]:
    """Generations in these states whose time has come, the longest waiting first."""
    asked = {"now": now, "states": list(states), "limit": limit}
    return list(session.connection().execute(_DUE, asked).scalars())


def next_wake(session: Session) -> datetime | None:
    query = select(_ROWS.c.wake_at).where(_ROWS.c.wake_at.is_not(None))
    value: datetime | None = (
        session.connection().execute(query.order_by(_ROWS.c.wake_at).limit(1)).scalar()
    )
    return value


def get(connection: Connection, generation: str) -> Held:
    """A generation, locked until the transaction ends. Raises NotFound (`generation_not_found`)."""
    row = connection.execute(_GET, {"generation": generation}).one_or_none()
    if row is None:
        raise _not_found(generation)
    return Held(load(row.story), row.version)


def peek(session: Session, generation: str) -> Story:
    """A generation's story as committed, without a lock. Raises NotFound as `get` does."""
    data = session.connection().execute(_PEEK, {"generation": generation}).scalar()
    if data is None:
        raise _not_found(generation)
    return load(data)


def dump(story: Story) -> bytes:
    return orjson.dumps(vars(story), option=orjson.OPT_SORT_KEYS)


def load(data: bytes) -> Story:
    return Story(**orjson.loads(data))


def _append(
    connection: Connection, ledger: Ledger, story: Story, entries: Sequence[Entry]
) -> Story:
    for sealed in ledger.append_all(connection, entries):
        story = apply(story, sealed)
    return story


def _not_found(generation: str) -> NotFound:
    return NotFound("generation_not_found", f"There is no generation {generation}.")


def _swap(connection: Connection, held: Held, values: dict[str, Any]) -> None:
    found = {"generation": held.story.id, "expected": held.version}
    if connection.execute(_SWAP, found | values).rowcount != 1:
        raise Stale(held.story.id)
