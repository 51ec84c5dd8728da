"""The finished document: archival form, attachments, what it prints and what it never prints."""

import dataclasses
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFile
from pypdf import PdfReader

from governance.evidence.errors import EvidenceError
from governance.evidence.figures import LABELS
from governance.evidence.verify import verify_file
from governance.kernel.errors import IntegrityError
from governance.reporting import ReportInput, render
from tests.reporting.history import History
from tests.reporting.inputs import report
from tests.reporting.samples import NO_CONSENT, PROJECTS, ROOT_KEY

OUR_FONTS = {"PlexSans", "PlexSans-Medium", "PlexSans-Semi-Bold", "PlexMono", "SourceSerif"}
CHECKOUT = Path(__file__).parents[2]
RENDER_AGAIN = """
import sys
from governance.reporting import render
from tests.reporting.inputs import report
from tests.reporting.samples import PROJECTS
from tests.reporting.test_pdf import unusual
sys.stdout.buffer.write(render(report(unusual(), PROJECTS[0])))
"""


def unusual() -> History:
    history = History()
    history.policy_loaded()
    history.denied("The label 人工智能 & <b> is missing.")
    history.released(PROJECTS[0])
    history.released(PROJECTS[1])
    return history


def printed_figures(document: bytes) -> dict[str, int]:
    """The figures of the summary page, read from the text layer: lines of `label value`."""
    for page in PdfReader(io.BytesIO(document)).pages:
        lines = [" ".join(line.split()) for line in page.extract_text().splitlines()]
        if "Figures" in lines:
            rows = (line.rpartition(" ") for line in lines)
            told = {label: value for label, _, value in rows if value.isascii() and value.isdigit()}
            return {key: int(told[label]) for key, label in LABELS.items() if label in told}
    return {}


def catalog(reader: PdfReader) -> Any:
    return reader.trailer["/Root"]


def text_of(document: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages)


def fonts_of(reader: PdfReader) -> set[str]:
    resources: list[Any] = [page["/Resources"] for page in reader.pages]
    fonts = [font.get_object() for each in resources for font in each.get("/Font", {}).values()]
    return {font["/BaseFont"].partition("+")[2] for font in fonts}


def structure_of(reader: PdfReader) -> list[Any]:
    """Every element of the structure tree."""
    found, left = [], [catalog(reader)["/StructTreeRoot"]]
    while left:
        item = left.pop().get_object()
        if isinstance(item, list):
            left.extend(item)
        elif isinstance(item, dict):
            found.append(item)
            left.extend([item["/K"]] if "/K" in item else [])
    return found


@pytest.fixture(scope="module")
def other() -> bytes:
    """A report of one project of several, with a reason in a script that our fonts lack."""
    return render(report(unusual(), PROJECTS[0]))


def test_the_printed_figures_are_the_figures(document: bytes, source: ReportInput) -> None:
    assert printed_figures(document) == source.figures["counts"]


