"""One report of 120 requests, made once: rendering takes seconds."""

import io

import pytest
from pypdf import PdfReader

from governance.reporting import ReportInput, render
from tests.reporting.inputs import report, varied


@pytest.fixture(scope="session")
def source() -> ReportInput:
    return report(varied(120))


@pytest.fixture(scope="session")
def document(source: ReportInput) -> bytes:
    return render(source)


@pytest.fixture(scope="session")
def reader(document: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(document), strict=True)


@pytest.fixture(scope="session")
def pages(reader: PdfReader) -> list[str]:
    return [page.extract_text() for page in reader.pages]
