"""Waivers of a period: exceptions to house rules, who answers for them, what they lifted. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.evidence.record import Record
from governance.evidence.story import Story
from governance.kernel import clock
from governance.reporting.rules import matched_rules

EVENT = "waiver.changed"


@dataclass(frozen=True)
class ReportedWaiver:
    """One waiver as its records tell it. first_day, last_day: ISO dates, both included; state:
    at the end of the log; decided_by, revoked_by: empty where nobody did; lifted: for how many
    generations of the report."""

    id: str
    rule: str
    project: str | None
    reason: str
    first_day: str
    last_day: str
    state: str
    requested_by: str
    decided_by: str
    revoked_by: str
    lifted: int


def waivers(
    service: Iterable[Record],
    stories: Sequence[Story],
    start: datetime,
    end: datetime,
    project: str | None,
) -> tuple[ReportedWaiver, ...]:
    """Those that were valid or were changed in [start, end), in order of their proposal.

    service: the organisation's own records; project: None for all.
    """
    told: dict[str, list[Record]] = {}
    for record in service:
        if record.event == EVENT and project in (None, record.body["project"] or project):
            told.setdefault(record.body["waiver"], []).append(record)
    lifted = Counter(
        waiver for story in stories for waiver in {r.get("waiver") for r in matched_rules(story)}
    )
    return tuple(
        _waiver(records, lifted[waiver])
        for waiver, records in sorted(told.items())
        if _concerns(records, start, end)
    )


def _concerns(records: list[Record], start: datetime, end: datetime) -> bool:
    if any(start <= clock.parse(record.occurred_at) < end for record in records):
        return True
    body = records[0].body
    is_approved = any(record.body["action"] == "approved" for record in records)
    return is_approved and clock.parse(body["from"]) < end and _over(body) > start


def _over(body: dict[str, Any]) -> datetime:
    """The moment after the last day."""
    return clock.parse(body["until"]) + timedelta(days=1)


def _waiver(records: list[Record], lifted: int) -> ReportedWaiver:
    body = records[0].body
    by = {record.body["action"]: record.body["by"] for record in records}
    return ReportedWaiver(
        id=body["waiver"],
        rule=body["rule"],
        project=body["project"],
        reason=body["reason"],
        first_day=body["from"],
        last_day=body["until"],
        state=records[-1].body["action"],
        requested_by=body["requested_by"],
        decided_by=by.get("approved") or by.get("refused", ""),
        revoked_by=by.get("revoked", ""),
        lifted=lifted,
    )