def test_the_offline_verifier_accepts_the_report(document: bytes, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(document)
    verdict = verify_file(path, ROOT_KEY.keyid)
    assert verdict.failure is None
    assert verdict.steps[-1].name == "figures"


def test_the_attachments_are_the_bytes_that_were_given(
    reader: PdfReader, source: ReportInput
) -> None:
    assert set(reader.attachments) == {"figures.json", "population.json", "evidence.zip"}
    assert reader.attachments["figures.json"] == [source.figures_json]
    assert reader.attachments["evidence.zip"] == [source.bundle]
    population = json.loads(reader.attachments["population.json"][0])
    assert len(population["generations"]) == source.figures["counts"]["requested"]


def test_each_attachment_is_associated_once_and_says_how(reader: PdfReader) -> None:
    files = [item.get_object() for item in catalog(reader)["/AF"]]
    assert [(file["/UF"], file["/AFRelationship"]) for file in files] == [
        ("figures.json", "/Data"),
        ("population.json", "/Data"),
        ("evidence.zip", "/Source"),
    ]


def test_the_document_has_the_marks_of_an_accessible_pdf_a_3(reader: PdfReader) -> None:
    root = catalog(reader)
    metadata = root["/Metadata"].get_object().get_data().decode()
    assert 'pdfaid:part="3"' in metadata
    assert 'pdfaid:conformance="A"' in metadata
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert "/StructTreeRoot" in root
    identifiers: Any = reader.trailer["/ID"]
    assert len(identifiers) == 2


def test_only_the_fonts_of_the_template_folder_are_used(reader: PdfReader) -> None:
    assert fonts_of(reader) == OUR_FONTS


def test_drawings_have_alternative_text(document: bytes, reader: PdfReader) -> None:
    texts = [str(item.get("/Alt", "")) for item in structure_of(reader)]
    assert any("hashes lead from its leaf to the root" in text for text in texts)
    assert any(text.startswith("From request to end: 119 requests") for text in texts)


def test_every_page_but_the_cover_is_numbered(pages: list[str]) -> None:
    for number, text in enumerate(pages[1:], start=2):
        assert f"Page {number} of {len(pages)}" in text


def test_it_is_called_a_compliance_evidence_report(reader: PdfReader, pages: list[str]) -> None:
    assert reader.metadata is not None
    assert str(reader.metadata.title).startswith("Compliance evidence report rpt_")
    assert pages[0].startswith("Compliance\nevidence report")


def test_the_watermark_gap_of_the_code_shows_with_its_citation(pages: list[str]) -> None:
    (page,) = [text for text in pages if "\nOpen gaps\n" in f"\n{text}"]
    assert "measure 1.1.1.2" in page
    assert "read back as present in 0 of 108 released" in page


def test_every_exception_names_its_generation(pages: list[str], source: ReportInput) -> None:
    text = "".join(pages)
    denied = [item.story.id for item in source.stories if item.story.state == "denied"]
    assert denied
    assert all(identifier in text for identifier in denied)


def test_the_exact_command_for_verification_is_printed(pages: list[str]) -> None:
    assert any(f"governance verify report.pdf --root {ROOT_KEY.keyid}" in text for text in pages)


def test_equal_inputs_give_equal_bytes_in_another_process_time_zone_and_folder(
    other: bytes, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
    }
    again = subprocess.run(
        [sys.executable, "-c", RENDER_AGAIN],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
    )
    assert again.stdout == other


def test_no_path_of_the_machine_is_in_the_file(other: bytes) -> None:
    assert str(CHECKOUT).encode() not in other


def test_a_period_without_a_generation_has_a_report_too() -> None:
    history = History()
    history.policy_loaded()
    document = render(report(history))
    assert printed_figures(document) == dict.fromkeys(LABELS, 0)
    assert "no generation was requested" in text_of(document)


def test_a_project_report_leaves_the_other_projects_out(other: bytes) -> None:
    assert printed_figures(other)["requested"] == 2
    assert "Less of other projects or organisations" in text_of(other)


def test_characters_without_a_glyph_are_named_and_no_system_font_slips_in(other: bytes) -> None:
    text = text_of(other).replace("\n", " ")
    assert "The label [U+4EBA][U+5DE5][U+667A][U+80FD] & <b> is missing." in text
    assert fonts_of(PdfReader(io.BytesIO(other))) <= OUR_FONTS


def test_figures_that_are_not_those_of_the_population_stop_the_report(source: ReportInput) -> None:
    counts = {**source.figures["counts"], "denied": 0}
    wrong = dataclasses.replace(source, figures={**source.figures, "counts": counts})
    with pytest.raises(IntegrityError) as raised:
        render(wrong)
    assert raised.value.code == "figures_differ"


def test_attached_figures_that_differ_stop_the_report(source: ReportInput) -> None:
    wrong = dataclasses.replace(source, figures_json=source.figures_json.replace(b"119", b"118"))
    with pytest.raises(IntegrityError):
        render(wrong)


def test_a_proof_that_does_not_lead_to_the_root_is_not_drawn(source: ReportInput) -> None:
    assert source.proof is not None
    proof = dataclasses.replace(source.proof, leaf="00" * 32)
    with pytest.raises(EvidenceError) as raised:
        render(dataclasses.replace(source, proof=proof))
    assert raised.value.code == "inclusion_invalid"


def test_the_reason_of_a_denial_is_printed(pages: list[str]) -> None:
    assert str(NO_CONSENT["because"]) in "".join(pages)


def test_making_a_report_does_not_blind_the_process_to_damaged_images(document: bytes) -> None:
    assert document.startswith(b"%PDF-")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
