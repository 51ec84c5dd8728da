"""Step 8, of productions: what belongs to one was asked for and made within its terms.

Checked are its chain of versions, and of each request that it came under the newest version, on its
days, in its project, with its references and on one of its models. Not its territories and tiers:
which country lies in which group, and which model in which tier, is not in the records.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from governance.evidence.encoding import parse_time
from governance.evidence.errors import EvidenceError
from governance.evidence.grant import covers_item
from governance.evidence.identities import UNDER_WAY
from governance.evidence.record import Record

ASKED = ("generation.requested", "asset.imported")


def check(records: Sequence[tuple[int, Record]]) -> int:
    """How many requests belong to a production.

    records: (log index, record), in that order. Raises EvidenceError (`production_wrong`).
    """
    versions: dict[str, list[Record]] = {}
    terms: dict[str, Record] = {}  # of each generation that belongs to a production
    for index, item in records:
        if item.event == "production.changed":
            _follow(versions, item, f"The production at log index {index}")
        elif item.event in ASKED and "production" in item.body:
            what = f"The request at log index {index}"
            terms[item.stream] = _require_within(versions, item, what)
        elif item.event == "route.chosen" and item.stream in terms:
            what = f"The model at log index {index}"
            _require_model(terms[item.stream], item.body["model"], what)
    return len(terms)


def _follow(versions: dict[str, list[Record]], item: Record, what: str) -> None:
    """Each version names the one before; a production keeps its project, and ends once."""
    known, body = versions.setdefault(item.body["production"], []), item.body
    last = known[-1] if known else None
    named = (body["number"], body["previous"], body["action"] == "created")
    if named != (len(known) + 1, last and last.leaf, last is None):
        raise _wrong(f"{what} does not follow the version before.")
    if last is not None:
        ended = last.body["action"] in ("closed", "erased")
        if ended and (body["action"], last.body["action"]) != ("erased", "closed"):
            raise _wrong(f"{what} had ended.")
        if any(body[name] != last.body[name] for name in ("organisation", "project")):
            raise _wrong(f"{what} has moved elsewhere.")
    known.append(item)


def _require_within(versions: dict[str, list[Record]], item: Record, what: str) -> Record:
    """The version under which a request came, which allowed it."""
    body, at = item.body, parse_time(item.occurred_at, "A record's time")
    known = versions.get(body["production"]["id"], [])
    place = next((n for n, v in enumerate(known) if v.leaf == body["production"]["version"]), None)
    if place is None or known[place].body["action"] not in ("created", "changed"):
        raise _wrong(f"{what} names no version of a production that takes requests.")
    later = known[place + 1 : place + 2]
    if later and at > parse_time(later[0].occurred_at, "A record's time") + UNDER_WAY:
        raise _wrong(f"{what} names a version that had been replaced.")
    said = known[place].body
    if any(body[name] != said[name] for name in ("organisation", "project")):
        raise _wrong(f"{what} belongs to another project than its production.")
    _require_day(said, at.date(), (at - UNDER_WAY).date(), what)
    if "references" in body and not {*said["references"]} <= {*body["references"]}:
        raise _wrong(f"{what} leaves out references of its production.")
    return known[place]


def _require_day(said: dict[str, Any], day: date, earliest: date, what: str) -> None:
    first, last = said["from"], said["until"] or date.max.isoformat()
    if day.isoformat() < first or earliest.isoformat() > last:
        raise _wrong(f"{what} is not of a day of its production.")


def _require_model(version: Record, model: str | None, what: str) -> None:
    if model is not None and not covers_item(model, version.body["models"]):
        raise _wrong(f"{what} is none of its production.")


def _wrong(message: str) -> EvidenceError:
    return EvidenceError("production_wrong", message)
