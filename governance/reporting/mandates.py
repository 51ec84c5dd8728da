"""Mandates that were used in a period: each hop with its limits and what came of it. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from governance.evidence.record import Record
from governance.evidence.story import Story


@dataclass(frozen=True)
class ReportedHop:
    """One hop of a delegation.

    place: 1 for the hop that a person gave; giver, agent: who handed on to whom; grant: its
    limits, as `evidence.grant` reads them; is_instance: to a short-lived key of the same agent;
    asked: generations of the report under it; is_revoked: by the end of the log.
    """

    digest: str
    place: int
    root: str
    giver: str
    agent: str
    grant: dict[str, Any]
    is_instance: bool
    asked: int
    is_revoked: bool


def hops(service: Iterable[Record], stories: Sequence[Story]) -> tuple[ReportedHop, ...]:
    """The hops that generations of the report cite, each after the one that it follows.

    service: the organisation's own records.
    """
    used: Counter[str] = Counter()
    places: dict[str, int] = {}
    for story in stories:
        chain = story.request["principal"].get("mandate", ())
        used.update(chain)
        places.update({digest: place for place, digest in enumerate(chain, start=1)})
    issued: dict[str, dict[str, Any]] = {}
    revoked: set[str] = set()
    for record in service:
        if record.event == "mandate.issued" and record.body["digest"] in used:
            issued[record.body["digest"]] = record.body
        elif record.event == "mandate.revoked":
            revoked.add(record.body["digest"])
    return tuple(
        ReportedHop(
            digest=digest,
            place=places[digest],
            root=body["root"],
            giver=body["from"],
            agent=body["to"],
            grant=body["grant"],
            is_instance=body["instance"],
            asked=used[digest],
            is_revoked=digest in revoked,
        )
        for digest, body in issued.items()
    )
