"""What the templates of a report get to print. Pure: no clock, no files."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import Any

from markupsafe import Markup

from governance.evidence.figures import LABELS
from governance.evidence.record import Record
from governance.evidence.report import service_records
from governance.evidence.story import Story
from governance.reporting import charts, cover, family, formats
from governance.reporting.agents import agents
from governance.reporting.consents import consents
from governance.reporting.coverage import unscreened
from governance.reporting.deciders import deciders
from governance.reporting.exceptions import exceptions
from governance.reporting.gaps import open_gaps
from governance.reporting.mandates import hops
from governance.reporting.population import Population
from governance.reporting.productions import productions
from governance.reporting.report import InclusionProof, ReportInput
from governance.reporting.rows import MARK_LETTERS, rows
from governance.reporting.rules import policy_versions, rule_book
from governance.reporting.switches import switches
from governance.reporting.waivers import waivers

# How many generations, exceptions, agents, … are printed; the attachments hold all.
PRINTED_ROWS = 300
# Of how many productions the lineage is drawn.
DRAWN_FAMILIES = 12


@dataclass(frozen=True)
class File:
    """A file inside the report. relationship: `AFRelationship` of ISO 32000-2, 7.11.3."""

    name: str
    content: bytes
    relationship: str
    description: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def size(self) -> str:
        return formats.size(len(self.content))


def context(
    source: ReportInput, population: Population, files: Sequence[File], chart_style: str
) -> dict[str, Any]:
    """The variables of `report.html`. chart_style: the charts' style sheet, colours resolved."""
    stories = population.stories
    book = rule_book(stories)
    gaps = open_gaps(stories, book)
    refused = service_records(source.service_records, source.scope)
    groups = exceptions(population, refused, book, PRINTED_ROWS)
    return {
        "report": source,
        "issued": source.issued.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "counts": source.figures["counts"],
        "figures": source.figures,
        "labels": LABELS,
        "period": formats.period(source.start, source.end),
        "population": population,
        "waterfall": _drawn(
            partial(charts.waterfall, source.figures["counts"], LABELS, style=chart_style)
        ),
        "marks_chart": _drawn(
            partial(
                charts.marks,
                source.figures["marks"],
                source.figures["counts"]["released"],
                style=chart_style,
            )
        ),
        "drawing": _drawn(partial(_drawing, source, style=chart_style)),
        "gaps": gaps,
        "observed": source.observed,
        "packs": source.packs,
        "groups": groups,
        "exceptions": sum(group.count for group in groups),
        "policies": policy_versions(stories, source.service_records),
        "rules": book.rules,
        "waivers": waivers(
            source.service_records, stories, source.start, source.end, source.project
        ),
        **_acting(source, stories, refused),
        "productions": productions(source.service_records, stories, source.end),
        "family": _drawn(partial(family.drawing, style=chart_style)),
        "family_left_out": family.left_out,
        "drawn": DRAWN_FAMILIES,
        "unscreened": unscreened(stories),
        "letters": MARK_LETTERS,
        "rows": rows(population.reported[:PRINTED_ROWS], book),
        "proof": _proof_rows(source.checkpoint.size, source.proof),
        "files": files,
    }


def _acting(
    source: ReportInput, stories: Sequence[Story], refused: Sequence[Record]
) -> dict[str, Any]:
    """Who acted, on whose behalf, and who stopped or decided something."""
    service, start, end = source.service_records, source.start, source.end
    return {
        "requesters": Counter(story.request["principal"]["kind"] for story in stories),
        "agents": agents(service, source.identities, stories, refused, start, end),
        "hops": hops(service, stories),
        "deciders": deciders(stories),
        "switches": switches(service, source.organisation, start, end),
        "consents": consents(service, stories),
        "printed": PRINTED_ROWS,
    }


def _drawn(draw: Callable[..., str]) -> Callable[..., Markup]:
    """A drawing that templates call with their own words; its text is escaped already."""
    return lambda *words, **named: Markup(draw(*words, **named))  # noqa: S704


def _drawing(source: ReportInput, title: str, style: str) -> str:
    if source.proof is None:
        return ""
    checkpoint = source.checkpoint
    return cover.drawing(checkpoint.size, checkpoint.root.hex(), source.proof, title, style)


def _proof_rows(size: int, proof: InclusionProof | None) -> list[tuple[str, int, int, str]]:
    """For each sibling from the leaf up: side, first and last record below it, hash."""
    if proof is None:
        return []
    places = cover.steps(size, proof.index)
    return [
        (side, start, end - 1, digest)
        for (side, start, end), digest in zip(places, proof.path, strict=True)
    ]
