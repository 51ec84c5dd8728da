"""Histories as inputs of a report, with a real bundle and a real proof."""

from collections.abc import Callable
from datetime import timedelta

from governance import policy
from governance.evidence import bundle, checkpoint, manifest, merkle
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.figures import figures
from governance.evidence.manifest import Grant
from governance.evidence.report import figures_document, service_records
from governance.evidence.story import story
from governance.kernel.clock import rfc3339
from governance.reporting import InclusionProof, ReportedStory, ReportInput, select
from governance.reporting.packs import packs
from tests.reporting.history import History
from tests.reporting.samples import (
    END,
    ISSUED,
    LOG_KEY,
    MODELS,
    ORGANISATION,
    ORIGIN,
    POLICY,
    POLICY_DOCUMENT,
    PROJECTS,
    RECORD_KEY,
    ROOT_KEY,
    START,
    TEMPLATES,
    identifier,
)

PACKS = packs(policy.load(TEMPLATES.parent / "policies").document)


def varied(count: int) -> History:
    """A history of `count` generations, mostly released, with every kind of end among them."""
    history = History(step=timedelta(minutes=max(1, 36_000 // max(count, 1))))
    history.policy_loaded()
    endings: list[Callable[[], object]] = [
        history.denied,
        history.failed,
        history.unknown,
        history.withheld,
        history.rejected,
        history.in_review,
        history.recalled,
        history.unrouted,
        lambda: history.ended("expired", "review_expired"),
        lambda: history.ended("cancelled", "cancelled_by_caller"),
        history.imported,
        history.refused,
    ]
    told = 0
    while told < count:
        if told % 9 == 5:
            endings[(told // 9) % len(endings)]()
        elif told % 7 == 3:
            history.reviewed(1 + told % 2, PROJECTS[told % 3])
        else:
            history.released(PROJECTS[told % 3], MODELS[told % len(MODELS)])
        told += 1
    return history


def reported(history: History) -> list[ReportedStory]:
    """Every generation of the log, with its positions."""
    streams: dict[str, list[int]] = {}
    for index, record in enumerate(history.records):
        if record.stream != "service":
            streams.setdefault(record.stream, []).append(index)
    return [
        ReportedStory(story(history.records[i] for i in places), places[0], places[-1])
        for places in streams.values()
    ]


def evidence(history: History, head: Checkpoint) -> bytes:
    """The evidence bundle over the whole log."""
    grants = (
        Grant("root", ROOT_KEY.public),
        Grant("record", RECORD_KEY.public),
        Grant("log", LOG_KEY.public),
    )
    chain = manifest.seal(1, "", ORIGIN, grants, ROOT_KEY) + b"\n"
    contents = bundle.Contents(
        scope={"complete": True, "organisation": ORGANISATION, "project": None},
        note=checkpoint.sign(head, LOG_KEY),
        chain=chain,
        leaves=[record.leaf for record in history.records],
        records=[(index, record.line) for index, record in enumerate(history.records)],
        policies={POLICY: POLICY_DOCUMENT},
    )
    return bundle.build(contents, manifest.verify(chain, ROOT_KEY.keyid))


def report(
    history: History, project: str | None = None, number: str = identifier("rpt", "seven")
) -> ReportInput:
    """The input of a report over the whole log."""
    stories = reported(history)
    population = select(stories, START, END, project, ORGANISATION)
    service = [record for record in history.records if record.stream == "service"]
    leaves = [bytes.fromhex(record.leaf) for record in history.records]
    head = Checkpoint(ORIGIN, len(leaves), merkle.root(leaves))
    scope = {
        "from": rfc3339(START),
        "to": rfc3339(END),
        "organisation": ORGANISATION,
        "project": project,
    }
    values = figures(population.stories, service_records(service, scope))
    return ReportInput(
        number=number,
        organisation=ORGANISATION,
        project=project,
        start=START,
        end=END,
        issued=ISSUED,
        stories=stories,
        service_records=service,
        figures=values,
        figures_json=figures_document(scope, head, values),
        bundle=evidence(history, head),
        checkpoint=head,
        proof=_proof(leaves),
        root_fingerprint=ROOT_KEY.keyid,
        log_fingerprint=LOG_KEY.keyid,
        record_fingerprint=RECORD_KEY.keyid,
        producer="0.1.0",
        templates_dir=TEMPLATES,
        packs=PACKS,
    )


def _proof(leaves: list[bytes]) -> InclusionProof | None:
    """The proof of a record in the latter half of the log."""
    if not leaves:
        return None
    index = len(leaves) * 5 // 8

    def subtree(start: int, end: int) -> bytes:
        return merkle.root(leaves[start:end])

    path = merkle.inclusion_proof(index, len(leaves), subtree)
    return InclusionProof(index, leaves[index].hex(), tuple(value.hex() for value in path))
