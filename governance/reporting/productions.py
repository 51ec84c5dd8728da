"""Productions that requests of a report belong to: what was spent, saved, and made from what. Pure.

Counted is what was requested in the period of the report; a production may be older or go on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.evidence.record import Record
from governance.evidence.story import Story
from governance.kernel import clock
from governance.productions.lineage import Lineage, lineage, production_of
from governance.productions.savings import Savings, savings

EVENT = "production.changed"


@dataclass(frozen=True)
class ReportedProduction:
    """One production. name, first_day, last_day, budget, state: at the end of the log; last_day
    and budget empty where there is none; versions: those under which requests were made; asked,
    released: generations of the report; files: finished files from outside among them."""

    id: str
    name: str
    project: str
    state: str
    first_day: str
    last_day: str
    budget: dict[str, str]
    versions: int
    asked: int
    released: int
    files: int
    savings: Savings
    family: Lineage


def productions(
    service: Iterable[Record], stories: Sequence[Story], end: datetime
) -> tuple[ReportedProduction, ...]:
    """In order of their creation. service: the organisation's own records; end: of the period."""
    newest = {record.body["production"]: record.body for record in service if record.event == EVENT}
    asked: dict[str, list[Story]] = {}
    for story in stories:
        if belongs := production_of(story):
            asked.setdefault(belongs, []).append(story)
    return tuple(
        _production(production, newest[production], own, end)
        for production, own in sorted(asked.items())
    )


def _production(
    production: str, body: dict[str, Any], stories: list[Story], end: datetime
) -> ReportedProduction:
    budget = body["budget"]
    return ReportedProduction(
        id=production,
        name=body["name"],
        project=body["project"],
        state=_state(body, end),
        first_day=body["from"],
        last_day=body["until"] or "",
        budget={budget["currency"]: budget["amount"]} if budget else {},
        versions=len({story.request["production"]["version"] for story in stories}),
        asked=len(stories),
        released=sum(bool(story.released_at) for story in stories),
        files=sum(story.is_import for story in stories),
        savings=savings(stories),
        family=lineage(stories),
    )


def _state(body: dict[str, Any], end: datetime) -> str:
    if body["action"] in ("closed", "erased"):
        return str(body["action"])
    is_over = body["until"] is not None and body["until"] < clock.rfc3339(end)[:10]
    return "over" if is_over else "open"
