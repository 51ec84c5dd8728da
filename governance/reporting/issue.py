"""Issuing a bundle or a report: made at one checkpoint, on record before it is handed out."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from governance.evidence import bundle
from governance.evidence.figures import figures
from governance.evidence.record import Record
from governance.evidence.report import figures_document, population, service_records
from governance.evidence.story import RULES, Story, apply
from governance.identity import documents, mandates
from governance.kernel import build, clock, ids
from governance.kernel.errors import InvalidRequest
from governance.ledger import SERVICE, Entry, tree
from governance.ledger.export import Extract, disclosures, extract
from governance.lifecycle.context import Context
from governance.policy import versions
from governance.reporting.packs import packs
from governance.reporting.population import ReportedStory
from governance.reporting.report import InclusionProof, ReportInput

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Scope:
    """Generations requested in [start, end) in an organisation, in one project or in all."""

    organisation: str
    project: str | None
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Issued:
    """A document that has left its record in the log."""

    id: str
    data: bytes


def issue_export(
    context: Context, organisation: str, project: str | None, *, by: str | None, disclose: bool
) -> Issued:
    """An evidence bundle over everything up to the newest checkpoint; records `export.made`.

    disclose: with the personal data that has not been erased. by: None from the command line.
    """
    taken = _take(context, organisation, project)
    opened = _opened(context, taken) if disclose else []
    data = _bundle(context, taken, opened, _identities(context, taken))
    export = ids.new_id("exp")
    body = {
        "export": export,
        "bundle": _digest(data),
        "disclosures": len(opened),
        **_recorded(Scope(organisation, project, BEGINNING, clock.now()), taken, by),
    }
    _record(context, "export.made", body)
    return Issued(export, data)


def issue_report(context: Context, scope: Scope, *, by: str | None) -> Issued:
    """A PDF report with its evidence inside; records `report.issued`.

    Raises InvalidRequest (`period_invalid`).
    """
    if scope.start.tzinfo is None or scope.end.tzinfo is None or scope.start >= scope.end:
        raise InvalidRequest(
            "period_invalid", "`from` must lie before `to`, both with a time zone.", param="from"
        )
    from governance.reporting.pdf import render  # brings WeasyPrint: only where a PDF is made

    taken = _take(context, scope.organisation, scope.project)
    report = ids.new_id("rpt")
    source = _report_input(context, scope, taken, report)
    document = render(source)
    body = {
        "report": report,
        "document": _digest(document),
        "figures": _digest(source.figures_json),
        "bundle": _digest(source.bundle),
        **_recorded(scope, taken, by),
    }
    _record(context, "report.issued", body)
    return Issued(report, document)


def _report_input(context: Context, scope: Scope, taken: Extract, report: str) -> ReportInput:
    keyring = context.ledger.keyring
    told = _told(taken.records)
    window = {
        "from": clock.rfc3339(scope.start),
        "to": clock.rfc3339(scope.end),
        "organisation": scope.organisation,
        "project": scope.project,
    }
    chosen = population([item.story for item in told], window)
    service = service_records([item for _, item in taken.records], window)
    values = figures(chosen, service)
    identities = _identities(context, taken)
    return ReportInput(
        number=report,
        organisation=scope.organisation,
        project=scope.project,
        start=scope.start,
        end=scope.end,
        issued=clock.now(),
        stories=told,
        service_records=[item for _, item in taken.records if item.event not in RULES],
        figures=values,
        figures_json=figures_document(window, taken.head, values),
        bundle=_bundle(context, taken, [], identities),
        checkpoint=taken.head,
        proof=_proof(context, taken),
        root_fingerprint=keyring.root,
        log_fingerprint=keyring.log.keyid,
        record_fingerprint=keyring.record.keyid,
        producer=build.producer()["version"],
        templates_dir=context.settings.report_templates_dir,
        observed=[
            rule.matched for rule in context.policies.policy.rules if rule.matched.mode == "observe"
        ],
        packs=packs(context.policies.policy.document),
        identities=identities,
    )


def _told(records: Iterable[tuple[int, Record]]) -> list[ReportedStory]:
    """Every generation among the records, with the log indexes of its first and last record."""
    stories: dict[str, Story] = {}
    places: dict[str, tuple[int, int]] = {}
    for index, item in records:
        if item.event in RULES:
            stories[item.stream] = apply(stories.get(item.stream, Story()), item)
            first, _ = places.get(item.stream, (index, index))
            places[item.stream] = (first, index)
    return [ReportedStory(story, *places[stream]) for stream, story in stories.items()]


def _proof(context: Context, taken: Extract) -> InclusionProof | None:
    """The proof that the cover draws, of a record about the middle: its path shows best."""
    if not taken.records:
        return None
    index, item = taken.records[len(taken.records) * 5 // 8]
    with context.database.read() as session:
        path = tree.inclusion(session.connection(), index, taken.head.size)
    return InclusionProof(index, item.leaf, tuple(step.hex() for step in path))


def _take(context: Context, organisation: str, project: str | None) -> Extract:
    with context.database.read() as session:
        return extract(session, organisation, project)


def _opened(context: Context, taken: Extract) -> list[tuple[str, str]]:
    with context.database.read() as session:
        return disclosures(session, context.ledger.vault, taken.records)


def _identities(context: Context, taken: Extract) -> dict[str, bytes]:
    with context.database.read() as session:
        return documents.envelopes(session.connection(), sorted(taken.identities))


def _bundle(
    context: Context,
    taken: Extract,
    opened: list[tuple[str, str]],
    identities: Mapping[str, bytes],
) -> bytes:
    keyring = context.ledger.keyring
    with context.database.read() as session:
        connection = session.connection()
        policies = {name: versions.document(connection, name) for name in taken.policies}
        hops = mandates.compacts(connection, sorted(taken.mandates))
    contents = taken.contents(keyring.chain, policies, opened, identities, hops)
    return bundle.build(contents, keyring.manifest)


def _recorded(scope: Scope, taken: Extract, by: str | None) -> dict[str, object]:
    return {
        "organisation": scope.organisation,
        "project": scope.project,
        "from": clock.rfc3339(scope.start),
        "to": clock.rfc3339(scope.end),
        "checkpoint": {"size": taken.head.size, "root": taken.head.root.hex()},
        "by": by,
    }


def _record(context: Context, event: str, body: dict[str, object]) -> None:
    context.database.write(
        lambda c: context.ledger.append(c, Entry(stream=SERVICE, event=event, body=body))
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
