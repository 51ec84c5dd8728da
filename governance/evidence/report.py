"""A report's evidence: opening the PDF and recomputing what its summary page prints.

Uses pypdf, only here. The figures count twice: as attached (`figures.json`) and as printed.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from governance.evidence.checkpoint import Checkpoint
from governance.evidence.encoding import parse_canonical, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.figures import LABELS, figures
from governance.evidence.record import Record
from governance.evidence.story import Story

BUNDLE = "evidence.zip"
FIGURES = "figures.json"
HEADING = "Figures"


@dataclass(frozen=True)
class Report:
    """What lies inside a report. `pages`: the text of each page."""

    bundle: bytes
    figures: bytes
    pages: tuple[str, ...]


def figures_document(scope: dict[str, Any], head: Checkpoint, values: dict[str, Any]) -> bytes:
    """The bytes of `figures.json`.

    scope: `{"from", "to"` (RFC 3339)`, "organisation", "project"` (or null)`}`.
    """
    checkpoint = {"size": head.size, "root": head.root.hex()}
    return serialise({"scope": scope, "checkpoint": checkpoint, "figures": values})


def population(stories: Sequence[Story], scope: dict[str, Any]) -> list[Story]:
    """The generations requested in [from, to), in the organisation and project of the scope."""
    return [
        item
        for item in stories
        if scope["from"] <= item.requested_at < scope["to"]
        and item.request["organisation"] == scope["organisation"]
        and scope["project"] in (None, item.request["project"])
    ]


def service_records(records: Sequence[Record], scope: dict[str, Any]) -> list[Record]:
    """The service's own records of the scope: refused calls of the organisation and project."""
    return [
        item
        for item in records
        if item.event == "access.denied"
        and scope["from"] <= item.occurred_at < scope["to"]
        and item.body["organisation"] == scope["organisation"]
        and scope["project"] in (None, item.body["project"])
    ]


def open_report(data: bytes) -> Report:
    """Read a PDF's evidence. Raises EvidenceError (`report_invalid`, `report_without_evidence`)."""
    try:
        from pypdf import PdfReader
    except ImportError:
        raise EvidenceError(
            "pypdf_missing", "Reading a PDF needs the package pypdf; install it, or give the zip."
        ) from None
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        attachments = {name: list(content) for name, content in reader.attachments.items()}
        pages = tuple(page.extract_text() for page in reader.pages)
    except Exception as error:  # noqa: BLE001  pypdf raises many kinds for a damaged file
        raise EvidenceError("report_invalid", f"The PDF is damaged: {error}.") from None
    for name in (BUNDLE, FIGURES):
        if len(attachments.get(name, ())) != 1:
            raise EvidenceError(
                "report_without_evidence",
                f"The PDF has no attachment {name}: it is not a report of this service, or it was "
                "printed or saved by a program that drops attachments.",
            )
    return Report(attachments[BUNDLE][0], attachments[FIGURES][0], pages)


def check_figures(
    report: Report,
    head: Checkpoint,
    bundle_scope: dict[str, Any],
    stories: Sequence[Story],
    records: Sequence[Record],
) -> str:
    """Recompute the figures and compare them with the attached and the printed ones.

    Raises EvidenceError (`figures_wrong`, `figures_printed_wrong`).
    """
    attached = parse_canonical(report.figures, "figures.json")
    scope = _stated_scope(attached)
    if not bundle_scope["complete"] and not _covers(bundle_scope, scope):
        raise EvidenceError("figures_wrong", "The figures cover more than the evidence attached.")
    chosen = population(stories, scope)
    computed = figures(chosen, service_records(records, scope))
    if figures_document(scope, head, computed) != report.figures:
        raise EvidenceError(
            "figures_wrong",
            f"The attached figures are not those of the records: {_difference(attached, computed)}",
        )
    _check_printed(report.pages, computed["counts"])
    return (
        f"{len(computed['counts'])} figures recomputed from {len(chosen)} generations requested "
        f"from {scope['from']} to {scope['to']} in {_named(scope)}"
    )


def printed(pages: Sequence[str]) -> dict[str, set[int]]:
    """The figures as the summary page prints them: each label, then its number."""
    for page in pages:
        lines = [" ".join(line.split()) for line in page.splitlines() if line.strip()]
        if HEADING in lines:
            text = "\n".join(lines)
            found = {
                name: re.findall(rf"^{re.escape(label)}\s+(\d{{1,18}})$", text, re.MULTILINE)
                for name, label in LABELS.items()
            }
            return {name: {int(number) for number in numbers} for name, numbers in found.items()}
    return {}


def _named(scope: dict[str, Any]) -> str:
    return f"{scope['organisation']}, " + (
        f"project {scope['project']}" if scope["project"] else "all projects"
    )


def _stated_scope(attached: Any) -> dict[str, Any]:
    scope = attached.get("scope") if isinstance(attached, dict) else None
    names = {"from", "to", "organisation", "project"}
    if not isinstance(scope, dict) or scope.keys() != names:
        raise EvidenceError("figures_wrong", "figures.json does not state its scope.")
    if not all(isinstance(scope[name], str) for name in names - {"project"}):
        raise EvidenceError("figures_wrong", "figures.json states a scope that cannot be.")
    return scope


def _covers(bundle_scope: dict[str, Any], scope: dict[str, Any]) -> bool:
    is_same = bundle_scope["organisation"] == scope["organisation"]
    return is_same and bundle_scope["project"] in (None, scope["project"])


def _check_printed(pages: Sequence[str], counts: dict[str, int]) -> None:
    seen = printed(pages)
    for name, value in counts.items():
        if seen.get(name) != {value}:
            numbers = " and ".join(map(str, sorted(seen.get(name, ())))) or "nothing"
            raise EvidenceError(
                "figures_printed_wrong",
                f"The summary page prints “{LABELS[name]}” as {numbers}; the records give {value}.",
            )


def _difference(attached: Any, computed: dict[str, Any]) -> str:
    stated = attached.get("figures")
    counts = stated.get("counts") if isinstance(stated, dict) else None
    if not isinstance(counts, dict):
        return "it holds none."
    for name, value in computed["counts"].items():
        if counts.get(name) != value:
            return f"“{LABELS[name]}” is {value}, the report says {counts.get(name)}."
    return "they, or the checkpoint they name, were changed."
