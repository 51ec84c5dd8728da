"""Step 8, of waivers: only house rules were lifted, by what two people had agreed on before.

That both are people is in the schema of the records (`waiver.changed`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from governance.evidence.encoding import parse_time
from governance.evidence.errors import EvidenceError
from governance.evidence.identities import UNDER_WAY
from governance.evidence.record import Record
from governance.evidence.story import Story

Body = dict[str, Any]
LIFETIME = timedelta(days=90)
TERMS = ("organisation", "project", "rule", "reason", "from", "until", "requested_by")
ORIGINS = {"proposed": "", "approved": "proposed", "refused": "proposed", "revoked": "approved"}


@dataclass
class Waiver:
    """A waiver as the records up to some index tell. revoked: when its approval ended."""

    terms: Body
    state: str = ""
    revoked: datetime | None = None


def check(records: Sequence[tuple[int, Record]], stories: Mapping[str, Story]) -> int:
    """How many waivers have lifted a rule.

    records: (log index, record), in that order; stories: by stream, as all records tell them.
    Raises EvidenceError (`waiver_wrong`).
    """
    waivers: dict[str, Waiver] = {}
    used: set[str] = set()
    for index, item in records:
        if item.event == "waiver.changed":
            _follow(waivers, item, f"The waiver at log index {index}")
        elif item.event == "policy.decided":
            for rule in item.body["rules"]:
                if rule["mode"] == "waived":
                    what = f"The decision at log index {index} lifts {rule['id']}, which"
                    _require_lifted(waivers, rule, item, stories[item.stream].request, what)
                    used.add(rule["waiver"])
    return len(used)


def _follow(waivers: dict[str, Waiver], item: Record, what: str) -> None:
    body, action = item.body, item.body["action"]
    terms = {name: body[name] for name in TERMS}
    waiver = waivers.setdefault(body["waiver"], Waiver(terms))
    is_own = body["by"] == body["requested_by"]
    if waiver.state != ORIGINS[action] or terms != waiver.terms:
        raise _wrong(f"{what} was {action}, but not asked for like this before.")
    if action == "proposed":
        _require_short(body, _time(item).date(), what)
        if not is_own:
            raise _wrong(f"{what} was asked for in another person's name.")
    elif action != "revoked" and is_own:
        raise _wrong(f"{what} was {action} by the person who asked for it.")
    if action == "revoked":
        waiver.revoked = _time(item)
    waiver.state = action


def _require_short(body: Body, today: date, what: str) -> None:
    first, last = _day(body["from"], what), _day(body["until"], what)
    if not first <= last <= min(first, today) + LIFETIME:
        raise _wrong(f"{what} lasts longer than {LIFETIME.days} days.")


def _require_lifted(
    waivers: Mapping[str, Waiver], rule: Body, item: Record, request: Body, what: str
) -> None:
    """The rule is the house's own, and its waiver in force for this request on this day."""
    if rule["level"] != "house":
        raise _wrong(f"{what} is no house rule but a {rule['level']}.")
    waiver = waivers.get(rule.get("waiver", ""))
    at = _time(item)
    if waiver is None or waiver.state not in ("approved", "revoked"):
        raise _wrong(f"{what} nobody had approved.")
    if waiver.revoked is not None and at > waiver.revoked + UNDER_WAY:
        raise _wrong(f"{what} was no longer approved.")
    terms = waiver.terms
    if terms["rule"] != rule["id"] or terms["organisation"] != request["organisation"]:
        raise _wrong(f"{what} was approved for another rule or organisation.")
    if terms["project"] not in (None, request["project"]):
        raise _wrong(f"{what} was approved for another project.")
    day = _day(item.body["input"]["date"], what)
    if not (at - UNDER_WAY).date() <= day <= at.date():
        raise _wrong(f"{what} was decided as of another day.")
    if not _day(terms["from"], what) <= day <= _day(terms["until"], what):
        raise _wrong(f"{what} was approved for other days.")


def _day(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong(f"{what} names {text}, which is no day.") from None


def _time(item: Record) -> datetime:
    return parse_time(item.occurred_at, "A record's time")


def _wrong(message: str) -> EvidenceError:
    return EvidenceError("waiver_wrong", message)
