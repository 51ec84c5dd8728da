"""A report as a PDF/A-3a (ISO 19005-3) with its evidence attached.

Equal inputs give equal bytes: every date is given, every font comes from the template folder.
"""

import re
from collections.abc import Sequence
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup
from PIL import ImageFile

from governance.evidence import merkle
from governance.evidence.figures import figures
from governance.evidence.report import BUNDLE, FIGURES, figures_document, service_records
from governance.kernel.errors import IntegrityError
from governance.reporting import formats
from governance.reporting.document import File, context
from governance.reporting.population import Population, select
from governance.reporting.report import ReportInput
from governance.reporting.rows import population_document

_COLOUR = re.compile(r"--([a-z-]+):\s*(#[0-9a-f]{6});")
_VARIABLE = re.compile(r"var\(--([a-z-]+)\)")


def render(source: ReportInput) -> bytes:
    """The report as PDF bytes. Takes seconds of processor time: call it in a worker thread.

    Raises IntegrityError (`figures_differ`) when the figures given are not those of the
    population, EvidenceError (`inclusion_invalid`) when the proof does not lead to the root.
    """
    population = select(
        source.stories, source.start, source.end, source.project, source.organisation
    )
    _check(source, population)
    files = _files(source, population)
    style = chart_style(source.templates_dir)
    page = write_html(source.templates_dir, context(source, population, files, style))
    return _write_pdf(page, source, files)


def chart_style(templates_dir: Path) -> str:
    """`charts.css` with the colours of `colours.css` put in: drawings know no CSS variables."""
    colours = dict(_COLOUR.findall((templates_dir / "colours.css").read_text("utf-8")))
    rules = (templates_dir / "charts.css").read_text("utf-8")
    return _VARIABLE.sub(lambda match: colours[match[1]], rules)


def write_html(templates_dir: Path, variables: dict[str, Any]) -> str:
    """`report.html` of the template folder with its variables filled in."""
    covered = _covered(templates_dir / "fonts")
    environment = Environment(
        loader=FileSystemLoader(templates_dir),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: _printable(value, covered),
    )
    for name in ("minute", "stamp", "short_id", "grouped", "share", "in_blocks"):
        environment.filters[name] = getattr(formats, name)
    return environment.get_template("report.html").render(variables)


def _check(source: ReportInput, population: Population) -> None:
    """A report prints nothing that its own evidence does not say."""
    told = figures(population.stories, service_records(source.service_records, source.scope))
    attached = figures_document(source.scope, source.checkpoint, told)
    if told != source.figures or attached != source.figures_json:
        raise IntegrityError(
            "figures_differ", "The figures given are not those of the report's population."
        )
    if source.proof is not None:
        merkle.verify_inclusion(
            source.proof.index,
            source.checkpoint.size,
            bytes.fromhex(source.proof.leaf),
            [bytes.fromhex(value) for value in source.proof.path],
            source.checkpoint.root,
        )


def _files(source: ReportInput, population: Population) -> list[File]:
    population_json = population_document(source.scope, population.reported)
    return [
        File(FIGURES, source.figures_json, "Data", "The figures of this report"),
        File("population.json", population_json, "Data", "Every generation of this report"),
        File(BUNDLE, source.bundle, "Source", "The records, with proofs and keys"),
    ]


def _write_pdf(page: str, source: ReportInput, files: Sequence[File]) -> bytes:
    # Slow to import, and its C libraries are needed for nothing else.
    from weasyprint import HTML, Attachment
    from weasyprint.urls import URLFetcher

    # WeasyPrint switches this on for the whole process; screening must go on to see damage.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    issued = source.issued.astimezone(UTC)
    attachments = [
        Attachment(
            string=file.content,
            name=file.name,
            description=file.description,
            relationship=file.relationship,
            created=issued,
            modified=issued,
        )
        for file in files
    ]
    document = HTML(
        string=page,
        base_url=f"{source.templates_dir.resolve()}/",
        url_fetcher=URLFetcher(allowed_protocols=["file"], fail_on_errors=True),
    )
    written: bytes = document.write_pdf(
        pdf_variant="pdf/a-3a", attachments=attachments, finisher=_name_each_file_once
    )
    return written


def _name_each_file_once(_: Any, pdf: Any) -> None:
    """WeasyPrint 70 lists each attachment twice among the associated files."""
    pdf.catalog["AF"][:] = dict.fromkeys(pdf.catalog["AF"])


@cache
def _covered(fonts: Path) -> frozenset[int]:
    """The characters that at least one font of the folder can show."""
    from fontTools.ttLib import TTFont

    covered: set[int] = set()
    for path in sorted(fonts.glob("*.woff2")):
        with TTFont(path, lazy=True) as font:
            covered.update(font.getBestCmap())
    return frozenset(covered)


def _printable(value: Any, covered: frozenset[int]) -> Any:
    """Other characters by their number: a system font must never slip in."""
    if isinstance(value, Markup | Undefined):
        return value
    return "".join(
        sign if ord(sign) in covered or sign == "\n" else f"[U+{ord(sign):04X}]"
        for sign in str(value)
    )
