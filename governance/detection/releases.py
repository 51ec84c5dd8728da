"""From a generation to what everybody may know of it, if it was released."""

from collections.abc import Collection
from typing import get_args

from sqlalchemy import bindparam, select
from sqlmodel import Session

from governance.detection.findings import Basis, Proof, Release
from governance.evidence.encoding import encode64
from governance.evidence.story import State
from governance.kernel import clock
from governance.kernel.errors import NotFound
from governance.kernel.settings import Settings
from governance.ledger import tree
from governance.ledger.publisher import latest
from governance.ledger.tables import LogRecord
from governance.lifecycle import store

_RECORDS = LogRecord.__table__  # type: ignore[attr-defined]
BASES: tuple[Basis, ...] = get_args(Basis)  # strongest first
_EVENT = (
    select(_RECORDS.c.id, _RECORDS.c.occurred_at)
    .where(_RECORDS.c.stream == bindparam("stream"), _RECORDS.c.event == bindparam("event"))
    .order_by(_RECORDS.c.seq)
    .limit(1)
)


def release_of(
    session: Session, generation: str, settings: Settings, basis: Collection[Basis]
) -> Release | None:
    """None unless its file was released; a recalled one was."""
    try:
        story = store.peek(session, generation)
    except NotFound:
        return None
    file = story.delivered_file
    released = _event(session, generation, "asset.released")
    if released is None or file is None:
        return None
    recalled = None
    if story.state == State.RECALLED:
        recalled = _event(session, generation, "asset.recalled")
    return Release(
        generation=generation,
        uri=f"{settings.base_url}/v1/governance/records?generation={generation}",
        digest=file["digest"],
        media_type=file["media_type"],
        released_at=released[1],
        recalled_at=recalled[1] if recalled else "",
        proof=_proof(session, released[0]),
        basis=tuple(kind for kind in BASES if kind in basis),
    )


def _event(session: Session, generation: str, event: str) -> tuple[str, str] | None:
    """Id and time of a generation's first record of an event."""
    found = session.connection().execute(_EVENT, {"stream": generation, "event": event}).first()
    return (found.id, clock.rfc3339(found.occurred_at)) if found else None


def _proof(session: Session, record: str) -> Proof | None:
    published = latest(session)
    try:
        index, leaf = tree.position(session, record)
    except NotFound:
        return None
    if published is None or published[0].size <= index:
        return None
    head, note = published
    path = tree.inclusion(session.connection(), index, head.size)
    return Proof(record, index, leaf.hex(), tuple(encode64(step) for step in path), note.decode())
