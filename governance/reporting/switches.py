"""Kill switches of a period: what was stopped, by whom, why, and until when. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from governance.evidence.record import Record
from governance.kernel import clock

EVENT = "switch.changed"


@dataclass(frozen=True)
class ReportedSwitch:
    """One throw. thrown_at, lifted_at: RFC 3339; lifted_at, lifted_by: empty while it is thrown."""

    scope: str
    reason: str
    thrown_at: str
    thrown_by: str
    lifted_at: str
    lifted_by: str


def switches(
    service: Iterable[Record], organisation: str, start: datetime, end: datetime
) -> tuple[ReportedSwitch, ...]:
    """Those that concern the organisation and were thrown at some moment of [start, end).

    service: the organisation's own records and those that concern everybody.
    """
    thrown: dict[tuple[str, str], Record] = {}
    found = []
    for record in service:
        if record.event != EVENT or record.body["organisation"] not in (None, organisation):
            continue
        switch = record.body["holder"], record.body["scope"]
        if record.body["action"] == "thrown":
            thrown[switch] = record
        elif switch in thrown:
            found.append(_switch(thrown.pop(switch), record))
    found += [_switch(record, None) for record in thrown.values()]
    concerning = (
        switch
        for switch in found
        if clock.parse(switch.thrown_at) < end
        and (not switch.lifted_at or clock.parse(switch.lifted_at) >= start)
    )
    return tuple(sorted(concerning, key=lambda switch: switch.thrown_at))


def _switch(thrown: Record, lifted: Record | None) -> ReportedSwitch:
    return ReportedSwitch(
        scope=thrown.body["scope"],
        reason=thrown.body["reason"],
        thrown_at=thrown.occurred_at,
        thrown_by=thrown.body["by"],
        lifted_at=lifted.occurred_at if lifted else "",
        lifted_by=lifted.body["by"] if lifted else "",
    )
