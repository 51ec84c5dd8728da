"""Reading generations: one, or a page of a principal's projects."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session

from governance.evidence.story import Story
from governance.kernel.errors import NotFound
from governance.lifecycle.store import load
from governance.lifecycle.tables import Generation

_ROWS = Generation.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Page:
    """Stories, newest first unless asked otherwise; `has_more` beyond the limit."""

    stories: list[Story]
    has_more: bool


def find(session: Session, generation: str, organisation: str) -> Story:
    """A generation of an organisation. Raises NotFound (`generation_not_found`)."""
    data = (
        session.connection()
        .execute(
            select(_ROWS.c.story).where(
                _ROWS.c.id == generation, _ROWS.c.organisation == organisation
            )
        )
        .scalar()
    )
    if data is None:
        raise NotFound("generation_not_found", f"There is no generation {generation}.")
    return load(data)


def page(
    session: Session,
    requester: str,
    *,
    projects: Collection[str] | None,
    after: str | None,
    limit: int,
    newest_first: bool = True,
) -> Page:
    """What a principal has requested, a page at a time.

    projects: None for all of them; after: the last id of the page before.
    """
    query = select(_ROWS.c.story).where(_ROWS.c.requester == requester, ~_ROWS.c.deleted)
    if projects is not None:
        query = query.where(_ROWS.c.project.in_(projects))
    if after is not None:
        query = query.where(_ROWS.c.id < after if newest_first else _ROWS.c.id > after)
    order = _ROWS.c.id.desc() if newest_first else _ROWS.c.id
    rows = session.connection().execute(query.order_by(order).limit(limit + 1)).scalars().all()
    stories = [load(data) for data in rows]
    return Page(stories[:limit], len(stories) > limit)
