"""Consents that requests of a report named, as the register's records tell them. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from governance.evidence.record import Record
from governance.evidence.story import Story

EVENT = "consent.changed"


@dataclass(frozen=True)
class ReportedConsent:
    """One consent. covers: person, likeness or voice; subject: whose it is (`sub_…`); document:
    sha256 of the signed form; until: last day, included; state: at the end of the log, and
    `unregistered`, with the rest empty, where the register does not have it; asked, released:
    generations of the report that named it, and those of them that were released."""

    id: str
    subject: str
    covers: str
    media: tuple[str, ...]
    projects: tuple[str, ...]
    territories: tuple[str, ...]
    until: str
    document: str
    state: str
    asked: int
    released: int


def consents(service: Iterable[Record], stories: Sequence[Story]) -> tuple[ReportedConsent, ...]:
    """Those that requests named, in order of id. service: the organisation's own records."""
    named = [(story, story.request["declaration"]["consent"]) for story in stories]
    asked = Counter(consent for _, consent in named if consent)
    released = Counter(consent for story, consent in named if story.released_at)
    known = {
        record.body["consent"]: record.body
        for record in service
        if record.event == EVENT and record.body["consent"] in asked
    }
    return tuple(
        _consent(consent, known.get(consent), asked[consent], released[consent])
        for consent in sorted(asked)
    )


def _consent(
    consent: str, body: dict[str, Any] | None, asked: int, released: int
) -> ReportedConsent:
    told = body or {}
    return ReportedConsent(
        id=consent,
        subject=told.get("subject", ""),
        covers=told.get("covers", ""),
        media=tuple(told.get("media", ())),
        projects=tuple(told.get("projects", ())),
        territories=tuple(told.get("territories", ())),
        until=told.get("until", ""),
        document=told.get("document", ""),
        state=told.get("action", "unregistered"),
        asked=asked,
        released=released,
    )
